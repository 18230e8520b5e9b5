//! The engine that keeps everything in this process: shared by many caches of one process, and Redis's stand-in in tests.

mod store;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use self::store::Store;
use super::{
    Engine, EngineError, EngineFuture, Invalidation, Lease, LeaseRequest, LeaseToken, Notice, Status, Stored,
    Subscription, Write,
};
use crate::time::{Clock, Nanos, TimeSource, nanos};

/// How many bytes of entries a [`MemoryEngine`] keeps unless told otherwise: 64 MiB.
const CAPACITY: u64 = 64 * 1024 * 1024;

/// How many notices may wait for a slow subscriber unless told otherwise.
const BACKLOG: usize = 16 * 1024;

/// A store in this process, bounded by bytes. A clone is another handle to the same store, as another node's connection
/// to one Redis would be.
///
/// It fails in one case only: after a test restarted it, each handle answers [`EngineError::Replaced`] until that handle's
/// [`check`](Engine::check).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), aios_cache::engine::EngineError> {
/// use aios_cache::engine::{Engine, Lease, LeaseRequest, MemoryEngine, Write};
/// use std::time::Duration;
///
/// let here = MemoryEngine::new();
/// let there = here.clone();
/// let minute = Duration::from_secs(60);
///
/// let request = LeaseRequest { key: "a", refresh: false };
/// let Lease::New(lease) = here.lease(&[request], minute).await?.remove(0) else { unreachable!() };
/// here.write(&[Write { key: "a", bytes: "value".into(), keep: minute, lease }]).await?;
///
/// let found = there.read(&["a"]).await?.remove(0);
/// assert_eq!(found.map(|stored| stored.bytes), Some("value".into()));
/// # Ok(())
/// # }
/// ```
pub struct MemoryEngine {
    shared: Arc<Shared>,
    /// The run of the store that this handle last checked.
    checked: AtomicU64,
}

struct Shared {
    store: Mutex<Store>,
    clock: Arc<dyn Clock>,
}

impl MemoryEngine {
    /// An empty store of 64 MiB.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// An empty store of one's own measure.
    ///
    /// ```
    /// use aios_cache::engine::MemoryEngine;
    ///
    /// let engine = MemoryEngine::builder().capacity(1024 * 1024).backlog(100).build();
    /// ```
    pub fn builder() -> MemoryEngineBuilder {
        MemoryEngineBuilder {
            capacity: CAPACITY,
            backlog: BACKLOG,
            clock: None,
            seed: None,
        }
    }

    fn now(&self) -> Nanos {
        nanos(self.shared.clock.now())
    }

    /// Does this with the store, if it is the one that was checked.
    fn with<T>(&self, operation: impl FnOnce(&mut Store, Nanos) -> T) -> Result<T, EngineError> {
        let mut store = self.shared.store.lock();
        if store.identity == self.checked.load(Ordering::Relaxed) {
            // Read under the lock, so that operations happen in the order of their times.
            Ok(operation(&mut store, self.now()))
        } else {
            Err(EngineError::Replaced)
        }
    }
}

impl Default for MemoryEngine {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for MemoryEngine {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            checked: AtomicU64::new(self.checked.load(Ordering::Relaxed)),
        }
    }
}

impl fmt::Debug for MemoryEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryEngine").finish_non_exhaustive()
    }
}

/// Makes a [`MemoryEngine`]; from [`MemoryEngine::builder`].
#[must_use]
pub struct MemoryEngineBuilder {
    capacity: u64,
    backlog: usize,
    clock: Option<Arc<dyn Clock>>,
    seed: Option<u64>,
}

impl MemoryEngineBuilder {
    /// How many bytes of entries it keeps, keys and bookkeeping counted. Leases and versions of tags have an eighth of it
    /// each beside that. Default: 64 MiB.
    pub fn capacity(mut self, bytes: u64) -> Self {
        self.capacity = bytes;
        self
    }

    /// How many notices may wait for a subscriber; with one more its subscription fails. At least one. Default: 16,384.
    pub fn backlog(mut self, notices: usize) -> Self {
        self.backlog = notices.max(1);
        self
    }

    /// The clock by which entries, leases and versions end. Default: the system's monotonic one.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// What the first number and the lease tokens are drawn from, so that a test can be repeated. Default: chance.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// The store.
    pub fn build(self) -> MemoryEngine {
        let rng = self.seed.map_or_else(Rng::new, Rng::with_seed);
        let clock = self.clock.unwrap_or_else(|| Arc::new(TimeSource::system()));
        let store = Mutex::new(Store::new(self.capacity, self.backlog, rng));
        MemoryEngine {
            shared: Arc::new(Shared { store, clock }),
            checked: AtomicU64::new(0),
        }
    }
}

impl fmt::Debug for MemoryEngineBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryEngineBuilder")
            .field("capacity", &self.capacity)
            .field("backlog", &self.backlog)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

impl Engine for MemoryEngine {
    fn read<'a>(&'a self, keys: &'a [&'a str]) -> EngineFuture<'a, Vec<Option<Stored>>> {
        Box::pin(async move { self.with(|store, now| keys.iter().map(|key| store.read(key, now)).collect()) })
    }

    fn lease<'a>(&'a self, requests: &'a [LeaseRequest<'a>], keep: Duration) -> EngineFuture<'a, Vec<Lease>> {
        Box::pin(async move {
            self.with(|store, now| {
                requests
                    .iter()
                    .map(|&request| store.lease(request, keep, now))
                    .collect()
            })
        })
    }

    fn write<'a>(&'a self, writes: &'a [Write<'a>]) -> EngineFuture<'a, Vec<bool>> {
        Box::pin(async move { self.with(|store, now| writes.iter().map(|write| store.write(write, now)).collect()) })
    }

    fn release<'a>(&'a self, key: &'a str, lease: LeaseToken) -> EngineFuture<'a, ()> {
        Box::pin(async move {
            self.with(|store, now| {
                store.end_lease(key, lease, now);
            })
        })
    }

    fn invalidate<'a>(&'a self, what: Invalidation<'a>) -> EngineFuture<'a, u64> {
        Box::pin(async move { self.with(|store, _| store.invalidate(what)) })
    }

    fn versions<'a>(&'a self, tags: &'a [&'a str], keep: Duration) -> EngineFuture<'a, Vec<u64>> {
        Box::pin(async move { self.with(|store, now| tags.iter().map(|tag| store.version(tag, keep, now)).collect()) })
    }

    fn check(&self) -> EngineFuture<'_, Status> {
        Box::pin(async move {
            let mut store = self.shared.store.lock();
            let status = store.check();
            self.checked.store(store.identity, Ordering::Relaxed);
            Ok(status)
        })
    }

    fn subscribe(&self) -> EngineFuture<'_, Box<dyn Subscription>> {
        Box::pin(async move {
            let notices = self.shared.store.lock().subscribe();
            Ok(Box::new(Notices(notices)) as Box<dyn Subscription>)
        })
    }
}

/// A subscriber's queue. It ends when the store restarts, or drops a subscriber that does not keep up.
struct Notices(mpsc::Receiver<Notice>);

impl Subscription for Notices {
    fn next(&mut self) -> EngineFuture<'_, Notice> {
        Box::pin(async move {
            let lost = || EngineError::Unreachable("the subscription was dropped".to_owned());
            self.0.recv().await.ok_or_else(lost)
        })
    }
}

impl Clock for TimeSource {
    fn now(&self) -> Duration {
        Duration::from_nanos(TimeSource::now(self))
    }
}

/// What was in a [`MemoryEngine`] at some moment, as a Redis keeps it in a file; from [`MemoryEngine::snapshot`].
#[cfg(any(test, feature = "testing"))]
#[derive(Debug, Clone)]
pub struct MemorySnapshot(store::Content);

/// What tests do to a store that stands for Redis.
#[cfg(any(test, feature = "testing"))]
impl MemoryEngine {
    /// How many entries there are to be read now.
    pub fn len(&self) -> usize {
        self.shared.store.lock().live_entries(self.now())
    }

    /// Whether no entry is there.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A copy of all that is in it, to come back to with [`restart_from`](Self::restart_from).
    pub fn snapshot(&self) -> MemorySnapshot {
        MemorySnapshot(self.shared.store.lock().content())
    }

    /// Restarts it with nothing in it. Subscriptions fail, and every operation of each handle until its next check.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), aios_cache::engine::EngineError> {
    /// use aios_cache::engine::{Engine, EngineError, MemoryEngine};
    ///
    /// let engine = MemoryEngine::new();
    /// engine.restart_empty();
    /// assert_eq!(engine.read(&["a"]).await, Err(EngineError::Replaced));
    /// assert!(engine.check().await?.replaced);
    /// assert_eq!(engine.read(&["a"]).await, Ok(vec![None]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn restart_empty(&self) {
        self.shared.store.lock().restart(None);
    }

    /// Restarts it with the content of a copy, which may be old: entries that were invalidated since are back, and numbers
    /// start again where they were. Otherwise as [`restart_empty`](Self::restart_empty).
    pub fn restart_from(&self, snapshot: &MemorySnapshot) {
        self.shared.store.lock().restart(Some(snapshot.0.clone()));
    }

    /// Forgets the version of a tag, as a full Redis may; tells whether it had one.
    pub fn lose_tag(&self, tag: &str) -> bool {
        self.shared.store.lock().lose_tag(tag)
    }

    /// Breaks every subscription, after the notices that wait in it.
    pub fn drop_subscribers(&self) {
        self.shared.store.lock().drop_subscribers();
    }

    /// Puts other bytes in the place of an entry's; tells whether there was one.
    pub fn tamper(&self, key: &str, bytes: impl Into<bytes::Bytes>) -> bool {
        self.shared.store.lock().tamper(key, bytes.into())
    }
}

#[cfg(test)]
mod tests;
