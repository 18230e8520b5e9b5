//! The link to the shared tier: the circuit breaker, the notices of other nodes, and the way back after a failure.
//!
//! It is open or closed to traffic, and one task alone opens it: subscribe; check whether the store is the one that was
//! there; repeat what had to be invalidated meanwhile; believe nothing that was known before; open. Whoever meets a failure
//! may close it. While it is closed nothing waits for the store, and memory lives on its own for a bounded time.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use metrics::{Histogram, histogram};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};

use crate::engine::{EVERYTHING, Engine, EngineError, EngineFuture, Invalidation, Notice, Subscription};
use crate::event::Event;
use crate::hub::Hub;
use crate::targets::Targets;
use crate::time::nanos;

/// How the shared tier is watched and given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LinkSettings {
    pub(crate) timeout: Duration,
    pub(crate) heartbeat: Duration,
    pub(crate) isolated_ttl: Duration,
    pub(crate) lease: Duration,
    pub(crate) failures: u32,
}

impl Default for LinkSettings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_millis(250),
            heartbeat: Duration::from_secs(1),
            isolated_ttl: Duration::from_secs(5),
            lease: Duration::from_secs(30),
            failures: 3,
        }
    }
}

/// How long the task waits after a failure, twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How many targets are remembered one by one; beyond that it is everything.
const MOST_PENDING: usize = 10_000;
/// How many of them are repeated at a time.
const REPLAY_BATCH: usize = 500;

pub(crate) struct Link {
    engine: Arc<dyn Engine>,
    pub(crate) settings: LinkSettings,
    is_up: AtomicBool,
    /// The number of the last notice that was applied here.
    number: AtomicU64,
    failures: AtomicU32,
    pending: Mutex<Targets>,
    /// Wakes the task when somebody closed the link.
    closed: Arc<Notify>,
    state: watch::Sender<bool>,
    /// This node's last invalidation: its number, and when the store had answered.
    last_own: Mutex<Option<(u64, Instant)>>,
}

/// A call of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Read,
    Versions,
    Lease,
    Write,
    Release,
}

impl Call {
    /// With its name spelled out each time, the key is a constant, and nothing is allocated.
    fn histogram(self) -> Histogram {
        match self {
            Self::Read => histogram!("cache_engine_seconds", "operation" => "read"),
            Self::Versions => histogram!("cache_engine_seconds", "operation" => "versions"),
            Self::Lease => histogram!("cache_engine_seconds", "operation" => "lease"),
            Self::Write => histogram!("cache_engine_seconds", "operation" => "write"),
            Self::Release => histogram!("cache_engine_seconds", "operation" => "release"),
        }
    }

    /// Whether a store that is full or read-only, and can still be read, refuses it.
    fn is_write(self) -> bool {
        !matches!(self, Self::Read)
    }
}

impl Link {
    pub(crate) fn new(engine: Arc<dyn Engine>, settings: LinkSettings) -> Self {
        Self {
            engine,
            settings,
            is_up: AtomicBool::new(false),
            number: AtomicU64::new(0),
            failures: AtomicU32::new(0),
            pending: Mutex::default(),
            closed: Arc::default(),
            state: watch::Sender::new(false),
            last_own: Mutex::new(None),
        }
    }

    #[inline]
    pub(crate) fn is_up(&self) -> bool {
        self.is_up.load(Ordering::Acquire)
    }

    /// Waits until the shared tier is in use.
    pub(crate) async fn opened(&self) {
        // The sender lives as long as `self`.
        let _ = self.state.subscribe().wait_for(|is_up| *is_up).await;
    }

    /// The number of the last notice that was applied here: no notice up to it can come any more.
    pub(crate) fn number(&self) -> u64 {
        self.number.load(Ordering::SeqCst)
    }

    pub(crate) fn pending_len(&self) -> u64 {
        u64::try_from(self.pending.lock().len()).unwrap_or(u64::MAX)
    }

    /// For how long the shared tier keeps versions of tags that an entry bears which is kept for `keep`.
    pub(crate) fn version_keep(keep: Duration) -> Duration {
        // A lost version only makes stale; keeping it twice as long makes that rare.
        keep.saturating_mul(2).max(Duration::from_secs(3600))
    }

    fn remember(pending: &mut Targets, targets: &Targets) {
        if pending.tags.contains(EVERYTHING) {
            return;
        }
        pending.keys.extend(targets.keys.iter().cloned());
        pending.tags.extend(targets.tags.iter().cloned());
        if pending.len() > MOST_PENDING || pending.tags.contains(EVERYTHING) {
            *pending = Targets::all();
        }
    }
}

fn borrowed(set: &BTreeSet<String>) -> Vec<&str> {
    set.iter().map(String::as_str).collect()
}

impl Hub {
    /// Calls the engine, under the time-out. `None` where the link is closed or the call failed.
    pub(crate) async fn call<'e, T>(
        &'e self,
        kind: Call,
        call: impl FnOnce(&'e dyn Engine) -> EngineFuture<'e, T>,
    ) -> Option<T> {
        let link = self.link.as_ref().filter(|link| link.is_up())?;
        let started = Instant::now();
        match timeout(link.settings.timeout, call(link.engine.as_ref())).await {
            Ok(Ok(value)) => {
                if link.failures.load(Ordering::Relaxed) > 0 {
                    link.failures.store(0, Ordering::Relaxed);
                }
                kind.histogram().record(started.elapsed());
                Some(value)
            }
            Ok(Err(error)) => {
                self.engine_failed(link, kind, &error);
                None
            }
            Err(_) => {
                self.engine_failed(link, kind, &EngineError::TimedOut);
                None
            }
        }
    }

    fn engine_failed(&self, link: &Link, kind: Call, error: &EngineError) {
        self.counters.engine_errors.fetch_add(1, Ordering::Relaxed);
        let is_over = match (error, kind) {
            (EngineError::Unreachable(_) | EngineError::Replaced, _) => true,
            (EngineError::Refused(_), kind) if kind.is_write() => false,
            (EngineError::Refused(_) | EngineError::TimedOut, _) => {
                link.failures.fetch_add(1, Ordering::Relaxed) + 1 >= link.settings.failures
            }
        };
        tracing::debug!(%error, ?kind, is_over, "a call of the cache's shared tier failed");
        if is_over {
            self.close(link, &error.to_string());
        }
    }

    /// From now on the engine is not called, until the task has opened the link again.
    fn close(&self, link: &Link, reason: &str) {
        let pending = link.pending.lock();
        if !link.is_up.swap(false, Ordering::AcqRel) {
            return;
        }
        let until = self.now().saturating_add(nanos(link.settings.isolated_ttl));
        self.each_namespace(|namespace| namespace.isolate(until));
        drop(pending);
        link.state.send_replace(false);
        link.closed.notify_one();
        tracing::warn!(reason, "the cache goes on without its shared tier");
        self.tell_event(&Event::LinkDown { reason });
    }

    /// Tells the shared tier; remembers what it could not be told. The number, where it was told.
    pub(crate) async fn invalidate_shared(&self, link: &Link, targets: &Targets) -> Option<u64> {
        {
            let mut pending = link.pending.lock();
            if !link.is_up() {
                Link::remember(&mut pending, targets);
                return None;
            }
        }
        let failure = match self.send(link, targets).await {
            Ok(number) => return Some(number),
            Err(error) => error,
        };
        self.counters.engine_errors.fetch_add(1, Ordering::Relaxed);
        // Remembered before the link is closed, and it is closed whatever the failure was: nothing may be read from the
        // shared tier before this is repeated.
        Link::remember(&mut link.pending.lock(), targets);
        self.close(link, &failure.to_string());
        None
    }

    async fn send(&self, link: &Link, targets: &Targets) -> Result<u64, EngineError> {
        let (keys, tags) = (borrowed(&targets.keys), borrowed(&targets.tags));
        let what = Invalidation {
            keys: &keys,
            tags: &tags,
            origin: self.node,
        };
        let sent = timeout(link.settings.timeout, link.engine.invalidate(what)).await;
        let number = sent.map_err(|_| EngineError::TimedOut)??;
        *link.last_own.lock() = Some((number, Instant::now()));
        Ok(number)
    }
}

/// Why a session with the store ended.
enum Ended {
    /// A notice may have been missed; the store itself is well.
    Gap,
    Failed(String),
    /// The cache is gone.
    Dropped,
}

/// Opens the link, hears notices, and opens it again, for as long as the cache lives.
pub(crate) async fn run(hub: Weak<Hub>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let opened = match hub.upgrade() {
            Some(hub) => hub.open().await,
            None => return,
        };
        match opened {
            Ok(subscription) => {
                pause = FIRST_PAUSE;
                let ended = session(&hub, subscription).await;
                let Some(hub) = hub.upgrade() else { return };
                let Some(link) = &hub.link else { return };
                match ended {
                    Ended::Dropped => return,
                    Ended::Failed(reason) => hub.close(link, &reason),
                    Ended::Gap => {
                        hub.close(link, "a notice may have been missed");
                        continue;
                    }
                }
            }
            Err(error) => tracing::debug!(%error, "the cache's shared tier is still away"),
        }
        tokio::time::sleep(pause.mul_f32(0.75 + fastrand::f32() / 2.0)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

impl Hub {
    async fn open(&self) -> Result<Box<dyn Subscription>, EngineError> {
        let Some(link) = &self.link else {
            return Err(EngineError::Unreachable("there is none".to_owned()));
        };
        let limit = link.settings.timeout;
        let late = |_| EngineError::TimedOut;
        // A connection takes longer than a call.
        let subscription = timeout(limit * 4, link.engine.subscribe()).await.map_err(late)??;
        let status = timeout(limit * 4, link.engine.check()).await.map_err(late)??;
        loop {
            let batch = {
                let mut pending = link.pending.lock();
                if pending.is_empty() {
                    // Under this lock nobody can be told that the link is closed and be forgotten.
                    self.reopened(link, status.number);
                    break;
                }
                // Taken out before it is sent: what is invalidated again meanwhile has to be sent again.
                take_some(&mut pending, REPLAY_BATCH)
            };
            if let Err(error) = self.send(link, &batch).await {
                Link::remember(&mut link.pending.lock(), &batch);
                return Err(error);
            }
        }
        tracing::info!("the cache uses its shared tier");
        link.state.send_replace(true);
        self.tell_event(&Event::LinkUp);
        Ok(subscription)
    }

    fn reopened(&self, link: &Link, number: u64) {
        self.tags.forget_versions();
        link.number.store(number, Ordering::SeqCst);
        link.failures.store(0, Ordering::Relaxed);
        self.each_namespace(|namespace| namespace.rejoin());
        self.counters.distrusted.fetch_add(1, Ordering::Relaxed);
        link.is_up.store(true, Ordering::Release);
    }

    /// A notice: `Err` where one before it is missing.
    fn noticed(&self, link: &Link, notice: &Notice) -> Result<(), Ended> {
        let last = link.number();
        if notice.number <= last {
            return Ok(());
        }
        if notice.number != last + 1 {
            return Err(Ended::Gap);
        }
        if notice.origin == self.node {
            let own = *link.last_own.lock();
            if let Some((number, answered)) = own
                && number == notice.number
            {
                histogram!("cache_backplane_lag_seconds").record(answered.elapsed());
            }
        } else {
            self.counters.notices.fetch_add(1, Ordering::Relaxed);
            notice.tags.iter().for_each(|tag| self.tags.noticed(tag, notice.number));
            self.apply(
                notice.keys.iter().map(String::as_str),
                notice.tags.iter().map(String::as_str),
            );
            self.tell_event(&Event::Noticed { number: notice.number });
        }
        // After it was applied: a load that begins at this number has seen it.
        link.number.store(notice.number, Ordering::SeqCst);
        Ok(())
    }

    /// The heartbeat: the number up to which notices must have come soon.
    async fn heartbeat(&self, link: &Link) -> Result<u64, Ended> {
        match timeout(link.settings.timeout, link.engine.check()).await {
            // Its versions are not those that were known here.
            Ok(Ok(status)) if status.replaced => Err(Ended::Gap),
            Ok(Ok(status)) => Ok(status.number),
            Ok(Err(error)) => Err(Ended::Failed(error.to_string())),
            Err(_) => Err(Ended::Failed(EngineError::TimedOut.to_string())),
        }
    }
}

fn take_some(targets: &mut Targets, most: usize) -> Targets {
    let take = |set: &mut BTreeSet<String>| (0..most).map_while(|_| set.pop_first()).collect();
    Targets {
        keys: take(&mut targets.keys),
        tags: take(&mut targets.tags),
    }
}

/// From the opening of the link to its end.
async fn session(hub: &Weak<Hub>, mut subscription: Box<dyn Subscription>) -> Ended {
    let settings = |hub: Arc<Hub>| {
        let link = hub.link.as_ref()?;
        Some((link.settings.heartbeat, Arc::clone(&link.closed)))
    };
    let Some((heartbeat, closed)) = hub.upgrade().and_then(settings) else {
        return Ended::Dropped;
    };
    let mut ticks = tokio::time::interval(heartbeat);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks.reset();
    // The number that a heartbeat saw and notices have not reached, and until when they must.
    let mut awaited: Option<(u64, Instant)> = None;
    loop {
        let deadline = awaited.map(|(_, deadline)| deadline);
        let step = tokio::select! {
            biased;
            () = closed.notified() => Step::Closed,
            notice = subscription.next() => Step::Notice(notice),
            () = until(deadline) => Step::Late,
            _ = ticks.tick() => Step::Heartbeat,
        };
        let Some(hub) = hub.upgrade() else {
            return Ended::Dropped;
        };
        let Some(link) = &hub.link else { return Ended::Dropped };
        if !link.is_up() {
            return Ended::Failed("it was given up".to_owned());
        }
        let result = match step {
            Step::Notice(Ok(notice)) => hub.noticed(link, &notice),
            Step::Notice(Err(error)) => Err(Ended::Failed(error.to_string())),
            Step::Closed => Ok(()),
            Step::Late => Err(Ended::Gap),
            Step::Heartbeat => hub.heartbeat(link).await.map(|number| {
                if awaited.is_none() && number > link.number() {
                    awaited = Some((number, Instant::now() + link.settings.timeout));
                }
            }),
        };
        if let Err(ended) = result {
            return ended;
        }
        awaited = awaited.filter(|(number, _)| link.number() < *number);
    }
}

enum Step {
    Closed,
    Notice(Result<Notice, EngineError>),
    Late,
    Heartbeat,
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
