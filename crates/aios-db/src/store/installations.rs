//! Installations: made, ended, used, looked up.

use std::collections::HashSet;

use aios_domain::{
    Agent, AgentId, Error, ErrorKind, Installation, InstallationId, JsonObject, Timestamp, UserId, Version,
};
use aios_pagination::Fingerprint;
use aios_pagination::sql::SqlOrder;
use diesel::prelude::*;
use diesel::sql_query;
use serde_json::{Value, json};

use super::agents::{self, agent_find_locked, agent_lock};
use super::rows::{self, Field, given};
use crate::connection::{DatabaseKind, MultiBackend};
use crate::paging::{Listing, PageRequest, Paging, read_page};
use crate::profile::RunQueryDsl;
use crate::schema::{agent_installations, agent_reviews, marketplace_agents};
use crate::sql_types::{JsonDocument, Sql, Uuid};
use crate::{AnyConnection, DbError, DbResult};

#[derive(Queryable, Selectable)]
#[diesel(table_name = agent_installations)]
struct InstallationRow {
    id: uuid::Uuid,
    user_id: UserId,
    agent_id: AgentId,
    installed_version: String,
    settings: serde_json::Value,
    is_active: bool,
    last_used: Option<Timestamp>,
    usage_count: i64,
    installed_at: Timestamp,
    updated_at: Timestamp,
}

impl From<InstallationRow> for Installation {
    fn from(row: InstallationRow) -> Self {
        Self {
            id: InstallationId(row.id),
            user_id: row.user_id,
            agent_id: row.agent_id,
            installed_version: Version::from_trusted(row.installed_version),
            settings: JsonObject::from_trusted(row.settings),
            is_active: row.is_active,
            last_used: row.last_used,
            usage_count: row.usage_count,
            installed_at: row.installed_at,
            updated_at: row.updated_at,
        }
    }
}

/// Installs an agent for a user and counts it. Returns the installation and the agent as it is then.
///
/// # Errors
/// `NotFound` where the agent is not active, `AlreadyInstalled`; those of the database.
pub fn installation_insert(
    connection: &mut AnyConnection,
    user: UserId,
    agent: AgentId,
    settings: &JsonObject,
    now: Timestamp,
) -> DbResult<(Installation, Agent)> {
    let mut found = agent_find_locked(connection, agent)?
        .filter(|agent| agent.is_active)
        .ok_or_else(|| Error::not_found("agent"))?;
    let installation = Installation {
        id: InstallationId::new(),
        user_id: user,
        agent_id: agent,
        installed_version: found.summary.version.clone(),
        settings: settings.clone(),
        is_active: true,
        last_used: None,
        usage_count: 0,
        installed_at: now,
        updated_at: now,
    };
    let inserted = diesel::insert_into(agent_installations::table)
        .values((
            agent_installations::id.eq(Sql(installation.id)),
            agent_installations::user_id.eq(Sql(user)),
            agent_installations::agent_id.eq(Sql(agent)),
            agent_installations::installed_version.eq(installation.installed_version.as_str()),
            agent_installations::settings.eq(Sql(agents::json(settings))),
            agent_installations::installed_at.eq(Sql(now)),
            agent_installations::updated_at.eq(Sql(now)),
        ))
        .execute(connection)
        .map_err(DbError::from);
    match inserted {
        Ok(_) => {}
        Err(error) if error.is_unique_violation() => {
            return Err(Error::new(ErrorKind::AlreadyInstalled, "Agent is already installed").into());
        }
        Err(error) => return Err(error),
    }
    install_count_add(connection, agent, 1)?;
    found.summary.install_count += 1;
    Ok((installation, found))
}

/// Ends a user's installation of an agent and counts it. The agent need not be active.
///
/// # Errors
/// `NotFound` where the user does not have it installed; those of the database.
pub fn installation_end(connection: &mut AnyConnection, user: UserId, agent: AgentId, now: Timestamp) -> DbResult<()> {
    agent_lock(connection, agent)?;
    let ended = diesel::update(active_installation(user, agent))
        .set((
            agent_installations::is_active.eq(false),
            agent_installations::updated_at.eq(Sql(now)),
        ))
        .execute(connection)?;
    if ended == 0 {
        return Err(not_installed().into());
    }
    install_count_add(connection, agent, -1)
}

/// Counts a use of a user's installation of an agent.
///
/// # Errors
/// `NotFound` where the user does not have it installed; those of the database.
pub fn installation_use(connection: &mut AnyConnection, user: UserId, agent: AgentId, now: Timestamp) -> DbResult<()> {
    let counted = diesel::update(active_installation(user, agent))
        .set((
            agent_installations::usage_count.eq(agent_installations::usage_count + 1),
            agent_installations::last_used.eq(Sql(now)),
            agent_installations::updated_at.eq(Sql(now)),
        ))
        .execute(connection)?;
    if counted == 0 {
        Err(not_installed().into())
    } else {
        Ok(())
    }
}

/// Uses of one user's installation of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uses {
    /// Whose installation.
    pub user: UserId,
    /// Of which agent.
    pub agent: AgentId,
    /// How many.
    pub count: i64,
    /// The last of them.
    pub last: Timestamp,
}

const USES: [(&str, Field); 4] = [
    ("user_id", Field::Uuid),
    ("agent_id", Field::Uuid),
    ("uses", Field::Integer),
    ("used_at", Field::Moment),
];

/// Counts uses of many installations, each named once, in one statement. Hands back those that there are: who does not have
/// the agent installed is not among them.
///
/// # Errors
/// Those of the database.
pub fn installations_use(connection: &mut AnyConnection, uses: &[Uses]) -> DbResult<HashSet<(UserId, AgentId)>> {
    #[derive(QueryableByName)]
    struct Counted {
        #[diesel(sql_type = Uuid)]
        user_id: uuid::Uuid,
        #[diesel(sql_type = Uuid)]
        agent_id: uuid::Uuid,
    }

    let kind = connection.kind();
    let rows = uses.iter().map(|uses| {
        let last = rows::moment(kind, uses.last);
        json!([rows::id(uses.user.0), rows::id(uses.agent.0), uses.count, last])
    });
    // Locked in the order of their ids, so that two batches never wait for each other in a circle.
    let lock = match kind {
        DatabaseKind::Postgres => "FOR NO KEY UPDATE OF i",
        DatabaseKind::Sqlite => "",
    };
    let counted: Vec<Counted> = sql_query(format!(
        "WITH due AS (SELECT i.id, given.uses, given.used_at FROM {} \
           JOIN agent_installations AS i ON i.user_id = given.user_id AND i.agent_id = given.agent_id AND i.is_active \
           ORDER BY i.id {lock}) \
         UPDATE agent_installations SET usage_count = usage_count + due.uses, last_used = due.used_at, updated_at = due.used_at \
         FROM due WHERE agent_installations.id = due.id RETURNING user_id, agent_id",
        given(kind, &USES)
    ))
    .bind::<JsonDocument, _>(Value::Array(rows.collect()))
    .load(connection)?;
    let names = counted.into_iter();
    Ok(names.map(|row| (UserId(row.user_id), AgentId(row.agent_id))).collect())
}

/// A page of what the user has installed, newest first.
///
/// # Errors
/// `InvalidCursor`; those of the database.
pub fn installation_list(
    connection: &mut AnyConnection,
    paging: &Paging<'_>,
    user: UserId,
    request: &PageRequest,
) -> DbResult<Listing<Installation>> {
    let order: SqlOrder<InstallationRow, agent_installations::table, MultiBackend> =
        SqlOrder::named("installations by age")
            .desc(agent_installations::installed_at, |row: &InstallationRow| {
                row.installed_at
            })
            .unique_desc(agent_installations::id, |row| row.id);
    let fingerprint = Fingerprint::new("installations").with("user", user.0);
    let pager = order
        .pager(paging.cursors)
        .filters(fingerprint)
        .limit(request.limit)
        .keep_plan();
    let listing = read_page(connection, paging, request, &pager, || {
        agent_installations::table
            .select(InstallationRow::as_select())
            .filter(agent_installations::user_id.eq(Sql(user)))
            .filter(agent_installations::is_active)
            .into_boxed()
    })?;
    Ok(listing.map(Installation::from))
}

/// Whether the user has the agent installed now, and how the user rated it, in one statement.
///
/// # Errors
/// Those of the database.
pub fn agent_standing(connection: &mut AnyConnection, user: UserId, agent: AgentId) -> DbResult<(bool, Option<i16>)> {
    let rating = agent_reviews::table
        .filter(agent_reviews::user_id.eq(Sql(user)))
        .filter(agent_reviews::agent_id.eq(Sql(agent)))
        .select(agent_reviews::rating)
        .single_value();
    Ok(diesel::select((diesel::dsl::exists(active_installation(user, agent)), rating)).get_result(connection)?)
}

/// Whether the user has the agent installed now.
///
/// # Errors
/// Those of the database.
pub(crate) fn is_installed(connection: &mut AnyConnection, user: UserId, agent: AgentId) -> DbResult<bool> {
    Ok(diesel::select(diesel::dsl::exists(active_installation(user, agent))).get_result(connection)?)
}

/// How often the agent was installed, ever.
///
/// # Errors
/// Those of the database.
pub fn installation_count_ever(connection: &mut AnyConnection, agent: AgentId) -> DbResult<i64> {
    Ok(agent_installations::table
        .filter(agent_installations::agent_id.eq(Sql(agent)))
        .count()
        .get_result(connection)?)
}

#[diesel::dsl::auto_type]
fn active_installation(user: UserId, agent: AgentId) -> _ {
    let user: Sql<UserId> = Sql(user);
    let agent: Sql<AgentId> = Sql(agent);
    agent_installations::table
        .filter(agent_installations::user_id.eq(user))
        .filter(agent_installations::agent_id.eq(agent))
        .filter(agent_installations::is_active)
}

fn install_count_add(connection: &mut AnyConnection, agent: AgentId, change: i64) -> DbResult<()> {
    diesel::update(marketplace_agents::table.filter(marketplace_agents::id.eq(Sql(agent))))
        .set(marketplace_agents::install_count.eq(marketplace_agents::install_count + change))
        .execute(connection)?;
    Ok(())
}

fn not_installed() -> Error {
    Error::new(ErrorKind::NotFound, "Agent is not installed")
}
