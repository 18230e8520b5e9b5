//! Access to the database from asynchronous code: connections, threads, waiting in order, transactions that are repeated.

use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aios_domain::{Error, Result};
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::r2d2::R2D2Connection;
use diesel::{Connection, QueryResult};
use tokio::sync::{Semaphore, oneshot};

use crate::connection::{Access, AnyConnection, DatabaseKind, DatabaseUrl, connect};
use crate::error::{DbError, DbResult, unreachable_database};
use crate::executor::Executor;
use crate::profile::{Context, Lap, Observer, Profile, ProfileConfig, Watch, begins_anew};

/// Names of this module's metrics.
pub(crate) const WAIT_SECONDS: &str = "aios_db_wait_seconds";
pub(crate) const SHED_TOTAL: &str = "aios_db_shed_total";

/// How a transaction that lost a race is repeated: so many times in all, after so long, twice as long each time.
const ATTEMPTS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(3);

/// How many connections there are and how long things may take.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    /// Where the data is.
    pub url: DatabaseUrl,
    /// How many connections are kept.
    pub pool_size: u32,
    /// How many more are opened under load, and closed again when they idle.
    pub max_overflow: u32,
    /// How long an operation waits for a connection to be opened.
    pub connect_timeout: Duration,
    /// How long PostgreSQL works on one statement at most.
    pub statement_timeout: Duration,
    /// How many operations may wait for a connection; more are refused at once.
    pub max_waiting: usize,
    /// How much the profiler keeps, and what it minds.
    pub profile: ProfileConfig,
}

impl DatabaseConfig {
    /// The defaults for a database: 20 connections, 40 more under load, 1,000 operations waiting.
    pub fn new(url: DatabaseUrl) -> Self {
        Self {
            url,
            pool_size: 20,
            max_overflow: 40,
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(30),
            max_waiting: 1_000,
            profile: ProfileConfig::default(),
        }
    }
}

/// The database, for as many users as like to share it: clones are handles to the same one.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
    /// For whom this handle is, where the task does not say.
    context: Option<Context>,
}

struct Inner {
    kind: DatabaseKind,
    reads: Lane,
    /// SQLite has one writer; on PostgreSQL reads and writes share their connections.
    writes: Option<Lane>,
    profile: Arc<Profile>,
}

impl Database {
    /// Sets the pool up. Connections are opened when they are needed, so this does not fail where the database is away.
    pub fn new(config: &DatabaseConfig) -> Self {
        let profile = Arc::new(Profile::new(&config.profile, &config.url));
        let lane = |name, size, keep, access| Lane::new(name, config, size, keep, access, &profile);
        let kind = config.url.kind();
        let most = config.pool_size.saturating_add(config.max_overflow).max(1);
        let (reads, writes) = match kind {
            DatabaseKind::Postgres => (lane("aios-db", most, config.pool_size, Access::ReadWrite), None),
            DatabaseKind::Sqlite => {
                // More readers than cores gain nothing: SQLite reads in this process, not on a server.
                let cores = std::thread::available_parallelism().map_or(4, std::num::NonZero::get);
                let readers = most.min(u32::try_from(cores * 2).unwrap_or(4)).max(2);
                let writer = lane("aios-db-write", 1, 1, Access::ReadWrite);
                (lane("aios-db", readers, readers, Access::ReadOnly), Some(writer))
            }
        };
        Self {
            inner: Arc::new(Inner {
                kind,
                reads,
                writes,
                profile,
            }),
            context: None,
        }
    }

    /// Which database this is.
    pub fn kind(&self) -> DatabaseKind {
        self.inner.kind
    }

    /// How many statements ran so far, transaction frames aside. Tests hold on to it that no list costs a query a row.
    pub fn statement_count(&self) -> u64 {
        self.inner.profile.statement_count()
    }

    /// What is known of the statements that ran.
    pub fn profile(&self) -> &Arc<Profile> {
        &self.inner.profile
    }

    /// The same database, for whom the task runs that asks for this handle: what is done through it is theirs, also in tasks
    /// that they spawn.
    #[must_use]
    pub fn in_context(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            context: Context::current().or_else(|| self.context.clone()),
        }
    }

    fn watch(&self, site: &'static Location<'static>) -> Watch {
        Watch::new(&self.inner.profile, self.context.as_ref(), site)
    }

    /// Runs `operation`, which reads, on a database thread.
    ///
    /// # Errors
    /// What `operation` returns; `Unavailable` where the database is away or too many operations wait.
    #[track_caller]
    pub fn read<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&mut AnyConnection) -> DbResult<T> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send {
        let watch = self.watch(Location::caller());
        self.inner.reads.run(watch, operation)
    }

    /// Runs `operation` in a transaction on a database thread: all of it is done, or nothing. Where it loses a race against
    /// another transaction it is run again, so it may run several times, of which one counts.
    ///
    /// # Errors
    /// What `operation` returns; `Unavailable` where the database is away, too many operations wait, or every attempt lost.
    #[track_caller]
    pub fn write<T: Send + 'static>(
        &self,
        mut operation: impl FnMut(&mut AnyConnection) -> DbResult<T> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send {
        let watch = self.watch(Location::caller());
        self.writes()
            .run(watch, move |connection| retried(connection, &mut operation))
    }

    /// Runs `operation` on the writing connection without a transaction around it, for what manages its own.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    #[track_caller]
    pub fn write_outside_transaction<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&mut AnyConnection) -> DbResult<T> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send {
        let watch = self.watch(Location::caller());
        self.writes().run(watch, operation)
    }

    fn writes(&self) -> &Lane {
        self.inner.writes.as_ref().unwrap_or(&self.inner.reads)
    }
}

/// Runs `operation` in one transaction on `connection`, again where it lost a race.
///
/// # Errors
/// What `operation` returns, once it fails for another reason than a lost race, or has lost too often.
pub fn in_transaction<T>(
    connection: &mut AnyConnection,
    mut operation: impl FnMut(&mut AnyConnection) -> DbResult<T>,
) -> DbResult<T> {
    retried(connection, &mut operation)
}

fn retried<T>(
    connection: &mut AnyConnection,
    operation: &mut impl FnMut(&mut AnyConnection) -> DbResult<T>,
) -> DbResult<T> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..ATTEMPTS {
        match once(connection, operation) {
            Err(error) if error.is_transient() => {
                tracing::debug!(%error, "transaction lost a race, repeating it");
                begins_anew();
                std::thread::sleep(pause);
                pause *= 2;
            }
            result => return result,
        }
    }
    once(connection, operation)
}

fn once<T>(
    connection: &mut AnyConnection,
    operation: &mut impl FnMut(&mut AnyConnection) -> DbResult<T>,
) -> DbResult<T> {
    begin(connection)?;
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

/// Connections of one kind with a thread for each, and the places for which operations wait first come, first served.
struct Lane {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    max_waiting: usize,
    connections: r2d2::Pool<Manager>,
    threads: Executor,
}

impl Lane {
    fn new(
        name: &'static str,
        config: &DatabaseConfig,
        size: u32,
        keep: u32,
        access: Access,
        profile: &Arc<Profile>,
    ) -> Self {
        let manager = Manager {
            url: config.url.clone(),
            access,
            statement_timeout: config.statement_timeout,
            profile: Arc::clone(profile),
        };
        let connections = r2d2::Pool::builder()
            .max_size(size)
            .min_idle(Some(keep.min(1)))
            .connection_timeout(config.connect_timeout)
            .idle_timeout(Some(Duration::from_secs(60)))
            .test_on_check_out(true)
            .error_handler(Box::new(LogErrors))
            .build_unchecked(manager);
        let size = size as usize;
        Self {
            places: Arc::new(Semaphore::new(size)),
            waiting: AtomicUsize::new(0),
            max_waiting: config.max_waiting,
            connections,
            threads: Executor::new(name, size),
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        watch: Watch,
        operation: impl FnOnce(&mut AnyConnection) -> DbResult<T> + Send + 'static,
    ) -> Result<T> {
        let asked = Instant::now();
        let place = self.place().await?;
        let placed = Instant::now();
        let connections = self.connections.clone();
        let (answer, answered) = oneshot::channel();
        watch.add(Lap::Queue, placed - asked);
        let job = move || {
            let begun = Instant::now();
            watch.add(Lap::Thread, begun - placed);
            let result = match connections.get() {
                Ok(mut pooled) => {
                    watch.add(Lap::Pool, begun.elapsed());
                    pooled.run(|connection| watch.run(connection, operation))
                }
                Err(error) => Err(unreachable_database().caused_by(error)),
            };
            // The place is free before the answer is out, so that whoever hears the answer finds it free.
            drop(connections);
            drop(place);
            // Nobody listens any more where the request was given up; what was written stays written.
            let _ = answer.send(result);
        };
        self.threads.spawn(job).map_err(Error::internal)?;
        answered
            .await
            .unwrap_or_else(|_| Err(Error::internal("a database operation panicked")))
    }

    async fn place(&self) -> Result<tokio::sync::OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(place);
        }
        let started = Instant::now();
        let _waiting = Waiting::enter(&self.waiting, self.max_waiting)?;
        let place = Arc::clone(&self.places)
            .acquire_owned()
            .await
            .map_err(Error::internal)?;
        metrics::histogram!(WAIT_SECONDS).record(started.elapsed().as_secs_f64());
        Ok(place)
    }
}

/// A place in the queue, given back also where the request is dropped while it waits.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(waiting: &'a AtomicUsize, most: usize) -> Result<Self> {
        let entered = Self(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) >= most {
            metrics::counter!(SHED_TOTAL).increment(1);
            return Err(Error::unavailable(
                "The server is busy; try again in a moment.",
                Duration::from_secs(1),
            ));
        }
        Ok(entered)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Manager {
    url: DatabaseUrl,
    access: Access,
    statement_timeout: Duration,
    profile: Arc<Profile>,
}

/// After so long without use a connection is asked whether it lives before it is used again. Asking each time would cost
/// every operation a round trip; never asking, the first operations after a restart of the database.
const ASK_AFTER: Duration = Duration::from_secs(1);

/// A connection and what is known of its health.
struct Pooled {
    connection: AnyConnection,
    last_used: Instant,
    /// The last operation failed in the database: it may be away.
    suspect: bool,
}

impl Pooled {
    fn run<T>(&mut self, operation: impl FnOnce(&mut AnyConnection) -> DbResult<T>) -> Result<T> {
        let result = operation(&mut self.connection);
        self.last_used = Instant::now();
        self.suspect = matches!(result, Err(DbError::Query(_)));
        result.map_err(Error::from)
    }
}

impl r2d2::ManageConnection for Manager {
    type Connection = Pooled;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Pooled, Self::Error> {
        let mut connection = connect(&self.url, self.access, Some(self.statement_timeout))
            .map_err(diesel::r2d2::Error::ConnectionError)?;
        connection.set_instrumentation(Observer::new(&self.profile));
        Ok(Pooled {
            connection,
            last_used: Instant::now(),
            suspect: false,
        })
    }

    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), Self::Error> {
        if pooled.last_used.elapsed() < ASK_AFTER {
            return Ok(());
        }
        pooled.connection.ping().map_err(diesel::r2d2::Error::QueryError)
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        std::thread::panicking()
            || pooled.connection.is_broken()
            || (pooled.suspect && pooled.connection.ping().is_err())
    }
}

#[derive(Debug)]
struct LogErrors;

impl r2d2::HandleError<diesel::r2d2::Error> for LogErrors {
    fn handle_error(&self, error: diesel::r2d2::Error) {
        tracing::warn!(%error, "can't open a database connection");
    }
}

impl From<r2d2::Error> for DbError {
    fn from(error: r2d2::Error) -> Self {
        Self::Domain(unreachable_database().caused_by(error))
    }
}
