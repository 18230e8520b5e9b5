//! One process migrates a database at a time.

use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::result::Error as QueryError;
use diesel::{PgConnection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query, sql_types};

use crate::connection::AnyConnection;
use crate::migrations::MigrationError;

/// The advisory lock's number: the bytes of "aios-mig".
const ADVISORY_LOCK: i64 = i64::from_be_bytes(*b"aios-mig");

/// How long to wait before asking for the lock again.
const PAUSE: Duration = Duration::from_millis(50);

/// Does `work` while no other process migrates the same database.
///
/// PostgreSQL: an advisory lock of the session, asked for again and again. Waiting for it in the server would itself be a
/// transaction, for which a CREATE INDEX CONCURRENTLY of its holder would wait: a deadlock. SQLite: one transaction that has
/// the write lock from its beginning; a failure takes all of it back.
pub(crate) fn locked<T>(
    connection: &mut AnyConnection,
    timeout: Duration,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, MigrationError>,
) -> Result<T, MigrationError> {
    match connection {
        AnyConnection::Postgres(postgres) => lock_postgres(postgres, timeout)?,
        AnyConnection::Sqlite(sqlite) => begin_sqlite(sqlite, timeout)?,
    }
    let result = work(connection);
    match connection {
        AnyConnection::Postgres(postgres) => unlock_postgres(postgres, result),
        AnyConnection::Sqlite(sqlite) => end_sqlite(sqlite, result),
    }
}

#[derive(QueryableByName)]
struct Acquired {
    #[diesel(sql_type = sql_types::Bool)]
    acquired: bool,
}

fn lock_postgres(connection: &mut PgConnection, timeout: Duration) -> Result<(), MigrationError> {
    let deadline = Instant::now() + timeout;
    loop {
        let answer: Acquired =
            sql_query(format!("SELECT pg_try_advisory_lock({ADVISORY_LOCK}) AS acquired")).get_result(connection)?;
        if answer.acquired {
            return Ok(());
        }
        wait_before(deadline, timeout)?;
    }
}

fn unlock_postgres<T>(connection: &mut PgConnection, result: Result<T, MigrationError>) -> Result<T, MigrationError> {
    let unlocked = connection.batch_execute(&format!("SELECT pg_advisory_unlock({ADVISORY_LOCK})"));
    let value = result?;
    unlocked?;
    Ok(value)
}

fn begin_sqlite(connection: &mut SqliteConnection, timeout: Duration) -> Result<(), MigrationError> {
    // Has no effect inside a transaction, so it comes before it; the end looks at the references.
    connection.batch_execute("PRAGMA foreign_keys = OFF")?;
    let deadline = Instant::now() + timeout;
    loop {
        match AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE") {
            Ok(()) => return Ok(()),
            Err(QueryError::DatabaseError(_, info)) if info.message().contains("locked") => {
                if let Err(error) = wait_before(deadline, timeout) {
                    connection.batch_execute("PRAGMA foreign_keys = ON")?;
                    return Err(error);
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn end_sqlite<T>(connection: &mut SqliteConnection, result: Result<T, MigrationError>) -> Result<T, MigrationError> {
    let result = result.and_then(|value| refuse_broken_references(connection).map(|()| value));
    let ended = if result.is_ok() {
        AnsiTransactionManager::commit_transaction(connection)
    } else {
        AnsiTransactionManager::rollback_transaction(connection)
    };
    let restored = connection.batch_execute("PRAGMA foreign_keys = ON");
    let value = result?;
    ended.and(restored)?;
    Ok(value)
}

#[derive(QueryableByName)]
struct Referrer {
    #[diesel(sql_type = sql_types::Text)]
    name: String,
}

fn refuse_broken_references(connection: &mut SqliteConnection) -> Result<(), MigrationError> {
    let broken: Vec<Referrer> =
        sql_query("SELECT DISTINCT \"table\" AS name FROM pragma_foreign_key_check ORDER BY 1").load(connection)?;
    if broken.is_empty() {
        return Ok(());
    }
    Err(MigrationError::BrokenReferences(
        broken.into_iter().map(|referrer| referrer.name).collect(),
    ))
}

fn wait_before(deadline: Instant, timeout: Duration) -> Result<(), MigrationError> {
    if Instant::now() >= deadline {
        return Err(MigrationError::Locked(timeout));
    }
    thread::sleep(PAUSE);
    Ok(())
}
