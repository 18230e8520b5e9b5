//! What stands around a value in the shared tier: enough to know whether it may be used, before any of it is read.

use std::time::Duration;

/// An entry as it stands in the shared tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Envelope<'a> {
    /// [`Serializer::id`](crate::serializer::Serializer::id) of the payload.
    pub(crate) serializer: u8,
    /// The version of the value's type, as its namespace was told.
    pub(crate) schema: u32,
    /// When it was made, in milliseconds since 1970. For people who look at it; nothing is decided by it.
    pub(crate) created_unix_ms: u64,
    /// How long it was kept for in all, from when it was written: what the store still keeps it for, subtracted from this,
    /// is its age.
    pub(crate) keep: Duration,
    /// How long it is fresh.
    pub(crate) fresh: Duration,
    /// How long, from when it was written, it may be served while it is refreshed. At least `fresh`.
    pub(crate) stale: Duration,
    /// How long its load took.
    pub(crate) load: Duration,
    /// The result is that there is none.
    pub(crate) negative: bool,
    /// Its tags with their versions, as they were before it was loaded.
    pub(crate) tags: Vec<(&'a str, u64)>,
    /// The value, decompressed.
    pub(crate) payload: std::borrow::Cow<'a, [u8]>,
}
