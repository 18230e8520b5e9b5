//! What the database did.

use std::time::Duration;

use aios_marketplace::profile as from;
use serde::Serialize;
use utoipa::ToSchema;

/// What the database did for this server since it started. Times are in milliseconds.
#[derive(Serialize, ToSchema)]
pub(crate) struct Queries {
    /// How many statements ran.
    #[schema(example = 90_210)]
    statements: u64,
    /// Each form of statement, at most 257 of them; the last may stand for all others.
    queries: Vec<Query>,
    /// Each route or job that used the database.
    routes: Vec<QueryRoute>,
    /// Statements that ran again and again for one request.
    repeats: Vec<QueryRepeat>,
}

/// A form of statement.
#[derive(Serialize, ToSchema)]
struct Query {
    #[schema(example = "00c0ffee00c0ffee")]
    fingerprint: String,
    /// `?` stands for a value, or for a list of any length.
    #[schema(example = "SELECT name FROM tags WHERE id IN (?)")]
    sql: String,
    /// The line of source that ran it last.
    #[schema(example = "crates/aios-db/src/store/agents.rs:137")]
    call_site: Option<String>,
    calls: u64,
    failures: u64,
    /// How many rows it read or changed in all, where that was counted.
    rows: Option<u64>,
    total_ms: f64,
    mean_ms: f64,
    /// 95 of 100 runs took no longer; off by at most a 32nd.
    p95_ms: f64,
    p99_ms: f64,
    max_ms: f64,
    /// The slowest run over the threshold.
    slowest: Option<SlowQuery>,
}

/// A slow run.
#[derive(Serialize, ToSchema)]
struct SlowQuery {
    took_ms: f64,
    /// The SQL as it ran.
    sql: String,
    /// Its values, long ones cut. They may be personal.
    values: Option<String>,
    /// For which route or job it ran.
    route: Option<String>,
    call_site: Option<String>,
    #[serde(flatten)]
    plan: QueryPlan,
}

/// A plan.
#[derive(Serialize, ToSchema)]
pub(crate) struct QueryPlan {
    /// What the database says it does, a step a line; missing where it has not said so.
    plan: Option<String>,
    /// Why there is none.
    plan_failure: Option<String>,
}

/// Where time went at the database.
#[derive(Serialize, ToSchema)]
struct QueryTimes {
    /// Waiting for a turn.
    queue_ms: f64,
    /// Waiting for a thread.
    thread_ms: f64,
    /// Waiting for a connection.
    pool_ms: f64,
    /// Using it.
    database_ms: f64,
}

/// A route or a job.
#[derive(Serialize, ToSchema)]
struct QueryRoute {
    #[schema(example = "GET /api/v1/marketplace/agents")]
    route: String,
    /// How many requests used the database.
    requests: u64,
    statements: u64,
    times: QueryTimes,
    /// The request that spent most time on statements.
    slowest: Option<QueryRequest>,
}

/// One request.
#[derive(Serialize, ToSchema)]
struct QueryRequest {
    times: QueryTimes,
    statements: Vec<QueryStatement>,
}

/// A form of statement within one request.
#[derive(Serialize, ToSchema)]
struct QueryStatement {
    fingerprint: String,
    sql: String,
    call_site: Option<String>,
    calls: u64,
    rows: Option<u64>,
    took_ms: f64,
}

/// A statement that ran again and again for one request.
#[derive(Serialize, ToSchema)]
struct QueryRepeat {
    /// `n_plus_one`: with other values each time. `duplicate`: with the same.
    #[schema(example = "n_plus_one")]
    kind: &'static str,
    #[schema(example = "GET /api/v1/marketplace/agents")]
    route: String,
    fingerprint: String,
    sql: String,
    call_site: Option<String>,
    /// How many requests did so.
    requests: u64,
    /// The most runs in one request.
    most: u64,
    /// What to call instead.
    #[schema(example = "store::agents::agents_find, with all ids at once")]
    cure: String,
}

/// Milliseconds, to the microsecond.
pub(super) fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

impl From<from::ProfileReport> for Queries {
    fn from(report: from::ProfileReport) -> Self {
        Self {
            statements: report.statements,
            queries: report.queries.into_iter().map(Query::from).collect(),
            routes: report.routes.into_iter().map(QueryRoute::from).collect(),
            repeats: report.repeats.into_iter().map(QueryRepeat::from).collect(),
        }
    }
}

impl From<from::QueryFigures> for Query {
    fn from(query: from::QueryFigures) -> Self {
        Self {
            fingerprint: query.fingerprint.to_string(),
            sql: query.sql,
            call_site: query.call_site,
            calls: query.calls,
            failures: query.failures,
            rows: query.rows,
            total_ms: millis(query.total),
            mean_ms: millis(query.mean),
            p95_ms: millis(query.p95),
            p99_ms: millis(query.p99),
            max_ms: millis(query.max),
            slowest: query.worst.map(SlowQuery::from),
        }
    }
}

impl From<from::SlowExample> for SlowQuery {
    fn from(slow: from::SlowExample) -> Self {
        Self {
            took_ms: millis(slow.took),
            sql: slow.sql,
            values: slow.binds,
            route: slow.route,
            call_site: slow.call_site,
            plan: slow.plan.into(),
        }
    }
}

impl From<from::Plan> for QueryPlan {
    fn from(plan: from::Plan) -> Self {
        let (plan, plan_failure) = match plan {
            from::Plan::Pending => (None, None),
            from::Plan::Explained(plan) => (Some(plan), None),
            from::Plan::Failed(why) => (None, Some(why)),
        };
        Self { plan, plan_failure }
    }
}

impl From<from::Times> for QueryTimes {
    fn from(times: from::Times) -> Self {
        Self {
            queue_ms: millis(times.queue),
            thread_ms: millis(times.thread),
            pool_ms: millis(times.pool),
            database_ms: millis(times.database),
        }
    }
}

impl From<from::RouteFigures> for QueryRoute {
    fn from(route: from::RouteFigures) -> Self {
        Self {
            route: route.route,
            requests: route.requests,
            statements: route.statements,
            times: route.times.into(),
            slowest: route.worst.map(QueryRequest::from),
        }
    }
}

impl From<from::RequestFigures> for QueryRequest {
    fn from(request: from::RequestFigures) -> Self {
        Self {
            times: request.times.into(),
            statements: request.statements.into_iter().map(QueryStatement::from).collect(),
        }
    }
}

impl From<from::StatementFigures> for QueryStatement {
    fn from(statement: from::StatementFigures) -> Self {
        Self {
            fingerprint: statement.fingerprint.to_string(),
            sql: statement.sql,
            call_site: statement.call_site,
            calls: statement.calls,
            rows: statement.rows,
            took_ms: millis(statement.took),
        }
    }
}

impl From<from::Repeat> for QueryRepeat {
    fn from(repeat: from::Repeat) -> Self {
        Self {
            kind: repeat.kind.as_str(),
            route: repeat.route,
            fingerprint: repeat.fingerprint.to_string(),
            sql: repeat.sql,
            call_site: repeat.call_site,
            requests: repeat.requests,
            most: repeat.most,
            cure: repeat.cure,
        }
    }
}
