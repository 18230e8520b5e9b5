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
        match error {
            DbError::Domain(error) => error,
            DbError::Query(error) if transient => {
                Self::unavailable("The database is busy; try again.", Duration::from_secs(1)).caused_by(error)
            }
            DbError::Query(QueryError::DatabaseError(kind, info)) => {
                let message = info.message().to_owned();
                let error = QueryError::DatabaseError(kind, info);
                match kind {
                    DatabaseErrorKind::ClosedConnection => unreachable_database().caused_by(error),
                    DatabaseErrorKind::UniqueViolation => {
                        Self::new(ErrorKind::Conflict, "This exists already.").caused_by(error)
                    }
                    _ if message.contains("statement timeout") => Self::new(
                        ErrorKind::Timeout,
                        "The database took too long; try again with a narrower question.",
                    )
                    .caused_by(error),
                    // What libpq says when the server goes away under a statement; diesel has no kind for it.
                    _ if is_connection_loss(&message) => unreachable_database().caused_by(error),
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

/// The answer while the database can't be reached.
pub(crate) fn unreachable_database() -> Error {
    Error::unavailable(
        "The database can't be reached; try again in a few seconds.",
        Duration::from_secs(5),
    )
}
