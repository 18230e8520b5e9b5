//! The connections of a pool: some that are kept, some that are opened under load and closed when they idle.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use scheduled_thread_pool::ScheduledThreadPool;

use super::config::{DatabaseConfig, LaneSize};
use super::manager::{LogErrors, Manager, Pooled, Reachability};

/// Threads that open connections, a pool. Where the database hangs they do, and nobody else.
const OPENERS: usize = 2;
/// How often one that waits for a connection to be opened looks whether the database turned out to be away.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Two pools of r2d2: it does not tell connections that are kept from those that are not.
pub(super) struct Connections {
    kept: r2d2::Pool<Manager>,
    overflow: Option<r2d2::Pool<Manager>>,
    size: u32,
    in_use: AtomicU32,
    connect_timeout: Duration,
    reachability: Arc<Reachability>,
}

/// A connection in use.
pub(super) struct Checked<'a> {
    pooled: r2d2::PooledConnection<Manager>,
    _kept: Option<Counted<'a>>,
}

/// One of the connections that are kept is in use.
struct Counted<'a>(&'a AtomicU32);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Connections {
    pub(super) fn new(config: &DatabaseConfig, size: LaneSize, manager: impl Fn() -> Manager) -> Self {
        let openers = ScheduledThreadPool::builder()
            .num_threads(OPENERS)
            .thread_name_pattern("aios-db-open-{}")
            .build();
        let openers = Arc::new(openers);
        let builder = || {
            r2d2::Pool::builder()
                .connection_timeout(config.connect_timeout)
                .max_lifetime(Some(config.max_lifetime))
                .test_on_check_out(true)
                .error_handler(Box::new(LogErrors))
                .thread_pool(Arc::clone(&openers))
        };
        let first = manager();
        let reachability = Arc::clone(&first.reachability);
        let kept = builder()
            .max_size(size.keep)
            .min_idle(Some(1.min(size.keep)))
            .idle_timeout(None)
            .build_unchecked(first);
        let overflow = (size.overflow > 0).then(|| {
            builder()
                .max_size(size.overflow)
                .min_idle(Some(0))
                .idle_timeout(Some(config.idle_timeout))
                .build_unchecked(manager())
        });
        Self {
            kept,
            overflow,
            size: size.keep,
            in_use: AtomicU32::new(0),
            connect_timeout: config.connect_timeout,
            reachability,
        }
    }

    /// A connection, opened where none idles. Whoever asks has a place, so there is one to be had. While the database is
    /// known to be away this fails at once; r2d2 finds out by itself when it is back.
    pub(super) fn get(&self) -> Result<Checked<'_>, r2d2::Error> {
        let took_kept = self
            .in_use
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                (used < self.size).then_some(used + 1)
            })
            .is_ok();
        let kept = took_kept.then(|| Counted(&self.in_use));
        let pool = match &self.overflow {
            Some(overflow) if kept.is_none() => overflow,
            _ => &self.kept,
        };
        let pooled = self.get_from(pool)?;
        Ok(Checked { pooled, _kept: kept })
    }

    fn get_from(&self, pool: &r2d2::Pool<Manager>) -> Result<r2d2::PooledConnection<Manager>, r2d2::Error> {
        if let Some(pooled) = pool.try_get() {
            return Ok(pooled);
        }
        let deadline = Instant::now() + self.connect_timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match pool.get_timeout(left.min(LOOK_AGAIN)) {
                Err(error) if self.reachability.is_away() || left <= LOOK_AGAIN => return Err(error),
                Err(_not_yet) => {}
                pooled => return pooled,
            }
        }
    }

    /// One of them turned out to be broken: the others are tried before they are used again.
    pub(super) fn lost(&self) {
        self.reachability.lost();
    }

    /// How many wait for something to do.
    pub(super) fn idle(&self) -> u32 {
        let idle = |pool: &r2d2::Pool<Manager>| pool.state().idle_connections;
        idle(&self.kept) + self.overflow.as_ref().map_or(0, idle)
    }
}

impl std::ops::Deref for Checked<'_> {
    type Target = Pooled;

    fn deref(&self) -> &Pooled {
        &self.pooled
    }
}

impl std::ops::DerefMut for Checked<'_> {
    fn deref_mut(&mut self) -> &mut Pooled {
        &mut self.pooled
    }
}
