//! What goes wrong in the database, and what of it a caller hears.

use std::time::Duration;

use aios_domain::{Error, ErrorKind};
use diesel::result::{DatabaseErrorKind, Error as QueryError};

/// What the functions of this crate that run on a connection return.
pub type DbResult<T> = Result<T, DbError>;

/// A failed query, or a rule of the domain that did not hold inside a transaction.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The database refused, or is away.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The change is not allowed; the transaction is rolled back.
    #[error(transparent)]
    Domain(#[from] Error),
    /// The connection was lost before the transaction began: nothing was done.
    #[error("the transaction did not begin: {0}")]
    NotBegun(Box<DbError>),
}

impl DbError {
    /// Whether a unique index refused the row.
    pub fn is_unique_violation(&self) -> bool {
        matches!(
            self,
            Self::Query(QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, _))
        )
    }

    /// Whether a foreign key refused the row.
    pub fn is_foreign_key_violation(&self) -> bool {
        matches!(
            self,
            Self::Query(QueryError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _))
        )
    }

    /// Whether the connection is broken, or its server gone.
    pub fn is_connection_loss(&self) -> bool {
        match self {
            Self::NotBegun(_) | Self::Query(QueryError::DatabaseError(DatabaseErrorKind::ClosedConnection, _)) => true,
            // What libpq says when the server goes away under a statement; diesel has no kind for it.
            Self::Query(QueryError::DatabaseError(_, info)) => is_connection_loss(info.message()),
            _ => false,
        }
    }

    /// Whether a replica gave the statement up to go on replaying the primary's log.
    pub(crate) fn is_recovery_conflict(&self) -> bool {
        matches!(self, Self::Query(QueryError::DatabaseError(_, info)) if info.message().contains("conflict with recovery"))
    }

    /// Whether this is about what was asked, and the database works.
    pub(crate) fn is_of_the_domain(&self) -> bool {
        matches!(self, Self::Domain(_))
    }

    /// Whether the same transaction may succeed when it is run again: it lost a race, and changed nothing.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Query(QueryError::DatabaseError(DatabaseErrorKind::SerializationFailure, _)) => true,
            Self::Query(QueryError::DatabaseError(_, info)) => {
                let message = info.message();
                message.contains("deadlock detected")
                    || message.contains("could not serialize access")
                    || message.contains("database is locked")
                    || message.contains("database table is locked")
            }
            _ => false,
        }
    }
}

impl From<DbError> for Error {
    fn from(error: DbError) -> Self {
        let transient = error.is_transient();
        let is_lost = error.is_connection_loss();
        match error {
            DbError::Domain(error) => error,
            DbError::NotBegun(error) => (*error).into(),
            DbError::Query(error) if is_lost => unreachable_database().caused_by(error),
            DbError::Query(error) if transient => {
                Self::unavailable("The database is busy; try again.", Duration::from_secs(1)).caused_by(error)
            }
            DbError::Query(QueryError::DatabaseError(kind, info)) => {
                let message = info.message().to_owned();
                let error = QueryError::DatabaseError(kind, info);
                match kind {
                    DatabaseErrorKind::UniqueViolation => {
                        Self::new(ErrorKind::Conflict, "This exists already.").caused_by(error)
                    }
                    _ if message.contains("statement timeout") => Self::new(
                        ErrorKind::Timeout,
                        "The database took too long; try again with a narrower question.",
                    )
                    .caused_by(error),
                    _ => Self::internal(error),
                }
            }
            DbError::Query(error) => Self::internal(error),
        }
    }
}

fn is_connection_loss(message: &str) -> bool {
    [
        "server closed the connection",
        "terminating connection",
        "no connection to the server",
        "connection to server",
    ]
    .iter()
    .any(|sign| message.contains(sign))
}

/// The answer where all connections are in use, and too many wait already or one has waited for too long.
pub(crate) fn exhausted() -> Error {
    Error::new(
        ErrorKind::Overloaded,
        "The server has more to do than it can; try again in a moment.",
    )
    .with_retry_after(Duration::from_secs(1))
}

/// The answer that nobody waits for.
pub(crate) fn abandoned() -> Error {
    Error::new(ErrorKind::Timeout, "The request was given up before its turn came.")
}

/// The answer while the database can't be reached.
pub(crate) fn unreachable_database() -> Error {
    Error::unavailable(
        "The database can't be reached; try again in a few seconds.",
        Duration::from_secs(5),
    )
}
