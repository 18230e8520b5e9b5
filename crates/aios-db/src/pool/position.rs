//! How far the primary's log goes: asked once for all reads that wait for the answer, and always after they began.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::pg::data_types::PgLsn;
use diesel::pg::sql_types;
use diesel::prelude::*;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::connection::{Access, AnyConnection, DatabaseUrl, connect};

/// A place in the log (LSN), in bytes from its beginning.
pub(super) type Lsn = u64;

/// For how long a read waits for the answer before it goes to the primary itself.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it is asked where nobody wants to know, so that the lag of replicas is known.
const BY_ITSELF: Duration = Duration::from_secs(1);
/// For how long the primary is not asked again when it could not be reached.
const PAUSE: Duration = Duration::from_millis(500);
/// How long the question may take the primary.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(2);

/// Asks the primary how far its log goes, over a connection and on a thread of its own.
pub(super) struct Position {
    askers: Sender<Asker>,
    seen: Arc<Seen>,
}

type Asker = oneshot::Sender<Option<Lsn>>;

/// What was seen of the primary last.
#[derive(Debug, Default)]
pub(super) struct Seen {
    latest: AtomicU64,
    system: Mutex<Option<i64>>,
}

impl Seen {
    /// How far its log went when it was asked last.
    pub(super) fn latest(&self) -> Lsn {
        self.latest.load(Ordering::Relaxed)
    }

    /// The number that the primary and its replicas have in common.
    pub(super) fn system(&self) -> Option<i64> {
        *self.system.lock()
    }
}

impl Position {
    pub(super) fn new(url: DatabaseUrl) -> Self {
        let (askers, asked) = channel();
        let seen = Arc::<Seen>::default();
        let answering = Answering {
            url,
            asked,
            seen: Arc::clone(&seen),
            connection: None,
            not_before: Instant::now(),
        };
        let started = std::thread::Builder::new()
            .name("aios-db-position".to_owned())
            .spawn(move || answering.run());
        if let Err(error) = started {
            // Then nobody answers, and everything is read from the primary.
            tracing::warn!(%error, "replicas are not used: a thread could not be started");
        }
        Self { askers, seen }
    }

    /// How far the log goes at a moment after this was called: whatever was committed before is in front of it. `None` where
    /// the primary does not say.
    pub(super) async fn after_now(&self) -> Option<Lsn> {
        let (asker, answer) = oneshot::channel();
        self.askers.send(asker).ok()?;
        tokio::time::timeout(PATIENCE, answer).await.ok()?.ok()?
    }

    pub(super) fn seen(&self) -> &Arc<Seen> {
        &self.seen
    }
}

struct Answering {
    url: DatabaseUrl,
    asked: Receiver<Asker>,
    seen: Arc<Seen>,
    connection: Option<(AnyConnection, LogShape)>,
    not_before: Instant,
}

impl Answering {
    /// Until the last who may ask is gone. The first question is its own: replicas are compared with what the primary says.
    fn run(mut self) {
        let mut askers = Vec::new();
        loop {
            let answer = self.ask();
            if let Some(lsn) = answer {
                self.seen.latest.fetch_max(lsn, Ordering::Relaxed);
            }
            for asker in askers.drain(..) {
                let asker: Asker = asker;
                let _ = asker.send(answer);
            }
            match self.asked.recv_timeout(BY_ITSELF) {
                // The next question goes out after all of these have come.
                Ok(first) => askers.extend(std::iter::once(first).chain(self.asked.try_iter())),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn ask(&mut self) -> Option<Lsn> {
        // A connection from before a restart of the primary fails once.
        self.ask_once().or_else(|| self.ask_once())
    }

    fn ask_once(&mut self) -> Option<Lsn> {
        if self.connection.is_none() {
            if Instant::now() < self.not_before {
                return None;
            }
            match self.connect() {
                Ok(connection) => self.connection = Some(connection),
                Err(error) => {
                    tracing::debug!(%error, "the primary does not say how far its log goes");
                    self.not_before = Instant::now() + PAUSE;
                    return None;
                }
            }
        }
        let answer = self
            .connection
            .as_mut()
            .map(|(connection, shape)| written(connection, *shape))?;
        answer
            .inspect_err(|error| {
                tracing::debug!(%error, "the primary does not say how far its log goes");
                self.connection = None;
            })
            .ok()
    }

    fn connect(&self) -> Result<(AnyConnection, LogShape), Box<dyn std::error::Error>> {
        let mut connection = connect(&self.url, Access::ReadOnly, Some(STATEMENT_TIMEOUT))?;
        let mut bytes = |setting| {
            let expression = format!("pg_size_bytes(current_setting('{setting}'))");
            ask::<diesel::sql_types::BigInt, i64>(&mut connection, &expression)
        };
        let shape = LogShape {
            page: u64::try_from(bytes("wal_block_size")?)?.max(1),
            segment: u64::try_from(bytes("wal_segment_size")?)?.max(1),
        };
        *self.seen.system.lock() = Some(system(&mut connection)?);
        Ok((connection, shape))
    }
}

/// How far the log of this server, a primary, goes. A transaction that anybody can see has its own record in front of where
/// the next one begins, written to disk or not; `pg_current_wal_lsn` would leave out what is not written yet.
fn written(connection: &mut AnyConnection, shape: LogShape) -> QueryResult<Lsn> {
    let next = ask::<sql_types::PgLsn, PgLsn>(connection, "pg_current_wal_insert_lsn()")?;
    Ok(shape.end_before(next.0))
}

/// How the log is divided, in bytes.
#[derive(Clone, Copy, Debug)]
struct LogShape {
    page: u64,
    segment: u64,
}

impl LogShape {
    /// Where the last record ends, given where the next one begins: the same, except behind the header of a page, in which
    /// none can end. A replica that has replayed everything would else seem to lack the header of a page that is still empty.
    /// (PostgreSQL's `access/xlog_internal.h`; the first page of a segment has the longer header.)
    fn end_before(self, next: Lsn) -> Lsn {
        let in_page = next % self.page;
        let begin = next - in_page;
        let header = if begin.is_multiple_of(self.segment) { 40 } else { 24 };
        if in_page == header { begin } else { next }
    }
}

/// The number of the cluster that this server is a member of.
pub(super) fn system(connection: &mut AnyConnection) -> QueryResult<i64> {
    ask::<diesel::sql_types::BigInt, i64>(connection, "(SELECT system_identifier FROM pg_control_system())")
}

/// What a PostgreSQL server says of itself.
pub(super) fn ask<ST, T>(connection: &mut AnyConnection, expression: &str) -> QueryResult<T>
where
    ST: diesel::expression::TypedExpressionType
        + diesel::sql_types::SingleValue
        + diesel::query_builder::QueryId
        + 'static,
    T: diesel::deserialize::FromSqlRow<ST, Pg> + 'static,
    Pg: diesel::sql_types::HasSqlType<ST>,
{
    match connection {
        AnyConnection::Postgres(connection) => diesel::select(sql::<ST>(expression)).get_result(connection),
        AnyConnection::Sqlite(_) => Err(diesel::result::Error::NotFound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_of_an_empty_page_is_nothing_to_wait_for() {
        let shape = LogShape {
            page: 0x2000,
            segment: 0x100_0000,
        };
        for (next, end) in [
            (0x0400_0028, 0x0400_0000),
            (0x0400_2018, 0x0400_2000),
            (0x0400_0030, 0x0400_0030),
            (0x0400_2020, 0x0400_2020),
            // A record that began in the page before may end here.
            (0x0400_2028, 0x0400_2028),
        ] {
            assert_eq!(shape.end_before(next), end, "{next:x}");
        }
    }
}
