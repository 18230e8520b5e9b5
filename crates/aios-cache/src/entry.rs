//! A value in memory with what the cache knows of it, and the handle to it that callers get.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::tags::TagMark;
use crate::time::Nanos;

/// A value with its times. Times are those of the cache's own clock.
pub(crate) struct Entry<V> {
    pub(crate) value: V,
    /// The namespace's generation before it was loaded.
    pub(crate) generation: u64,
    pub(crate) fresh_until: Nanos,
    pub(crate) stale_until: Nanos,
    pub(crate) keep_until: Nanos,
    /// When it was loaded, here or elsewhere; zero where that was before this cache was made.
    pub(crate) made_at: Nanos,
    /// How long its load took.
    pub(crate) load: Nanos,
    pub(crate) tags: Box<[TagMark]>,
    pub(crate) negative: bool,
    /// Bytes, never zero.
    pub(crate) weight: u64,
    /// Where the last refresh failed: not to be tried again before.
    pub(crate) retry_at: AtomicU64,
}

/// How good an entry is at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    Fresh,
    /// To be served, and to be refreshed beside it.
    Stale,
    /// To be served only where loading fails.
    LastResort,
    Gone,
}

/// Beyond so many times the load's length the chance of an early refresh is below 2 in 10^9.
const EARLIEST: f32 = 20.0;

impl<V> Entry<V> {
    /// A value that is handed out and kept nowhere.
    pub(crate) fn unkept(value: V, negative: bool, now: Nanos) -> Self {
        Self {
            value,
            generation: 0,
            fresh_until: now,
            stale_until: now,
            keep_until: now,
            made_at: now,
            load: 0,
            tags: Box::default(),
            negative,
            weight: 1,
            retry_at: AtomicU64::new(0),
        }
    }

    /// XFetch: whether this call, by chance, is the one that refreshes a value that is still fresh.
    #[inline]
    #[expect(clippy::cast_precision_loss, reason = "it is a matter of chance")]
    pub(crate) fn is_due_early(&self, now: Nanos, beta: f32) -> bool {
        let left = self.fresh_until.saturating_sub(now) as f32;
        let reach = self.load as f32 * beta;
        // 1 - [0, 1): the logarithm of zero is never taken.
        left < reach * EARLIEST && left <= reach * -(1.0 - fastrand::f32()).ln()
    }

    #[inline]
    pub(crate) fn tags_are_current(&self) -> bool {
        self.tags.iter().all(TagMark::is_current)
    }

    #[inline]
    pub(crate) fn condition(&self, now: Nanos) -> Condition {
        if now < self.fresh_until {
            Condition::Fresh
        } else if now < self.stale_until {
            Condition::Stale
        } else if now < self.keep_until {
            Condition::LastResort
        } else {
            Condition::Gone
        }
    }

    /// A refresh failed; no other is tried for a while.
    pub(crate) fn pause_until(&self, then: Nanos) {
        self.retry_at.fetch_max(then, Ordering::Relaxed);
    }

    pub(crate) fn is_pausing(&self, now: Nanos) -> bool {
        now < self.retry_at.load(Ordering::Relaxed)
    }
}

/// Where an answer came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// This process's memory.
    Memory,
    /// The shared tier.
    Shared,
    /// The loader.
    Loader,
}

/// A value from the cache: cheap to clone, and read like a reference to the value.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use aios_cache::{Cache, Origin};
///
/// let cache = Cache::builder().build();
/// let names = cache.namespace::<String>("names").build()?;
/// let name = names.get_or_load("7", async || Ok::<_, std::io::Error>("Ada".to_owned())).await?;
/// assert_eq!((name.len(), name.origin()), (3, Origin::Loader));
/// # Ok(())
/// # }
/// ```
pub struct Cached<V> {
    pub(crate) entry: Arc<Entry<V>>,
    pub(crate) origin: Origin,
    pub(crate) is_stale: bool,
    /// When it was handed out.
    pub(crate) at: Nanos,
}

impl<V> Cached<V> {
    /// Whether something that it bears was invalidated since it was made.
    pub(crate) fn is_overtaken(&self) -> bool {
        !self.entry.tags_are_current()
    }

    /// Where it came from.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Whether it is past its time to live: it is being refreshed, or could not be.
    pub fn is_stale(&self) -> bool {
        self.is_stale
    }

    /// Whether the cached result is that there is no value.
    pub fn is_negative(&self) -> bool {
        self.entry.negative
    }

    /// How long before it was handed out it was loaded, here or on another node.
    pub fn age(&self) -> Duration {
        Duration::from_nanos(self.at.saturating_sub(self.entry.made_at))
    }

    /// How long it was still fresh when it was handed out; zero where it is stale.
    pub fn fresh_for(&self) -> Duration {
        Duration::from_nanos(self.entry.fresh_until.saturating_sub(self.at))
    }

    /// A copy of the value.
    pub fn to_value(&self) -> V
    where
        V: Clone,
    {
        self.entry.value.clone()
    }

    /// The value: itself where nobody else has it, as with a cache that keeps nothing, else a copy.
    ///
    /// ```
    /// use aios_cache::Cache;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let names = Cache::builder().build().namespace::<String>("names").build()?;
    /// let name = names.get_or_load("7", async || Ok::<_, std::io::Error>("Ada".to_owned())).await?;
    /// assert_eq!(name.into_value(), "Ada");
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_value(self) -> V
    where
        V: Clone,
    {
        match Arc::try_unwrap(self.entry) {
            Ok(entry) => entry.value,
            Err(entry) => entry.value.clone(),
        }
    }

    /// Whether both are the same value in memory, not merely an equal one.
    pub fn ptr_eq(a: &Self, b: &Self) -> bool {
        Arc::ptr_eq(&a.entry, &b.entry)
    }
}

impl<V> Clone for Cached<V> {
    fn clone(&self) -> Self {
        Self {
            entry: Arc::clone(&self.entry),
            ..*self
        }
    }
}

impl<V> Deref for Cached<V> {
    type Target = V;

    #[inline]
    fn deref(&self) -> &V {
        &self.entry.value
    }
}

impl<V> AsRef<V> for Cached<V> {
    fn as_ref(&self) -> &V {
        &self.entry.value
    }
}

impl<V: fmt::Debug> fmt::Debug for Cached<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached")
            .field("value", &self.entry.value)
            .field("origin", &self.origin)
            .field("is_stale", &self.is_stale)
            .finish_non_exhaustive()
    }
}
