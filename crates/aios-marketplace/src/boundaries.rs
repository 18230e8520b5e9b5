//! Where pages far into lists begin: the sampled boundaries of each list, kept for a while and sampled again.
//!
//! Nothing here reads a list. [`BoundaryKeeper::find`] hands out what is known and [`BoundaryKeeper::claim`] the right to
//! sample, one at a time for each list.

use std::collections::HashMap;
use std::sync::Arc;

use aios_domain::Timestamp;
use aios_pagination::{Boundaries, ListingKey};
use chrono::TimeDelta;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::clock::Clock;

/// When the boundaries of lists are sampled, and how long they are good.
///
/// A page is always of rows as they are now; what ages is its number. By the defaults the rows on page N are those that
/// were there at most ten minutes ago, and one minute ago where such pages are asked for all the time.
#[derive(Clone, Copy, Debug)]
pub struct FarPagePolicy {
    /// Pages with more rows than these before them are found by boundaries; nearer ones are counted off, exactly.
    pub beyond: u64,
    /// A boundary comes after so many rows: a page is found by skipping fewer.
    pub every: u64,
    /// So old, boundaries are used once more and sampled again meanwhile.
    pub refresh_after: TimeDelta,
    /// So old, they are not used any more.
    pub drop_after: TimeDelta,
    /// Of so many lists boundaries are kept. A list of a million rows has some 150 kB of them.
    pub max_lists: usize,
    /// So many lists are sampled at a time.
    pub max_samplings: usize,
}

impl Default for FarPagePolicy {
    fn default() -> Self {
        Self {
            beyond: 10_000,
            every: 1_000,
            refresh_after: TimeDelta::minutes(1),
            drop_after: TimeDelta::minutes(10),
            max_lists: 64,
            max_samplings: 2,
        }
    }
}

/// Keeps the boundaries of lists. Clones are handles to the same ones.
#[derive(Clone)]
pub(crate) struct BoundaryKeeper {
    policy: FarPagePolicy,
    clock: Arc<dyn Clock>,
    kept: Arc<Mutex<Kept>>,
    samplings: watch::Sender<usize>,
}

#[derive(Default)]
struct Kept {
    lists: HashMap<ListingKey, Entry>,
    /// Grows with every use, so that the list that was not used for longest is known.
    uses: u64,
}

struct Entry {
    sampled: Option<(Arc<Boundaries>, Timestamp)>,
    /// The last attempt, whether it succeeded or not: one that fails is not repeated at once.
    claimed_at: Timestamp,
    is_claimed: bool,
    last_use: u64,
}

impl BoundaryKeeper {
    pub(crate) fn new(policy: FarPagePolicy, clock: Arc<dyn Clock>) -> Self {
        Self {
            policy,
            clock,
            kept: Arc::default(),
            samplings: watch::Sender::new(0),
        }
    }

    /// Whether a page after so many rows is found by boundaries.
    pub(crate) fn is_far(&self, skip: u64) -> bool {
        skip > self.policy.beyond
    }

    /// The list's boundaries, unless they are too old.
    pub(crate) fn find(&self, list: ListingKey) -> Option<Arc<Boundaries>> {
        let now = self.clock.now();
        let mut kept = self.kept.lock();
        let use_number = kept.next_use();
        let entry = kept.lists.get_mut(&list)?;
        entry.last_use = use_number;
        let (boundaries, sampled_at) = entry.sampled.as_ref()?;
        (now - *sampled_at < self.policy.drop_after).then(|| Arc::clone(boundaries))
    }

    /// The right to sample a list. `None` where its boundaries are young, where it is being sampled or was tried to be a
    /// moment ago, and where enough others are being sampled.
    pub(crate) fn claim(&self, list: ListingKey) -> Option<Claim> {
        let now = self.clock.now();
        let mut kept = self.kept.lock();
        if *self.samplings.borrow() >= self.policy.max_samplings {
            return None;
        }
        let last_use = kept.next_use();
        match kept.lists.get_mut(&list) {
            Some(entry) if entry.is_claimed || now - entry.claimed_at < self.policy.refresh_after => return None,
            Some(entry) => (entry.is_claimed, entry.claimed_at) = (true, now),
            None => {
                kept.make_room(self.policy.max_lists);
                let entry = Entry {
                    sampled: None,
                    claimed_at: now,
                    is_claimed: true,
                    last_use,
                };
                kept.lists.insert(list, entry);
            }
        }
        self.samplings.send_modify(|samplings| *samplings += 1);
        Some(Claim {
            keeper: self.clone(),
            list,
            claimed_at: now,
        })
    }

    /// Waits until nothing is being sampled.
    pub(crate) async fn settled(&self) {
        // The sender is in this very keeper, so it can't be gone.
        let _ = self.samplings.subscribe().wait_for(|&samplings| samplings == 0).await;
    }

    #[cfg(test)]
    fn lists(&self) -> usize {
        self.kept.lock().lists.len()
    }
}

impl Kept {
    fn next_use(&mut self) -> u64 {
        self.uses += 1;
        self.uses
    }

    /// Gives up the list that was not used for longest, where there are as many as there may be. One that is being sampled
    /// stays, since it was asked for last.
    fn make_room(&mut self, max_lists: usize) {
        if self.lists.len() < max_lists {
            return;
        }
        let idle = self.lists.iter().filter(|(_, entry)| !entry.is_claimed);
        if let Some(list) = idle.min_by_key(|(_, entry)| entry.last_use).map(|(list, _)| *list) {
            self.lists.remove(&list);
        }
    }
}

/// The right to sample one list. Dropped unfulfilled, it is given back, and the list may be tried again in a while.
pub(crate) struct Claim {
    keeper: BoundaryKeeper,
    list: ListingKey,
    /// Rows that change while the list is being read are of the next sample.
    claimed_at: Timestamp,
}

impl Claim {
    /// Which list is to be sampled.
    pub(crate) fn list(&self) -> ListingKey {
        self.list
    }

    /// How far apart its boundaries are to be.
    pub(crate) fn every(&self) -> u64 {
        self.keeper.policy.every
    }

    /// Keeps what was sampled.
    pub(crate) fn fulfil(&self, boundaries: Boundaries) {
        if let Some(entry) = self.keeper.kept.lock().lists.get_mut(&self.list) {
            entry.sampled = Some((Arc::new(boundaries), self.claimed_at));
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(entry) = self.keeper.kept.lock().lists.get_mut(&self.list) {
            entry.is_claimed = false;
        }
        self.keeper.samplings.send_modify(|samplings| *samplings -= 1);
    }
}

#[cfg(test)]
mod tests {
    use aios_pagination::{Expected, Fingerprint, Order, Value};

    use super::*;
    use crate::ManualClock;

    fn order() -> Order<u64> {
        Order::named("numbers").unique_asc(|number: &u64| *number)
    }

    fn list(number: u64) -> ListingKey {
        ListingKey::new(&order(), Fingerprint::new("numbers").with("number", number))
    }

    fn boundaries(at: u64) -> Boundaries {
        let order = order();
        let of = Expected::new(&order, Fingerprint::new("numbers"));
        Boundaries::new(of, 1, 2, vec![vec![Value::Uint(at)]]).unwrap()
    }

    fn keeper() -> (BoundaryKeeper, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new("2026-01-31T12:00:00Z".parse().unwrap()));
        let policy = FarPagePolicy {
            max_lists: 2,
            ..FarPagePolicy::default()
        };
        (BoundaryKeeper::new(policy, clock.clone()), clock)
    }

    fn sample(keeper: &BoundaryKeeper, number: u64) {
        keeper.claim(list(number)).unwrap().fulfil(boundaries(number));
    }

    #[test]
    fn a_list_is_sampled_once_at_a_time_and_again_after_a_minute() {
        let (keeper, clock) = keeper();
        assert!(keeper.find(list(1)).is_none());
        let claim = keeper.claim(list(1)).unwrap();
        assert!(keeper.claim(list(1)).is_none(), "it is being sampled");
        clock.advance(TimeDelta::hours(1));
        assert!(keeper.claim(list(1)).is_none(), "it still is");
        drop(claim);
        let claim = keeper.claim(list(1)).unwrap();
        claim.fulfil(boundaries(1));
        drop(claim);
        assert_eq!(*keeper.find(list(1)).unwrap(), boundaries(1));
        clock.advance(TimeDelta::seconds(59));
        assert!(keeper.claim(list(1)).is_none(), "they are young");
        clock.advance(TimeDelta::seconds(1));
        let claim = keeper.claim(list(1)).unwrap();
        assert_eq!(
            *keeper.find(list(1)).unwrap(),
            boundaries(1),
            "used while they are sampled again"
        );
        claim.fulfil(boundaries(2));
        assert_eq!(*keeper.find(list(1)).unwrap(), boundaries(2));
    }

    #[test]
    fn old_boundaries_are_dropped_and_a_failed_sampling_is_not_repeated_at_once() {
        let (keeper, clock) = keeper();
        sample(&keeper, 1);
        clock.advance(TimeDelta::minutes(10));
        assert!(keeper.find(list(1)).is_none());
        drop(keeper.claim(list(1)).unwrap());
        assert!(keeper.find(list(1)).is_none());
        assert!(keeper.claim(list(1)).is_none());
        clock.advance(TimeDelta::minutes(1));
        assert!(keeper.claim(list(1)).is_some());
    }

    #[test]
    fn the_list_that_was_not_used_for_longest_goes() {
        let (keeper, _clock) = keeper();
        sample(&keeper, 1);
        sample(&keeper, 2);
        assert!(keeper.find(list(1)).is_some());
        sample(&keeper, 3);
        assert_eq!(keeper.lists(), 2);
        assert!(keeper.find(list(1)).is_some() && keeper.find(list(2)).is_none() && keeper.find(list(3)).is_some());
    }

    #[test]
    fn few_lists_are_sampled_at_a_time() {
        let (keeper, _clock) = keeper();
        let (first, _second) = (keeper.claim(list(1)).unwrap(), keeper.claim(list(2)).unwrap());
        assert!(keeper.claim(list(3)).is_none());
        drop(first);
        assert!(keeper.claim(list(3)).is_some());
    }

    #[test]
    fn only_far_pages_need_boundaries() {
        let (keeper, _clock) = keeper();
        assert!(!keeper.is_far(10_000) && keeper.is_far(10_001));
    }
}
