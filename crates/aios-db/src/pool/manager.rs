//! How r2d2 opens, tests and gives up connections, and what is known meanwhile of whether the database can be reached.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::Connection;
use diesel::r2d2::R2D2Connection;

use super::metrics::LaneMetrics;
use super::replica::{Instance, instance};
use crate::connection::{Access, AnyConnection, DatabaseUrl, connect};
use crate::error::DbResult;
use crate::profile::{Observer, Profile};

/// After so long without use a connection is asked whether it lives before it is used again. Asking each time would cost
/// every operation a round trip; never asking, the first operations after a restart of the database.
const ASK_AFTER: Duration = Duration::from_secs(1);

pub(super) struct Manager {
    pub(super) url: DatabaseUrl,
    pub(super) access: Access,
    /// Connections have to be told from those to another server behind the same address.
    pub(super) is_replica: bool,
    pub(super) statement_timeout: Duration,
    pub(super) profile: Arc<Profile>,
    pub(super) reachability: Arc<Reachability>,
    pub(super) metrics: LaneMetrics,
}

/// Whether the database could be reached the last time, and when a connection broke.
pub(super) struct Reachability {
    pool: Arc<str>,
    began: Instant,
    is_away: AtomicBool,
    /// Nanoseconds from `began`; connections that were used last before may be broken as well.
    lost_at: AtomicU64,
}

impl Reachability {
    pub(super) fn new(pool: Arc<str>) -> Self {
        Self {
            pool,
            began: Instant::now(),
            is_away: AtomicBool::new(false),
            lost_at: AtomicU64::new(0),
        }
    }

    /// No connection could be opened the last time. r2d2 goes on trying, by itself and with growing pauses.
    pub(super) fn is_away(&self) -> bool {
        self.is_away.load(Ordering::Relaxed)
    }

    /// A connection turned out to be broken.
    pub(super) fn lost(&self) {
        self.lost_at.store(nanos(self.began.elapsed()), Ordering::Relaxed);
    }

    fn is_suspect(&self, last_used: Instant) -> bool {
        let lost_at = self.lost_at.load(Ordering::Relaxed);
        lost_at > 0 && nanos(last_used.saturating_duration_since(self.began)) <= lost_at
    }

    fn opened(&self) {
        if self.is_away.swap(false, Ordering::Relaxed) {
            tracing::info!(pool = &*self.pool, "the database can be reached again");
        }
    }

    fn failed(&self, error: &dyn std::fmt::Display) {
        if self.is_away.swap(true, Ordering::Relaxed) {
            tracing::debug!(pool = &*self.pool, %error, "still can't open a database connection");
        } else {
            tracing::warn!(
                pool = &*self.pool,
                %error,
                "the database is unreachable: can't open a connection; it is tried again and again"
            );
        }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A connection and what is known of its health.
pub(super) struct Pooled {
    connection: AnyConnection,
    /// To which server, where that matters.
    instance: Instance,
    last_used: Instant,
    /// The last operation failed in the database: it may be away.
    suspect: bool,
    /// An operation found it broken.
    is_lost: bool,
}

impl Pooled {
    /// Runs an operation, and notes what that says of the connection.
    pub(super) fn run<T>(
        &mut self,
        operation: &mut impl FnMut(&mut AnyConnection, Instance) -> DbResult<T>,
    ) -> DbResult<T> {
        // Stays so where the operation panics.
        self.suspect = true;
        let result = operation(&mut self.connection, self.instance);
        self.last_used = Instant::now();
        let error = result.as_ref().err();
        self.suspect = error.is_some_and(|error| !error.is_of_the_domain());
        self.is_lost = error.is_some_and(crate::DbError::is_connection_loss);
        result
    }
}

impl Manager {
    fn open(&self) -> Result<(AnyConnection, Instance), diesel::r2d2::Error> {
        let connected = connect(&self.url, self.access, Some(self.statement_timeout));
        let mut connection = connected.map_err(diesel::r2d2::Error::ConnectionError)?;
        let instance = if self.is_replica {
            instance(&mut connection).map_err(diesel::r2d2::Error::QueryError)?
        } else {
            0
        };
        Ok((connection, instance))
    }
}

impl r2d2::ManageConnection for Manager {
    type Connection = Pooled;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Pooled, Self::Error> {
        let started = Instant::now();
        let (mut connection, instance) = self.open().inspect_err(|error| {
            self.metrics.connect_failed();
            self.reachability.failed(error);
        })?;
        self.metrics.connected(started.elapsed());
        self.reachability.opened();
        connection.set_instrumentation(Observer::new(&self.profile));
        Ok(Pooled {
            connection,
            instance,
            last_used: Instant::now(),
            suspect: false,
            is_lost: false,
        })
    }

    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), Self::Error> {
        if pooled.last_used.elapsed() < ASK_AFTER && !self.reachability.is_suspect(pooled.last_used) {
            return Ok(());
        }
        pooled.connection.ping().map_err(diesel::r2d2::Error::QueryError)?;
        pooled.last_used = Instant::now();
        Ok(())
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        std::thread::panicking()
            || pooled.is_lost
            || pooled.connection.is_broken()
            || (pooled.suspect && pooled.connection.ping().is_err())
    }
}

/// What r2d2 reports besides a failed `connect`, which says so itself: connections that did not answer.
#[derive(Debug)]
pub(super) struct LogErrors;

impl r2d2::HandleError<diesel::r2d2::Error> for LogErrors {
    fn handle_error(&self, error: diesel::r2d2::Error) {
        if !matches!(error, diesel::r2d2::Error::ConnectionError(_)) {
            tracing::info!(%error, "a database connection no longer answers, and is opened anew");
        }
    }
}
