//! Many rows at once: what the demonstration catalogue, the registry import and the workshop's seed have in common.
//!
//! [`insert`] writes a data set within the caller's transaction and leaves indexes and triggers to their work: right
//! for some thousands of rows. [`load`] is for millions: it takes constraints and indexes off, writes, puts them back
//! from their own definitions, and does all of it in one transaction, so that a load that fails leaves the database as
//! it was.
//!
//! PostgreSQL is written by `COPY`, SQLite by prepared statements.

mod copy_text;
mod postgres;
mod rebuild;
mod rows;
mod sqlite;

use std::collections::HashMap;

use aios_domain::{AgentId, Tag, TagId, Timestamp, UserId, to_microseconds};
use chrono::Utc;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use uuid::Uuid;

use crate::profile::{RunQueryDsl, in_parts};
use crate::schema::{marketplace_agents, tags, users};
use crate::store::analytics::trending_recount;
use crate::store::outbox::{EVERYTHING, InvalidationId, invalidation_insert};
use crate::store::search_tiers::tiers_recount;
use crate::store::totals::{totals_recount, words_recount};
use crate::{AnyConnection, DbResult};

pub use rows::{BulkAgent, BulkEvent, Dataset};

/// The tables that a load writes, in the order in which foreign keys let it.
pub const TABLES: [&str; 7] = [
    "users",
    "tags",
    "marketplace_agents",
    "agent_tags",
    "agent_installations",
    "agent_reviews",
    "agent_analytics",
];

/// Under this name the ids of tags are made from their names (UUIDs of version 5), so that the same load gives the same
/// rows.
const TAG_NAMESPACE: Uuid = Uuid::from_u128(0x0f0d_93e3_9b1d_4c2f_8f4e_a105_7a65_0001);

/// After how many rows progress is told.
const STEP: u64 = 4_096;

/// How far a load is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many rows of this table have been written.
    Rows(&'static str, u64),
    /// Something else is being done: "building indexes".
    Working(&'static str),
}

/// How many rows were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadSummary {
    /// Table by table, in the order in which they were written.
    pub rows: Vec<(&'static str, u64)>,
}

impl LoadSummary {
    /// All rows together.
    pub fn total(&self) -> u64 {
        self.rows.iter().map(|(_, rows)| rows).sum()
    }
}

/// Whether the database holds neither users nor agents, as after its first migration.
///
/// # Errors
/// Those of the database.
pub fn is_empty(connection: &mut AnyConnection) -> DbResult<bool> {
    let someone: Option<UserId> = users::table.select(users::id).first(connection).optional()?;
    let something: Option<AgentId> = marketplace_agents::table
        .select(marketplace_agents::id)
        .first(connection)
        .optional()?;
    Ok(someone.is_none() && something.is_none())
}

/// Writes a data set in one transaction, or as a part of the caller's.
///
/// # Errors
/// Those of the database: a row that exists already, or one that refers to something that does not.
pub fn insert(connection: &mut AnyConnection, dataset: &impl Dataset) -> DbResult<LoadSummary> {
    connection.transaction(|connection| {
        // As many rows a statement as it may bind, and then the next.
        let summary = in_parts(|| write(connection, dataset, &mut |_| {}))?;
        recount(connection, dataset.until())?;
        Ok(summary)
    })
}

/// Writes a large data set: all of it, or nothing. Indexes, constraints and triggers of the tables are away meanwhile
/// and are the same again afterwards, on a database that had rows before, too; nobody else can use the tables while it
/// runs. Servers that keep answers are told, through the outbox, to keep none of before.
///
/// # Errors
/// As [`insert`], and where a constraint does not hold for the rows once they are there.
pub fn load(
    connection: &mut AnyConnection,
    dataset: &impl Dataset,
    progress: &mut dyn FnMut(Progress),
) -> DbResult<LoadSummary> {
    rebuild::prepare(connection)?;
    let written: DbResult<LoadSummary> = connection.transaction(|connection| {
        let plan = rebuild::take_off(connection)?;
        let summary = write(connection, dataset, progress)?;
        progress(Progress::Working("counting"));
        recount(connection, dataset.until())?;
        totals_recount(connection)?;
        progress(Progress::Working("building indexes"));
        plan.put_back(connection)?;
        words_recount(connection)?;
        // A server that runs meanwhile keeps nothing of what was. Kept under the real time, since rows are cleared by age.
        let (everything, now) = (&[EVERYTHING.to_owned()], to_microseconds(Utc::now()));
        invalidation_insert(connection, InvalidationId::new(), everything, now)?;
        Ok(summary)
    });
    rebuild::restore(connection)?;
    let summary = written?;
    progress(Progress::Working("gathering statistics"));
    gather_statistics(connection)?;
    Ok(summary)
}

fn write(
    connection: &mut AnyConnection,
    dataset: &impl Dataset,
    progress: &mut dyn FnMut(Progress),
) -> DbResult<LoadSummary> {
    let mut summary = LoadSummary::default();
    // One line a table: which rows, and by which function on either database.
    macro_rules! table {
        ($name:literal, $write:ident, $rows:expr) => {{
            let mut written = 0;
            let rows = counted($name, $rows, &mut written, progress);
            match connection {
                AnyConnection::Postgres(connection) => postgres::$write(connection, rows)?,
                AnyConnection::Sqlite(connection) => sqlite::$write(connection, rows)?,
            }
            progress(Progress::Rows($name, written));
            summary.rows.push(($name, written));
        }};
    }
    let known = known_tags(connection)?;
    let (ids, new) = tag_ids(known, dataset);
    table!("users", users, dataset.users());
    table!("tags", tags, new.into_iter());
    table!("marketplace_agents", agents, dataset.agents());
    table!("agent_tags", agent_tags, agent_tags(dataset, &ids));
    table!("agent_installations", installations, dataset.installations());
    table!("agent_reviews", reviews, dataset.reviews());
    table!("agent_analytics", events, dataset.events());
    Ok(summary)
}

/// The rows again, counted as they pass.
fn counted<'a, T>(
    table: &'static str,
    rows: impl Iterator<Item = T> + 'a,
    written: &'a mut u64,
    progress: &'a mut dyn FnMut(Progress),
) -> impl Iterator<Item = T> + 'a {
    rows.inspect(move |_| {
        *written += 1;
        if written.is_multiple_of(STEP) {
            progress(Progress::Rows(table, *written));
        }
    })
}

fn known_tags(connection: &mut AnyConnection) -> DbResult<HashMap<String, TagId>> {
    let rows: Vec<(TagId, String)> = tags::table.select((tags::id, tags::name)).load(connection)?;
    Ok(rows.into_iter().map(|(id, name)| (name, id)).collect())
}

/// The id of every tag of the data set, and those tags that the database does not know yet.
fn tag_ids(mut ids: HashMap<String, TagId>, dataset: &impl Dataset) -> (HashMap<String, TagId>, Vec<(TagId, Tag)>) {
    let mut new = Vec::new();
    for tag in dataset.tags() {
        if !ids.contains_key(tag.as_str()) {
            let id = TagId(Uuid::new_v5(&TAG_NAMESPACE, tag.as_str().as_bytes()));
            ids.insert(tag.as_str().to_owned(), id);
            new.push((id, tag));
        }
    }
    (ids, new)
}

/// What `marketplace_agents.tags` says, one row a tag.
fn agent_tags<'a>(
    dataset: &'a impl Dataset,
    ids: &'a HashMap<String, TagId>,
) -> impl Iterator<Item = postgres::AgentTag> + 'a {
    dataset.agent_tags().flat_map(|(agent, tags)| {
        let mut row: Vec<TagId> = tags.iter().filter_map(|tag| ids.get(tag.as_str()).copied()).collect();
        // In the order of the primary key.
        row.sort_unstable();
        row.into_iter().map(move |tag| (agent, tag))
    })
}

/// Brings up to date what is counted over all agents.
fn recount(connection: &mut AnyConnection, until: Timestamp) -> DbResult<()> {
    sql_query(
        "UPDATE categories SET agent_count = \
         (SELECT count(*) FROM marketplace_agents WHERE category = categories.name AND is_active)",
    )
    .execute(connection)?;
    trending_recount(connection, until)?;
    tiers_recount(connection)
}

fn gather_statistics(connection: &mut AnyConnection) -> DbResult<()> {
    match connection {
        AnyConnection::Postgres(connection) => {
            // So that index-only scans work from the first query on. The first pass tidies the pages that the load has changed
            // since it filled them; only a second one finds all of them visible to all (seen on PostgreSQL 15).
            connection.batch_execute("VACUUM")?;
            connection.batch_execute("VACUUM (ANALYZE)")?;
        }
        AnyConnection::Sqlite(connection) => {
            connection.batch_execute("PRAGMA analysis_limit = 2000; ANALYZE;")?;
        }
    }
    Ok(())
}
