//! Transactions: begun, committed or rolled back, and run again where they lost a race.

use std::time::Duration;

use diesel::QueryResult;
use diesel::connection::{AnsiTransactionManager, TransactionManager};

use crate::connection::AnyConnection;
use crate::error::{DbError, DbResult};
use crate::profile::begins_anew;

/// How a transaction that lost a race is repeated: so many times in all, after so long, twice as long each time.
const ATTEMPTS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(3);

/// Runs `operation` in one transaction on `connection`, again where it lost a race.
///
/// # Errors
/// What `operation` returns, once it fails for another reason than a lost race, or has lost too often.
pub fn in_transaction<T>(
    connection: &mut AnyConnection,
    mut operation: impl FnMut(&mut AnyConnection) -> DbResult<T>,
) -> DbResult<T> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..ATTEMPTS {
        match once(connection, &mut operation) {
            Err(error) if error.is_transient() => {
                tracing::debug!(%error, "transaction lost a race, repeating it");
                begins_anew();
                std::thread::sleep(pause);
                pause *= 2;
            }
            result => return result,
        }
    }
    once(connection, &mut operation)
}

fn once<T>(
    connection: &mut AnyConnection,
    operation: &mut impl FnMut(&mut AnyConnection) -> DbResult<T>,
) -> DbResult<T> {
    begin(connection).map_err(|error| match DbError::from(error) {
        lost if lost.is_connection_loss() => DbError::NotBegun(Box::new(lost)),
        other => other,
    })?;
    match operation(connection) {
        Ok(value) => match commit(connection) {
            Ok(()) => Ok(value),
            Err(error) => {
                // What failed to commit may still be open, as with a deferred check on SQLite.
                let _ = rollback(connection);
                Err(error.into())
            }
        },
        Err(error) => match rollback(connection) {
            Ok(()) | Err(diesel::result::Error::BrokenTransactionManager) => Err(error),
            Err(rollback_error) => {
                tracing::warn!(error = %rollback_error, "rollback failed; the connection is given up");
                Err(error)
            }
        },
    }
}

fn begin(connection: &mut AnyConnection) -> QueryResult<()> {
    match connection {
        AnyConnection::Postgres(connection) => AnsiTransactionManager::begin_transaction(connection),
        // IMMEDIATE takes the write lock at once: a transaction that reads first and writes later could not wait for it.
        AnyConnection::Sqlite(connection) => {
            AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE")
        }
    }
}

fn commit(connection: &mut AnyConnection) -> QueryResult<()> {
    match connection {
        AnyConnection::Postgres(connection) => AnsiTransactionManager::commit_transaction(connection),
        AnyConnection::Sqlite(connection) => AnsiTransactionManager::commit_transaction(connection),
    }
}

fn rollback(connection: &mut AnyConnection) -> QueryResult<()> {
    match connection {
        AnyConnection::Postgres(connection) => AnsiTransactionManager::rollback_transaction(connection),
        AnyConnection::Sqlite(connection) => AnsiTransactionManager::rollback_transaction(connection),
    }
}
