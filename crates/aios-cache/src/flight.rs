//! Loads under way: joined by whoever comes meanwhile, and cut loose by an invalidation.

use std::sync::Arc;

use tokio::sync::watch;

use crate::entry::Cached;
use crate::error::Failure;
use crate::fence::Fence;
use crate::tags::{TableMark, TagMark, TagTable};

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
    /// Whether nothing that is known of it has been invalidated since it began: what it brings may be stored.
    pub(crate) fn is_current(&self, generation: u64) -> bool {
        self.generation == generation && self.tags.iter().all(TagMark::is_current)
    }

    /// Whether newcomers may wait for it. Those who already have its answer, an old value while it brings the new one, must
    /// not pass it on once that is stale.
    pub(crate) fn can_be_joined(&self, generation: u64) -> bool {
        let is_old = matches!(&*self.progress.borrow(), Progress::Answered(Ok(cached)) if cached.is_overtaken());
        !is_old && self.is_current(generation)
    }

    /// Whether nothing at all has been invalidated since it began, so that whatever tags its loader names, newcomers may
    /// have its answer.
    pub(crate) fn saw_everything(&self, tags: &TagTable, number: u64) -> bool {
        !tags.was_bumped_since(self.table) && self.number == number
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

/// The flights of a namespace.
pub(crate) type Flights<V> = Fence<Flight<V>>;
