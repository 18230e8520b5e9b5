//! A namespace's own memory: entries weighed by bytes, the least useful evicted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::sync::Cache as QuickCache;
use quick_cache::{DefaultHashBuilder, Lifecycle, OptionsBuilder, Weighter};

use crate::entry::{Condition, Entry};
use crate::time::Nanos;

type Shared<V> = Arc<Entry<V>>;

/// The memory tier of one namespace.
pub(crate) struct Memory<V> {
    entries: QuickCache<Box<str>, Shared<V>, Bytes, DefaultHashBuilder, Evictions>,
    evictions: Evictions,
}

/// What an entry costs beside its value: the key twice (the table's and the flight's), the handle, the table's own.
const OVERHEAD: u64 = 96;

impl<V> Memory<V> {
    /// Room for `capacity` bytes.
    pub(crate) fn new(capacity: u64) -> Self {
        let evictions = Evictions::default();
        // A guess of a kilobyte an entry; it only decides on the number of shards and the memory for ghosts.
        let items = usize::try_from(capacity / 1024)
            .unwrap_or(usize::MAX)
            .clamp(64, 1 << 20);
        let mut options = OptionsBuilder::new();
        options.weight_capacity(capacity.max(1)).estimated_items_capacity(items);
        let entries = match options.build() {
            Ok(options) => QuickCache::with_options(options, Bytes, DefaultHashBuilder::default(), evictions.clone()),
            // Both capacities are given; should that ever not do, a cache by number of entries is one, too.
            Err(_) => QuickCache::with(
                items,
                capacity.max(1),
                Bytes,
                DefaultHashBuilder::default(),
                evictions.clone(),
            ),
        };
        Self { entries, evictions }
    }

    #[inline]
    pub(crate) fn get(&self, key: &str) -> Option<Shared<V>> {
        self.entries.get(key)
    }

    /// As `get`, without counting as a use.
    pub(crate) fn peek(&self, key: &str) -> Option<Shared<V>> {
        self.entries.peek(key)
    }

    pub(crate) fn insert(&self, key: &str, entry: Shared<V>) {
        self.entries.insert(key.into(), entry);
    }

    pub(crate) fn remove(&self, key: &str) -> Option<Shared<V>> {
        Some(self.entries.remove(key)?.1)
    }

    pub(crate) fn clear(&self) {
        self.entries.clear();
    }

    /// Drops what can't be served any more.
    pub(crate) fn sweep(&self, now: Nanos, generation: u64) {
        self.entries.retain(|_, entry| {
            entry.condition(now) != Condition::Gone && entry.generation == generation && entry.tags_are_current()
        });
    }

    pub(crate) fn len(&self) -> u64 {
        u64::try_from(self.entries.len()).unwrap_or(u64::MAX)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.entries.weight()
    }

    pub(crate) fn evictions(&self) -> u64 {
        self.evictions.0.load(Ordering::Relaxed)
    }
}

#[derive(Clone)]
struct Bytes;

impl<V> Weighter<Box<str>, Shared<V>> for Bytes {
    fn weight(&self, key: &Box<str>, entry: &Shared<V>) -> u64 {
        // Never zero: such entries are not evicted.
        entry.weight + OVERHEAD + 2 * u64::try_from(key.len()).unwrap_or(0)
    }
}

/// Counts evictions, and keeps what was evicted until no lock is held.
#[derive(Clone, Default)]
struct Evictions(Arc<AtomicU64>);

impl<V> Lifecycle<Box<str>, Shared<V>> for Evictions {
    type RequestState = Vec<Shared<V>>;

    fn on_evict(&self, evicted: &mut Vec<Shared<V>>, _: Box<str>, entry: Shared<V>) {
        self.0.fetch_add(1, Ordering::Relaxed);
        evicted.push(entry);
    }
}
