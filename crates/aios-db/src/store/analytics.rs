//! What happened to agents: recorded, summed up, and turned into what trends.

use std::collections::BTreeMap;

use aios_domain::{AgentId, EventId, EventKind, JsonObject, RecentActivity, Timestamp, UserId};
use chrono::TimeDelta;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;

use super::agents::json;
use crate::profile::RunQueryDsl;
use crate::schema::agent_analytics;
use crate::sql_types::{Sql, TimestampUtc, Uuid};
use crate::{AnyConnection, DbResult};

/// How far back trending looks.
pub const TRENDING_WINDOW: TimeDelta = TimeDelta::days(7);

/// Records one event.
///
/// # Errors
/// Those of the database.
pub fn event_insert(
    connection: &mut AnyConnection,
    agent: AgentId,
    user: UserId,
    kind: EventKind,
    data: &JsonObject,
    now: Timestamp,
) -> DbResult<()> {
    diesel::insert_into(agent_analytics::table)
        .values((
            agent_analytics::id.eq(Sql(EventId::new())),
            agent_analytics::agent_id.eq(Sql(agent)),
            agent_analytics::user_id.eq(Sql(user)),
            agent_analytics::event_type.eq(kind.as_str()),
            agent_analytics::event_data.eq(Sql(json(data))),
            agent_analytics::occurred_at.eq(Sql(now)),
        ))
        .execute(connection)?;
    Ok(())
}

/// Views of one agent, gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatheredViews {
    /// Names the row they become. Whoever writes them again uses the same name, and they count once.
    pub id: EventId,
    /// How many.
    pub count: i64,
}

/// Adds gathered views: one row an agent, and the agents' own counters. Those that were added already, under the same names,
/// are passed over, so that a batch may be written again where it is not known whether it was committed. Agents are taken
/// in the order of their ids, so that two servers that write at once don't wait for each other in a circle.
///
/// # Errors
/// Those of the database.
pub fn views_add(
    connection: &mut AnyConnection,
    views: &BTreeMap<AgentId, GatheredViews>,
    now: Timestamp,
) -> DbResult<()> {
    for (&agent, &GatheredViews { id, count }) in views {
        // Nothing is added for an agent that is gone. Where another transaction is just adding the same, this one waits for it.
        let added = sql_query(
            "INSERT INTO agent_analytics (id, agent_id, event_type, quantity, occurred_at) \
             SELECT $1, id, 'view', $2, $3 FROM marketplace_agents WHERE id = $4 ON CONFLICT (id) DO NOTHING",
        )
        .bind::<Uuid, _>(Sql(id))
        .bind::<BigInt, _>(count)
        .bind::<TimestampUtc, _>(Sql(now))
        .bind::<Uuid, _>(Sql(agent))
        .execute(connection)?;
        if added == 0 {
            continue;
        }
        sql_query("UPDATE marketplace_agents SET view_count = view_count + $1 WHERE id = $2")
            .bind::<BigInt, _>(count)
            .bind::<Uuid, _>(Sql(agent))
            .execute(connection)?;
    }
    Ok(())
}

/// How often each kind of event happened to the agent since then.
///
/// # Errors
/// Those of the database.
pub fn activity_since(connection: &mut AnyConnection, agent: AgentId, since: Timestamp) -> DbResult<RecentActivity> {
    let rows: Vec<(String, i64)> = agent_analytics::table
        .filter(agent_analytics::agent_id.eq(Sql(agent)))
        .filter(agent_analytics::occurred_at.ge(Sql(since)))
        .group_by(agent_analytics::event_type)
        .select((
            agent_analytics::event_type,
            sql::<BigInt>("CAST(sum(quantity) AS bigint)"),
        ))
        .load(connection)?;
    let mut activity = RecentActivity::default();
    for (kind, count) in rows {
        if let Ok(kind) = kind.parse() {
            activity.add(kind, count);
        }
    }
    Ok(activity)
}

/// Sets every agent's trending score to `10 × installs + views` of the last [`TRENDING_WINDOW`]. Only scores that changed are
/// written. Returns how many were.
///
/// # Errors
/// Those of the database.
pub fn trending_refresh(connection: &mut AnyConnection, now: Timestamp) -> DbResult<usize> {
    // An agent whose score differs is either among the recent ones, or has a score left from before. Rows are locked in the
    // order of their ids first, as views and installs lock theirs one at a time.
    let changed = "WITH recent AS ( \
             SELECT agent_id, sum(CASE event_type WHEN 'install' THEN 10 ELSE 1 END * quantity) AS score \
             FROM agent_analytics WHERE event_type IN ('install', 'view') AND occurred_at >= $1 AND occurred_at <= $2 \
             GROUP BY agent_id \
         ), changed AS ( \
             SELECT agent_id, CAST(score AS double precision) AS score FROM recent \
             UNION ALL \
             SELECT id, 0 FROM marketplace_agents \
             WHERE is_active AND trending_score > 0 AND id NOT IN (SELECT agent_id FROM recent) \
         ) ";
    let update = "UPDATE marketplace_agents SET trending_score = changed.score FROM changed \
                  WHERE id = changed.agent_id AND trending_score <> changed.score";
    Ok(sql_query(format!("{changed}{update}"))
        .bind::<TimestampUtc, _>(Sql(now - TRENDING_WINDOW))
        .bind::<TimestampUtc, _>(Sql(now))
        .execute(connection)?)
}
