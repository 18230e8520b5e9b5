//! A call of a `#[cached]` function as a value, and the little that the attribute's expansion needs beside it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::entry::Cached;
use crate::error::LoadError;
use crate::key::{CacheKey, KeyText, Whole};
use crate::loaded::Loaded;
use crate::namespace::Namespace;
use crate::policy::Policy;
use crate::slot::{Slot, TagNames};
use crate::targets::{Outcome, Targets};

type Loading<V, E> = Pin<Box<dyn Future<Output = Result<Loaded<V>, E>> + Send>>;

/// What the cache has for one call of a function: a place with its key, policy, tags and loader.
///
/// `#[cached]` makes a function that returns it beside each function it caches, `agent_cached(…)` beside `agent(…)`. It
/// borrows nothing, so it may be kept, cloned and sent to other tasks.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use aios_cache::{Cache, CachedCall};
///
/// let cache = Cache::builder().build();
/// let squares = cache.namespace::<u64>("squares").build()?;
/// let call = CachedCall::new(squares.at(&12_u64), || async { Ok::<_, std::io::Error>(12 * 12) });
/// assert!(call.peek().is_none());
/// assert_eq!(*call.get().await?, 144);
/// assert!(call.peek().is_some());
/// # Ok(())
/// # }
/// ```
pub struct CachedCall<V, E> {
    namespace: Namespace<V>,
    key: Arc<KeyText>,
    policy: Policy,
    tags: Arc<[String]>,
    load: Arc<dyn Fn() -> Loading<V, E> + Send + Sync>,
}

impl<V, E> Clone for CachedCall<V, E> {
    fn clone(&self) -> Self {
        Self {
            namespace: self.namespace.clone(),
            key: Arc::clone(&self.key),
            policy: self.policy.clone(),
            tags: Arc::clone(&self.tags),
            load: Arc::clone(&self.load),
        }
    }
}

impl<V, E> std::fmt::Debug for CachedCall<V, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CachedCall")
            .field("namespace", &self.namespace.name())
            .field("key", &self.key.as_str())
            .field("tags", &self.tags)
            .finish_non_exhaustive()
    }
}

impl<V, E> CachedCall<V, E>
where
    V: Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    /// A call that keeps its value in `place`, and makes it with `load`.
    pub fn new<K, T, F, Fut, L>(place: Slot<'_, V, K, T>, load: F) -> Self
    where
        K: CacheKey + ?Sized,
        T: TagNames,
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<L, E>> + Send + 'static,
        L: Into<Loaded<V>>,
    {
        let Slot {
            namespace,
            key,
            policy,
            tags,
        } = place;
        Self {
            namespace: namespace.clone(),
            key: Arc::new(KeyText::of(key)),
            policy: policy.unwrap_or(namespace.policy()).clone(),
            tags: tags.names().into(),
            load: Arc::new(move || {
                let loading = load();
                Box::pin(async move { Ok(loading.await?.into()) })
            }),
        }
    }

    fn place<'a>(&'a self, key: &'a Whole<'a>) -> Slot<'a, V, Whole<'a>, impl TagNames + use<'a, V, E>> {
        self.namespace
            .at(key)
            .policy(&self.policy)
            .tags(|| self.tags.iter().cloned())
    }

    /// The value, from the cache or loaded: what the function returns, with what the cache knows of it.
    ///
    /// # Errors
    /// As [`Slot::get_or_load`].
    pub async fn get(&self) -> Result<Cached<V>, LoadError<E>> {
        let load = Arc::clone(&self.load);
        let key = Whole(&self.key);
        self.place(&key).get_or_load(move || load()).await
    }

    /// The value from this process's memory, fresh or stale; loads nothing, and counts as no use.
    pub fn peek(&self) -> Option<Cached<V>> {
        self.namespace.at(&Whole(&self.key)).peek()
    }

    /// Loads now, whatever is there, as after a change or to warm the cache up; who asks meanwhile is served what is there.
    ///
    /// # Errors
    /// As [`Slot::refresh`].
    pub async fn refresh(&self) -> Result<Cached<V>, LoadError<E>> {
        let load = Arc::clone(&self.load);
        let key = Whole(&self.key);
        self.place(&key).refresh(move || load()).await
    }

    /// Makes the value of this call stale, on every node. Those of other calls are reached by their tags.
    pub async fn invalidate(&self) -> Outcome {
        self.namespace.at(&Whole(&self.key)).invalidate().await
    }

    /// The same as a target, to be invalidated together with others.
    pub fn target(&self) -> Targets {
        Targets::new().key(&self.namespace, &Whole(&self.key))
    }

    /// The name of the namespace that its value is kept in.
    pub fn namespace(&self) -> &str {
        self.namespace.name()
    }

    /// Its key as text, as events and the shared tier have it.
    pub fn key(&self) -> &str {
        self.key.as_str()
    }

    /// Its tags, beside those that its loader names.
    pub fn tags(&self) -> &[String] {
        &self.tags
    }
}

/// What the expansion of `#[cached]` calls. It changes without notice.
pub mod expansion {
    use crate::key::{CacheKey, KeyText};
    use crate::loaded::Loaded;

    /// The error of a `Result` that the macro does not see through.
    pub trait Fallible {
        /// It.
        type Error;
    }

    impl<T, E> Fallible for Result<T, E> {
        type Error = E;
    }

    /// A copy that outlives the call.
    pub fn own<T: Clone + Send + Sync + 'static>(value: &T) -> T {
        value.clone()
    }

    /// `None` says that there is none.
    pub fn optional<T>(value: Option<T>) -> Loaded<Option<T>> {
        if value.is_none() {
            Loaded::absent(value)
        } else {
            Loaded::new(value)
        }
    }

    /// A key that is one already. Where it is not, the compiler says so here and nowhere else.
    pub fn plain<K: CacheKey + ?Sized>(key: &K) -> impl CacheKey + use<'_, K> {
        key
    }

    /// A key that is written by a closure.
    pub struct WrittenKey<F>(F);

    /// See [`WrittenKey`].
    pub fn key<F: Fn(&mut KeyText)>(write: F) -> WrittenKey<F> {
        WrittenKey(write)
    }

    impl<F: Fn(&mut KeyText)> CacheKey for WrittenKey<F> {
        fn write_key(&self, key: &mut KeyText) {
            (self.0)(key);
        }
    }

    /// Writes a part with text close around it.
    pub fn affixed<K: CacheKey + ?Sized>(key: &mut KeyText, before: &str, part: &K, after: &str) {
        key.affixed(before, part, after);
    }
}
