//! Turns for work that may take a processor but not keep it: one at a time, and a tenth of the time at most. Where lists
//! become stale faster than they are worth their best compression, requests must not pay for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// After a turn so many times its length passes before the next.
const PAUSE: u32 = 9;

#[derive(Default)]
pub(super) struct Turns(Mutex<State>);

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Free,
    Taken,
    PausingUntil(Instant),
}

/// A turn; it ends when this is dropped.
pub(super) struct Turn {
    turns: Arc<Turns>,
    began: Instant,
}

impl Turns {
    /// A turn, where it is time for one.
    pub(super) fn begin(self: &Arc<Self>) -> Option<Turn> {
        let mut state = self.0.try_lock()?;
        let now = Instant::now();
        match *state {
            State::Taken => return None,
            State::PausingUntil(then) if now < then => return None,
            State::Free | State::PausingUntil(_) => *state = State::Taken,
        }
        Some(Turn {
            turns: Arc::clone(self),
            began: now,
        })
    }

    fn end(&self, took: Duration) {
        *self.0.lock() = State::PausingUntil(Instant::now() + took * PAUSE);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.end(self.began.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_turn_at_a_time_and_a_pause_after_it() {
        let turns = Arc::new(Turns::default());
        let turn = turns.begin().unwrap();
        assert!(turns.begin().is_none());
        // A turn that is said to have taken an hour is followed by nine of pause.
        std::mem::forget(turn);
        turns.end(Duration::from_secs(3_600));
        assert!(turns.begin().is_none());
        turns.end(Duration::ZERO);
        assert!(turns.begin().is_some());
    }
}
