//! What a loader hands over: a value, and where it knows better than the policy, how to keep it.

use std::time::Duration;

/// A value with the loader's own wishes. A plain value is one without any.
///
/// ```
/// use aios_cache::Loaded;
/// use std::time::Duration;
///
/// let rates = vec![1.09, 0.86];
/// let loaded = Loaded::new(rates).ttl(Duration::from_secs(60)).tags(["rates"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded<V> {
    pub(crate) value: V,
    pub(crate) ttl: Option<Duration>,
    pub(crate) tags: Vec<String>,
    pub(crate) store: bool,
    pub(crate) negative: bool,
}

impl<V> Loaded<V> {
    /// A value without wishes.
    pub fn new(value: V) -> Self {
        Self {
            value,
            ttl: None,
            tags: Vec::new(),
            store: true,
            negative: false,
        }
    }

    /// The value says that there is none; it lives as long as the policy's `negative_ttl` says.
    pub fn absent(value: V) -> Self {
        Self {
            negative: true,
            ..Self::new(value)
        }
    }

    /// How long it is fresh, instead of the policy's `ttl`.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Tags beside those that the call named. Those known before the load are better named there: for these the cache has
    /// to look afterwards whether they were invalidated meanwhile, and does not store where it can't be sure.
    #[must_use]
    pub fn tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// Hands the value to those who wait for it, and keeps it nowhere.
    #[must_use]
    pub fn do_not_store(mut self) -> Self {
        self.store = false;
        self
    }
}

impl<V> From<V> for Loaded<V> {
    fn from(value: V) -> Self {
        Self::new(value)
    }
}
