//! Why a database could not be migrated, and what to do about it.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

/// Why a database could not be migrated.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// Another process is at it, for longer than anybody would wait.
    #[error(
        "another process has been migrating this database for more than {} s: wait until it is done, or end it, and start again",
        .0.as_secs()
    )]
    Locked(Duration),
    /// The database has migrations that this program does not know.
    #[error(
        "the database is newer than this program, which does not know its migrations {}: start the version that applied them, \
         or a newer one",
        .0.join(", ")
    )]
    Newer(Vec<String>),
    /// Migrations were changed after they had been applied.
    #[error(
        "the migrations {} are not what they were when this database applied them: put the files back as they were and make \
         the change in a new migration, or start with a new database",
        .0.join(", ")
    )]
    Edited(Vec<String>),
    /// There is nothing to take back.
    #[error("no migration was applied to this database, so there is none to take back")]
    NothingToRevert,
    /// A migration's own SQL failed.
    #[error("the migration {name} failed: {cause}{}", hint(cause.as_ref()))]
    Failed {
        /// Which one.
        name: String,
        /// What the database says.
        cause: Box<dyn Error + Send + Sync>,
    },
    /// A concurrently built index did not get finished, and only costs time now.
    #[error(
        "PostgreSQL could not finish building the indexes {}: see why in the server's log, and run the migration again, which \
         drops them and builds them anew",
        .0.join(", ")
    )]
    InvalidIndexes(Vec<String>),
    /// Rows refer to rows that a migration has removed.
    #[error("after the migrations, rows of {} refer to rows that do not exist; nothing was changed", .0.join(", "))]
    BrokenReferences(Vec<String>),
    /// A directory of migrations can't be read.
    #[error("the migrations in {} can't be read: {cause}", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// What the operating system says.
        cause: Box<dyn Error + Send + Sync>,
    },
    /// The database failed beside the migrations themselves.
    #[error("the database's migrations can't be looked at: {0}")]
    Query(#[from] diesel::result::Error),
}

impl MigrationError {
    /// A statement of the migration waited too long for a table that is in use.
    pub(crate) fn is_lock_timeout(&self) -> bool {
        // diesel has no kind for it, and hands no SQLSTATE on.
        matches!(self, Self::Failed { cause, .. } if cause.to_string().contains("lock timeout"))
    }
}

/// What to do about failures that have a known cure.
fn hint(cause: &(dyn Error + Send + Sync)) -> &'static str {
    let message = cause.to_string();
    if message.contains("pg_trgm") && message.contains("not available") {
        "; install the package with PostgreSQL's own extensions on its server (postgresql-contrib)"
    } else if message.contains("permission denied") {
        "; its user must own the database: ALTER DATABASE … OWNER TO …"
    } else if message.contains("lock timeout") {
        "; other sessions keep a table busy: try again at a quieter time"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_extension_has_a_cure() {
        let error = MigrationError::Failed {
            name: "2026-11-23-000800_agent_search".to_owned(),
            cause: "extension \"pg_trgm\" is not available".into(),
        };
        assert!(error.to_string().contains("postgresql-contrib"));
    }

    #[test]
    fn an_unknown_migration_is_named() {
        let error = MigrationError::Newer(vec!["20991231000000".to_owned()]);
        assert!(error.to_string().contains("20991231000000"));
    }
}
