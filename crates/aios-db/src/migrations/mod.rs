//! The tables' history, embedded into the program: bringing a database up to date, a step back, and what has been applied.
//!
//! Any number of servers may call [`run`] on one database at once: one of them works, the others wait for it. A database that a
//! newer program has migrated further is refused, and so is one whose applied migrations are not those of this program.
//!
//! PostgreSQL runs each migration in a transaction of its own, which waits for a table that is in use briefly and comes again
//! ([`Patience`]). One whose `metadata.toml` says `run_in_transaction = false` is a single statement, such as
//! `CREATE INDEX CONCURRENTLY`; what an interrupted build left is dropped first. SQLite runs all of them in one transaction,
//! with foreign keys off, since a table can only be rebuilt so, and looked at when it ends.

mod error;
mod harness;
mod history;
mod indexes;
mod lock;
mod set;

use std::path::Path;
use std::time::Duration;

use crate::connection::{AnyConnection, DatabaseKind};

use harness::Direction;
use set::MigrationSet;

pub use error::MigrationError;
pub use harness::Patience;
pub use indexes::{InvalidIndex, invalid_indexes};

/// How long to wait for another process that migrates the same database; longer than one migration waits for tables in use.
const LOCK_TIMEOUT: Duration = Duration::from_secs(300);

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
    /// It has, and nobody wrote down what the file was then.
    Unverified,
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
/// When another process holds the lock for five minutes, when the database is newer than this program or differs from it, and
/// when a migration fails; PostgreSQL then keeps the migrations before it, SQLite is as it was.
pub fn run(connection: &mut AnyConnection) -> Result<Vec<String>, MigrationError> {
    Migrator::embedded(connection.kind()).run(connection)
}

/// Applies the first migration that the database does not have yet. `None` when it has all of them.
///
/// # Errors
/// As [`run`].
pub fn run_next(connection: &mut AnyConnection) -> Result<Option<String>, MigrationError> {
    Migrator::embedded(connection.kind()).run_next(connection)
}

/// Takes back the migration that was applied last, and hands back its name.
///
/// # Errors
/// [`MigrationError::NothingToRevert`] when none was applied; else as [`run`].
pub fn revert(connection: &mut AnyConnection) -> Result<String, MigrationError> {
    Migrator::embedded(connection.kind()).revert(connection)
}

/// Takes back the migration that was applied last, and applies it again as it is now.
///
/// # Errors
/// As [`revert`].
pub fn redo(connection: &mut AnyConnection) -> Result<String, MigrationError> {
    Migrator::embedded(connection.kind()).redo(connection)
}

/// Every migration that the program or the database knows, in their order. Changes nothing, and does not wait for a migration
/// that is under way.
///
/// # Errors
/// When the database can't be asked.
pub fn status(connection: &mut AnyConnection) -> Result<Vec<MigrationStatus>, MigrationError> {
    Migrator::embedded(connection.kind()).status(connection)
}

/// The names of the migrations that this program has for a database, in their order.
pub fn names(kind: DatabaseKind) -> impl Iterator<Item = &'static str> {
    set::embedded_names(kind)
}

/// A number that differs where two sets of migrations differ.
pub fn fingerprint(kind: DatabaseKind) -> u64 {
    set::embedded_fingerprint(kind)
}

/// Migrations, and how they are run.
pub struct Migrator {
    set: MigrationSet,
    patience: Patience,
}

impl Migrator {
    /// The migrations of this program for a database.
    pub fn embedded(kind: DatabaseKind) -> Self {
        Self {
            set: MigrationSet::embedded(kind),
            patience: Patience::default(),
        }
    }

    /// The migrations in a directory, a folder each, as they lie there now: for trying some that the program does not have.
    ///
    /// # Errors
    /// When the directory can't be read.
    pub fn in_directory(directory: &Path) -> Result<Self, MigrationError> {
        Ok(Self {
            set: MigrationSet::in_directory(directory)?,
            patience: Patience::default(),
        })
    }

    /// The same, with another patience.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// As [`run`].
    ///
    /// # Errors
    /// As there.
    pub fn run(&mut self, connection: &mut AnyConnection) -> Result<Vec<String>, MigrationError> {
        lock::locked(connection, LOCK_TIMEOUT, |connection| {
            let mut applied = Vec::new();
            while let Some(name) = self.apply_next(connection)? {
                applied.push(name);
            }
            Ok(applied)
        })
    }

    /// As [`run_next`].
    ///
    /// # Errors
    /// As there.
    pub fn run_next(&mut self, connection: &mut AnyConnection) -> Result<Option<String>, MigrationError> {
        lock::locked(connection, LOCK_TIMEOUT, |connection| self.apply_next(connection))
    }

    /// As [`revert`].
    ///
    /// # Errors
    /// As there.
    pub fn revert(&mut self, connection: &mut AnyConnection) -> Result<String, MigrationError> {
        lock::locked(connection, LOCK_TIMEOUT, |connection| self.revert_last(connection))
    }

    /// As [`redo`].
    ///
    /// # Errors
    /// As there.
    pub fn redo(&mut self, connection: &mut AnyConnection) -> Result<String, MigrationError> {
        lock::locked(connection, LOCK_TIMEOUT, |connection| {
            let name = self.revert_last(connection)?;
            self.step(connection, &name, Direction::Up)?;
            Ok(name)
        })
    }

    /// As [`status`].
    ///
    /// # Errors
    /// As there.
    pub fn status(&self, connection: &mut AnyConnection) -> Result<Vec<MigrationStatus>, MigrationError> {
        history::read(connection, &self.set)
    }

    fn apply_next(&mut self, connection: &mut AnyConnection) -> Result<Option<String>, MigrationError> {
        history::set_up(connection)?;
        let status = self.status(connection)?;
        refuse_foreign(&status)?;
        let next = status
            .into_iter()
            .find(|migration| migration.state == MigrationState::Pending);
        let Some(next) = next else {
            return Ok(None);
        };
        self.step(connection, &next.name, Direction::Up)?;
        Ok(Some(next.name))
    }

    fn revert_last(&mut self, connection: &mut AnyConnection) -> Result<String, MigrationError> {
        history::set_up(connection)?;
        let last = self
            .status(connection)?
            .into_iter()
            .rev()
            .find(|migration| migration.state != MigrationState::Pending);
        let last = last.ok_or(MigrationError::NothingToRevert)?;
        // An edited one may be taken back: that is how its author gets to apply it again.
        if last.state == MigrationState::Unknown {
            return Err(MigrationError::Newer(vec![last.name]));
        }
        self.step(connection, &last.name, Direction::Down)?;
        Ok(last.name)
    }

    fn step(&mut self, connection: &mut AnyConnection, name: &str, direction: Direction) -> Result<(), MigrationError> {
        harness::step(connection, &self.set, &mut self.patience, name, direction)
    }
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
