//! What is to be purged at the edge: one row a tag and edge, with the moments of its next and its last purge.
//!
//! Whoever purges reads what is due, purges, and says so. A row that was asked for again meanwhile bears another mark and
//! stays due. Purging twice does no harm, so any number of servers may work on the same rows.

use aios_domain::Timestamp;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};
use uuid::Uuid;

use super::outbox::EVERYTHING;
use crate::profile::RunQueryDsl;
use crate::schema::edge_purges as e;
use crate::sql_types::{Sql, TextList, TextListValue, TimestampUtc, Uuid as UuidType};
use crate::{AnyConnection, DbResult};

/// A tag that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgePurge {
    /// What bears it is stale at the edge; [`EVERYTHING`] is everything.
    pub tag: String,
    /// Who asked for it last.
    mark: Uuid,
}

/// How much there is for an edge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EdgePurgeCount {
    /// Tags, due or not.
    pub all: u64,
    /// Those that are due.
    pub due: u64,
}

/// Asks for tags to be purged at `next_at`, and for the last time at `last_at` or later. What is due earlier stays so.
///
/// # Errors
/// Those of the database; it refuses a last moment before the next.
pub fn edge_purge_ask(
    connection: &mut AnyConnection,
    edge: &str,
    tags: &[String],
    next_at: Timestamp,
    last_at: Timestamp,
) -> DbResult<()> {
    if tags.is_empty() {
        return Ok(());
    }
    // In one statement, whatever their number: as rows of an array. SQLite numbers parameters as they appear, whatever they
    // are called, so the array is the last.
    let rows = match connection {
        AnyConnection::Postgres(_) => "SELECT $1, tag, $2, $3, $4 FROM unnest($5) AS asked (tag)",
        AnyConnection::Sqlite(_) => "SELECT $1, value, $2, $3, $4 FROM json_each($5) WHERE true",
    };
    sql_query(format!(
        "INSERT INTO edge_purges (edge, tag, next_at, last_at, mark) {rows} \
         ON CONFLICT (edge, tag) DO UPDATE SET last_at = excluded.last_at, mark = excluded.mark, \
         next_at = CASE WHEN excluded.next_at < edge_purges.next_at THEN excluded.next_at ELSE edge_purges.next_at END"
    ))
    .bind::<Text, _>(edge)
    .bind::<TimestampUtc, _>(Sql(next_at))
    .bind::<TimestampUtc, _>(Sql(last_at))
    .bind::<UuidType, _>(Sql(Uuid::now_v7()))
    .bind::<TextList, _>(TextListValue(tags.to_vec()))
    .execute(connection)?;
    Ok(())
}

/// What is due at `now`, the longest due first, `limit` at most.
///
/// # Errors
/// Those of the database.
pub fn edge_purge_due(
    connection: &mut AnyConnection,
    edge: &str,
    now: Timestamp,
    limit: u32,
) -> DbResult<Vec<EdgePurge>> {
    let due = e::table
        .filter(e::edge.eq(edge))
        .filter(e::next_at.le(Sql(now)))
        .order((e::next_at, e::tag))
        .limit(i64::from(limit))
        .select((e::tag, e::mark));
    let rows: Vec<(String, Uuid)> = due.load(connection)?;
    Ok(rows.into_iter().map(|(tag, mark)| EdgePurge { tag, mark }).collect())
}

/// These were purged, by a purge that began at `began`. Those whose last purge that was are gone; the others are due then.
/// What was asked for again meanwhile stays as it is.
///
/// # Errors
/// Those of the database.
pub fn edge_purge_done(
    connection: &mut AnyConnection,
    edge: &str,
    purged: &[EdgePurge],
    began: Timestamp,
) -> DbResult<()> {
    let tags: Vec<&str> = purged.iter().map(|purge| purge.tag.as_str()).collect();
    let mut marks: Vec<Uuid> = purged.iter().map(|purge| purge.mark).collect();
    marks.sort_unstable();
    marks.dedup();
    // All rows of one mark were written at once, and all of `purged` was read at once: a tag that bears one of these marks
    // now bore it then.
    let marks: Vec<Sql<Uuid>> = marks.into_iter().map(Sql).collect();
    let these = e::edge.eq(edge).and(e::tag.eq_any(tags)).and(e::mark.eq_any(marks));
    diesel::delete(e::table.filter(these.clone()).filter(e::last_at.le(Sql(began)))).execute(connection)?;
    diesel::update(e::table.filter(these))
        .set(e::next_at.eq(e::last_at))
        .execute(connection)?;
    Ok(())
}

/// Takes these back, purged or not, as those that the edge refuses.
///
/// # Errors
/// Those of the database.
pub fn edge_purge_forget(connection: &mut AnyConnection, edge: &str, tags: &[String]) -> DbResult<usize> {
    Ok(diesel::delete(e::table.filter(e::edge.eq(edge).and(e::tag.eq_any(tags)))).execute(connection)?)
}

/// How much there is for an edge.
///
/// # Errors
/// Those of the database.
pub fn edge_purge_count(connection: &mut AnyConnection, edge: &str, now: Timestamp) -> DbResult<EdgePurgeCount> {
    let all: i64 = e::table.filter(e::edge.eq(edge)).count().get_result(connection)?;
    let due = e::table.filter(e::edge.eq(edge)).filter(e::next_at.le(Sql(now)));
    let due: i64 = due.select(sql::<BigInt>("count(*)")).get_result(connection)?;
    let (all, due) = (all.unsigned_abs(), due.unsigned_abs());
    Ok(EdgePurgeCount { all, due })
}

/// Asks for everything, instead of the tags that there are.
///
/// # Errors
/// Those of the database.
pub fn edge_purge_ask_everything(
    connection: &mut AnyConnection,
    edge: &str,
    next_at: Timestamp,
    last_at: Timestamp,
) -> DbResult<()> {
    diesel::delete(e::table.filter(e::edge.eq(edge))).execute(connection)?;
    edge_purge_ask(connection, edge, &[EVERYTHING.to_owned()], next_at, last_at)
}

/// Deletes what should have been purged for the last time before `moment`: whoever was to do so is gone.
///
/// # Errors
/// Those of the database.
pub fn edge_purge_delete_before(connection: &mut AnyConnection, moment: Timestamp) -> DbResult<usize> {
    Ok(diesel::delete(e::table.filter(e::last_at.lt(Sql(moment)))).execute(connection)?)
}
