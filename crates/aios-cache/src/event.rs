//! What a listener is told, as it happens.

use std::time::Duration;

use crate::entry::Origin;

/// Something that happened in a cache. Keys are texts, as in the shared tier, without the namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A value was served from a tier, fresh or not.
    Hit {
        /// The namespace.
        namespace: &'a str,
        /// The key.
        key: &'a str,
        /// From where.
        origin: Origin,
        /// Whether it was past its time to live.
        is_stale: bool,
    },
    /// A value was in no tier.
    Miss {
        /// The namespace.
        namespace: &'a str,
        /// The key.
        key: &'a str,
    },
    /// A load brought values.
    Loaded {
        /// The namespace.
        namespace: &'a str,
        /// How many.
        values: usize,
        /// How long it took.
        took: Duration,
    },
    /// A load failed or panicked.
    LoadFailed {
        /// The namespace.
        namespace: &'a str,
        /// How long it took.
        took: Duration,
    },
    /// A load's result was not stored: something was invalidated meanwhile.
    Overtaken {
        /// The namespace.
        namespace: &'a str,
        /// The key.
        key: &'a str,
    },
    /// A payload in the shared tier was taken for a miss.
    Rejected {
        /// The namespace.
        namespace: &'a str,
        /// The key.
        key: &'a str,
        /// Why.
        reason: &'static str,
    },
    /// This node invalidated.
    Invalidated {
        /// Whether it reached every node, or is remembered.
        everywhere: bool,
    },
    /// Another node invalidated.
    Noticed {
        /// The notice's number.
        number: u64,
    },
    /// The shared tier is in use from now on. What memory held before is checked against it.
    LinkUp,
    /// The shared tier is not used until it is back.
    LinkDown {
        /// What it did.
        reason: &'a str,
    },
}

/// Is told what happens, on the thread where it happens: be quick, and do not call the cache.
pub trait Listener: Send + Sync + 'static {
    /// Something happened.
    fn on_event(&self, event: &Event<'_>);
}

impl<F: Fn(&Event<'_>) + Send + Sync + 'static> Listener for F {
    fn on_event(&self, event: &Event<'_>) {
        self(event);
    }
}
