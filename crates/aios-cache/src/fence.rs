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

type Shard<F> = HashMap<Box<str>, Arc<F>>;

/// The flights of a namespace, one a key.
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
        if let Some(flight) = shard.get(key)
            && is_current(flight)
        {
            return Step::Join(Arc::clone(flight));
        }
        // A load may have ended between a look and the lock.
        if let Some(found) = find() {
            return Step::Found(found);
        }
        let flight = begin();
        shard.insert(key.into(), Arc::clone(&flight));
        Step::Lead(flight)
    }

    /// Begins a flight, whatever else is under way for the key.
    pub(crate) fn lead(&self, key: &str, begin: impl FnOnce() -> Arc<F>) -> Arc<F> {
        let mut shard = self.shard(key).lock();
        let flight = begin();
        shard.insert(key.into(), Arc::clone(&flight));
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
            shard.remove(key);
        }
        is_good
    }

    /// The flight is over without a result.
    pub(crate) fn forget(&self, key: &str, flight: &Arc<F>) {
        let mut shard = self.shard(key).lock();
        if is_attached(&shard, key, flight) {
            shard.remove(key);
        }
    }

    /// An invalidation: the key has no flight any more, and `remove` takes what is there. Both are handed out: they are
    /// dropped when no lock is held.
    pub(crate) fn detach<R>(&self, key: &str, remove: impl FnOnce() -> R) -> (Option<Arc<F>>, R) {
        let mut shard = self.shard(key).lock();
        (shard.remove(key), remove())
    }

    /// Does something while nothing about the key is decided.
    pub(crate) fn holding<R>(&self, key: &str, act: impl FnOnce() -> R) -> R {
        let _shard = self.shard(key).lock();
        act()
    }
}

#[cold]
fn unreachable_shard<T>(shards: &[T; SHARDS]) -> &T {
    let [first, ..] = shards;
    first
}

/// Whether `flight` is still the key's.
fn is_attached<F>(shard: &Shard<F>, key: &str, flight: &Arc<F>) -> bool {
    shard.get(key).is_some_and(|attached| Arc::ptr_eq(attached, flight))
}
