//! What a database says of its migrations: which were applied, when, and what they were then.

use diesel::connection::SimpleConnection;
use diesel::migration::MigrationConnection;
use diesel::result::Error as QueryError;
use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types};

use crate::connection::AnyConnection;
use crate::migrations::set::{MigrationSet, version_of};
use crate::migrations::{MigrationError, MigrationState, MigrationStatus};

/// diesel remembers which migrations were applied, and this table what they were then.
const CHECKSUMS: &str = "__aios_migration_checksums";
const APPLIED: &str = "__diesel_schema_migrations";

/// Makes the two tables where they are missing.
pub(crate) fn set_up(connection: &mut AnyConnection) -> Result<(), MigrationError> {
    match connection {
        AnyConnection::Postgres(connection) => MigrationConnection::setup(connection)?,
        AnyConnection::Sqlite(connection) => MigrationConnection::setup(connection)?,
    };
    Ok(connection.batch_execute(&format!(
        "CREATE TABLE IF NOT EXISTS {CHECKSUMS} (version text NOT NULL PRIMARY KEY, checksum bigint NOT NULL)"
    ))?)
}

/// Every migration that the program or the database knows, in their order. Changes nothing and waits for nobody.
pub(crate) fn read(connection: &mut AnyConnection, set: &MigrationSet) -> Result<Vec<MigrationStatus>, MigrationError> {
    let mut applied = applied(connection)?;
    let recorded = recorded_checksums(connection)?;
    let mut status: Vec<(String, MigrationStatus)> = Vec::new();
    for (name, checksum) in set.checksums() {
        let version = version_of(name);
        let at = applied.iter().position(|migration| migration.version == version);
        let at = at.map(|position| applied.remove(position).run_on);
        let record = recorded.iter().find(|record| record.version == version);
        let state = match (&at, record) {
            (None, _) => MigrationState::Pending,
            (Some(_), Some(record)) if record.checksum != checksum => MigrationState::Edited,
            (Some(_), Some(_)) => MigrationState::Applied,
            (Some(_), None) => MigrationState::Unverified,
        };
        let entry = MigrationStatus {
            name: name.to_owned(),
            state,
            applied_at: at,
        };
        status.push((version, entry));
    }
    // What is left is known to the database alone.
    status.extend(applied.into_iter().map(|migration| {
        let entry = MigrationStatus {
            name: migration.version.clone(),
            state: MigrationState::Unknown,
            applied_at: Some(migration.run_on),
        };
        (migration.version, entry)
    }));
    status.sort_by(|(left, _), (right, _)| left.cmp(right));
    Ok(status.into_iter().map(|(_, status)| status).collect())
}

/// Writes down what the migration is.
pub(crate) fn remember(
    connection: &mut impl SimpleConnection,
    set: &MigrationSet,
    name: &str,
) -> Result<(), QueryError> {
    forget(connection, name)?;
    let Some(checksum) = set.checksum_of(name) else {
        return Ok(());
    };
    let version = version_of(name);
    connection.batch_execute(&format!(
        "INSERT INTO {CHECKSUMS} (version, checksum) VALUES ('{version}', {checksum})"
    ))
}

/// Takes that back.
pub(crate) fn forget(connection: &mut impl SimpleConnection, name: &str) -> Result<(), QueryError> {
    let version = version_of(name);
    connection.batch_execute(&format!("DELETE FROM {CHECKSUMS} WHERE version = '{version}'"))
}

#[derive(QueryableByName)]
struct Applied {
    #[diesel(sql_type = sql_types::Text)]
    version: String,
    /// In UTC, to the second.
    #[diesel(sql_type = sql_types::Text)]
    run_on: String,
}

fn applied(connection: &mut AnyConnection) -> Result<Vec<Applied>, MigrationError> {
    if !exists(connection, APPLIED)? {
        return Ok(Vec::new());
    }
    // Both write a moment as 2026-11-23 08:00:00, PostgreSQL with a fraction behind it.
    let query = format!("SELECT version, substr(CAST(run_on AS text), 1, 19) AS run_on FROM {APPLIED}");
    Ok(sql_query(query).load(connection)?)
}

#[derive(QueryableByName)]
struct RecordedChecksum {
    #[diesel(sql_type = sql_types::Text)]
    version: String,
    #[diesel(sql_type = sql_types::BigInt)]
    checksum: i64,
}

fn recorded_checksums(connection: &mut AnyConnection) -> Result<Vec<RecordedChecksum>, MigrationError> {
    if !exists(connection, CHECKSUMS)? {
        return Ok(Vec::new());
    }
    Ok(sql_query(format!("SELECT version, checksum FROM {CHECKSUMS}")).load(connection)?)
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = sql_types::Bool)]
    yes: bool,
}

fn exists(connection: &mut AnyConnection, table: &str) -> Result<bool, QueryError> {
    let query = match connection {
        AnyConnection::Postgres(_) => format!("SELECT to_regclass('{table}') IS NOT NULL AS yes"),
        AnyConnection::Sqlite(_) => {
            format!("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '{table}') AS yes")
        }
    };
    let answer: Answer = sql_query(query).get_result(connection)?;
    Ok(answer.yes)
}
