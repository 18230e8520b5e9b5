//! Which replica answers a read, and when it has to be the primary.
//!
//! A read must see whatever was committed before it began, wherever that was written and however its reader heard of it: by
//! its own write, by an invalidation through Redis, by the outbox, or not at all. Else a value that is loaded after an
//! invalidation would be the old one under the new version of its tags, and stay. So each read first learns how far the
//! primary's log goes, at a moment after it began, and then a replica answers that has replayed as much. The primary is asked
//! once for all reads that wait; replicas report where they are, and are asked only where the last report does not suffice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use aios_domain::{Error, ErrorKind, Result};

use super::lane::{Call, Lane, Repeat};
use super::metrics::fell_back;
use super::position::{Lsn, Position};
use super::replica::{Reach, Replica};
use crate::connection::AnyConnection;
use crate::error::{DbError, DbResult};

/// The replicas of a database.
pub(super) struct Replicas {
    primary: Position,
    replicas: Vec<Replica>,
    next: AtomicUsize,
}

/// What became of a read at a replica.
enum Attempt<T> {
    Done(T),
    /// It does not have what the read must see.
    Behind,
    /// It could not answer for a reason that is its own.
    Failed(DbError),
}

impl Replicas {
    pub(super) fn new(primary: Position, replicas: Vec<Replica>) -> Self {
        Self {
            primary,
            replicas,
            next: AtomicUsize::new(0),
        }
    }

    pub(super) fn lanes(&self) -> impl Iterator<Item = &Lane> {
        self.replicas.iter().map(|replica| &replica.lane)
    }

    /// Runs a read at a replica that has all that was committed before, else at `primary`.
    pub(super) async fn read<T, O>(&self, primary: &Lane, call: Call, mut operation: O) -> Result<T>
    where
        T: Send + 'static,
        O: FnMut(&mut AnyConnection) -> DbResult<T> + Clone + Send + 'static,
    {
        match self.at_a_replica(&call, operation.clone()).await {
            Ok(result) => result,
            Err(why) => {
                fell_back(why);
                primary.run(call, move |c, _| operation(c)).await
            }
        }
    }

    /// The answer of a replica, or why there is none.
    async fn at_a_replica<T, O>(&self, call: &Call, mut operation: O) -> Result<Result<T>, &'static str>
    where
        T: Send + 'static,
        O: FnMut(&mut AnyConnection) -> DbResult<T> + Send + 'static,
    {
        // Nobody is asked for the sake of replicas that are away.
        let is_down = |replica: &Replica| replica.known.reach(0, Instant::now()) == Reach::Down;
        if self.replicas.iter().all(is_down) {
            return Err("down");
        }
        let needed = self.primary.after_now().await.ok_or("unknown")?;
        let replica = self.choose(needed).ok_or("behind")?;
        let known = Arc::clone(&replica.known);
        let call = Call {
            repeat: Repeat::Never,
            ..call.clone()
        };
        let attempt = replica.lane.run(call, move |c, instance| {
            if !known.has(needed, c, instance)? {
                return Ok(Attempt::Behind);
            }
            match operation(c) {
                Err(error) if error.is_recovery_conflict() => Ok(Attempt::Failed(error)),
                result => result.map(Attempt::Done),
            }
        });
        let attempted = tokio::select! {
            biased;
            attempted = attempt => attempted,
            // Nothing tells this end that the other one stands still; its thread comes back when it goes on or is given up.
            () = replica.known.fallen_silent() => return Err("silent"),
        };
        match attempted {
            Ok(Attempt::Done(value)) => {
                replica.metrics.read();
                Ok(Ok(value))
            }
            Ok(Attempt::Behind) => Err("behind"),
            Ok(Attempt::Failed(error)) => {
                tracing::debug!(%error, replica = &**replica.lane.name(), "a replica gave a read up");
                Err("failed")
            }
            Err(error) if is_its_own(&error) => {
                // Left alone until it answers who watches it.
                replica.known.is_down();
                Err("failed")
            }
            Err(error) => Ok(Err(error)),
        }
    }

    /// In turn one of those that are known to have what is needed; else of those that may have it.
    fn choose(&self, needed: Lsn) -> Option<&Replica> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        let of = |wanted| {
            let has = |replica: &&Replica| replica.known.reach(needed, now) == wanted;
            let count = self.replicas.iter().filter(has).count();
            // It may have become one less meanwhile; then there is the other kind, or the primary.
            self.replicas.iter().filter(has).nth(turn.checked_rem(count)?)
        };
        of(Reach::Yes).or_else(|| of(Reach::Unknown))
    }
}

/// Whether this is the fault of the replica and not of what was asked.
fn is_its_own(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Overloaded)
}
