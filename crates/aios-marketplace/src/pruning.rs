//! Pruning: events that are too old for any figure are deleted, little by little.
//!
//! The figures look back thirty days (an agent's own) and seven (trending). Batches of a thousand rows, each found by an index
//! and deleted in a transaction of its own, with pauses between: readers and writers feel none of it on either database. (Partitions
//! that are detached would delete faster, but exist on PostgreSQL alone, make every key hold the time, and what is deleted in a
//! day is what came in on a day a year ago: some seconds of work.)

use aios_db::store::analytics::events_prune;
use aios_domain::Result;
use chrono::TimeDelta;

use crate::Marketplace;

/// Rows that are deleted in one transaction.
const BATCH: u32 = 1_000;

const PRUNED_TOTAL: &str = "aios_analytics_pruned_total";

pub(crate) fn describe_metrics() {
    metrics::describe_counter!(PRUNED_TOTAL, "Events that were deleted because of their age.");
}

/// What one step has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pruned {
    /// So many rows are gone, and more may be due.
    Some(usize),
    /// So many rows are gone, and no more are due now.
    Last(usize),
    /// Another server is at it.
    Elsewhere,
}

impl Marketplace {
    /// Deletes some of the events that are older than `keep`, a thousand at most, the oldest first. Of the servers on a database
    /// one does it at a time; the others are told [`Pruned::Elsewhere`].
    ///
    /// # Errors
    /// Those of the database; what was deleted before stays deleted.
    pub async fn prune_events(&self, keep: TimeDelta) -> Result<Pruned> {
        let Some(moment) = self.clock.now().checked_sub_signed(keep) else {
            return Ok(Pruned::Last(0));
        };
        let pruned = self.db.write_unseen(move |c| events_prune(c, moment, BATCH)).await?;
        let Some(rows) = pruned else {
            return Ok(Pruned::Elsewhere);
        };
        metrics::counter!(PRUNED_TOTAL).increment(rows as u64);
        Ok(if rows < BATCH as usize {
            Pruned::Last(rows)
        } else {
            Pruned::Some(rows)
        })
    }
}
