//! What happened to agents: recorded, summed up, and turned into what trends.

use std::collections::{BTreeMap, HashSet};

use aios_domain::{AgentId, EventId, EventKind, JsonObject, RecentActivity, Timestamp, UserId};
use chrono::TimeDelta;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool};
use serde_json::{Value, json};

use super::agents;
use super::rows::{self, Field, given};
use crate::profile::{RunQueryDsl, in_parts};
use crate::raw::prepared;
use crate::schema::agent_analytics;
use crate::sql_types::{JsonDocument, Sql, TimestampUtc, Uuid};
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
            agent_analytics::event_data.eq(Sql(agents::json(data))),
            agent_analytics::occurred_at.eq(Sql(now)),
        ))
        .execute(connection)?;
    Ok(())
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// To which agent.
    pub agent: AgentId,
    /// Who did it.
    pub user: UserId,
    /// What it was.
    pub kind: EventKind,
    /// What there is to say about it.
    pub data: JsonObject,
    /// When.
    pub at: Timestamp,
}

const EVENTS: [(&str, Field); 6] = [
    ("id", Field::Uuid),
    ("agent_id", Field::Uuid),
    ("user_id", Field::Uuid),
    ("event_type", Field::Text),
    ("event_data", Field::Json),
    ("occurred_at", Field::Moment),
];

/// Records events, in one statement however many they are. The caller bounds how many.
///
/// # Errors
/// Those of the database.
pub fn events_insert(connection: &mut AnyConnection, events: &[NewEvent]) -> DbResult<()> {
    match events {
        [] => return Ok(()),
        // This one is prepared once.
        [event] => {
            return event_insert(connection, event.agent, event.user, event.kind, &event.data, event.at);
        }
        _ => {}
    }
    let kind = connection.kind();
    let rows = events.iter().map(|event| {
        let data = Value::from(&event.data);
        let (id, agent, user) = (EventId::new().0, event.agent.0, event.user.0);
        let at = rows::moment(kind, event.at);
        json!([
            rows::id(id),
            rows::id(agent),
            rows::id(user),
            event.kind.as_str(),
            data,
            at
        ])
    });
    sql_query(format!(
        "INSERT INTO agent_analytics (id, agent_id, user_id, event_type, event_data, occurred_at) \
         SELECT id, agent_id, user_id, event_type, event_data, occurred_at FROM {}",
        given(kind, &EVENTS)
    ))
    .bind::<JsonDocument, _>(Value::Array(rows.collect()))
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

/// Adds gathered views: one row an agent, and the agents' own counters, in two statements for each five thousand agents. Those
/// that were added already, under the same names, are passed over, so that a batch may be written again where it is not known
/// whether it was committed. Agents are locked in the order of their ids, so that two servers that write at once don't wait for
/// each other in a circle; PostgreSQL takes a third statement for that.
///
/// # Errors
/// Those of the database.
pub fn views_add(
    connection: &mut AnyConnection,
    views: &BTreeMap<AgentId, GatheredViews>,
    now: Timestamp,
) -> DbResult<()> {
    let views: Vec<(&AgentId, &GatheredViews)> = views.iter().collect();
    let at = rows::moment(connection.kind(), now);
    // A chunk after the other on purpose.
    in_parts(|| {
        views.chunks(AT_ONCE).try_for_each(|chunk| {
            let rows = chunk
                .iter()
                .map(|(agent, views)| json!([rows::id(views.id.0), rows::id(agent.0), views.count, at]));
            views_add_chunk(connection, rows.collect())
        })
    })
}

/// Rows that are written by one statement. It bounds the statement's length, and for how long a row stays locked.
const AT_ONCE: usize = 5_000;

const VIEWS: [(&str, Field); 4] = [
    ("id", Field::Uuid),
    ("agent_id", Field::Uuid),
    ("quantity", Field::Integer),
    ("occurred_at", Field::Moment),
];

fn views_add_chunk(connection: &mut AnyConnection, rows: Value) -> DbResult<()> {
    #[derive(QueryableByName)]
    struct Added {
        #[diesel(sql_type = Uuid)]
        id: uuid::Uuid,
    }

    let given = given(connection.kind(), &VIEWS);
    rows::hold(connection, ("marketplace_agents", "id"), ("agent_id", &VIEWS), &rows)?;
    // Nothing is added for an agent that is gone. Where another transaction is just adding the same, this one waits for it.
    let added: Vec<Added> = sql_query(format!(
        "INSERT INTO agent_analytics (id, agent_id, event_type, quantity, occurred_at) \
         SELECT given.id, given.agent_id, 'view', given.quantity, given.occurred_at FROM {given} \
         JOIN marketplace_agents ON marketplace_agents.id = given.agent_id WHERE true \
         ON CONFLICT (id) DO NOTHING RETURNING id"
    ))
    .bind::<JsonDocument, _>(&rows)
    .load(connection)?;
    if added.is_empty() {
        return Ok(());
    }
    let added: HashSet<Value> = added.into_iter().map(|added| rows::id(added.id)).collect();
    let Value::Array(mut rows) = rows else {
        return Ok(());
    };
    rows.retain(|row| row.get(0).is_some_and(|id| added.contains(id)));
    sql_query(format!(
        "UPDATE marketplace_agents SET view_count = view_count + given.quantity FROM {given} \
         WHERE marketplace_agents.id = given.agent_id"
    ))
    .bind::<JsonDocument, _>(Value::Array(rows))
    .execute(connection)?;
    Ok(())
}

/// Deletes the oldest events from before `moment`, `limit` of them at most, and says how many it were. `None` where another
/// server is just at it; then nothing was done.
///
/// One short statement by an index: on PostgreSQL it keeps nobody from reading or adding events, and SQLite's writer is held for
/// as long as so few rows take. Whoever has many to delete calls it again and again, a transaction each, with pauses between.
///
/// # Errors
/// Those of the database.
pub fn events_prune(connection: &mut AnyConnection, moment: Timestamp, limit: u32) -> DbResult<Option<usize>> {
    #[derive(QueryableByName)]
    struct Acquired {
        #[diesel(sql_type = Bool)]
        acquired: bool,
    }

    let oldest = "SELECT id FROM agent_analytics WHERE occurred_at < $1 ORDER BY occurred_at LIMIT $2";
    let delete = match connection {
        AnyConnection::Postgres(_) => {
            // Held until the transaction ends.
            let lock = format!("SELECT pg_try_advisory_xact_lock({PRUNING}) AS acquired");
            if !sql_query(lock).get_result::<Acquired>(connection)?.acquired {
                return Ok(None);
            }
            format!("DELETE FROM agent_analytics WHERE id = ANY (ARRAY({oldest}))")
        }
        // One transaction writes at a time.
        AnyConnection::Sqlite(_) => format!("DELETE FROM agent_analytics WHERE id IN ({oldest})"),
    };
    let deleted = sql_query(delete)
        .bind::<TimestampUtc, _>(Sql(moment))
        .bind::<BigInt, _>(i64::from(limit))
        .execute(connection)?;
    Ok(Some(deleted))
}

/// The advisory lock under which old events are deleted: the bytes of "aios-old".
const PRUNING: i64 = i64::from_be_bytes(*b"aios-old");

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

/// An agent whose trending score is not what happened to it says, and what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrendingChange {
    /// The agent.
    pub agent: AgentId,
    /// Its score: `10 × installs + views` of the last [`TRENDING_WINDOW`].
    pub score: i64,
}

/// The agents whose scores are due. One is either among those of the recent events, or has a score left from before.
const DUE: &str = "WITH recent AS ( \
        SELECT agent_id, CAST(sum(CASE event_type WHEN 'install' THEN 10 ELSE 1 END * quantity) AS bigint) AS score \
        FROM agent_analytics WHERE event_type IN ('install', 'view') AND occurred_at >= $1 AND occurred_at <= $2 \
        GROUP BY agent_id \
    ), due AS ( \
        SELECT agent_id, score FROM recent \
        UNION ALL \
        SELECT id, 0 FROM marketplace_agents \
        WHERE is_active AND trending_score > 0 AND id NOT IN (SELECT agent_id FROM recent) \
    ) ";

/// The agents whose trending scores are out of date, in the order of their ids.
///
/// # Errors
/// Those of the database.
pub fn trending_changes(connection: &mut AnyConnection, now: Timestamp) -> DbResult<Vec<TrendingChange>> {
    #[derive(QueryableByName)]
    struct Due {
        #[diesel(sql_type = Uuid)]
        id: uuid::Uuid,
        #[diesel(sql_type = BigInt)]
        score: i64,
    }

    let wrong = "SELECT id, score FROM due JOIN marketplace_agents ON id = agent_id \
                 WHERE trending_score <> score ORDER BY id";
    let due: Vec<Due> = sql_query(format!("{DUE}{wrong}"))
        .bind::<TimestampUtc, _>(Sql(now - TRENDING_WINDOW))
        .bind::<TimestampUtc, _>(Sql(now))
        .load(connection)?;
    let changes = due.into_iter().map(|due| TrendingChange {
        agent: AgentId(due.id),
        score: due.score,
    });
    Ok(changes.collect())
}

/// Gives agents their scores, in one statement. Each of them is locked until the transaction ends, and takes some tenths of a
/// millisecond, since every index of its row is written: so some dozens at a time keep nobody waiting who installs one.
///
/// # Errors
/// Those of the database.
pub fn trending_set(connection: &mut AnyConnection, changes: &[TrendingChange]) -> DbResult<()> {
    let rows = changes
        .iter()
        .map(|change| json!([rows::id(change.agent.0), change.score]));
    let given = given(
        connection.kind(),
        &[("agent_id", Field::Uuid), ("score", Field::Integer)],
    );
    prepared(format!(
        "UPDATE marketplace_agents SET trending_score = given.score FROM {given} WHERE marketplace_agents.id = given.agent_id"
    ))
    .bind::<JsonDocument, _>(Value::Array(rows.collect()))
    .execute(connection)?;
    Ok(())
}

/// Gives every agent its score in one statement: for those who have the tables to themselves.
///
/// # Errors
/// Those of the database.
pub(crate) fn trending_recount(connection: &mut AnyConnection, now: Timestamp) -> DbResult<()> {
    let update = "UPDATE marketplace_agents SET trending_score = due.score FROM due \
                  WHERE id = due.agent_id AND trending_score <> due.score";
    sql_query(format!("{DUE}{update}"))
        .bind::<TimestampUtc, _>(Sql(now - TRENDING_WINDOW))
        .bind::<TimestampUtc, _>(Sql(now))
        .execute(connection)?;
    Ok(())
}
