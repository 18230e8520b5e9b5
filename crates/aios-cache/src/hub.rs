//! What all namespaces of a cache share: tags, the link to the shared tier, invalidation, counters.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::RwLock;
use tokio::runtime::Handle;

use crate::engine::EVERYTHING;
use crate::event::{Event, Listener};
use crate::link::Link;
use crate::names::namespace_of_tag;
use crate::stats::{CacheStats, HubCounters, NamespaceStats};
use crate::tags::{Moving, TagTable};
use crate::targets::{Outcome, Targets};
use crate::time::{Nanos, TimeSource};

/// A namespace as far as its hub has to know it.
pub(crate) trait Fenced: Send + Sync {
    /// Everything in memory and under way is stale.
    fn invalidate_all(&self);
    /// The entry is gone, and a load of it under way is nobody's any more.
    fn detach(&self, key: &str);
    /// The shared tier is away: what is in memory may be served until then, and not after.
    fn isolate(&self, until: Nanos);
    /// The shared tier is back: what is in memory is distrusted.
    fn rejoin(&self);
    fn sweep(&self, now: Nanos);
    fn stats(&self) -> NamespaceStats;
    fn publish(&self);
}

pub(crate) struct Hub {
    pub(crate) is_enabled: bool,
    /// This node's name in notices.
    pub(crate) node: u64,
    pub(crate) time: TimeSource,
    pub(crate) tags: TagTable,
    pub(crate) link: Option<Link>,
    pub(crate) counters: HubCounters,
    pub(crate) listeners: Box<[Box<dyn Listener>]>,
    /// Notices cost a look-up here, reads nothing.
    pub(crate) namespaces: RwLock<HashMap<Box<str>, Weak<dyn Fenced>>>,
    pub(crate) sweeps: AtomicU64,
}

/// How often counters are published.
const UPKEEP: Duration = Duration::from_secs(1);
/// Every so many of these, memory is swept and tags are pruned.
const SWEEP_EVERY: u64 = 30;

impl Hub {
    #[inline]
    pub(crate) fn now(&self) -> Nanos {
        self.time.now()
    }

    #[inline]
    pub(crate) fn tell(&self, event: impl FnOnce() -> Event<'static>) {
        if !self.listeners.is_empty() {
            self.tell_event(&event());
        }
    }

    pub(crate) fn tell_event(&self, event: &Event<'_>) {
        for listener in &self.listeners {
            listener.on_event(event);
        }
    }

    pub(crate) fn each_namespace(&self, mut action: impl FnMut(&dyn Fenced)) {
        let namespaces: Vec<_> = self.namespaces.read().values().filter_map(Weak::upgrade).collect();
        for namespace in namespaces {
            action(namespace.as_ref());
        }
    }

    fn namespace(&self, name: &str) -> Option<Arc<dyn Fenced>> {
        self.namespaces.read().get(name).and_then(Weak::upgrade)
    }

    /// Makes stale on this node, and on the others as far as they can be reached. It goes on when its caller is dropped.
    pub(crate) async fn invalidate(self: &Arc<Self>, targets: Targets) -> Outcome {
        if targets.is_empty() || !self.is_enabled {
            return Outcome::Everywhere;
        }
        let hub = Arc::clone(self);
        let work = async move { hub.invalidate_now(&targets).await };
        match Handle::try_current() {
            // A task that its runtime gave up may have got anywhere.
            Ok(runtime) => runtime.spawn(work).await.unwrap_or(Outcome::Deferred),
            Err(_) => work.await,
        }
    }

    async fn invalidate_now(&self, targets: &Targets) -> Outcome {
        // Here before the shared tier is told, so that nothing older is served in the meantime; and after, for what was read
        // from the shared tier in between.
        let mut moving: Vec<Moving<'_>> = targets.tags.iter().map(|tag| self.tags.begin(tag)).collect();
        self.apply_here(targets);
        let outcome = match &self.link {
            None => Outcome::Everywhere,
            Some(link) => match self.invalidate_shared(link, targets).await {
                Some(number) => {
                    for tag in &mut moving {
                        tag.confirmed(number);
                    }
                    Outcome::Everywhere
                }
                None => Outcome::Deferred,
            },
        };
        drop(moving);
        self.apply_here(targets);
        let counter = match outcome {
            Outcome::Everywhere => &self.counters.invalidations,
            Outcome::Deferred => &self.counters.deferred,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        self.tell(|| Event::Invalidated {
            everywhere: outcome == Outcome::Everywhere,
        });
        outcome
    }

    /// What tags alone do not do: entries go, and namespaces take a new generation.
    fn apply_here(&self, targets: &Targets) {
        self.apply(
            targets.keys.iter().map(String::as_str),
            targets.tags.iter().map(String::as_str),
        );
    }

    pub(crate) fn apply<'a>(&self, keys: impl Iterator<Item = &'a str>, tags: impl Iterator<Item = &'a str>) {
        for tag in tags {
            if tag == EVERYTHING {
                self.each_namespace(|namespace| namespace.invalidate_all());
            } else if let Some(namespace) = namespace_of_tag(tag).and_then(|name| self.namespace(name)) {
                namespace.invalidate_all();
            }
        }
        for key in keys {
            if let Some((namespace, key)) = key.split_once(':')
                && let Some(namespace) = self.namespace(namespace)
            {
                namespace.detach(key);
            }
        }
    }

    pub(crate) fn stats(&self) -> CacheStats {
        let namespaces = self.namespaces.read();
        let live = namespaces
            .iter()
            .filter_map(|(name, namespace)| Some((name.to_string(), namespace.upgrade()?)));
        let namespaces: BTreeMap<_, _> = live.map(|(name, namespace)| (name, namespace.stats())).collect();
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CacheStats {
            namespaces,
            invalidations: read(&self.counters.invalidations),
            invalidations_deferred: read(&self.counters.deferred),
            pending: self.link.as_ref().map_or(0, Link::pending_len),
            notices: read(&self.counters.notices),
            distrusted: read(&self.counters.distrusted),
            engine_errors: read(&self.counters.engine_errors),
            is_linked: self.link.as_ref().is_some_and(Link::is_up),
            tags: u64::try_from(self.tags.len()).unwrap_or(u64::MAX),
        }
    }

    /// Hands the counters to the metrics recorder.
    pub(crate) fn publish(&self) {
        self.counters.publish(&self.stats());
        self.each_namespace(|namespace| namespace.publish());
    }

    /// Drops what can't be served any more, and tags that nobody bears.
    pub(crate) fn sweep(&self) {
        let now = self.now();
        self.each_namespace(|namespace| namespace.sweep(now));
        self.tags.prune();
    }
}

/// Publishes and sweeps for as long as the cache lives.
pub(crate) async fn keep_up(hub: Weak<Hub>) {
    let mut ticks = tokio::time::interval(UPKEEP);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(hub) = hub.upgrade() else { return };
        hub.publish();
        if hub.sweeps.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            hub.sweep();
        }
    }
}
