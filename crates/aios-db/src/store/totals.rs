//! How many active agents there are: of each kind and with each tag, kept by triggers in the transaction of each change, so
//! that a list's total and the figures of the marketplace cost a few rows whatever their number.

use aios_domain::{AgentFilter, Tag};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::connection::{AnyConnection, DatabaseKind, MultiBackend};
use crate::error::DbResult;
use crate::profile::RunQueryDsl;
use crate::schema::{agent_totals, tag_totals, tags};

/// Over shards, the sum is what there is; without rows it is nothing.
const AGENTS: &str = "CAST(coalesce(sum(agents), 0) AS bigint)";
const INSTALLS: &str = "CAST(coalesce(sum(installs), 0) AS bigint)";

/// How many active agents there are, and how many installations of them are active.
///
/// # Errors
/// Those of the database.
pub fn marketplace_totals(connection: &mut AnyConnection) -> DbResult<(i64, i64)> {
    Ok(agent_totals::table
        .select((sql::<BigInt>(AGENTS), sql::<BigInt>(INSTALLS)))
        .first(connection)?)
}

/// How many active agents pass the filter, where that is kept: for every filter by category, pricing, verified and featured,
/// and for a single tag by itself. `None` for others, whose agents have to be counted.
///
/// # Errors
/// Those of the database.
pub fn agent_total(connection: &mut AnyConnection, filter: &AgentFilter) -> DbResult<Option<i64>> {
    if filter.search.is_some() || filter.min_rating.is_some() {
        return Ok(None);
    }
    match filter.distinct_tags().as_slice() {
        [] => kind_total(connection, filter).map(Some),
        [tag] if is_tag_alone(filter) => tag_total(connection, tag).map(Some),
        _ => Ok(None),
    }
}

fn is_tag_alone(filter: &AgentFilter) -> bool {
    let of_any_kind = AgentFilter {
        tags: filter.tags.clone(),
        ..AgentFilter::default()
    };
    *filter == of_any_kind
}

fn kind_total(connection: &mut AnyConnection, filter: &AgentFilter) -> DbResult<i64> {
    let mut query: agent_totals::BoxedQuery<'_, MultiBackend, BigInt> =
        agent_totals::table.select(sql::<BigInt>(AGENTS)).into_boxed();
    if let Some(category) = &filter.category {
        query = query.filter(agent_totals::category.eq(category.as_str()));
    }
    if let Some(model) = filter.pricing_model {
        query = query.filter(agent_totals::pricing_model.eq(model.as_str()));
    }
    if let Some(is_verified) = filter.is_verified {
        query = query.filter(agent_totals::is_verified.eq(is_verified));
    }
    if let Some(is_featured) = filter.is_featured {
        query = query.filter(agent_totals::is_featured.eq(is_featured));
    }
    Ok(query.first(connection)?)
}

fn tag_total(connection: &mut AnyConnection, tag: &str) -> DbResult<i64> {
    Ok(tag_totals::table
        .inner_join(tags::table)
        .filter(tags::name.eq(tag))
        .select(sql::<BigInt>(AGENTS))
        .first(connection)?)
}

/// Those of the tags that there are, and how many active agents bear each of them.
///
/// # Errors
/// Those of the database.
pub(crate) fn tags_counted(connection: &mut AnyConnection, names: &[Tag]) -> DbResult<Vec<(uuid::Uuid, i64)>> {
    let names: Vec<&str> = names.iter().map(Tag::as_str).collect();
    Ok(tags::table
        .inner_join(tag_totals::table)
        .filter(tags::name.eq_any(names))
        .group_by(tags::id)
        .select((tags::id, sql::<BigInt>(AGENTS)))
        .load(connection)?)
}

/// Counts anew what the triggers keep, after a load that ran without them. Nobody else writes meanwhile.
///
/// # Errors
/// Those of the database.
pub(crate) fn totals_recount(connection: &mut AnyConnection) -> DbResult<()> {
    for statement in [
        "DELETE FROM agent_totals",
        "INSERT INTO agent_totals (category, pricing_model, is_verified, is_featured, shard, agents, installs) \
         SELECT coalesce(category, ''), pricing_model, is_verified, is_featured, 0, count(*), sum(install_count) \
         FROM marketplace_agents WHERE is_active GROUP BY 1, 2, 3, 4",
        "DELETE FROM tag_totals",
        "INSERT INTO tag_totals (tag_id, shard, agents) \
         SELECT tag_id, 0, count(*) FROM agent_tags JOIN marketplace_agents ON marketplace_agents.id = agent_id \
         WHERE is_active GROUP BY tag_id",
    ] {
        diesel::sql_query(statement).execute(connection)?;
    }
    Ok(())
}

/// Counts anew in how many agents each word stands, after a load that ran without triggers, when the indexes are back.
///
/// # Errors
/// Those of the database.
pub(crate) fn words_recount(connection: &mut AnyConnection) -> DbResult<()> {
    diesel::sql_query("DELETE FROM search_words").execute(connection)?;
    let counted = match connection.kind() {
        DatabaseKind::Postgres => "SELECT word, 0, ndoc FROM ts_stat('SELECT search_vector FROM marketplace_agents')",
        DatabaseKind::Sqlite => "SELECT term, 0, doc FROM agents_fts_words",
    };
    diesel::sql_query(format!("INSERT INTO search_words (word, shard, agents) {counted}")).execute(connection)?;
    Ok(())
}
