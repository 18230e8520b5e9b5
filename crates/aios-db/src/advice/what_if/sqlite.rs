//! What-if on SQLite: a copy in memory of the tables that matter, with a sample of their rows and their indexes.
//!
//! SQLite's planner tells no cost. So an index counts where the plan uses it and reads or sorts less than before, and where the
//! statement, run on the copy with its values, takes half the time at most. Without values the plan alone speaks, which is said.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::sql_types::{Nullable, Text};
use diesel::{Connection, QueryResult, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};

use super::{Asked, Proof, Tried, better, is_halved};
use crate::advice::candidates::Shape;
use crate::advice::existing::Schema;
use crate::advice::{AdviceError, AdviceSettings, Measured, Seen, quoted};
use crate::connection::{DatabaseKind, DatabaseUrl};
use crate::profile::query_plan;
use crate::recording::Statement;

/// The name that an index has while it is tried.
const TRIED: &str = "aios_what_if";
/// A statement is run so often, and the median counts.
const RUNS: usize = 5;

pub(super) fn try_all<'a>(
    url: &DatabaseUrl,
    asked: Vec<Asked<'a>>,
    schema: &Schema,
    settings: &AdviceSettings,
    until: Instant,
) -> Result<Tried<'a>, AdviceError> {
    let mut copy = copied(url, &asked, schema, settings)?;
    let mut tried = Tried::default();
    for one in asked {
        if Instant::now() >= until {
            tried.is_cut_short = true;
            break;
        }
        match best(&mut copy, &one) {
            Ok(proof) => tried.proofs.extend(proof),
            Err(error) => {
                tracing::debug!(%error, "a statement can't be planned for advice");
                tried.failures += 1;
            }
        }
    }
    Ok(tried)
}

#[derive(QueryableByName)]
struct Object {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<Text>)]
    sql: Option<String>,
}

/// The database in memory. All tables are made, since a statement names others as well; those that an index is tried on are filled.
fn copied(
    url: &DatabaseUrl,
    asked: &[Asked<'_>],
    schema: &Schema,
    settings: &AdviceSettings,
) -> Result<SqliteConnection, AdviceError> {
    let mut copy = SqliteConnection::establish(":memory:")?;
    crate::connection::register_functions(&mut copy)?;
    let path = url.path().map(|path| path.to_string_lossy().replace('\'', "''"));
    copy.batch_execute(&format!(
        "PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = OFF; ATTACH DATABASE '{}' AS live",
        path.unwrap_or_default()
    ))?;
    // What an index keeps for itself is made along with the table that it is part of.
    let objects: Vec<Object> = sql_query(
        "SELECT s.type AS kind, s.name AS name, s.sql AS sql FROM live.sqlite_schema s \
         LEFT JOIN pragma_table_list t ON t.schema = 'live' AND t.name = s.name \
         WHERE s.type IN ('table', 'index') AND s.sql IS NOT NULL AND s.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
         AND coalesce(t.type, '') <> 'shadow' ORDER BY s.type DESC, s.rowid",
    )
    .load(&mut copy)?;
    let of_kind = |kind: &'static str| objects.iter().filter(move |object| object.kind == kind);
    for table in of_kind("table") {
        copy.batch_execute(table.sql.as_deref().unwrap_or_default())?;
    }
    let named = asked.iter().flat_map(|one| &one.tables);
    let tables: BTreeSet<&str> = named.map(String::as_str).collect();
    for table in of_kind("table").filter(|table| tables.contains(table.name.as_str())) {
        fill(&mut copy, &table.name, schema, settings)?;
    }
    for index in of_kind("index") {
        copy.batch_execute(index.sql.as_deref().unwrap_or_default())?;
    }
    copy.batch_execute("DETACH DATABASE live; ANALYZE; PRAGMA query_only = ON")?;
    Ok(copy)
}

fn fill(copy: &mut SqliteConnection, table: &str, schema: &Schema, settings: &AdviceSettings) -> QueryResult<()> {
    #[derive(QueryableByName)]
    struct Name {
        #[diesel(sql_type = Text)]
        name: String,
    }
    if !schema.columns.contains_key(table) {
        return Ok(());
    }
    // Not those that are generated, which come by themselves.
    let columns: Vec<Name> = sql_query("SELECT name FROM pragma_table_info(?)")
        .bind::<Text, _>(table)
        .load(copy)?;
    let columns: Vec<String> = columns.iter().map(|column| quoted(&column.name)).collect();
    let (table, columns) = (quoted(table), columns.join(", "));
    copy.batch_execute(&format!(
        "INSERT INTO main.{table} ({columns}) SELECT {columns} FROM live.{table} LIMIT {}",
        settings.sample_rows
    ))
}

/// The best index, where one halves the time.
fn best<'a>(copy: &mut SqliteConnection, asked: &Asked<'a>) -> QueryResult<Option<Proof<'a>>> {
    let runnable = runnable(asked.seen);
    let planned = runnable.as_deref().unwrap_or(&asked.seen.sql);
    let before = Work::of(&query_plan(copy, planned)?);
    let mut time_before = None;
    let mut best = None;
    for shape in &asked.shapes {
        make(copy, shape)?;
        let tried = with_index(copy, planned, runnable.as_deref(), before);
        copy.batch_execute(&format!(
            "PRAGMA query_only = OFF; DROP INDEX {TRIED}; PRAGMA query_only = ON"
        ))?;
        let Some(after) = tried? else { continue };
        let measured = match (&runnable, after) {
            (Some(sql), Some(after)) => {
                if time_before.is_none() {
                    time_before = Some(time(copy, sql)?);
                }
                Measured::new("ms on a copy", time_before.unwrap_or_default(), after)
            }
            _ => Measured::new("reads and sorts of the plan", before.steps(), before.steps() - 1.0),
        };
        let is_by_plan = runnable.is_none();
        if is_by_plan || is_halved(measured.before, measured.after) {
            let (seen, shape) = (asked.seen, shape.clone());
            best = Some(better(best, Proof { seen, shape, measured }));
        }
    }
    Ok(best)
}

fn make(copy: &mut SqliteConnection, shape: &Shape) -> QueryResult<()> {
    let table = quoted(&shape.table);
    copy.batch_execute(&format!(
        "PRAGMA query_only = OFF; CREATE INDEX {TRIED} {}; ANALYZE {table}; PRAGMA query_only = ON",
        shape.definition(DatabaseKind::Sqlite)
    ))
}

/// `None` where the index changes nothing; else its time, where it can be run.
fn with_index(
    copy: &mut SqliteConnection,
    planned: &str,
    runnable: Option<&str>,
    before: Work,
) -> QueryResult<Option<Option<f64>>> {
    let plan = query_plan(copy, planned)?;
    let uses = plan.iter().any(|line| line.contains(TRIED));
    if !uses || !Work::of(&plan).is_less_than(before) {
        return Ok(None);
    }
    Ok(Some(runnable.map(|sql| time(copy, sql)).transpose()?))
}

/// What of a plan costs time that grows with the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Work {
    scans: usize,
    sorts: usize,
    /// How many columns are looked up by indexes.
    looked_up: usize,
}

impl Work {
    fn of(plan: &[String]) -> Self {
        let count = |test: fn(&str) -> bool| plan.iter().filter(|line| test(line.trim())).count();
        Self {
            scans: count(|line| line.starts_with("SCAN ")),
            sorts: count(|line| line.starts_with("USE TEMP B-TREE")),
            looked_up: plan.iter().map(|line| line.matches("=?").count()).sum(),
        }
    }

    fn is_less_than(self, other: Self) -> bool {
        let (mine, theirs) = (self.scans + self.sorts, other.scans + other.sorts);
        mine < theirs || (mine == theirs && self.looked_up > other.looked_up)
    }

    fn steps(self) -> f64 {
        u32::try_from(self.scans + self.sorts).map_or(0.0, f64::from)
    }
}

/// The statement with its values written out, where it only reads and they are known.
fn runnable(seen: &Seen) -> Option<String> {
    let first = seen.sql.split_whitespace().next().unwrap_or_default();
    if !first.eq_ignore_ascii_case("select") && !first.eq_ignore_ascii_case("with") {
        return None;
    }
    Statement::of(&seen.sql, seen.binds.as_deref()).map(|statement| statement.with_values(DatabaseKind::Sqlite))
}

/// The median of several runs, in milliseconds.
fn time(copy: &mut SqliteConnection, sql: &str) -> QueryResult<f64> {
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let start = Instant::now();
        // All rows are stepped over, and none is kept.
        copy.batch_execute(sql)?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let median = times.get(RUNS / 2).copied().unwrap_or(Duration::MAX);
    Ok(median.as_secs_f64() * 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_is_read_sorted_or_looked_through() {
        let work = |plan: &[&str]| Work::of(&plan.iter().map(ToString::to_string).collect::<Vec<_>>());
        let scan = work(&["SCAN agents", "USE TEMP B-TREE FOR ORDER BY"]);
        let search = work(&["SEARCH agents USING INDEX a (x=? AND y=?)"]);
        let shallow = work(&["SEARCH agents USING INDEX a (x=?)"]);
        assert!(search.is_less_than(scan) && search.is_less_than(shallow) && !scan.is_less_than(search));
        assert!(!search.is_less_than(search));
    }
}
