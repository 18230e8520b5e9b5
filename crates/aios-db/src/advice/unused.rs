//! Indexes that nothing reads.

use std::collections::BTreeSet;

use diesel::sql_types::{BigInt, Bool, Double, Text};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};

use super::existing::Schema;
use super::statement::wishes;
use super::{Advice, AdviceKind, AdviceSettings, Seen, drop_index, megabytes};
use crate::connection::DatabaseKind;
use crate::profile::query_plan;
use crate::recording::Statement;

/// So many forms of statement have to be known before it says anything that none of them uses an index.
const FEWEST_FORMS: usize = 20;

#[derive(QueryableByName)]
struct Age {
    #[diesel(sql_type = Double)]
    seconds: f64,
    #[diesel(sql_type = Bool)]
    is_standby: bool,
}

#[derive(QueryableByName)]
struct Idle {
    #[diesel(sql_type = Text)]
    index_name: String,
    #[diesel(sql_type = BigInt)]
    table_scans: i64,
}

const IDLE: &str = r"
SELECT s.indexrelname::text AS index_name, CAST(coalesce(t.seq_scan, 0) + coalesce(t.idx_scan, 0) AS bigint) AS table_scans
  FROM pg_stat_user_indexes s JOIN pg_stat_user_tables t USING (relid)
 WHERE s.schemaname = current_schema() AND s.idx_scan = 0 AND coalesce(t.seq_scan, 0) + coalesce(t.idx_scan, 0) > 0
 ORDER BY s.relname, s.indexrelname";

/// On PostgreSQL, by its own counts; a note instead where they are too young to tell anything.
pub(super) fn on_postgres(
    connection: &mut PgConnection,
    schema: &Schema,
    settings: &AdviceSettings,
    notes: &mut Vec<String>,
) -> QueryResult<Vec<Advice>> {
    let age: Age = sql_query(
        "SELECT CAST(extract(epoch FROM now() - greatest(stats_reset, pg_postmaster_start_time())) AS double precision) \
         AS seconds, pg_is_in_recovery() AS is_standby FROM pg_stat_database WHERE datname = current_database()",
    )
    .get_result(connection)?;
    if age.seconds < settings.youngest_counts.as_secs_f64() {
        notes.push(format!(
            "Unused indexes: the server counts for {:.1} hours, too short to tell; ask again when it has for {:.0}.",
            age.seconds / 3_600.0,
            settings.youngest_counts.as_secs_f64() / 3_600.0
        ));
        return Ok(Vec::new());
    }
    let place = if age.is_standby { "this standby" } else { "this server" };
    let idle: Vec<Idle> = sql_query(IDLE).load(connection)?;
    let found = idle.into_iter().filter_map(|idle| {
        let index = schema.indexes.iter().find(|index| index.name == idle.index_name)?;
        (!index.is_needed && index.is_valid).then(|| Advice {
            kind: AdviceKind::UnusedIndex,
            table: index.table.clone(),
            subject: index.name.clone(),
            reason: format!(
                "No statement has read it on {place} in {:.1} days, while the table was read {} times; what reads on other \
                 servers (replicas) is not counted here.",
                age.seconds / 86_400.0,
                idle.table_scans
            ),
            measured: index.bytes.map(|bytes| megabytes(bytes, 0)),
            statements: Vec::new(),
            sql: drop_index(DatabaseKind::Postgres, &index.name),
        })
    });
    Ok(found.collect())
}

/// On SQLite, which counts nothing: indexes of tables that statements name and whose plans use none of.
pub(super) fn on_sqlite(
    connection: &mut SqliteConnection,
    schema: &Schema,
    seen: &[Seen],
    settings: &AdviceSettings,
    notes: &mut Vec<String>,
) -> Vec<Advice> {
    if settings.watched_for < settings.youngest_counts {
        notes.push(format!(
            "Unused indexes: SQLite counts no use, and what ran was watched for {:.1} hours, which is too short; {:.0} are needed.",
            settings.watched_for.as_secs_f64() / 3_600.0,
            settings.youngest_counts.as_secs_f64() / 3_600.0
        ));
        return Vec::new();
    }
    let (mut used, mut tables) = (BTreeSet::new(), BTreeSet::new());
    let mut forms = 0;
    for one in seen {
        let statement = Statement::of(&one.sql, one.binds.as_deref());
        let sql = statement.map_or_else(
            || one.sql.clone(),
            |statement| statement.with_values(DatabaseKind::Sqlite),
        );
        let (Ok(plan), Some(wishes)) = (
            query_plan(connection, &sql),
            wishes(&sql, DatabaseKind::Sqlite, &schema.columns),
        ) else {
            continue;
        };
        forms += 1;
        tables.extend(wishes.into_iter().map(|wish| wish.table));
        used.extend(plan.iter().flat_map(|line| line.split(' ')).map(ToOwned::to_owned));
    }
    if forms < FEWEST_FORMS {
        notes.push(format!(
            "Unused indexes: SQLite counts no use, and {forms} forms of statement are too few to tell; {FEWEST_FORMS} are needed."
        ));
        return Vec::new();
    }
    let idle = schema.indexes.iter().filter(|index| {
        !index.is_needed && index.is_valid && tables.contains(&index.table) && !used.contains(&index.name)
    });
    idle.map(|index| Advice {
        kind: AdviceKind::UnusedIndex,
        table: index.table.clone(),
        subject: index.name.clone(),
        reason: format!(
            "It is in the plan of none of the {forms} forms of statement that ran; others may need it yet."
        ),
        measured: None,
        statements: Vec::new(),
        sql: drop_index(DatabaseKind::Sqlite, &index.name),
    })
    .collect()
}
