//! Where the time of a read goes: for those who tell it to whoever asked.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Times of one or several reads, added up while they run.
///
/// ```
/// let timing = aios_db::ReadTiming::default();
/// assert_eq!(timing.total(), std::time::Duration::ZERO);
/// ```
#[derive(Debug, Default)]
pub struct ReadTiming {
    queue: AtomicU64,
    pool: AtomicU64,
    statements: AtomicU64,
}

impl ReadTiming {
    /// How long reads waited for their turn.
    pub fn queue(&self) -> Duration {
        read(&self.queue)
    }

    /// How long it took until a thread had a connection for them.
    pub fn pool(&self) -> Duration {
        read(&self.pool)
    }

    /// How long they ran on it.
    pub fn statements(&self) -> Duration {
        read(&self.statements)
    }

    /// All of it.
    pub fn total(&self) -> Duration {
        self.queue() + self.pool() + self.statements()
    }

    pub(crate) fn add_queue(&self, took: Duration) {
        add(&self.queue, took);
    }

    pub(crate) fn add_pool(&self, took: Duration) {
        add(&self.pool, took);
    }

    pub(crate) fn add_statements(&self, took: Duration) {
        add(&self.statements, took);
    }
}

fn read(nanos: &AtomicU64) -> Duration {
    Duration::from_nanos(nanos.load(Ordering::Relaxed))
}

fn add(nanos: &AtomicU64, took: Duration) {
    nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
}
