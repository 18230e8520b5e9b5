//! One migration forward or back, on either database, through diesel's harness.

use std::thread;
use std::time::Duration;

use diesel::backend::Backend;
use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationConnection, MigrationSource};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query, sql_types};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::connection::AnyConnection;
use crate::migrations::MigrationError;

const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");
const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// How long a statement of a migration may wait for a table's lock. While it waits, all later queries of the table wait
/// behind it, so it waits briefly and comes again.
const LOCK_TIMEOUT: &str = "SET lock_timeout TO '2s'";
const LOCK_ATTEMPTS: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_secs(1);

/// A migration that the database has.
#[derive(QueryableByName)]
pub(crate) struct Applied {
    #[diesel(sql_type = sql_types::Text)]
    pub(crate) version: String,
    /// In UTC, to the second.
    #[diesel(sql_type = sql_types::Text)]
    pub(crate) run_on: String,
}

/// The migrations that the database has.
pub(crate) fn applied(connection: &mut AnyConnection) -> Result<Vec<Applied>, MigrationError> {
    match connection {
        AnyConnection::Postgres(connection) => set_up(connection)?,
        AnyConnection::Sqlite(connection) => set_up(connection)?,
    }
    // Both write a moment as 2026-11-23 08:00:00, PostgreSQL with a fraction behind it.
    let query = "SELECT version, substr(CAST(run_on AS text), 1, 19) AS run_on FROM __diesel_schema_migrations";
    Ok(sql_query(query).load(connection)?)
}

/// The version in a migration's name, as diesel writes it down: the digits of what stands before the first underscore.
pub(crate) fn version_of(name: &str) -> String {
    let version = name.split('_').next().unwrap_or_default();
    version.chars().filter(|character| *character != '-').collect()
}

/// Applies one migration.
pub(crate) fn apply(connection: &mut AnyConnection, name: &str) -> Result<(), MigrationError> {
    step(connection, name, Direction::Up)
}

/// Takes one migration back.
pub(crate) fn revert(connection: &mut AnyConnection, name: &str) -> Result<(), MigrationError> {
    step(connection, name, Direction::Down)
}

#[derive(Clone, Copy)]
enum Direction {
    Up,
    Down,
}

fn step(connection: &mut AnyConnection, name: &str, direction: Direction) -> Result<(), MigrationError> {
    match connection {
        AnyConnection::Postgres(connection) => step_on_postgres(connection, name, direction),
        AnyConnection::Sqlite(connection) => step_on(connection, find(&SQLITE, name)?.as_ref(), name, direction),
    }
}

fn step_on_postgres(connection: &mut PgConnection, name: &str, direction: Direction) -> Result<(), MigrationError> {
    let migration = find(&POSTGRES, name)?;
    if !migration.metadata().run_in_transaction() {
        // A concurrent build waits for every older transaction, which is what it is for.
        step_on(connection, migration.as_ref(), name, direction)?;
        return refuse_invalid_indexes(connection);
    }
    connection.batch_execute(LOCK_TIMEOUT)?;
    let mut attempt = 1;
    let result = loop {
        match step_on(connection, migration.as_ref(), name, direction) {
            Err(MigrationError::Failed { cause, .. })
                if attempt < LOCK_ATTEMPTS && cause.to_string().contains("lock timeout") =>
            {
                attempt += 1;
                thread::sleep(LOCK_PAUSE);
            }
            result => break result,
        }
    };
    connection.batch_execute("RESET lock_timeout")?;
    result
}

fn step_on<DB: Backend, C: MigrationHarness<DB>>(
    connection: &mut C,
    migration: &dyn Migration<DB>,
    name: &str,
    direction: Direction,
) -> Result<(), MigrationError> {
    let result = match direction {
        Direction::Up => connection.run_migration(migration),
        Direction::Down => connection.revert_migration(migration),
    };
    result.map(drop).map_err(|cause| MigrationError::Failed {
        name: name.to_owned(),
        cause,
    })
}

fn find<DB: Backend>(source: &EmbeddedMigrations, name: &str) -> Result<Box<dyn Migration<DB>>, MigrationError> {
    let failed = |cause| MigrationError::Failed {
        name: name.to_owned(),
        cause,
    };
    let mut migrations = MigrationSource::<DB>::migrations(source).map_err(failed)?.into_iter();
    let found = migrations.find(|migration| migration.name().to_string() == name);
    found.ok_or_else(|| failed("it is not among this program's migrations".into()))
}

/// Makes diesel's own table where it is missing.
fn set_up(connection: &mut impl MigrationConnection) -> Result<(), MigrationError> {
    connection.setup()?;
    Ok(())
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = sql_types::Text)]
    name: String,
}

fn refuse_invalid_indexes(connection: &mut PgConnection) -> Result<(), MigrationError> {
    let invalid: Vec<Name> = sql_query(
        "SELECT indexrelid::regclass::text AS name FROM pg_index WHERE NOT indisvalid \
         AND indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace) ORDER BY 1",
    )
    .load(connection)?;
    if invalid.is_empty() {
        return Ok(());
    }
    Err(MigrationError::InvalidIndexes(
        invalid.into_iter().map(|index| index.name).collect(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_the_digits() {
        assert_eq!(version_of("2026-11-23-000100_users"), "20261123000100");
        assert_eq!(version_of("2026-11-23-000800_agent_search"), "20261123000800");
    }

    #[test]
    fn our_reading_of_versions_is_diesels() {
        let migrations = MigrationSource::<diesel::pg::Pg>::migrations(&POSTGRES).unwrap();
        assert!(!migrations.is_empty());
        for migration in migrations {
            assert_eq!(
                version_of(&migration.name().to_string()),
                migration.name().version().to_string()
            );
        }
    }
}
