//! The cache: what its namespaces share, and how it is set up.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::engine::Engine;
use crate::event::Listener;
use crate::hub::{Hub, keep_up};
use crate::link::{self, Link, LinkSettings};
use crate::namespace::NamespaceBuilder;
use crate::stats::{CacheStats, HubCounters};
use crate::tags::TagTable;
use crate::targets::{Outcome, Targets};
use crate::time::{Clock, TimeSource};

/// A cache: namespaces that share a shared tier, tags and counters. Clones are handles to the same one.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use aios_cache::{Cache, Outcome, Targets};
///
/// let cache = Cache::builder().build();
/// let names = cache.namespace::<String>("names").build()?;
/// let load = async || Ok::<_, std::io::Error>("Ada".to_owned());
/// names.at("7").tags(|| ["people"]).get_or_load(load).await?;
/// assert_eq!(cache.invalidate(Targets::new().tag("people")).await, Outcome::Everywhere);
/// assert!(names.at("7").peek().is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Cache {
    hub: Arc<Hub>,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// How a cache stands to its shared tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// It has none.
    None,
    /// It is used.
    Up,
    /// It can't be used now; memory and the source go on.
    Down,
}

impl Cache {
    /// Sets one up.
    pub fn builder() -> CacheBuilder {
        CacheBuilder::default()
    }

    /// A namespace of values of type `V`, to be configured and built.
    pub fn namespace<V: Send + Sync + 'static>(&self, name: impl Into<String>) -> NamespaceBuilder<V> {
        NamespaceBuilder::new(Arc::clone(&self.hub), name.into(), DEFAULT_CAPACITY)
    }

    /// Makes stale, on this node before it returns and on the others within the bound of the crate's documentation. Call it
    /// after what it is about was committed. It goes on when its caller goes away.
    pub async fn invalidate(&self, targets: Targets) -> Outcome {
        self.hub.invalidate(targets).await
    }

    /// Whether values are kept at all.
    pub fn is_enabled(&self) -> bool {
        self.hub.is_enabled
    }

    /// How it stands to its shared tier.
    pub fn link_state(&self) -> LinkState {
        match &self.hub.link {
            None => LinkState::None,
            Some(link) if link.is_up() => LinkState::Up,
            Some(_) => LinkState::Down,
        }
    }

    /// Waits until the shared tier is in use; at once where there is none.
    pub async fn linked(&self) {
        if let Some(link) = &self.hub.link {
            link.opened().await;
        }
    }

    /// What has happened since it was made. Publishes to the metrics recorder, too.
    pub fn stats(&self) -> CacheStats {
        self.hub.publish();
        self.hub.stats()
    }

    /// Drops from memory what can't be served any more; done every half a minute anyway.
    pub fn sweep(&self) {
        self.hub.sweep();
    }
}

/// 32 MiB.
const DEFAULT_CAPACITY: u64 = 32 << 20;

/// How a cache is to be.
#[must_use = "a cache is made by `build`"]
pub struct CacheBuilder {
    is_enabled: bool,
    engine: Option<Arc<dyn Engine>>,
    settings: LinkSettings,
    time: TimeSource,
    listeners: Vec<Box<dyn Listener>>,
}

impl Default for CacheBuilder {
    fn default() -> Self {
        Self {
            is_enabled: true,
            engine: None,
            settings: LinkSettings::default(),
            time: TimeSource::system(),
            listeners: Vec::new(),
        }
    }
}

impl CacheBuilder {
    /// The shared tier.
    pub fn engine(self, engine: impl Engine) -> Self {
        self.shared_engine(Arc::new(engine))
    }

    /// The shared tier, where it is at hand as a shared pointer.
    pub fn shared_engine(mut self, engine: Arc<dyn Engine>) -> Self {
        self.engine = Some(engine);
        self
    }

    /// A cache that is switched off loads on every call, and has no shared tier.
    pub fn enabled(mut self, yes: bool) -> Self {
        self.is_enabled = yes;
        self
    }

    /// How long one call of the shared tier may take. 250 ms unless told otherwise; longer than the engine's own time for an
    /// answer, by which it finds dead connections.
    pub fn engine_timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// After how many failures in a row the shared tier is given up; a broken connection is enough. 3 unless told otherwise.
    pub fn engine_failures(mut self, failures: u32) -> Self {
        self.settings.failures = failures.max(1);
        self
    }

    /// How often the shared tier is asked whether a notice was missed. 1 s unless told otherwise.
    pub fn heartbeat(mut self, interval: Duration) -> Self {
        self.settings.heartbeat = interval.max(Duration::from_millis(1));
        self
    }

    /// While the shared tier is away: how long what memory has may still be served, and how long what is loaded meanwhile
    /// lives at most. 5 s unless told otherwise.
    pub fn isolated_ttl(mut self, ttl: Duration) -> Self {
        self.settings.isolated_ttl = ttl;
        self
    }

    /// How long a load may take for its result to be stored in the shared tier, and how long other nodes wait for it at
    /// most. 30 s unless told otherwise.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease;
        self
    }

    /// The clock by which values age. The processor's or the system's monotonic clock unless told otherwise.
    pub fn clock(mut self, clock: impl Clock + std::fmt::Debug) -> Self {
        self.time = TimeSource::Given(Arc::new(clock));
        self
    }

    /// Tells `listener` whatever happens. There may be several.
    pub fn listener(mut self, listener: impl Listener) -> Self {
        self.listeners.push(Box::new(listener));
        self
    }

    /// Makes the cache. With a shared tier this has to be called within a tokio runtime, which keeps the link for as long as
    /// the cache lives; without one it is needed only for metrics to be published by themselves.
    pub fn build(self) -> Cache {
        let link = self
            .engine
            .filter(|_| self.is_enabled)
            .map(|engine| Link::new(engine, self.settings));
        let hub = Arc::new(Hub {
            is_enabled: self.is_enabled,
            node: fastrand::u64(1..),
            time: self.time,
            tags: TagTable::default(),
            link,
            counters: HubCounters::default(),
            listeners: self.listeners.into(),
            namespaces: parking_lot::RwLock::default(),
            sweeps: std::sync::atomic::AtomicU64::new(0),
        });
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(keep_up(Arc::downgrade(&hub)));
            if hub.link.is_some() {
                runtime.spawn(link::run(Arc::downgrade(&hub)));
            }
        }
        Cache { hub }
    }
}
