//! Access to the database from asynchronous code: reads and writes on threads of their own, each in its turn.

mod config;
mod connections;
mod holds;
mod lane;
mod manager;
pub(crate) mod metrics;
mod position;
mod replica;
mod replicas;
mod status;
mod transaction;
mod wanted;
mod watch;

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Instant;

use aios_domain::Result;

use self::config::LaneSize;
use self::holds::Origin;
use self::lane::{Call, Lane, Repeat};
use self::manager::{Manager, Reachability};
use self::metrics::LaneMetrics;
use self::position::Position;
use self::replica::Replica;
use self::replicas::Replicas;
use self::watch::Watch;
use crate::connection::{Access, AnyConnection, DatabaseKind, DatabaseUrl};
use crate::error::DbResult;
use crate::profile::{Context, Profile, Watch as Profiled};

pub use self::config::DatabaseConfig;
pub use self::status::PoolStatus;
pub use self::transaction::in_transaction;
pub use self::wanted::{Interest, Wanted};

/// The database, for as many users as like to share it: clones are handles to the same one.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
    _watch: Arc<Watch>,
    /// For whom this handle is, where the task does not say.
    context: Option<Context>,
}

struct Inner {
    kind: DatabaseKind,
    reads: Lane,
    /// SQLite has one writer; on PostgreSQL reads and writes share their connections.
    writes: Option<Lane>,
    replicas: Option<Replicas>,
    profile: Arc<Profile>,
}

impl Database {
    /// Sets the pool up. Connections are opened when they are needed, so this does not fail where the database is away.
    /// Replicas of a SQLite database are not used.
    pub fn new(config: &DatabaseConfig) -> Self {
        let profile = Arc::new(Profile::new(&config.profile, &config.url));
        let lane =
            |name: &str, url: &DatabaseUrl, size, access| lane(name, config, size, Place { url, access }, &profile);
        let (kind, size, url) = (config.url.kind(), config.lane_size(), &config.url);
        let (reads, writes) = match kind {
            DatabaseKind::Postgres => (lane("primary", url, size, Access::ReadWrite), None),
            DatabaseKind::Sqlite => {
                let one = LaneSize { keep: 1, overflow: 0 };
                let writer = lane("write", url, one, Access::ReadWrite);
                (lane("read", url, size, Access::ReadOnly), Some(writer))
            }
        };
        let has_replicas = kind == DatabaseKind::Postgres && !config.replicas.is_empty();
        let replicas = has_replicas.then(|| {
            let primary = Position::new(url.connecting_within(config.connect_timeout));
            let replica = |(number, url): (usize, &DatabaseUrl)| {
                let lane = lane(&format!("replica-{number}"), url, size, Access::ReadOnly);
                Replica::new(
                    url.connecting_within(config.connect_timeout),
                    lane,
                    Arc::clone(primary.seen()),
                )
            };
            let replicas = (1..).zip(&config.replicas).map(replica).collect();
            Replicas::new(primary, replicas)
        });
        let inner = Arc::new(Inner {
            kind,
            reads,
            writes,
            replicas,
            profile,
        });
        let watch = Arc::new(Watch::over(&inner, config.hold_warning));
        Self {
            inner,
            _watch: watch,
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
            context: Context::current().or_else(|| self.context.clone()),
            ..self.clone()
        }
    }

    #[track_caller]
    fn call(&self, repeat: Repeat) -> Call {
        self.call_from(Location::caller(), repeat)
    }

    fn call_from(&self, origin: Origin, repeat: Repeat) -> Call {
        Call::new(
            Profiled::new(&self.inner.profile, self.context.as_ref(), origin),
            repeat,
        )
    }

    /// How each pool is now: the primary's or those of readers and the writer, then the replicas'.
    pub fn pools(&self) -> Vec<PoolStatus> {
        let now = Instant::now();
        self.inner.lanes().map(|lane| lane.status(now)).collect()
    }

    /// Runs `operation`, which reads, on a database thread: at a replica that has everything that was committed before this
    /// was called, or at the primary. It may run again where a connection turns out to be broken.
    ///
    /// # Errors
    /// What `operation` returns; `Unavailable` where the database is away, `Overloaded` where too many operations wait or
    /// this one waited for too long.
    #[track_caller]
    pub fn read<T: Send + 'static>(
        &self,
        operation: impl FnMut(&mut AnyConnection) -> DbResult<T> + Clone + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send {
        self.read_at_any(self.call(Repeat::Always), operation)
    }

    /// As [`read`](Self::read), and never at a replica.
    ///
    /// # Errors
    /// As there.
    #[track_caller]
    pub fn read_primary<T: Send + 'static>(
        &self,
        operation: impl FnMut(&mut AnyConnection) -> DbResult<T> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send {
        let (call, mut operation) = (self.call(Repeat::Always), operation);
        self.inner.reads.run(call, move |c, _| operation(c))
    }

    /// Runs `operation` in a transaction on a database thread: all of it is done, or nothing. Where it loses a race against
    /// another transaction it is run again, so it may run several times, of which one counts.
    ///
    /// # Errors
    /// What `operation` returns; `Unavailable` where the database is away or every attempt lost, `Overloaded` where too many
    /// operations wait or this one waited for too long.
    #[track_caller]
    pub fn write<T: Send + 'static>(
        &self,
        operation: impl FnMut(&mut AnyConnection) -> DbResult<T> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send {
        self.write_called(self.call(Repeat::IfNotBegun), operation)
    }

    /// As [`write`](Self::write), for tasks that carry it through whatever becomes of who asked: it does not begin when
    /// nobody wants it any more, and what has begun is finished. It counts as asked for where the interest was made.
    ///
    /// # Errors
    /// As there; `Timeout` where it did not begin.
    pub fn write_wanted<T: Send + 'static>(
        &self,
        wanted: Wanted,
        operation: impl FnMut(&mut AnyConnection) -> DbResult<T> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send {
        let call = self.call_from(wanted.origin(), Repeat::IfNotBegun);
        let call = Call {
            wanted: Some(wanted),
            ..call
        };
        self.write_called(call, operation)
    }

    async fn read_at_any<T: Send + 'static>(
        &self,
        call: Call,
        mut operation: impl FnMut(&mut AnyConnection) -> DbResult<T> + Clone + Send + 'static,
    ) -> Result<T> {
        let reads = &self.inner.reads;
        match &self.inner.replicas {
            // Boxed, so that those without replicas do not carry its state through all their futures.
            Some(replicas) => Box::pin(replicas.read(reads, call, operation)).await,
            None => reads.run(call, move |c, _| operation(c)).await,
        }
    }

    async fn write_called<T: Send + 'static>(
        &self,
        call: Call,
        mut operation: impl FnMut(&mut AnyConnection) -> DbResult<T> + Send + 'static,
    ) -> Result<T> {
        let lane = self.inner.writes.as_ref().unwrap_or(&self.inner.reads);
        Box::pin(lane.run(call, move |c, _| in_transaction(c, &mut operation))).await
    }
}

impl Inner {
    fn lanes(&self) -> impl Iterator<Item = &Lane> {
        let replicas = self.replicas.iter().flat_map(Replicas::lanes);
        std::iter::once(&self.reads).chain(&self.writes).chain(replicas)
    }
}

/// Where the connections of a pool lead, and for what.
#[derive(Clone, Copy)]
struct Place<'a> {
    url: &'a DatabaseUrl,
    access: Access,
}

fn lane(name: &str, config: &DatabaseConfig, size: LaneSize, place: Place<'_>, profile: &Arc<Profile>) -> Lane {
    let shared_name: Arc<str> = name.into();
    let reachability = Arc::new(Reachability::new(Arc::clone(&shared_name)));
    let metrics = LaneMetrics::of(&shared_name);
    let manager = || Manager {
        url: place.url.connecting_within(config.connect_timeout),
        access: place.access,
        is_replica: place.url.kind() == DatabaseKind::Postgres && place.access == Access::ReadOnly,
        statement_timeout: config.statement_timeout,
        profile: Arc::clone(profile),
        reachability: Arc::clone(&reachability),
        metrics: metrics.clone(),
    };
    Lane::new(&shared_name, config, size, metrics.clone(), manager)
}
