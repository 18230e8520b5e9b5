//! Namespaces: values of one type, with a memory, a policy and a serializer of their own.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::engine::EVERYTHING;
use crate::entry::{Condition, Entry};
use crate::envelope::{Compression, Format, MAX_PAYLOAD};
use crate::error::NamespaceError;
use crate::flight::Flights;
use crate::hub::{Fenced, Hub};
use crate::key::CacheKey;
use crate::memory::Memory;
use crate::names::{check_namespace, namespace_tag};
use crate::policy::Policy;
use crate::serializer::Serializer;
use crate::slot::{NoTags, Slot};
use crate::stats::{Counters, NamespaceStats};
use crate::tags::TagState;
use crate::targets::{Outcome, Targets};
use crate::time::Nanos;

/// Values of one type under one name. Clones are handles to the same one.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use aios_cache::Cache;
/// use std::time::Duration;
///
/// let cache = Cache::builder().build();
/// let squares = cache
///     .namespace::<u64>("squares")
///     .ttl(Duration::from_secs(300))
///     .stale(Duration::from_secs(60))
///     .build()?;
/// let square = squares.get_or_load(&12_u64, async || Ok::<_, std::io::Error>(12 * 12)).await?;
/// assert_eq!(*square, 144);
/// # Ok(())
/// # }
/// ```
pub struct Namespace<V> {
    pub(crate) inner: Arc<Inner<V>>,
}

impl<V> Clone for Namespace<V> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<V> std::fmt::Debug for Namespace<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Namespace")
            .field("name", &self.inner.name)
            .finish_non_exhaustive()
    }
}

/// Tells how many bytes a value takes in memory.
pub(crate) type Weigh<V> = Arc<dyn Fn(&V) -> usize + Send + Sync>;
/// Tells whether a value says that there is none.
pub(crate) type IsNegative<V> = Arc<dyn Fn(&V) -> bool + Send + Sync>;

pub(crate) struct Inner<V> {
    pub(crate) hub: Arc<Hub>,
    pub(crate) name: Arc<str>,
    pub(crate) policy: Policy,
    pub(crate) memory: Option<Memory<V>>,
    pub(crate) flights: Flights<V>,
    /// Values being loaded, until they are written to the shared tier.
    pub(crate) loading: AtomicUsize,
    pub(crate) counters: Counters,
    /// Bumped by whatever makes all of it stale; entries remember it.
    pub(crate) generation: AtomicU64,
    /// While the shared tier is away: the generation before, and until when its entries may be served.
    grace: Grace,
    pub(crate) serializer: Option<Arc<dyn Serializer<V>>>,
    pub(crate) format: Format,
    pub(crate) weigh: Option<Weigh<V>>,
    pub(crate) is_negative: Option<IsNegative<V>>,
    /// The tags that every entry bears: everything, and this namespace.
    pub(crate) own_tags: [Arc<TagState>; 2],
}

#[derive(Default)]
struct Grace {
    generation: AtomicU64,
    until: AtomicU64,
    /// Held while both change.
    changing: Mutex<()>,
}

impl<V> Namespace<V> {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// What holds where a call says nothing else.
    pub fn policy(&self) -> &Policy {
        &self.inner.policy
    }

    /// What has happened in it.
    pub fn stats(&self) -> NamespaceStats {
        self.inner.snapshot()
    }
}

impl<V: Send + Sync + 'static> Namespace<V> {
    /// The place of one value, for all that can be done with it.
    #[inline]
    pub fn at<'a, K: CacheKey + ?Sized>(&'a self, key: &'a K) -> Slot<'a, V, K, NoTags> {
        Slot::new(self, key)
    }

    /// Makes everything in it stale.
    pub async fn invalidate_all(&self) -> Outcome {
        self.inner.hub.invalidate(Targets::new().namespace(self.name())).await
    }
}

impl<V> Inner<V> {
    /// Whether an entry was made under a generation that still counts.
    #[inline]
    pub(crate) fn trusts(&self, entry: &Entry<V>, now: Nanos) -> bool {
        entry.generation == self.generation.load(Ordering::Acquire) || self.is_in_grace(entry, now)
    }

    #[cold]
    fn is_in_grace(&self, entry: &Entry<V>, now: Nanos) -> bool {
        now < self.grace.until.load(Ordering::Acquire)
            && entry.generation == self.grace.generation.load(Ordering::Acquire)
    }

    /// The entry in memory that may be served in some condition.
    #[inline]
    pub(crate) fn in_memory(&self, key: &str, now: Nanos) -> Option<(Arc<Entry<V>>, Condition)> {
        let entry = self.memory.as_ref()?.get(key)?;
        let condition = entry.condition(now);
        let is_good = condition != Condition::Gone && self.trusts(&entry, now) && entry.tags_are_current();
        is_good.then_some((entry, condition))
    }

    fn snapshot(&self) -> NamespaceStats {
        let (entries, bytes, evictions) = match &self.memory {
            Some(memory) => (memory.len(), memory.bytes(), memory.evictions()),
            None => (0, 0, 0),
        };
        let loading = u64::try_from(self.loading.load(Ordering::Relaxed)).unwrap_or(u64::MAX);
        self.counters.read(entries, bytes, loading, evictions)
    }

    /// Ends the grace, where there is one, and makes the next generation. The grace ends first: an entry is never judged by
    /// a grace that was meant for an older generation.
    fn next_generation(&self) {
        self.grace.until.store(0, Ordering::Release);
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}

impl<V: Send + Sync + 'static> Fenced for Inner<V> {
    fn invalidate_all(&self) {
        let changing = self.grace.changing.lock();
        self.next_generation();
        drop(changing);
        if let Some(memory) = &self.memory {
            memory.clear();
        }
    }

    fn detach(&self, key: &str) {
        let remove = || self.memory.as_ref().and_then(|memory| memory.remove(key));
        drop(self.flights.detach(key, remove));
    }

    fn isolate(&self, until: Nanos) {
        let _changing = self.grace.changing.lock();
        let before = self.generation.load(Ordering::Acquire);
        self.next_generation();
        self.grace.generation.store(before, Ordering::Release);
        self.grace.until.store(until, Ordering::Release);
    }

    fn rejoin(&self) {
        let _changing = self.grace.changing.lock();
        self.next_generation();
    }

    fn sweep(&self, now: Nanos) {
        if let Some(memory) = &self.memory
            && now >= self.grace.until.load(Ordering::Acquire)
        {
            memory.sweep(now, self.generation.load(Ordering::Acquire));
        }
    }

    fn stats(&self) -> NamespaceStats {
        self.snapshot()
    }

    fn publish(&self) {
        self.counters.publish(&self.name, &self.snapshot());
    }
}

/// How a namespace is to be.
#[must_use = "a namespace is made by `build`"]
pub struct NamespaceBuilder<V> {
    hub: Arc<Hub>,
    name: String,
    policy: Policy,
    capacity: u64,
    has_memory: bool,
    serializer: Option<Arc<dyn Serializer<V>>>,
    schema: u32,
    compression: Compression,
    max_payload: usize,
    weigh: Option<Weigh<V>>,
    is_negative: Option<IsNegative<V>>,
    marker: PhantomData<V>,
}

macro_rules! policy_setters {
    ($($name:ident($($argument:ident: $type:ty)?);)*) => {
        $(
            #[doc = concat!("As [`Policy::", stringify!($name), "`].")]
            pub fn $name(mut self, $($argument: $type)?) -> Self {
                self.policy = self.policy.$name($($argument)?);
                self
            }
        )*
    };
}

impl<V: Send + Sync + 'static> NamespaceBuilder<V> {
    pub(crate) fn new(hub: Arc<Hub>, name: String, capacity: u64) -> Self {
        Self {
            hub,
            name,
            policy: Policy::default(),
            capacity,
            has_memory: true,
            serializer: None,
            schema: 0,
            compression: Compression::default(),
            max_payload: MAX_PAYLOAD,
            weigh: None,
            is_negative: None,
            marker: PhantomData,
        }
    }

    policy_setters! {
        ttl(ttl: Duration);
        stale(stale: Duration);
        stale_if_error(stale: Duration);
        retry_pause(pause: Duration);
        negative_ttl(ttl: Duration);
        jitter(share: f32);
        early_refresh(beta: f32);
        soft_timeout(timeout: Duration);
        hard_timeout(timeout: Duration);
        across_nodes(yes: bool);
    }

    /// The whole policy.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// How many bytes of memory its values take at most; the cache's default where nothing is said.
    pub fn capacity(mut self, bytes: u64) -> Self {
        self.capacity = bytes;
        self
    }

    /// Keeps nothing in this process's memory, only in the shared tier.
    pub fn without_memory(mut self) -> Self {
        self.has_memory = false;
        self
    }

    /// Writes its values to the shared tier in this format. Without a serializer they stay in this process's memory.
    pub fn serializer(mut self, serializer: impl Serializer<V>) -> Self {
        self.serializer = Some(Arc::new(serializer));
        self
    }

    /// The version of the value's type. Entries of other versions are misses: raise it where old values no longer read, or
    /// read and mean something else.
    pub fn schema(mut self, version: u32) -> Self {
        self.schema = version;
        self
    }

    /// How payloads in the shared tier are compressed.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// How many bytes a payload in the shared tier may have, decompressed. What is longer stays in memory, or is a miss. 64
    /// MiB unless told otherwise.
    pub fn max_payload(mut self, bytes: usize) -> Self {
        self.max_payload = bytes;
        self
    }

    /// How many bytes a value takes in memory. Where nothing is said it is what it takes serialised, or, without a
    /// serializer, its size without what it points to.
    pub fn weigh(mut self, weigh: impl Fn(&V) -> usize + Send + Sync + 'static) -> Self {
        self.weigh = Some(Arc::new(weigh));
        self
    }

    /// Which values say that there is none, and live for `negative_ttl`.
    pub fn negative(mut self, is_negative: impl Fn(&V) -> bool + Send + Sync + 'static) -> Self {
        self.is_negative = Some(Arc::new(is_negative));
        self
    }

    /// Makes it.
    ///
    /// # Errors
    /// Where the name does not do, or is taken by a namespace that is still in use.
    pub fn build(self) -> Result<Namespace<V>, NamespaceError> {
        check_namespace(&self.name)?;
        let hub = self.hub;
        let own_tags = [hub.tags.get(EVERYTHING), hub.tags.get(&namespace_tag(&self.name))];
        let inner = Arc::new(Inner {
            name: self.name.as_str().into(),
            policy: self.policy,
            memory: (self.has_memory && hub.is_enabled).then(|| Memory::new(self.capacity)),
            flights: Flights::new(),
            loading: AtomicUsize::new(0),
            counters: Counters::default(),
            generation: AtomicU64::new(1),
            grace: Grace::default(),
            format: Format {
                serializer: self.serializer.as_ref().map_or(0, |serializer| serializer.id()),
                schema: self.schema,
                max_payload: self.max_payload,
                compression: self.compression,
            },
            serializer: self.serializer,
            weigh: self.weigh,
            is_negative: self.is_negative,
            own_tags,
            hub: Arc::clone(&hub),
        });
        let mut namespaces = hub.namespaces.write();
        if namespaces
            .get(self.name.as_str())
            .is_some_and(|taken| taken.strong_count() > 0)
        {
            return Err(NamespaceError::Taken(self.name));
        }
        let fenced: Weak<dyn Fenced> = Arc::downgrade(&inner) as Weak<dyn Fenced>;
        namespaces.insert(self.name.into_boxed_str(), fenced);
        drop(namespaces);
        Ok(Namespace { inner })
    }
}

/// A payload for the shared tier, and how many bytes its value takes in memory.
pub(crate) struct Sealed {
    pub(crate) bytes: Option<Bytes>,
    pub(crate) weight: u64,
}
