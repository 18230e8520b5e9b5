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
    let changes = match connection {
        AnyConnection::Postgres(postgres) => lock_postgres(postgres, timeout).map(|()| 0)?,
        AnyConnection::Sqlite(sqlite) => begin_sqlite(sqlite, timeout)?,
    };
    let result = work(connection);
    match connection {
        AnyConnection::Postgres(postgres) => unlock_postgres(postgres, result),
        AnyConnection::Sqlite(sqlite) => end_sqlite(sqlite, result, changes),
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

/// Hands back how many rows this connection has changed so far.
fn begin_sqlite(connection: &mut SqliteConnection, timeout: Duration) -> Result<i64, MigrationError> {
    // Has no effect inside a transaction, so it comes before it; the end looks at the references.
    connection.batch_execute("PRAGMA foreign_keys = OFF")?;
    let deadline = Instant::now() + timeout;
    loop {
        match AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE") {
            Ok(()) => return Ok(total_changes(connection)?),
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

fn end_sqlite<T>(
    connection: &mut SqliteConnection,
    result: Result<T, MigrationError>,
    changes: i64,
) -> Result<T, MigrationError> {
    // Looking at every reference takes seconds in a large database. Each step forward or back writes itself down, so where
    // no row was changed there was none: the usual start of a server.
    let result = result.and_then(|value| {
        if total_changes(connection)? != changes {
            refuse_broken_references(connection)?;
        }
        Ok(value)
    });
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
struct Changes {
    #[diesel(sql_type = sql_types::BigInt)]
    rows: i64,
}

fn total_changes(connection: &mut SqliteConnection) -> Result<i64, QueryError> {
    let changes: Changes = sql_query("SELECT total_changes() AS rows").get_result(connection)?;
    Ok(changes.rows)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{Access, DatabaseUrl, connect};

    #[test]
    fn whoever_waits_too_long_for_sqlite_gives_up_and_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::sqlite(directory.path().join("aios.db"));
        let [mut holder, mut waiter] = [(); 2].map(|()| connect(&url, Access::ReadWrite, None).unwrap());
        holder.batch_execute("BEGIN IMMEDIATE").unwrap();
        waiter.batch_execute("PRAGMA busy_timeout = 0").unwrap();
        let refused = locked(&mut waiter, Duration::ZERO, |_| Ok(())).unwrap_err();
        assert!(matches!(refused, MigrationError::Locked(_)), "{refused}");
        holder.batch_execute("COMMIT").unwrap();
        let sql = "CREATE TABLE x (id INTEGER PRIMARY KEY); CREATE TABLE y (x INTEGER REFERENCES x)";
        locked(&mut waiter, Duration::ZERO, |connection| {
            Ok(connection.batch_execute(sql)?)
        })
        .unwrap();
        let refused = waiter.batch_execute("INSERT INTO y VALUES (1)").unwrap_err();
        assert!(refused.to_string().contains("FOREIGN KEY"), "{refused}");
    }
}
