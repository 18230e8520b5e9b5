//! What statements a piece of work really sends, and the plans that the database makes for them: for tests of plans and for
//! measuring. No part of a running service.

mod binds;
mod text;

use std::sync::Arc;

use diesel::connection::{Connection, InstrumentationEvent, SimpleConnection};
use diesel::prelude::*;
use diesel::{PgConnection, sql_query, sql_types};
use parking_lot::Mutex;

use crate::connection::{AnyConnection, DatabaseKind};
use crate::error::DbResult;
use crate::profile::query_plan;

pub use binds::Bind;

/// A statement as it was sent, with the values that were bound.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// With `$1`, `$2` … or `?` for the values.
    pub sql: String,
    /// The values, in the order in which they were bound.
    pub binds: Vec<Bind>,
}

/// The plan for a statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// PostgreSQL's `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)`.
    Postgres(serde_json::Value),
    /// SQLite's `EXPLAIN QUERY PLAN`, a line a step, indented by two spaces a level.
    Sqlite(Vec<String>),
}

/// Runs `work` and tells which statements it sent. The frames of transactions are left out.
///
/// Whatever watched the connection before does so no more.
///
/// ```
/// use aios_db::{Access, connect, recording, store};
///
/// let directory = std::env::temp_dir().join("aios-recording");
/// let url = aios_db::DatabaseUrl::sqlite(directory.join("a.db"));
/// let mut connection = connect(&url, Access::ReadWrite, None)?;
/// let ((), statements) = recording::record(&mut connection, |connection| store::ping(connection).unwrap());
/// assert_eq!(statements[0].sql, "SELECT 1 AS alive");
/// # std::fs::remove_dir_all(directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn record<T>(connection: &mut AnyConnection, work: impl FnOnce(&mut AnyConnection) -> T) -> (T, Vec<Statement>) {
    let heard: Arc<Mutex<Vec<Statement>>> = Arc::default();
    let observer = Arc::clone(&heard);
    connection.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            observer.lock().extend(Statement::read(query));
        }
    });
    let answer = work(connection);
    connection.set_instrumentation(|_: InstrumentationEvent<'_>| {});
    let statements = std::mem::take(&mut *heard.lock());
    (answer, statements)
}

/// Runs `work` in a transaction that is rolled back whatever comes of it.
///
/// # Errors
/// What `work` returns; those of the database.
pub fn rolled_back<T>(
    connection: &mut AnyConnection,
    work: impl FnOnce(&mut AnyConnection) -> DbResult<T>,
) -> DbResult<T> {
    let mut result = None;
    let outcome = connection.transaction::<(), crate::DbError, _>(|connection| {
        result = Some(work(connection));
        Err(diesel::result::Error::RollbackTransaction.into())
    });
    match (result, outcome) {
        (Some(result), _) => result,
        (None, Err(error)) => Err(error),
        (None, Ok(())) => Err(diesel::result::Error::NotFound.into()),
    }
}

/// After so many runs PostgreSQL has settled on a plan for a prepared statement: it plans it five times for the values at
/// hand, and then, where that seems no worse, once for any values.
pub const UNTIL_SETTLED: usize = 6;

/// The plan for the statement, as a connection comes to it that runs the statement for the time `runs`.
///
/// On PostgreSQL the statement is run, and so belongs in a transaction that is [`rolled_back`]; what it changed is there for
/// the statements after it. On SQLite it is not.
///
/// # Errors
/// Those of the database.
pub fn explain(connection: &mut AnyConnection, statement: &Statement, runs: usize) -> DbResult<Plan> {
    match connection {
        AnyConnection::Postgres(connection) => explain_postgres(connection, statement, runs),
        AnyConnection::Sqlite(connection) => {
            // With the values in the text: SQLite, too, looks at them once it has statistics.
            let sql = statement.with_values(DatabaseKind::Sqlite);
            Ok(Plan::Sqlite(query_plan(connection, &sql)?))
        }
    }
}

#[derive(QueryableByName)]
struct PostgresPlan {
    #[diesel(sql_type = sql_types::Json, column_name = "QUERY PLAN")]
    plan: serde_json::Value,
}

fn explain_postgres(connection: &mut PgConnection, statement: &Statement, runs: usize) -> DbResult<Plan> {
    connection.batch_execute(&statement.prepare("explained"))?;
    let explain = format!(
        "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {}",
        statement.execute("explained")
    );
    for _ in 1..runs {
        connection.batch_execute(&format!(
            "SAVEPOINT before_it; {explain}; ROLLBACK TO SAVEPOINT before_it"
        ))?;
    }
    let explained: PostgresPlan = sql_query(explain).get_result(connection)?;
    connection.batch_execute("DEALLOCATE explained")?;
    let top = explained.plan.get(0).cloned().unwrap_or_default();
    Ok(Plan::Postgres(top))
}

/// Runs SQL that answers nothing, such as what prepares an experiment.
///
/// # Errors
/// Those of the database.
pub fn execute(connection: &mut AnyConnection, sql: &str) -> DbResult<()> {
    match connection {
        AnyConnection::Postgres(connection) => connection.batch_execute(sql)?,
        AnyConnection::Sqlite(connection) => connection.batch_execute(sql)?,
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = sql_types::BigInt)]
    number: i64,
}

/// Runs SQL that answers one number, called `number`.
///
/// # Errors
/// Those of the database.
pub fn number(connection: &mut AnyConnection, sql: &str) -> DbResult<i64> {
    let answer: Number = sql_query(sql).get_result(connection)?;
    Ok(answer.number)
}
