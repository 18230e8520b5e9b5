//! When to try again: growing pauses after failures, no more than a rare look where the credential is refused.

use std::time::Duration;

use crate::PurgeError;

/// The pause after the first failure; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause that is of our own choosing.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The longest that a network may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(600);
/// How often a refused credential is tried again: somebody may have mended it.
const AFTER_DENIAL: Duration = Duration::from_secs(300);

/// Says whether a network may be called now.
///
/// The caller brings the time, as what has gone by since any fixed moment, and a random number; so a test knows what happens.
///
/// ```
/// use aios_edge::{Gate, PurgeError};
/// use std::time::Duration;
///
/// let mut gate = Gate::default();
/// assert!(gate.is_open(Duration::ZERO));
/// gate.failed(&PurgeError::Denied("no such token".to_owned()), Duration::ZERO, 0.5);
/// assert!(!gate.is_open(Duration::from_secs(299)) && gate.is_open(Duration::from_secs(300)));
/// gate.succeeded();
/// assert!(gate.is_open(Duration::ZERO));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Gate {
    failures: u32,
    shut_until: Duration,
}

impl Gate {
    /// Whether it is time to call.
    pub fn is_open(&self, now: Duration) -> bool {
        now >= self.shut_until
    }

    /// The call went well.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// The call failed at `now`. `random` lies between 0 and 1 and spreads the calls of many servers: the pause is between
    /// half and the whole of what the number of failures asks for. A pause that the network asks for is never cut.
    pub fn failed(&mut self, error: &PurgeError, now: Duration, random: f64) {
        let pause = match error {
            PurgeError::Denied(_) => AFTER_DENIAL,
            PurgeError::Busy {
                retry_after: Some(asked),
                ..
            } => (*asked).min(LONGEST_ASKED).max(self.own_pause(random)),
            PurgeError::Busy { .. } | PurgeError::Refused(_) => self.own_pause(random),
        };
        self.failures = self.failures.saturating_add(1);
        self.shut_until = now.saturating_add(pause);
    }

    fn own_pause(&self, random: f64) -> Duration {
        let doubled = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(self.failures));
        doubled.min(LONGEST_PAUSE).mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long a gate stays shut after each of some failures.
    fn pauses(error: &PurgeError, random: f64, count: usize) -> Vec<u128> {
        let mut gate = Gate::default();
        let pauses = (0..count).map(|_| {
            gate.failed(error, Duration::from_secs(100), random);
            gate.shut_until.as_millis() - 100_000
        });
        pauses.collect()
    }

    #[test]
    fn pauses_double_up_to_a_minute() {
        let expected = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000];
        assert_eq!(pauses(&PurgeError::busy("down"), 1.0, 9), expected);
        assert_eq!(*pauses(&PurgeError::busy("down"), 1.0, 100).last().unwrap(), 60_000);
    }

    #[test]
    fn chance_takes_up_to_half() {
        assert_eq!(pauses(&PurgeError::busy("down"), 0.0, 3), [250, 500, 1_000]);
    }

    #[test]
    fn what_the_network_asks_for_is_kept_but_not_for_days() {
        let asks = |seconds| PurgeError::Busy {
            retry_after: Some(Duration::from_secs(seconds)),
            reason: "too many".to_owned(),
        };
        assert_eq!(pauses(&asks(30), 0.0, 1), [30_000]);
        assert_eq!(pauses(&asks(86_400), 0.0, 1), [600_000]);
        assert_eq!(pauses(&asks(0), 1.0, 2), [500, 1_000], "zero is no leave to hammer");
    }

    #[test]
    fn a_success_opens_it_and_forgets() {
        let mut gate = Gate::default();
        for _ in 0..10 {
            gate.failed(&PurgeError::busy("down"), Duration::ZERO, 1.0);
        }
        assert!(!gate.is_open(Duration::from_secs(59)));
        gate.succeeded();
        assert!(gate.is_open(Duration::ZERO));
        gate.failed(&PurgeError::busy("down"), Duration::ZERO, 1.0);
        assert!(gate.is_open(Duration::from_millis(500)));
    }
}
