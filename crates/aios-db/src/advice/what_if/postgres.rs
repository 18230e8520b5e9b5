//! What-if on PostgreSQL: by the extension `hypopg` where the database has it, else on copies.
//!
//! A copy is a temporary table of the same name, with the same indexes and a sample of the rows, in a transaction that is
//! rolled back. `pg_temp` comes first where a name is looked up, so a statement's own text is planned against the copy; others
//! see none of it, and nothing but the right to make temporary tables is needed. It holds rows, since the planner goes by a
//! file's real size: statistics copied onto an empty table would tell it nothing.

use std::collections::BTreeSet;
use std::time::Instant;

use diesel::connection::SimpleConnection;
use diesel::sql_types::{Json, Text};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};

use super::{Asked, Proof, Tried, better, is_halved};
use crate::advice::candidates::Shape;
use crate::advice::existing::Schema;
use crate::advice::{AdviceSettings, Measured, Seen, may_call, quoted};
use crate::connection::DatabaseKind;
use crate::recording::Statement;

/// How an index is made up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// `hypopg`: the planner is told of an index that is not there.
    Hypopg,
    /// Real ones, on copies.
    Copies,
}

pub(super) fn try_all<'a>(
    connection: &mut PgConnection,
    asked: Vec<Asked<'a>>,
    schema: &Schema,
    settings: &AdviceSettings,
    until: Instant,
) -> QueryResult<Tried<'a>> {
    let stage = if may_call(connection, "hypopg_create_index(text)")? {
        Stage::Hypopg
    } else {
        Stage::Copies
    };
    connection.batch_execute(&format!(
        "BEGIN; SET LOCAL statement_timeout TO {}; SET LOCAL lock_timeout TO 1000",
        settings.statement_limit.as_millis()
    ))?;
    let tried = in_transaction(connection, stage, asked, schema, settings, until);
    if stage == Stage::Hypopg {
        // They would be there until the connection ends; a failed transaction can't be asked, and is over with the connection.
        let _ = connection.batch_execute("SELECT hypopg_reset()");
    }
    connection.batch_execute("ROLLBACK")?;
    tried
}

fn in_transaction<'a>(
    connection: &mut PgConnection,
    stage: Stage,
    asked: Vec<Asked<'a>>,
    schema: &Schema,
    settings: &AdviceSettings,
    until: Instant,
) -> QueryResult<Tried<'a>> {
    let mut tried = Tried::default();
    if stage == Stage::Copies {
        let shapes = asked.iter().flat_map(|asked| &asked.shapes);
        let tables: BTreeSet<&str> = shapes.map(|shape| shape.table.as_str()).collect();
        for table in tables {
            copy(connection, table, schema, settings)?;
        }
    }
    for one in asked {
        if Instant::now() >= until {
            tried.is_cut_short = true;
            break;
        }
        match best(connection, stage, &one)? {
            Some(proof) => tried.proofs.extend(proof),
            None => tried.failures += 1,
        }
    }
    Ok(tried)
}

/// A copy of a table with a sample of its rows. Generated columns hold the same values and are plain ones there: the planner
/// makes no difference.
fn copy(connection: &mut PgConnection, table: &str, schema: &Schema, settings: &AdviceSettings) -> QueryResult<()> {
    #[derive(QueryableByName)]
    struct Named {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let named: Named = sql_query("SELECT format('%I.%I', current_schema(), $1) AS name")
        .bind::<Text, _>(table)
        .get_result(connection)?;
    let (copy, original) = (quoted(table), named.name);
    let rows = schema.rows.get(table).copied().unwrap_or_default();
    let sample = if rows > settings.sample_rows {
        // Some more than are kept, since whole pages are drawn.
        #[expect(clippy::cast_precision_loss, reason = "a share of rows")]
        let share = 120.0 * settings.sample_rows as f64 / rows as f64;
        format!(
            "TABLESAMPLE SYSTEM ({:.4}) LIMIT {}",
            share.min(100.0),
            settings.sample_rows
        )
    } else {
        String::new()
    };
    connection.batch_execute(&format!(
        "CREATE TEMPORARY TABLE {copy} (LIKE {original} INCLUDING INDEXES INCLUDING STATISTICS) ON COMMIT DROP; \
         INSERT INTO pg_temp.{copy} SELECT * FROM {original} {sample}; ANALYZE pg_temp.{copy}"
    ))
}

/// `None` where the statement can't be planned; an inner `None` where no index halves its cost.
fn best<'a>(connection: &mut PgConnection, stage: Stage, asked: &Asked<'a>) -> QueryResult<Option<Option<Proof<'a>>>> {
    let Some(before) = within(connection, |connection| cost(connection, asked.seen))? else {
        return Ok(None);
    };
    let mut best = None;
    for shape in &asked.shapes {
        let after = within(connection, |connection| {
            make_up(connection, stage, shape)?;
            let after = cost(connection, asked.seen);
            if stage == Stage::Hypopg {
                connection.batch_execute("SELECT hypopg_reset()")?;
            }
            after
        })?;
        if let Some(after) = after.filter(|after| is_halved(before, *after)) {
            let measured = Measured::new("planner's cost", before, after);
            let proof = Proof {
                seen: asked.seen,
                shape: shape.clone(),
                measured,
            };
            best = Some(better(best, proof));
        }
    }
    Ok(Some(best))
}

/// Does something and takes it back; `None` where the database refused.
fn within<T>(
    connection: &mut PgConnection,
    work: impl FnOnce(&mut PgConnection) -> QueryResult<T>,
) -> QueryResult<Option<T>> {
    connection.batch_execute("SAVEPOINT aios_what_if")?;
    let done = work(connection);
    connection.batch_execute("ROLLBACK TO SAVEPOINT aios_what_if")?;
    if let Err(error) = &done {
        tracing::debug!(%error, "a statement can't be planned for advice");
        // A prepared statement outlives a savepoint. Where it failed to be prepared there is none, which is a failure, too.
        let _ = connection.batch_execute("DEALLOCATE aios_what_if");
        connection.batch_execute("ROLLBACK TO SAVEPOINT aios_what_if")?;
    }
    connection.batch_execute("RELEASE SAVEPOINT aios_what_if")?;
    Ok(done.ok())
}

fn make_up(connection: &mut PgConnection, stage: Stage, shape: &Shape) -> QueryResult<()> {
    let create = format!("CREATE INDEX {}", shape.definition(DatabaseKind::Postgres));
    match stage {
        Stage::Copies => connection.batch_execute(&create),
        Stage::Hypopg => sql_query("SELECT * FROM hypopg_create_index($1)")
            .bind::<Text, _>(create)
            .execute(connection)
            .map(drop),
    }
}

#[derive(QueryableByName)]
struct PlanRow {
    #[diesel(sql_type = Json, column_name = "QUERY PLAN")]
    plan: serde_json::Value,
}

/// The planner's cost of a statement: for its values where they are known, else for any values and a page of rows.
fn cost(connection: &mut PgConnection, seen: &Seen) -> QueryResult<f64> {
    let statement = Statement::of(&seen.sql, seen.binds.as_deref());
    let (prepare, execute, mode) = if let Some(statement) = statement {
        (
            statement.prepare("aios_what_if"),
            statement.execute("aios_what_if"),
            "force_custom_plan",
        )
    } else {
        let (sql, parameters) = of_a_page(&seen.sql);
        let values = vec!["NULL"; parameters].join(", ");
        let values = if parameters == 0 { values } else { format!("({values})") };
        (
            format!("PREPARE aios_what_if {} AS {sql}", types(&seen.sql, &sql)),
            format!("EXECUTE aios_what_if{values}"),
            "force_generic_plan",
        )
    };
    // Each by itself: the server then refuses whatever has a second statement behind a semicolon.
    sql_query(prepare).execute(connection)?;
    sql_query(format!("SET LOCAL plan_cache_mode TO {mode}")).execute(connection)?;
    let explained = sql_query(format!("EXPLAIN (FORMAT JSON) {execute}")).get_result::<PlanRow>(connection);
    if explained.is_ok() {
        sql_query("DEALLOCATE aios_what_if").execute(connection)?;
    }
    let cost = explained?
        .plan
        .pointer("/0/Plan/Total Cost")
        .and_then(serde_json::Value::as_f64);
    cost.ok_or(diesel::result::Error::NotFound)
}

/// The rows of a page, where nobody knows how many were asked for: the planner itself would take a tenth of all.
const PAGE: &str = "20";

/// The statement with a page's LIMIT and no OFFSET where they are parameters, and the number of its parameters.
fn of_a_page(sql: &str) -> (String, usize) {
    let parameters = crate::profile::parameters(sql);
    let mut sql = sql.to_owned();
    for number in (1..=parameters).rev() {
        for (word, value) in [("LIMIT", PAGE), ("OFFSET", "0")] {
            sql = sql.replace(&format!("{word} ${number}"), &format!("{word} {value}"));
        }
    }
    (sql, parameters)
}

/// The types of parameters: only those that stand nowhere any more have to be given one.
fn types(before: &str, after: &str) -> String {
    let parameters = crate::profile::parameters(before);
    let is_left = |number: usize| {
        let mark = format!("${number}");
        let is_digit = |c: char| c.is_ascii_digit();
        after.split(&mark).skip(1).any(|rest| !rest.starts_with(is_digit))
    };
    let types: Vec<&str> = (1..=parameters)
        .map(|number| if is_left(number) { "unknown" } else { "bigint" })
        .collect();
    if types.is_empty() {
        String::new()
    } else {
        format!("({})", types.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_stands_in_for_unknown_limits() {
        let sql = "SELECT 1 FROM a WHERE b = $1 AND c = $12 LIMIT $2 OFFSET $3";
        let (page, parameters) = of_a_page(sql);
        assert_eq!(page, "SELECT 1 FROM a WHERE b = $1 AND c = $12 LIMIT 20 OFFSET 0");
        assert_eq!(parameters, 12);
        let types = types(sql, &page);
        assert!(
            types.starts_with("(unknown, bigint, bigint, bigint") && types.ends_with("unknown)"),
            "{types}"
        );
    }
}
