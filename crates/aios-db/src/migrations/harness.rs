//! One migration forward or back, on either database, through diesel's harness.

use std::thread;
use std::time::Duration;

use diesel::backend::Backend;
use diesel::connection::SimpleConnection;
use diesel::migration::Migration;
use diesel::{Connection, PgConnection};
use diesel_migrations::MigrationHarness;

use crate::connection::AnyConnection;
use crate::migrations::set::{MigrationSet, version_of};
use crate::migrations::{MigrationError, history, indexes};

/// How long a migration of PostgreSQL waits for tables that are in use.
///
/// While a statement waits for a table's lock, all later queries of the table wait behind it. So it waits briefly; the migration
/// is then rolled back, and tried again after a pause, twice as long each time.
pub struct Patience {
    /// How long one statement waits for a lock.
    pub lock_timeout: Duration,
    /// How often the migration is tried in all.
    pub attempts: u32,
    /// The pause before the second attempt.
    pub first_pause: Duration,
    /// No pause is longer.
    pub longest_pause: Duration,
    /// Lets the time of a pause pass.
    pub sleep: Box<dyn FnMut(Duration) + Send>,
}

impl Default for Patience {
    /// Two seconds for a lock, ten attempts within two minutes.
    fn default() -> Self {
        Self {
            lock_timeout: Duration::from_secs(2),
            attempts: 10,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(16),
            sleep: Box::new(thread::sleep),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Up,
    Down,
}

/// Applies one migration or takes it back, and writes down which it was.
pub(crate) fn step(
    connection: &mut AnyConnection,
    set: &MigrationSet,
    patience: &mut Patience,
    name: &str,
    direction: Direction,
) -> Result<(), MigrationError> {
    match connection {
        AnyConnection::Postgres(connection) => {
            let migration = set.find(name)?;
            if migration.metadata().run_in_transaction() {
                in_transaction(connection, set, patience, migration.as_ref(), direction)
            } else {
                alone(connection, set, migration.as_ref(), direction)
            }
        }
        // All of them are one transaction there.
        AnyConnection::Sqlite(connection) => run(connection, set, set.find(name)?.as_ref(), direction),
    }
}

fn in_transaction(
    connection: &mut PgConnection,
    set: &MigrationSet,
    patience: &mut Patience,
    migration: &dyn Migration<diesel::pg::Pg>,
    direction: Direction,
) -> Result<(), MigrationError> {
    set_lock_timeout(connection, patience.lock_timeout)?;
    let (mut attempt, mut pause) = (1, patience.first_pause);
    let result = loop {
        // One transaction with the checksum, so that neither is there without the other.
        match connection.transaction(|connection| run(connection, set, migration, direction)) {
            Err(error) if error.is_lock_timeout() && attempt < patience.attempts => {
                tracing::info!(%error, attempt, ?pause, "a table is in use; the migration is tried again");
                (patience.sleep)(pause);
                attempt += 1;
                pause = (pause * 2).min(patience.longest_pause);
            }
            result => break result,
        }
    };
    connection.batch_execute("RESET lock_timeout")?;
    result
}

/// A statement that can't run in a transaction. A concurrent build waits for every older transaction, which is what it is
/// for, and keeps nobody from reading and writing meanwhile: it has no time limit.
fn alone(
    connection: &mut PgConnection,
    set: &MigrationSet,
    migration: &dyn Migration<diesel::pg::Pg>,
    direction: Direction,
) -> Result<(), MigrationError> {
    let name = migration.name().to_string();
    let index = set.concurrent_index(&name).filter(|_| direction == Direction::Up);
    set_lock_timeout(connection, Duration::ZERO)?;
    if let Some(index) = &index {
        indexes::drop_if_invalid(connection, index)?;
    }
    run(connection, set, migration, direction)?;
    connection.batch_execute("RESET lock_timeout")?;
    match index {
        Some(index) if indexes::is_invalid(connection, &index)? => {
            take_out(connection, &name)?;
            Err(MigrationError::InvalidIndexes(vec![index]))
        }
        _ => Ok(()),
    }
}

fn run<DB: Backend, C: MigrationHarness<DB> + SimpleConnection>(
    connection: &mut C,
    set: &MigrationSet,
    migration: &dyn Migration<DB>,
    direction: Direction,
) -> Result<(), MigrationError> {
    let name = migration.name().to_string();
    let failed = |cause| MigrationError::Failed {
        name: name.clone(),
        cause,
    };
    match direction {
        Direction::Up => {
            connection.run_migration(migration).map_err(failed)?;
            history::remember(connection, set, &name)?;
        }
        Direction::Down => {
            connection.revert_migration(migration).map_err(failed)?;
            history::forget(connection, &name)?;
        }
    }
    Ok(())
}

/// The migration was not done after all.
fn take_out(connection: &mut PgConnection, name: &str) -> Result<(), MigrationError> {
    history::forget(connection, name)?;
    let version = version_of(name);
    Ok(connection.batch_execute(&format!(
        "DELETE FROM __diesel_schema_migrations WHERE version = '{version}'"
    ))?)
}

fn set_lock_timeout(connection: &mut PgConnection, timeout: Duration) -> Result<(), MigrationError> {
    Ok(connection.batch_execute(&format!("SET lock_timeout TO {}", timeout.as_millis()))?)
}
