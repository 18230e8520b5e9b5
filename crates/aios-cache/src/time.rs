//! Where the time comes from: a monotonic clock in service, the test's hand in tests. No wall clock decides anything.

use std::sync::Arc;
#[cfg(any(test, feature = "testing"))]
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Tells how much time has gone by since some fixed moment. It never goes back.
pub trait Clock: Send + Sync + 'static {
    /// The time since that moment.
    fn now(&self) -> Duration;
}

/// The clock of a cache: the processor's time stamp counter where it is steady, else the system's monotonic clock.
#[derive(Clone, Debug)]
pub(crate) enum TimeSource {
    System(quanta::Clock, quanta::Instant),
    Given(Arc<dyn ClockDebug>),
}

/// [`Clock`] in a place that wants to be printed.
pub(crate) trait ClockDebug: Clock + std::fmt::Debug {}
impl<T: Clock + std::fmt::Debug> ClockDebug for T {}

/// Nanoseconds since the cache was made; 584 years fit.
pub(crate) type Nanos = u64;

impl TimeSource {
    pub(crate) fn system() -> Self {
        let clock = quanta::Clock::new();
        let start = clock.now();
        Self::System(clock, start)
    }

    #[inline]
    pub(crate) fn now(&self) -> Nanos {
        match self {
            Self::System(clock, start) => nanos(clock.now().duration_since(*start)),
            Self::Given(clock) => nanos(clock.now()),
        }
    }
}

/// A length of time in nanoseconds, at most what fits.
#[inline]
pub(crate) fn nanos(duration: Duration) -> Nanos {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A clock that stands still until it is moved.
///
/// ```
/// use aios_cache::time::{Clock, ManualClock};
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// clock.advance(Duration::from_secs(300));
/// assert_eq!(clock.now(), Duration::from_secs(300));
/// ```
#[cfg(any(test, feature = "testing"))]
#[derive(Debug, Clone, Default)]
pub struct ManualClock(Arc<AtomicU64>);

#[cfg(any(test, feature = "testing"))]
impl ManualClock {
    /// A clock that shows zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves the clock on.
    pub fn advance(&self, step: Duration) {
        self.0.fetch_add(nanos(step), Ordering::SeqCst);
    }
}

#[cfg(any(test, feature = "testing"))]
impl Clock for ManualClock {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::SeqCst))
    }
}
