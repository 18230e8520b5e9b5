//! One pool: connections of one kind with a thread for each, and the places for which operations wait first come, first served.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aios_domain::{Error, Result};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::config::{DatabaseConfig, LaneSize};
use super::connections::Connections;
use super::holds::Holds;
use super::manager::Manager;
use super::metrics::LaneMetrics;
use super::replica::Instance;
use super::status::PoolStatus;
use super::wanted::Wanted;
use crate::connection::AnyConnection;
use crate::error::{DbError, DbResult, abandoned, exhausted, unreachable_database};
use crate::executor::Executor;
use crate::profile::{Lap, Watch};

/// How often the log says at most that a pool is exhausted.
const SAY_EVERY: Duration = Duration::from_secs(5);

/// An operation on its way to a connection, apart from what it does.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// For whom it runs, and where it was asked for.
    pub(super) watch: Watch,
    /// Whether it is still wanted, where that is not told by its future alone.
    pub(super) wanted: Option<Wanted>,
    pub(super) repeat: Repeat,
}

/// What is run again over another connection where one turned out to be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// What reads.
    Always,
    /// What may have changed something.
    IfNotBegun,
    /// What somebody else does then.
    Never,
}

impl Call {
    pub(super) fn new(watch: Watch, repeat: Repeat) -> Self {
        Self {
            watch,
            wanted: None,
            repeat,
        }
    }

    fn is_wanted(&self) -> bool {
        self.wanted.as_ref().is_none_or(Wanted::is_wanted)
    }
}

/// A pool.
pub(super) struct Lane {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    max_waiting: usize,
    wait_timeout: Duration,
    shared: Arc<Shared>,
    threads: Executor,
}

/// What the threads of a pool need.
struct Shared {
    name: Arc<str>,
    max: u32,
    connections: Connections,
    holds: Holds,
    metrics: LaneMetrics,
    done: AtomicU64,
    shed: AtomicU64,
    unreachable: AtomicU64,
    abandoned: AtomicU64,
    said: Mutex<Option<Instant>>,
}

impl Lane {
    pub(super) fn new(
        name: &Arc<str>,
        config: &DatabaseConfig,
        size: LaneSize,
        metrics: LaneMetrics,
        manager: impl Fn() -> Manager,
    ) -> Self {
        let most = size.keep + size.overflow;
        Self {
            places: Arc::new(Semaphore::new(most as usize)),
            waiting: AtomicUsize::new(0),
            max_waiting: config.max_waiting,
            wait_timeout: config.wait_timeout,
            shared: Arc::new(Shared {
                max: most,
                connections: Connections::new(config, size, manager),
                holds: Holds::default(),
                metrics,
                done: AtomicU64::new(0),
                shed: AtomicU64::new(0),
                unreachable: AtomicU64::new(0),
                abandoned: AtomicU64::new(0),
                said: Mutex::default(),
                name: Arc::clone(name),
            }),
            threads: Executor::new(format!("aios-db-{name}").into(), most as usize),
        }
    }

    /// Runs `operation` on a thread of this pool, when it is its turn.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        call: Call,
        operation: impl FnMut(&mut AnyConnection, Instance) -> DbResult<T> + Send + 'static,
    ) -> Result<T> {
        let asked = Instant::now();
        let place = self.turn(&call).await?;
        let placed = Instant::now();
        let shared = Arc::clone(&self.shared);
        let (answer, answered) = oneshot::channel();
        let job = move || {
            // Whoever asked may be gone by now, with the request's deadline: then nothing is run and no connection taken.
            let is_wanted = || !answer.is_closed() && call.is_wanted();
            call.watch.add(Lap::Queue, placed - asked);
            let result = shared.run(&call, placed, is_wanted, operation);
            // The place is free before the answer is out, so that whoever hears the answer finds it free; and a request that
            // is over then is over for the profiler too.
            drop(place);
            drop(call);
            // Nobody listens any more where the request was given up; what was written stays written.
            let _ = answer.send(result);
        };
        self.threads.spawn(job).map_err(Error::internal)?;
        answered
            .await
            .unwrap_or_else(|_| Err(Error::internal("a database operation panicked")))
    }

    async fn turn(&self, call: &Call) -> Result<OwnedSemaphorePermit> {
        // There is none to be had past others who wait: what is given back is theirs at once.
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(place);
        }
        let started = Instant::now();
        let Some(_waiting) = Waiting::enter(&self.waiting, self.max_waiting) else {
            return Err(self.exhausted(true));
        };
        let wanted = async {
            match &call.wanted {
                Some(wanted) => wanted.gone().await,
                None => std::future::pending().await,
            }
        };
        let acquired = tokio::time::timeout(self.wait_timeout, Arc::clone(&self.places).acquire_owned());
        let place = tokio::select! {
            biased;
            acquired = acquired => match acquired {
                Ok(place) => place.map_err(Error::internal)?,
                Err(_elapsed) => return Err(self.exhausted(false)),
            },
            () = wanted => return Err(self.shared.abandon()),
        };
        self.shared.metrics.waited(started.elapsed());
        Ok(place)
    }

    fn exhausted(&self, is_queue_full: bool) -> Error {
        let shared = &self.shared;
        shared.shed.fetch_add(1, Ordering::Relaxed);
        shared.metrics.shed(is_queue_full);
        let now = Instant::now();
        let mut said = shared.said.lock();
        if said.is_none_or(|said| now - said >= SAY_EVERY) {
            *said = Some(now);
            drop(said);
            let longest = shared.holds.longest(now);
            tracing::warn!(
                pool = &*shared.name,
                connections = shared.max,
                waiting = self.waiting.load(Ordering::Relaxed),
                longest_hold = ?longest.as_ref().map(|hold| hold.held),
                held_by = longest.as_ref().map(|hold| hold.origin.to_string()),
                "the database pool is exhausted: {}",
                if is_queue_full { "too many operations wait" } else { "an operation waited for too long" }
            );
        }
        exhausted()
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.shared.name
    }

    /// The pool as it is now.
    pub(super) fn status(&self, now: Instant) -> PoolStatus {
        let shared = &self.shared;
        let used = shared.holds.len();
        let longest = shared.holds.longest(now);
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        PoolStatus {
            name: shared.name.to_string(),
            max: shared.max,
            used: number(used),
            idle: shared.connections.idle(),
            waiting: number(self.waiting.load(Ordering::Relaxed)),
            longest_hold: longest.as_ref().map_or(Duration::ZERO, |hold| hold.held),
            longest_held_by: longest.map(|hold| hold.origin.to_string()),
            done: shared.done.load(Ordering::Relaxed),
            shed: shared.shed.load(Ordering::Relaxed),
            unreachable: shared.unreachable.load(Ordering::Relaxed),
            abandoned: shared.abandoned.load(Ordering::Relaxed),
            held_too_long: shared.holds.overdue_total(),
        }
    }

    /// Tells the metrics how the pool is, and the log who holds a connection for longer than `limit`.
    pub(super) fn watch(&self, limit: Duration) {
        let now = Instant::now();
        self.shared.metrics.seen(&self.status(now));
        for hold in self.shared.holds.newly_overdue(limit, now) {
            self.shared.metrics.held_too_long();
            tracing::warn!(
                pool = &*self.shared.name,
                origin = %hold.origin,
                held = ?hold.held,
                "an operation has held a database connection for too long; it is not told again"
            );
        }
    }
}

impl Shared {
    /// On a thread of the pool: gets a connection, runs the operation, and where the connection was broken, runs it once more
    /// over another.
    fn run<T>(
        &self,
        call: &Call,
        placed: Instant,
        is_wanted: impl Fn() -> bool,
        mut operation: impl FnMut(&mut AnyConnection, Instance) -> DbResult<T>,
    ) -> Result<T> {
        let mut may_repeat = true;
        call.watch.add(Lap::Thread, placed.elapsed());
        loop {
            let asked = Instant::now();
            if !is_wanted() {
                return Err(self.abandon());
            }
            let mut pooled = self.connections.get().map_err(|error| {
                self.unreachable.fetch_add(1, Ordering::Relaxed);
                self.metrics.unreachable();
                unreachable_database().caused_by(error)
            })?;
            // Opening one may have taken a while.
            if !is_wanted() {
                return Err(self.abandon());
            }
            let started = Instant::now();
            call.watch.add(Lap::Pool, started - asked);
            let held = self.holds.enter(call.watch.site(), started);
            let result = pooled.run(&mut |connection: &mut AnyConnection, instance| {
                call.watch.run(connection, |connection| operation(connection, instance))
            });
            drop(held);
            let took = started.elapsed();
            self.metrics.held(took);
            self.done.fetch_add(1, Ordering::Relaxed);
            match result {
                Err(error) if error.is_connection_loss() => {
                    self.connections.lost();
                    drop(pooled);
                    if !(may_repeat && may_run_again(call.repeat, &error)) {
                        return Err(error.into());
                    }
                    tracing::info!(pool = &*self.name, %error, origin = %call.watch.site(), "a broken connection; once more over another");
                    may_repeat = false;
                }
                result => return result.map_err(Error::from),
            }
        }
    }

    fn abandon(&self) -> Error {
        self.abandoned.fetch_add(1, Ordering::Relaxed);
        self.metrics.abandoned();
        abandoned()
    }
}

fn may_run_again(repeat: Repeat, error: &DbError) -> bool {
    match repeat {
        Repeat::Always => true,
        Repeat::Never => false,
        Repeat::IfNotBegun => matches!(error, DbError::NotBegun(_)),
    }
}

/// A place in the queue, given back also where the request is dropped while it waits.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    /// `None` where the queue is full.
    fn enter(waiting: &'a AtomicUsize, most: usize) -> Option<Self> {
        let entered = Self(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < most).then_some(entered)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
