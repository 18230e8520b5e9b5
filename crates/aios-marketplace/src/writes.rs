//! The way of a write: the change, what it makes stale, commit, and then the caches. No use case reaches the database's own
//! `write`, so none can forget the caches.

use aios_db::store::outbox::{InvalidationId, invalidation_insert};
use aios_db::{AnyConnection, Database, DbResult, Interest};
use aios_domain::{Error, Result};

use crate::Marketplace;
use crate::caching::Stale;

/// The database as use cases have it: they read as they like, and write through [`Marketplace::write`].
///
/// A clone is made by a request for a task of its own, such as a load of the cache: what is done through it is the request's.
pub(crate) struct Storage {
    database: Database,
}

impl Clone for Storage {
    fn clone(&self) -> Self {
        Self {
            database: self.database.in_context(),
        }
    }
}

impl Storage {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// As [`Database::read`].
    #[track_caller]
    pub(crate) fn read<T: Send + 'static>(
        &self,
        operation: impl FnMut(&mut AnyConnection) -> DbResult<T> + Clone + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send {
        self.database.read(operation)
    }

    /// As [`Database::read_primary`].
    #[track_caller]
    pub(crate) fn read_primary<T: Send + 'static>(
        &self,
        operation: impl FnMut(&mut AnyConnection) -> DbResult<T> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send {
        self.database.read_primary(operation)
    }

    /// Writes in a transaction what cached values may show late, or never: counters that are gathered, the outbox itself.
    #[track_caller]
    pub(crate) fn write_unseen<T: Send + 'static>(
        &self,
        operation: impl FnMut(&mut AnyConnection) -> DbResult<T> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send {
        self.database.write(operation)
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }
}

impl Marketplace {
    /// Runs `operation` in a transaction, in which it says what it makes stale. That is kept in the same transaction, and
    /// applied between the commit and the answer; whoever is answered, on this server or another, finds nothing older
    /// afterwards. What does not get through is repeated by [`relay`](Self::relay_invalidations).
    ///
    /// Once it has begun it is carried through also where the caller goes away; it does not begin for one who is gone.
    ///
    /// # Errors
    /// Those of `operation` and of the database. That a cache can't be reached is none.
    #[track_caller]
    pub(crate) fn write<T: Send + 'static>(
        &self,
        mut operation: impl FnMut(&mut AnyConnection, &mut Stale) -> DbResult<T> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send {
        let (me, now, id) = (self.clone(), self.clock.now(), InvalidationId::new());
        let (interest, wanted) = Interest::new();
        let carried_through = async move {
            let written = me.db.database.write_wanted(wanted, move |connection| {
                // Begun anew with each attempt: one that lost a race made nothing stale.
                let mut stale = Stale::default();
                let value = operation(connection, &mut stale)?;
                let tags = stale.into_tags();
                if !tags.is_empty() {
                    invalidation_insert(connection, id, &tags, now)?;
                }
                Ok((value, tags))
            });
            let (value, tags) = written.await?;
            if !tags.is_empty() {
                me.committed(id, tags).await;
            }
            Ok(value)
        };
        async move {
            let result = tokio::spawn(carried_through).await;
            drop(interest);
            result.unwrap_or_else(|gone| Err(Error::internal(gone)))
        }
    }
}
