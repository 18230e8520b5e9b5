//! The shared tier's small surface: what a store has to do so that invalidation wins every race.

#[cfg(any(test, feature = "testing"))]
pub mod chaos;
#[cfg(any(test, feature = "testing"))]
pub mod conformance;
mod memory;
mod noop;
#[cfg(feature = "redis")]
pub mod redis;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;

#[cfg(any(test, feature = "testing"))]
pub use memory::MemorySnapshot;
pub use memory::{MemoryEngine, MemoryEngineBuilder};
pub use noop::NoopEngine;

/// What an engine's operation hands back.
pub type EngineFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, EngineError>> + Send + 'a>>;

/// Why an engine did not do what it was asked. The cache never shows it to a caller: it goes on without the engine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// It can't be reached, or the connection broke.
    #[error("the store can't be reached: {0}")]
    Unreachable(String),
    /// It did not answer in time.
    #[error("the store did not answer in time")]
    TimedOut,
    /// It answers, and refuses: full, read-only, still loading, no permission.
    #[error("the store refuses: {0}")]
    Refused(String),
    /// It is not the store that this engine last checked: restarted, or another took its place. Nothing in it is trusted
    /// before [`Engine::check`].
    #[error("the store was restarted or replaced")]
    Replaced,
}

/// An entry as an engine keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// What was written.
    pub bytes: Bytes,
    /// How long the engine still keeps it, by the engine's own clock, so that no two clocks are ever compared.
    pub remaining: Duration,
}

/// Stands for the right to write one entry: it is made before the load, and is gone after the next invalidation of the key.
/// Not zero.
pub type LeaseToken = u64;

/// A lease that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseRequest<'a> {
    /// The entry's key.
    pub key: &'a str,
    /// The load is to replace an entry that is there. Where this is false and an entry is there, it is handed out instead
    /// of a lease.
    pub refresh: bool,
}

/// The answer to a [`LeaseRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lease {
    /// Nobody else is loading this entry: the lease is new.
    New(LeaseToken),
    /// Somebody else is loading it under the same lease. Whoever writes first ends the lease.
    Shared(LeaseToken),
    /// An entry is there, and no lease was made.
    Found(Stored),
}

/// An entry to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write<'a> {
    /// Its key.
    pub key: &'a str,
    /// What is kept.
    pub bytes: Bytes,
    /// For how long it is kept.
    pub keep: Duration,
    /// The lease that was taken before it was loaded. Without that lease in the store nothing is written.
    pub lease: LeaseToken,
}

/// What an invalidation makes stale: all of it, or, where it fails, perhaps none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Invalidation<'a> {
    /// These entries are deleted, and the leases of loads under way with them.
    pub keys: &'a [&'a str],
    /// These tags get a new version.
    pub tags: &'a [&'a str],
    /// The node that invalidates; told to the others, so that it knows its own notices.
    pub origin: u64,
}

/// What a node is told of an invalidation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its number: one more than that of the notice before.
    pub number: u64,
    /// The node that invalidated.
    pub origin: u64,
    /// The entries that are gone.
    pub keys: Vec<String>,
    /// The tags whose version is `number` now.
    pub tags: Vec<String>,
}

/// The state of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// The number of the last notice.
    pub number: u64,
    /// Whether the store was found restarted or replaced, so that its whole content was made stale by this check.
    pub replaced: bool,
}

/// The tag that every entry bears. It is the one that [`Engine::check`] bumps where the store was replaced.
pub const EVERYTHING: &str = "*";

/// A store that several nodes share.
///
/// Keys and tags are any UTF-8 text without control characters. An engine adds its own prefix. Every operation may be
/// dropped half-way, and every one may be called at the same time as any other.
///
/// **Numbers.** The store counts invalidations. One call of [`invalidate`](Self::invalidate) is one number, one step above
/// the one before it, and becomes the version of each tag it names; so a tag's version is the number of its last
/// invalidation, or some number before which it was not invalidated. A version that was lost is never made up again to be
/// equal to an old one of which the tag has been invalidated since. Numbers fit 53 bits, and start at random.
///
/// **What has to hold**, and is tried by the conformance suite (feature `testing`): a write whose lease is gone writes
/// nothing; an invalidation that returned is seen by whatever reads begin after it, and its notice reaches every
/// subscription, in the order of numbers, without a gap, or the subscription fails.
pub trait Engine: Send + Sync + 'static {
    /// The entries under these keys, in one round trip, in the same order.
    fn read<'a>(&'a self, keys: &'a [&'a str]) -> EngineFuture<'a, Vec<Option<Stored>>>;

    /// A lease for each request, in the same order. A lease that is not used is gone after `keep`.
    fn lease<'a>(&'a self, requests: &'a [LeaseRequest<'a>], keep: Duration) -> EngineFuture<'a, Vec<Lease>>;

    /// Writes what still has its lease, which ends with that; tells for each whether it was written.
    fn write<'a>(&'a self, writes: &'a [Write<'a>]) -> EngineFuture<'a, Vec<bool>>;

    /// Gives up a lease whose load failed, so that nobody waits for it. One that is not there any more is not missed.
    fn release<'a>(&'a self, key: &'a str, lease: LeaseToken) -> EngineFuture<'a, ()>;

    /// Deletes the keys with their leases, then gives the tags a new version and tells every subscription; the number.
    fn invalidate<'a>(&'a self, what: Invalidation<'a>) -> EngineFuture<'a, u64>;

    /// The versions of these tags, in the same order. A tag without one gets the number of the last notice. Each is kept for
    /// `keep` from now at least.
    fn versions<'a>(&'a self, tags: &'a [&'a str], keep: Duration) -> EngineFuture<'a, Vec<u64>>;

    /// Looks whether this is the store that was there at the last check. Where it is not (restarted, restored from a file,
    /// replaced by a replica that may lack the last writes), all that is in it is made stale by a new version of
    /// [`EVERYTHING`], with a notice, before this returns.
    fn check(&self) -> EngineFuture<'_, Status>;

    /// A subscription to all notices from now on.
    fn subscribe(&self) -> EngineFuture<'_, Box<dyn Subscription>>;
}

/// A stream of notices on a connection of its own.
pub trait Subscription: Send {
    /// The next notice; may be dropped while it waits without losing one. After an error there is no other.
    fn next(&mut self) -> EngineFuture<'_, Notice>;
}
