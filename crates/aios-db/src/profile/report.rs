//! What the profiler tells, as values.

use std::time::Duration;

use super::fingerprint::Fingerprint;

/// All that the profiler knows.
#[derive(Clone, Debug, Default)]
pub struct ProfileReport {
    /// How many statements ran since the start, transaction frames aside.
    pub statements: u64,
    /// Each form of statement, what took longest in all first.
    pub queries: Vec<QueryFigures>,
    /// Each route or job that used the database, what took longest in all first.
    pub routes: Vec<RouteFigures>,
    /// Statements that ran again and again for one request.
    pub repeats: Vec<Repeat>,
}

/// The figures of one form of statement.
#[derive(Clone, Debug)]
pub struct QueryFigures {
    /// Its name.
    pub fingerprint: Fingerprint,
    /// Its SQL, with `?` for values and for lists of them.
    pub sql: String,
    /// The line of source that ran it last, where that is known.
    pub call_site: Option<String>,
    /// How often it ran.
    pub calls: u64,
    /// How often it failed.
    pub failures: u64,
    /// How many rows it read or changed in all; `None` where nobody counted.
    pub rows: Option<u64>,
    /// The time it took in all.
    pub total: Duration,
    /// The time it took on average.
    pub mean: Duration,
    /// The time that 95 of 100 runs took at most; off by at most a 32nd.
    pub p95: Duration,
    /// The time that 99 of 100 runs took at most; off by at most a 32nd.
    pub p99: Duration,
    /// The longest it took.
    pub max: Duration,
    /// The slowest run over the threshold, and its plan.
    pub worst: Option<SlowExample>,
}

/// A slow statement.
#[derive(Clone, Debug)]
pub struct SlowExample {
    /// How long it took.
    pub took: Duration,
    /// The SQL as it ran.
    pub sql: String,
    /// The values it ran with, as diesel prints them, long ones cut. They may be personal: they are kept in memory alone,
    /// never logged, and shown to admins alone.
    pub binds: Option<String>,
    /// The route or job it ran for.
    pub route: Option<String>,
    /// The line of source that ran it.
    pub call_site: Option<String>,
    /// Its plan, or why there is none.
    pub plan: Plan,
}

/// A plan that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// The database has not been asked, or has not answered yet.
    Pending,
    /// What the database says it would do, a step a line.
    Explained(String),
    /// Why there is none.
    Failed(String),
}

/// Where the time of a request went at the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Waiting for a turn.
    pub queue: Duration,
    /// Waiting for a thread, once it had its turn.
    pub thread: Duration,
    /// Waiting for a connection, on the thread.
    pub pool: Duration,
    /// Using the connection: statements and what is made of their rows.
    pub database: Duration,
}

impl Times {
    /// All of it.
    pub fn total(&self) -> Duration {
        self.queue + self.thread + self.pool + self.database
    }
}

/// The figures of one route or job.
#[derive(Clone, Debug)]
pub struct RouteFigures {
    /// Method and matched route, or a job's name.
    pub route: String,
    /// How many requests used the database.
    pub requests: u64,
    /// How many statements they ran.
    pub statements: u64,
    /// Where their time went.
    pub times: Times,
    /// The request that spent most time on statements.
    pub worst: Option<RequestFigures>,
}

/// One request's use of the database.
#[derive(Clone, Debug, Default)]
pub struct RequestFigures {
    /// Where its time went.
    pub times: Times,
    /// What it ran, in the order of first use.
    pub statements: Vec<StatementFigures>,
}

/// One form of statement within one request.
#[derive(Clone, Debug)]
pub struct StatementFigures {
    /// Which.
    pub fingerprint: Fingerprint,
    /// Its SQL.
    pub sql: String,
    /// The line of source that ran it.
    pub call_site: Option<String>,
    /// How often it ran.
    pub calls: u64,
    /// How long that took in all.
    pub took: Duration,
    /// How many rows it read or changed; `None` where nobody counted.
    pub rows: Option<u64>,
}

/// What is wrong with a statement that ran several times for one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RepeatKind {
    /// With other values each time: a query for each row of another, known as N+1.
    NPlusOne,
    /// With the same values: the answer was there already.
    Duplicate,
}

impl RepeatKind {
    /// Its name in metrics and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NPlusOne => "n_plus_one",
            Self::Duplicate => "duplicate",
        }
    }
}

/// A statement that ran again and again for one request.
#[derive(Clone, Debug)]
pub struct Repeat {
    /// Which of the two.
    pub kind: RepeatKind,
    /// For whom.
    pub route: String,
    /// The statement.
    pub fingerprint: Fingerprint,
    /// Its SQL.
    pub sql: String,
    /// The line of source that ran it.
    pub call_site: Option<String>,
    /// How many requests did so.
    pub requests: u64,
    /// The most runs in one request.
    pub most: u64,
    /// What to call instead.
    pub cure: String,
}
