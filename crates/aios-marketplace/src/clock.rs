//! Where the time comes from: the system in service, the test's hand in tests.

use aios_domain::{Timestamp, to_microseconds};
use chrono::{TimeDelta, Utc};
use parking_lot::Mutex;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The time now, in whole microseconds.
    fn now(&self) -> Timestamp;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        to_microseconds(Utc::now())
    }
}

/// A clock that stands still until it is moved.
///
/// ```
/// use aios_marketplace::{Clock, ManualClock, SystemClock};
///
/// let clock = ManualClock::new(SystemClock.now());
/// let before = clock.now();
/// clock.advance(chrono::TimeDelta::days(1));
/// assert_eq!(clock.now() - before, chrono::TimeDelta::days(1));
/// ```
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self(Mutex::new(to_microseconds(now)))
    }

    /// Moves the clock on.
    pub fn advance(&self, step: TimeDelta) {
        *self.0.lock() += step;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock()
    }
}
