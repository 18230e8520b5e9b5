//! How many connections there are, and how long things may take.

use std::time::Duration;

use crate::connection::{DatabaseKind, DatabaseUrl};
use crate::profile::ProfileConfig;

/// How many connections there are and how long things may take.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    /// Where the data is.
    pub url: DatabaseUrl,
    /// Replicas of it, which answer reads; each is one server. `PostgreSQL` alone has them.
    pub replicas: Vec<DatabaseUrl>,
    /// How many connections are kept, to the database and to each replica.
    pub pool_size: u32,
    /// How many more are opened under load, and closed again when they idle.
    pub max_overflow: u32,
    /// How many operations may wait for their turn; more are refused at once.
    pub max_waiting: usize,
    /// How long an operation waits for its turn.
    pub wait_timeout: Duration,
    /// How long an operation waits for a connection to be opened.
    pub connect_timeout: Duration,
    /// How long `PostgreSQL` works on one statement at most.
    pub statement_timeout: Duration,
    /// After how long without use a connection is closed, where it is more than are kept.
    pub idle_timeout: Duration,
    /// After how long a connection is replaced by a new one.
    pub max_lifetime: Duration,
    /// An operation that holds a connection for longer is reported.
    pub hold_warning: Duration,
    /// How much the profiler keeps, and what it minds.
    pub profile: ProfileConfig,
}

impl DatabaseConfig {
    /// The defaults for a database: 20 connections, 40 more under load, 1,000 operations waiting, no replicas.
    pub fn new(url: DatabaseUrl) -> Self {
        Self {
            url,
            replicas: Vec::new(),
            pool_size: 20,
            max_overflow: 40,
            max_waiting: 1_000,
            wait_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            max_lifetime: Duration::from_secs(1_800),
            hold_warning: Duration::from_secs(60),
            profile: ProfileConfig::default(),
        }
    }

    /// How many connections a pool of `PostgreSQL` has, or that of `SQLite`'s readers.
    pub(super) fn lane_size(&self) -> LaneSize {
        let (keep, overflow) = (self.pool_size.max(1), self.max_overflow);
        match self.url.kind() {
            DatabaseKind::Postgres => LaneSize { keep, overflow },
            DatabaseKind::Sqlite => {
                // More readers than cores gain nothing: SQLite reads in this process, not on a server.
                let cores = std::thread::available_parallelism().map_or(4, std::num::NonZero::get);
                let most = u32::try_from(cores * 2).unwrap_or(4).max(2);
                LaneSize {
                    keep: keep.saturating_add(overflow).clamp(2, most),
                    overflow: 0,
                }
            }
        }
    }
}

/// How many connections a pool has: some that are kept, some more under load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LaneSize {
    pub(super) keep: u32,
    pub(super) overflow: u32,
}
