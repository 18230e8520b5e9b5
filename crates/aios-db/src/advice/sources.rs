//! Statements that ran, from where there is no profiler: PostgreSQL's own counts, or a file.

use std::time::Duration;

use diesel::sql_types::{BigInt, Double, Text};
use diesel::{QueryableByName, RunQueryDsl, sql_query};

use super::{AdviceError, Seen, is_installed, statement};
use crate::connection::{AnyConnection, DatabaseKind};

/// So many of PostgreSQL's statements are asked for.
const MOST: i64 = 200;

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = Text)]
    query: String,
    #[diesel(sql_type = BigInt)]
    calls: i64,
    #[diesel(sql_type = Double)]
    milliseconds: f64,
}

/// What `pg_stat_statements` counted in this database, what took longest in all first; `None` where it is not installed, and on
/// SQLite.
///
/// # Errors
/// When the database can't be asked, such as where the extension's library is not loaded.
pub fn counted_by_postgres(connection: &mut AnyConnection) -> Result<Option<Vec<Seen>>, AdviceError> {
    let AnyConnection::Postgres(connection) = connection else {
        return Ok(None);
    };
    if !is_installed(connection, "pg_stat_statements")? {
        return Ok(None);
    }
    let counted: Vec<Counted> = sql_query(
        "SELECT query, calls, total_exec_time AS milliseconds FROM pg_stat_statements \
         WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query IS NOT NULL \
           AND query ~* '^\\s*(select|with|update|delete)\\M' ORDER BY total_exec_time DESC LIMIT $1",
    )
    .bind::<BigInt, _>(MOST)
    .load(connection)?;
    let seen = counted.into_iter().map(|counted| Seen {
        sql: counted.query,
        binds: None,
        calls: counted.calls.try_into().unwrap_or_default(),
        total: Duration::from_secs_f64((counted.milliseconds / 1_000.0).clamp(0.0, 1e9)),
    });
    Ok(Some(seen.collect()))
}

/// The statements of a text, with a semicolon behind each, as if each had run once for a second; `None` where it is no SQL of
/// this kind of database.
///
/// ```
/// use aios_db::DatabaseKind;
/// use aios_db::advice::read_statements;
///
/// let statements = read_statements("SELECT 1; SELECT 2;", DatabaseKind::Sqlite).unwrap();
/// assert_eq!(statements[1].sql, "SELECT 2");
/// ```
pub fn read_statements(text: &str, kind: DatabaseKind) -> Option<Vec<Seen>> {
    let seen = statement::split(text, kind)?.into_iter().map(|sql| Seen {
        sql,
        binds: None,
        calls: 1,
        total: Duration::from_secs(1),
    });
    Some(seen.collect())
}
