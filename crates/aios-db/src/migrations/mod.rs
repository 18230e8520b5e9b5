//! The tables' history, embedded into the program: bringing a database up to date, a step back, and what has been applied.
//!
//! Any number of servers may call [`run`] on one database at once: one of them works, the others wait for it. A database that a
//! newer program has migrated further is refused, and so is one whose applied migrations are not those of this program.
//!
//! PostgreSQL runs each migration in a transaction of its own, unless its `metadata.toml` says `run_in_transaction = false`,
//! which belongs to `CREATE INDEX CONCURRENTLY` alone in its file. SQLite runs all of them in one transaction, with foreign keys
//! looked at when it ends, since a table can only be rebuilt while they are off.

mod error;
mod harness;
mod lock;

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types};

use crate::connection::{AnyConnection, DatabaseKind};

pub use error::MigrationError;

include!(concat!(env!("OUT_DIR"), "/migration_checksums.rs"));

/// How long to wait for another process that migrates the same database.
const LOCK_TIMEOUT: Duration = Duration::from_secs(120);

/// A migration and where it stands in one database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Its version and name, such as `2026-11-23-000100_users`; the version alone where this program does not know it.
    pub name: String,
    /// Whether the database has it.
    pub state: MigrationState,
    /// When it was applied, in UTC: `2026-11-23 08:00:00`.
    pub applied_at: Option<String>,
}

/// Whether a database has a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MigrationState {
    /// It has, as this program has it.
    Applied,
    /// It has, but the file was another one then.
    Edited,
    /// Not yet.
    Pending,
    /// It has, and this program, which must be older, does not know it.
    Unknown,
}

/// Applies every migration that the database does not have yet, and hands back their names.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let file = std::env::temp_dir().join(format!("aios-doc-{}.db", std::process::id()));
/// use aios_db::{Access, DatabaseUrl, connect, migrations};
///
/// let mut connection = connect(&DatabaseUrl::sqlite(&file), Access::ReadWrite, None)?;
/// assert!(!migrations::run(&mut connection)?.is_empty());
/// assert!(migrations::run(&mut connection)?.is_empty(), "nothing is left to do");
/// # drop(connection);
/// # std::fs::remove_file(file)?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// When another process holds the lock for two minutes, when the database is newer than this program or differs from it, and
/// when a migration fails; PostgreSQL then keeps the migrations before it, SQLite is as it was.
pub fn run(connection: &mut AnyConnection) -> Result<Vec<String>, MigrationError> {
    lock::locked(connection, LOCK_TIMEOUT, |connection| {
        let mut applied = Vec::new();
        while let Some(name) = apply_next(connection)? {
            applied.push(name);
        }
        Ok(applied)
    })
}

/// Applies the first migration that the database does not have yet. `None` when it has all of them.
///
/// # Errors
/// As [`run`].
pub fn run_next(connection: &mut AnyConnection) -> Result<Option<String>, MigrationError> {
    lock::locked(connection, LOCK_TIMEOUT, apply_next)
}

/// Takes back the migration that was applied last, and hands back its name.
///
/// # Errors
/// [`MigrationError::NothingToRevert`] when none was applied; else as [`run`].
pub fn revert(connection: &mut AnyConnection) -> Result<String, MigrationError> {
    lock::locked(connection, LOCK_TIMEOUT, revert_last)
}

/// Takes back the migration that was applied last, and applies it again as it is now.
///
/// # Errors
/// As [`revert`].
pub fn redo(connection: &mut AnyConnection) -> Result<String, MigrationError> {
    lock::locked(connection, LOCK_TIMEOUT, |connection| {
        let name = revert_last(connection)?;
        harness::apply(connection, &name)?;
        remember_checksum(connection, &name)?;
        Ok(name)
    })
}

/// Every migration that the program or the database knows, in their order.
///
/// # Errors
/// When the database can't be asked.
pub fn status(connection: &mut AnyConnection) -> Result<Vec<MigrationStatus>, MigrationError> {
    lock::locked(connection, LOCK_TIMEOUT, read_status)
}

/// The names of the migrations that this program has for a database, in their order.
pub fn names(kind: DatabaseKind) -> impl Iterator<Item = &'static str> {
    checksums(kind).iter().map(|(name, _)| *name)
}

/// A number that differs where two sets of migrations differ.
pub fn fingerprint(kind: DatabaseKind) -> u64 {
    checksums(kind).iter().fold(0, |fingerprint: u64, (_, checksum)| {
        fingerprint.rotate_left(7).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ checksum
    })
}

fn checksums(kind: DatabaseKind) -> &'static [(&'static str, u64)] {
    match kind {
        DatabaseKind::Postgres => POSTGRES_CHECKSUMS,
        DatabaseKind::Sqlite => SQLITE_CHECKSUMS,
    }
}

fn checksum_of(kind: DatabaseKind, name: &str) -> Option<i64> {
    checksums(kind)
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, checksum)| checksum.cast_signed())
}

fn apply_next(connection: &mut AnyConnection) -> Result<Option<String>, MigrationError> {
    let status = read_status(connection)?;
    refuse_foreign(&status)?;
    let Some(next) = status
        .into_iter()
        .find(|migration| migration.state == MigrationState::Pending)
    else {
        return Ok(None);
    };
    harness::apply(connection, &next.name)?;
    remember_checksum(connection, &next.name)?;
    Ok(Some(next.name))
}

fn revert_last(connection: &mut AnyConnection) -> Result<String, MigrationError> {
    let status = read_status(connection)?;
    let last = status
        .into_iter()
        .rev()
        .find(|migration| migration.state != MigrationState::Pending);
    let last = last.ok_or(MigrationError::NothingToRevert)?;
    // An edited one may be taken back: that is how its author gets to apply it again.
    if last.state == MigrationState::Unknown {
        return Err(MigrationError::Newer(vec![last.name]));
    }
    harness::revert(connection, &last.name)?;
    forget_checksum(connection, &last.name)?;
    Ok(last.name)
}

fn refuse_foreign(status: &[MigrationStatus]) -> Result<(), MigrationError> {
    let in_state = |state| -> Vec<String> {
        status
            .iter()
            .filter(|migration| migration.state == state)
            .map(|migration| migration.name.clone())
            .collect()
    };
    let unknown = in_state(MigrationState::Unknown);
    if !unknown.is_empty() {
        return Err(MigrationError::Newer(unknown));
    }
    let edited = in_state(MigrationState::Edited);
    if !edited.is_empty() {
        return Err(MigrationError::Edited(edited));
    }
    Ok(())
}

fn read_status(connection: &mut AnyConnection) -> Result<Vec<MigrationStatus>, MigrationError> {
    let mut applied = harness::applied(connection)?;
    let recorded = recorded_checksums(connection)?;
    let mut status: Vec<(String, MigrationStatus)> = Vec::new();
    for (name, checksum) in checksums(connection.kind()) {
        let version = harness::version_of(name);
        let at = applied.iter().position(|migration| migration.version == version);
        let at = at.map(|position| applied.remove(position).run_on);
        let record = recorded.iter().find(|record| record.version == version);
        let state = match (&at, record) {
            (None, _) => MigrationState::Pending,
            (Some(_), Some(record)) if record.checksum != checksum.cast_signed() => MigrationState::Edited,
            (Some(_), _) => MigrationState::Applied,
        };
        status.push((
            version,
            MigrationStatus {
                name: (*name).to_owned(),
                state,
                applied_at: at,
            },
        ));
    }
    // What is left is known to the database alone.
    status.extend(applied.into_iter().map(|migration| {
        let (state, applied_at) = (MigrationState::Unknown, Some(migration.run_on));
        (
            migration.version.clone(),
            MigrationStatus {
                name: migration.version,
                state,
                applied_at,
            },
        )
    }));
    status.sort_by(|(left, _), (right, _)| left.cmp(right));
    Ok(status.into_iter().map(|(_, status)| status).collect())
}

#[derive(QueryableByName)]
struct RecordedChecksum {
    #[diesel(sql_type = sql_types::Text)]
    version: String,
    #[diesel(sql_type = sql_types::BigInt)]
    checksum: i64,
}

/// diesel remembers which migrations were applied, and this table what they were then.
fn recorded_checksums(connection: &mut AnyConnection) -> Result<Vec<RecordedChecksum>, MigrationError> {
    connection.batch_execute(
        "CREATE TABLE IF NOT EXISTS __aios_migration_checksums (version text NOT NULL PRIMARY KEY, checksum bigint NOT NULL)",
    )?;
    Ok(sql_query("SELECT version, checksum FROM __aios_migration_checksums").load(connection)?)
}

fn remember_checksum(connection: &mut AnyConnection, name: &str) -> Result<(), MigrationError> {
    forget_checksum(connection, name)?;
    if let Some(checksum) = checksum_of(connection.kind(), name) {
        let version = harness::version_of(name);
        connection.batch_execute(&format!(
            "INSERT INTO __aios_migration_checksums (version, checksum) VALUES ('{version}', {checksum})"
        ))?;
    }
    Ok(())
}

fn forget_checksum(connection: &mut AnyConnection, name: &str) -> Result<(), MigrationError> {
    let version = harness::version_of(name);
    Ok(connection.batch_execute(&format!(
        "DELETE FROM __aios_migration_checksums WHERE version = '{version}'"
    ))?)
}
