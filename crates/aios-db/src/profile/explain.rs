//! Asking a database for the plan of a statement, without changing anything.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::sql_types::{Integer, Text};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};

use super::binds::{Literal, literals};
use crate::connection::AnyConnection;

/// Whether the statement is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExplainMode {
    /// It is not.
    Plan,
    /// PostgreSQL runs it to its end or its time-out, and tells what it read (`ANALYZE, BUFFERS`). SQLite has no such thing,
    /// and is asked for its plan.
    Analyze,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// The database refused.
    #[error("the database refused: {0}")]
    Database(#[from] diesel::result::Error),
    /// It would be run with other values than it has.
    #[error(
        "its values are not known, so it can't be run; ask for the plan alone, or give SQL with its values written out"
    )]
    NoValues,
}

/// The plan of a statement, a step a line. `binds` are its values as diesel prints them; where they are not given, or can't be
/// read, the plan is the one for any values.
///
/// It is asked for in a transaction that may only read, ends after `time_limit`, and is rolled back.
///
/// # Errors
/// The database's own words, such as for SQL that is none; [`ExplainError::NoValues`].
pub fn explain(
    connection: &mut AnyConnection,
    sql: &str,
    binds: Option<&str>,
    mode: ExplainMode,
    time_limit: Duration,
) -> Result<String, ExplainError> {
    match connection {
        AnyConnection::Sqlite(connection) => Ok(query_plan(connection, sql)?.join("\n")),
        AnyConnection::Postgres(connection) => {
            let parameters = parameters(sql);
            let values = binds.and_then(literals).filter(|values| values.len() == parameters);
            if mode == ExplainMode::Analyze && values.is_none() && parameters > 0 {
                return Err(ExplainError::NoValues);
            }
            let limit = time_limit.as_millis();
            connection.batch_execute(&format!(
                "BEGIN READ ONLY; SET LOCAL statement_timeout TO {limit}; SET LOCAL lock_timeout TO 1000"
            ))?;
            let plan = explain_prepared(connection, sql, values, parameters, mode);
            connection.batch_execute("ROLLBACK")?;
            Ok(plan?)
        }
    }
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    line: String,
}

/// The statement is prepared, so that its parameters get the types that they have where it runs. Each command goes to the
/// server by itself, which then refuses whatever has a second one behind a semicolon.
fn explain_prepared(
    connection: &mut PgConnection,
    sql: &str,
    values: Option<Vec<Literal>>,
    parameters: usize,
    mode: ExplainMode,
) -> QueryResult<String> {
    sql_query(format!("PREPARE aios_explained AS {sql}")).execute(connection)?;
    let for_any = values.is_none();
    let values = values.unwrap_or_else(|| vec!["NULL".to_owned(); parameters]);
    let plan = explain_execute(connection, &values, for_any, mode);
    // A failure has ended the transaction already: then it is left to the next statement's end.
    let _ = sql_query("DEALLOCATE aios_explained").execute(connection);
    plan
}

fn explain_execute(
    connection: &mut PgConnection,
    values: &[Literal],
    for_any: bool,
    mode: ExplainMode,
) -> QueryResult<String> {
    let cache_mode = if for_any {
        "force_generic_plan"
    } else {
        "force_custom_plan"
    };
    sql_query(format!("SET LOCAL plan_cache_mode TO {cache_mode}")).execute(connection)?;
    let options = match mode {
        ExplainMode::Plan => "",
        ExplainMode::Analyze => "(ANALYZE, BUFFERS) ",
    };
    let values = if values.is_empty() {
        String::new()
    } else {
        format!("({})", values.join(", "))
    };
    let lines: Vec<Line> = sql_query(format!("EXPLAIN {options}EXECUTE aios_explained{values}")).load(connection)?;
    let lines: Vec<String> = lines.into_iter().map(|line| line.line).collect();
    Ok(lines.join("\n"))
}

/// The highest number of a parameter outside of quotes.
pub(crate) fn parameters(sql: &str) -> usize {
    let mut most = 0;
    let mut rest = sql.chars().peekable();
    while let Some(c) = rest.next() {
        if matches!(c, '\'' | '"' | '`') {
            let _ = rest.by_ref().find(|inner| *inner == c);
        } else if c == '$' {
            let mut number = 0_usize;
            while let Some(digit) = rest.next_if(char::is_ascii_digit).and_then(|digit| digit.to_digit(10)) {
                number = number.saturating_mul(10).saturating_add(digit as usize);
            }
            most = most.max(number);
        }
    }
    // PostgreSQL has no statement with more.
    most.min(65_535)
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Integer)]
    id: i32,
    #[diesel(sql_type = Integer)]
    parent: i32,
    #[diesel(sql_type = Text)]
    detail: String,
}

/// SQLite's plan, a line a step, indented by two spaces a level.
pub(crate) fn query_plan(connection: &mut SqliteConnection, sql: &str) -> QueryResult<Vec<String>> {
    let steps: Vec<Step> = sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load(connection)?;
    let mut depths = std::collections::HashMap::new();
    let lines = steps.iter().map(|step| {
        let depth = depths.get(&step.parent).map_or(0, |depth| depth + 1);
        depths.insert(step.id, depth);
        format!("{}{}", "  ".repeat(depth), step.detail)
    });
    Ok(lines.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_counted_outside_of_quotes() {
        for (sql, count) in [
            ("SELECT 1", 0),
            ("SELECT $1, $2 WHERE a = $1", 2),
            ("SELECT '$3', \"$4\" WHERE a = $1", 1),
            ("SELECT $99999999999999999999", 65_535),
        ] {
            assert_eq!(parameters(sql), count, "{sql}");
        }
    }
}
