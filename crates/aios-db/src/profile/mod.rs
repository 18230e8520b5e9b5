//! The profiler: what ran, for whom, from where, how long, and what of it should not have.
//!
//! A request opens a [`Context`]; an operation of the pool carries it to its database thread, where `operation` keeps it while
//! `observer` hears of each statement from diesel. Figures are kept by [`Fingerprint`] in `table`, by route in `routes`, and
//! repeated statements in `repeats`, all in fixed memory. Statements over the threshold are explained by `slow`.

mod binds;
mod context;
mod explain;
mod fingerprint;
mod histogram;
mod observer;
mod operation;
mod repeats;
mod report;
mod routes;
mod run;
mod slow;
mod table;

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use diesel::Connection;

use crate::advice::{AdviceError, AdviceReport, AdviceSettings, Adviser};
use crate::connection::{AnyConnection, DatabaseUrl};

pub use context::Context;
pub use explain::{ExplainError, ExplainMode, explain};
pub use fingerprint::{Fingerprint, NoFingerprint};
pub use operation::in_parts;
pub use report::{
    Plan, ProfileReport, QueryFigures, Repeat, RepeatKind, RequestFigures, RouteFigures, SlowExample, StatementFigures,
    Times,
};

pub(crate) use context::Lap;
pub(crate) use explain::{parameters, query_plan};
pub(crate) use fingerprint::normalised;
pub(crate) use observer::Observer;
pub(crate) use operation::{Call, Watch, begins_anew};
pub(crate) use run::RunQueryDsl;

pub(crate) const STATEMENT_SECONDS: &str = "aios_db_statement_seconds";

/// How much the profiler keeps, and what it minds.
#[derive(Clone, Debug, PartialEq)]
pub struct ProfileConfig {
    /// A statement that takes so long is explained.
    pub slow: Duration,
    /// A request may run a statement with so many different values before it is told as N+1.
    pub repeats: usize,
    /// What is done then.
    pub on_repeat: OnRepeat,
    /// How many forms of statement are told apart.
    pub fingerprints: usize,
    /// What advice is worth telling.
    pub advice: AdviceSettings,
}

impl Default for ProfileConfig {
    fn default() -> Self {
        Self {
            slow: Duration::from_millis(50),
            repeats: 5,
            on_repeat: OnRepeat::Report,
            fingerprints: 256,
            advice: AdviceSettings::default(),
        }
    }
}

/// What is done about a request that runs a query for each row of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnRepeat {
    /// It is counted and kept, and logged once a route.
    #[default]
    Report,
    /// The operation panics at its end as well, so that a test fails.
    Panic,
}

/// What is known of the statements of one database. It is always there.
pub struct Profile {
    config: ProfileConfig,
    statements: AtomicU64,
    table: table::Table,
    routes: routes::Routes,
    repeats: repeats::Repeats,
    slow: slow::Slow,
    adviser: Adviser,
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Profile {
    /// A profiler that has seen nothing yet, of the database at `url`.
    pub fn new(config: &ProfileConfig, url: &DatabaseUrl) -> Self {
        Self {
            statements: AtomicU64::new(0),
            table: table::Table::new(config.fingerprints),
            routes: routes::Routes::default(),
            repeats: repeats::Repeats::default(),
            slow: slow::Slow::new(config.slow, url.clone()),
            adviser: Adviser::new(url.clone(), config.advice.clone()),
            config: config.clone(),
        }
    }

    pub(crate) fn config(&self) -> &ProfileConfig {
        &self.config
    }

    fn count(&self) {
        self.statements.fetch_add(1, Ordering::Relaxed);
    }

    /// Watches a connection that is in no pool, such as one of a test.
    pub fn watch(self: &Arc<Self>, connection: &mut AnyConnection) {
        connection.set_instrumentation(Observer::new(self));
    }

    /// Runs an operation of the caller on a connection that is [watched](Self::watch), on this thread, as a pool does on one
    /// of its own.
    #[track_caller]
    pub fn run<T>(
        self: &Arc<Self>,
        connection: &mut AnyConnection,
        operation: impl FnOnce(&mut AnyConnection) -> T,
    ) -> T {
        Watch::new(self, None, Location::caller()).run(connection, operation)
    }

    /// How many statements ran so far, transaction frames aside.
    pub fn statement_count(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// All that is known.
    pub fn report(&self) -> ProfileReport {
        ProfileReport {
            statements: self.statement_count(),
            queries: self.table.report(),
            routes: self.routes.report(),
            repeats: self.repeats.report(),
        }
    }

    /// The plan of a statement that has run: of its worst example where it was slow, else of its SQL with any values. `None`
    /// where nothing of this fingerprint has run, or its place was taken by others.
    pub async fn explain(self: &Arc<Self>, fingerprint: Fingerprint, mode: ExplainMode) -> Option<Plan> {
        let entry = self.table.find(fingerprint)?;
        Some(self.slow.explain(&entry, mode).await)
    }

    /// Advice from the statements that ran here, made on a connection and a thread of its own, one at a time, and kept for a
    /// minute.
    ///
    /// # Errors
    /// When the database can't be reached or asked.
    pub async fn advice(&self) -> Result<Arc<AdviceReport>, AdviceError> {
        self.adviser.advice(|| self.table.seen()).await
    }
}

/// Tells the metrics recorder what the profiler's metrics mean.
pub(crate) fn describe_metrics() {
    use metrics::{Unit, describe_counter, describe_histogram};
    describe_histogram!(
        STATEMENT_SECONDS,
        Unit::Seconds,
        "Time of one SQL statement, from its start to its answer."
    );
    describe_counter!(slow::SLOW_TOTAL, "Statements that took longer than the threshold.");
    describe_counter!(slow::EXPLAINED_TOTAL, "Plans asked for, by outcome.");
    describe_counter!(
        repeats::REPEATS_TOTAL,
        "Statements that a request ran several times, by kind (n_plus_one, duplicate) and route."
    );
}
