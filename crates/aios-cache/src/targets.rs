//! What to invalidate, and how far an invalidation got.

use std::collections::BTreeSet;

use crate::engine::EVERYTHING;
use crate::key::{CacheKey, with_key};
use crate::names::{namespace_tag, user_tag};
use crate::namespace::Namespace;

/// What one call of [`Cache::invalidate`](crate::Cache::invalidate) makes stale.
///
/// ```
/// use aios_cache::Targets;
///
/// let targets = Targets::new().tag("agents").tag("agent:7").namespace("stats");
/// assert!(!targets.is_empty());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    /// `namespace:key`.
    pub(crate) keys: BTreeSet<String>,
    /// As the engine knows them.
    pub(crate) tags: BTreeSet<String>,
}

impl Targets {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything.
    pub fn all() -> Self {
        let mut targets = Self::new();
        targets.tags.insert(EVERYTHING.to_owned());
        targets
    }

    /// Whatever bears this tag, in any namespace. The cost does not depend on how much that is.
    #[must_use]
    pub fn tag(mut self, tag: &str) -> Self {
        self.tags.insert(user_tag(tag));
        self
    }

    /// Whatever bears any of these tags.
    #[must_use]
    pub fn tags<T: AsRef<str>>(self, tags: impl IntoIterator<Item = T>) -> Self {
        tags.into_iter().fold(self, |targets, tag| targets.tag(tag.as_ref()))
    }

    /// Everything in the namespace of this name, whether this process has it or not.
    #[must_use]
    pub fn namespace(mut self, name: &str) -> Self {
        self.tags.insert(namespace_tag(name));
        self
    }

    /// One entry.
    #[must_use]
    pub fn key<V, K: CacheKey + ?Sized>(mut self, namespace: &Namespace<V>, key: &K) -> Self {
        with_key(key, |key| self.keys.insert(full_key(namespace.name(), key)));
        self
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.tags.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len() + self.tags.len()
    }
}

/// An entry's key in the shared tier. A namespace's name has no colon, so no two share one.
pub(crate) fn full_key(namespace: &str, key: &str) -> String {
    format!("{namespace}:{key}")
}

/// How far an invalidation got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a deferred invalidation has not reached the other nodes yet"]
pub enum Outcome {
    /// The shared tier has it, and the other nodes are told; they serve nothing older beyond the bound in the crate's
    /// documentation.
    Everywhere,
    /// This node serves nothing older. The shared tier can't be reached; the invalidation is remembered, and repeated
    /// before this node uses the shared tier again. Should the process end before that, it is lost: who must not lose it
    /// keeps it, as in an outbox table, until a repetition is [`Outcome::Everywhere`].
    Deferred,
}
