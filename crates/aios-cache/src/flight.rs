//! Loads under way: one a key, joined by whoever comes meanwhile, and cut loose by an invalidation.
//!
//! The lock of a key's shard is the fence in this process: a result goes into memory only while its flight is still the
//! key's flight, under that lock; an invalidation takes the flight away and removes the entry under the same lock.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;

use crate::entry::Cached;
use crate::error::Failure;
use crate::tags::{TableMark, TagMark};

/// What those who wait for a flight are told.
pub(crate) enum Progress<V> {
    Loading,
    Answered(Result<Cached<V>, Failure>),
}

/// A load under way.
pub(crate) struct Flight<V> {
    pub(crate) progress: watch::Sender<Progress<V>>,
    /// The namespace's generation, the tags and the numbers of notices, all from before it began.
    pub(crate) generation: u64,
    pub(crate) tags: Box<[TagMark]>,
    pub(crate) table: TableMark,
    pub(crate) number: u64,
}

impl<V> Flight<V> {
    /// Whether nothing has been invalidated since it began: what it brings may be stored, and newcomers may wait for it.
    pub(crate) fn is_current(&self, generation: u64) -> bool {
        self.generation == generation && self.tags.iter().all(TagMark::is_current)
    }

    /// The first answer counts; later ones are for the cache alone.
    pub(crate) fn answer(&self, result: Result<Cached<V>, Failure>) {
        self.progress.send_if_modified(|progress| {
            let is_first = matches!(progress, Progress::Loading);
            if is_first {
                *progress = Progress::Answered(result);
            }
            is_first
        });
    }

    /// The answer, once there is one.
    pub(crate) async fn wait(self: Arc<Self>) -> Result<Cached<V>, Failure> {
        let mut progress = self.progress.subscribe();
        // `self` holds the sender, so the wait does not fail; should it, the load was given up.
        let Ok(answered) = progress
            .wait_for(|progress| matches!(progress, Progress::Answered(_)))
            .await
        else {
            return Err(Failure::Abandoned);
        };
        match &*answered {
            Progress::Answered(result) => result.clone(),
            Progress::Loading => Err(Failure::Abandoned),
        }
    }
}

const SHARDS: usize = 32;

type Shard<V> = HashMap<Box<str>, Arc<Flight<V>>>;

/// The flights of a namespace.
pub(crate) struct Flights<V> {
    shards: Box<[Mutex<Shard<V>>; SHARDS]>,
    hasher: RandomState,
}

impl<V> Flights<V> {
    pub(crate) fn new() -> Self {
        Self {
            shards: Box::new(std::array::from_fn(|_| Mutex::default())),
            hasher: RandomState::new(),
        }
    }

    /// The lock under which everything about a key is decided.
    pub(crate) fn lock(&self, key: &str) -> MutexGuard<'_, Shard<V>> {
        let index = usize::try_from(self.hasher.hash_one(key) >> 59).unwrap_or(0);
        match self.shards.get(index) {
            Some(shard) => shard.lock(),
            // There are 32 shards, and five bits choose one.
            None => unreachable_shard(&self.shards).lock(),
        }
    }
}

#[cold]
fn unreachable_shard<T>(shards: &[T; SHARDS]) -> &T {
    let [first, ..] = shards;
    first
}

/// Whether `flight` is still the key's.
pub(crate) fn is_attached<V>(shard: &Shard<V>, key: &str, flight: &Arc<Flight<V>>) -> bool {
    shard.get(key).is_some_and(|attached| Arc::ptr_eq(attached, flight))
}
