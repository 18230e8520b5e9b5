//! Who holds a connection, since when: the watchdog's list.

use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Where in the code an operation was asked for.
pub(crate) type Origin = &'static Location<'static>;

/// An operation that has held a connection for too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Overdue {
    /// Where it was asked for.
    pub(crate) origin: Origin,
    /// For how long it has held a connection.
    pub(crate) held: Duration,
}

/// The operations that hold a connection, in the order in which they got it.
#[derive(Debug, Default)]
pub(crate) struct Holds {
    state: Mutex<State>,
    overdue: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    /// Numbers grow, so the first entry holds its connection for the longest.
    held: BTreeMap<u64, Hold>,
    next: u64,
}

#[derive(Debug)]
struct Hold {
    origin: Origin,
    since: Instant,
    is_reported: bool,
}

impl Holds {
    /// An operation has a connection from now on, until the answer is dropped.
    pub(crate) fn enter(&self, origin: Origin, now: Instant) -> Held<'_> {
        let mut state = self.state.lock();
        let number = state.next;
        state.next += 1;
        let hold = Hold {
            origin,
            since: now,
            is_reported: false,
        };
        state.held.insert(number, hold);
        Held { holds: self, number }
    }

    /// How many operations hold one.
    pub(crate) fn len(&self) -> usize {
        self.state.lock().held.len()
    }

    /// The one that holds it for the longest.
    pub(crate) fn longest(&self, now: Instant) -> Option<Overdue> {
        let state = self.state.lock();
        state.held.values().next().map(|hold| overdue(hold, now))
    }

    /// Those that hold theirs for longer than `limit`, each told once.
    pub(crate) fn newly_overdue(&self, limit: Duration, now: Instant) -> Vec<Overdue> {
        let mut state = self.state.lock();
        let late = state
            .held
            .values_mut()
            .take_while(|hold| now.saturating_duration_since(hold.since) > limit);
        let told: Vec<_> = late
            .filter_map(|hold| (!std::mem::replace(&mut hold.is_reported, true)).then(|| overdue(hold, now)))
            .collect();
        self.overdue.fetch_add(told.len() as u64, Ordering::Relaxed);
        told
    }

    /// How many were told so far.
    pub(crate) fn overdue_total(&self) -> u64 {
        self.overdue.load(Ordering::Relaxed)
    }
}

fn overdue(hold: &Hold, now: Instant) -> Overdue {
    Overdue {
        origin: hold.origin,
        held: now.saturating_duration_since(hold.since),
    }
}

/// An operation on the list.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    holds: &'a Holds,
    number: u64,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.holds.state.lock().held.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn here() -> Origin {
        Location::caller()
    }

    #[test]
    fn who_holds_a_connection_for_too_long_is_told_once() {
        let (holds, start, limit) = (Holds::default(), Instant::now(), Duration::from_secs(60));
        let (first, second) = (here(), here());
        let forgotten = holds.enter(first, start);
        let at = |seconds| start + Duration::from_secs(seconds);
        let quick = holds.enter(second, at(30));
        assert_eq!(holds.newly_overdue(limit, at(60)), []);
        let told = holds.newly_overdue(limit, at(61));
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].origin, told[0].held), (first, Duration::from_secs(61)));
        assert_eq!(holds.newly_overdue(limit, at(62)), []);
        drop(quick);
        assert_eq!(holds.newly_overdue(limit, at(1_000)), []);
        assert_eq!(holds.overdue_total(), 1);
        assert_eq!(
            holds.longest(at(100)).map(|hold| hold.held),
            Some(Duration::from_secs(100))
        );
        drop(forgotten);
        assert_eq!((holds.len(), holds.longest(at(100))), (0, None));
    }
}
