//! The fence in this process: whose load is a key's, decided under the lock of the key's shard.
//!
//! A result goes into memory only while its flight is still the key's flight, under that lock; an invalidation takes the
//! flight away and removes the entry under the same lock. Tags and generations have no lock in common with it: they are
//! noted before a load begins and compared after, under the lock when it is stored and by every read after that.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use crate::sync::{Mutex, RandomState};

const SHARDS: usize = 32;

/// What is under way for the keys of a shard.
struct Shard<F> {
    flights: HashMap<Box<str>, Arc<F>>,
    /// Looks into the shared tier, for which nobody waits but who looks.
    looks: HashMap<Box<str>, u64>,
    /// How many looks there were.
    looked: u64,
}

impl<F> Default for Shard<F> {
    fn default() -> Self {
        Self {
            flights: HashMap::new(),
            looks: HashMap::new(),
            looked: 0,
        }
    }
}

/// The flights of a namespace, one a key at most, and beside it one look.
pub(crate) struct Fence<F> {
    shards: Box<[Mutex<Shard<F>>; SHARDS]>,
    hasher: RandomState,
}

/// What somebody does who wants a value.
pub(crate) enum Step<F, T> {
    /// It is there after all.
    Found(T),
    /// Wait for this flight.
    Join(Arc<F>),
    /// Fly.
    Lead(Arc<F>),
}

impl<F> Fence<F> {
    pub(crate) fn new() -> Self {
        Self {
            shards: Box::new(std::array::from_fn(|_| Mutex::default())),
            hasher: RandomState::default(),
        }
    }

    fn shard(&self, key: &str) -> &Mutex<Shard<F>> {
        let index = usize::try_from(self.hasher.hash_one(key) >> 59).unwrap_or(0);
        // There are 32 shards, and five bits choose one.
        self.shards
            .get(index)
            .unwrap_or_else(|| unreachable_shard(&self.shards))
    }

    /// Joins the key's flight, where it `is_current`; takes what is there by now, where anything is; or begins a flight,
    /// which is the key's from then on.
    pub(crate) fn join_or_lead<T>(
        &self,
        key: &str,
        is_current: impl FnOnce(&F) -> bool,
        find: impl FnOnce() -> Option<T>,
        begin: impl FnOnce() -> Arc<F>,
    ) -> Step<F, T> {
        let mut shard = self.shard(key).lock();
        if let Some(flight) = shard.flights.get(key)
            && is_current(flight)
        {
            return Step::Join(Arc::clone(flight));
        }
        // A load may have ended between a look and the lock.
        if let Some(found) = find() {
            return Step::Found(found);
        }
        let flight = begin();
        shard.flights.insert(key.into(), Arc::clone(&flight));
        Step::Lead(flight)
    }

    /// Begins a flight, whatever else is under way for the key.
    pub(crate) fn lead(&self, key: &str, begin: impl FnOnce() -> Arc<F>) -> Arc<F> {
        let mut shard = self.shard(key).lock();
        let flight = begin();
        shard.flights.insert(key.into(), Arc::clone(&flight));
        flight
    }

    /// Stores what a flight brought, if it is still the key's and `is_good`. Where it `is_over`, it goes. Whether it was
    /// good.
    pub(crate) fn settle(
        &self,
        key: &str,
        flight: &Arc<F>,
        is_over: bool,
        is_good: impl FnOnce() -> bool,
        store: impl FnOnce(),
    ) -> bool {
        let mut shard = self.shard(key).lock();
        if !is_attached(&shard, key, flight) {
            return false;
        }
        let is_good = is_good();
        if is_good {
            store();
        }
        if is_over {
            shard.flights.remove(key);
        }
        is_good
    }

    /// The flight is over without a result.
    pub(crate) fn forget(&self, key: &str, flight: &Arc<F>) {
        let mut shard = self.shard(key).lock();
        if is_attached(&shard, key, flight) {
            shard.flights.remove(key);
        }
    }

    /// An invalidation: the key has no flight any more, and `remove` takes what is there. Both are handed out: they are
    /// dropped when no lock is held.
    pub(crate) fn detach<R>(&self, key: &str, remove: impl FnOnce() -> R) -> (Option<Arc<F>>, R) {
        let mut shard = self.shard(key).lock();
        shard.looks.remove(key);
        (shard.flights.remove(key), remove())
    }

    /// Begins a look, if nothing is under way for the key. Whoever comes meanwhile does not wait for it, but flies.
    pub(crate) fn look<'a>(&'a self, key: &'a str) -> Option<Look<'a, F>> {
        let mut shard = self.shard(key).lock();
        if shard.flights.contains_key(key) || shard.looks.contains_key(key) {
            return None;
        }
        shard.looked += 1;
        let number = shard.looked;
        shard.looks.insert(key.into(), number);
        Some(Look {
            fence: self,
            key,
            number,
        })
    }

    /// Does something while nothing about the key is decided.
    pub(crate) fn holding<R>(&self, key: &str, act: impl FnOnce() -> R) -> R {
        let _shard = self.shard(key).lock();
        act()
    }
}

/// A look into the shared tier: what it finds goes into memory only if the key was not invalidated meanwhile.
pub(crate) struct Look<'a, F> {
    fence: &'a Fence<F>,
    key: &'a str,
    number: u64,
}

impl<F> Look<'_, F> {
    /// Stores what was found, if it still may be and `is_good`.
    pub(crate) fn settle(&self, is_good: impl FnOnce() -> bool, store: impl FnOnce()) {
        let shard = self.fence.shard(self.key).lock();
        // A flight that has begun meanwhile brings something newer.
        let is_mine = shard.looks.get(self.key) == Some(&self.number) && !shard.flights.contains_key(self.key);
        if is_mine && is_good() {
            store();
        }
    }
}

impl<F> Drop for Look<'_, F> {
    fn drop(&mut self) {
        let mut shard = self.fence.shard(self.key).lock();
        if shard.looks.get(self.key) == Some(&self.number) {
            shard.looks.remove(self.key);
        }
    }
}

#[cold]
fn unreachable_shard<T>(shards: &[T; SHARDS]) -> &T {
    let [first, ..] = shards;
    first
}

/// Whether `flight` is still the key's.
fn is_attached<F>(shard: &Shard<F>, key: &str, flight: &Arc<F>) -> bool {
    shard
        .flights
        .get(key)
        .is_some_and(|attached| Arc::ptr_eq(attached, flight))
}
