//! The tags that agents bear: `tags` and `agent_tags`, for one agent or many.

use aios_domain::{AgentId, Tag, TagId};
use diesel::prelude::*;
use diesel::sql_query;
use serde_json::{Value, json};

use super::rows::{self, Field, given};
use crate::profile::RunQueryDsl;
use crate::raw::prepared;
use crate::schema::{agent_tags, tags};
use crate::sql_types::{JsonDocument, Sql};
use crate::{AnyConnection, DbResult};

/// Removes the rows of `agent_tags` of these agents.
pub(super) fn agent_tags_remove(connection: &mut AnyConnection, agents: &[AgentId]) -> DbResult<()> {
    if !agents.is_empty() {
        let agents: Vec<Sql<AgentId>> = agents.iter().map(|&agent| Sql(agent)).collect();
        diesel::delete(agent_tags::table.filter(agent_tags::agent_id.eq_any(agents))).execute(connection)?;
    }
    Ok(())
}

/// Makes the rows of `agent_tags` for an agent that has none, and the tags that are new.
///
/// The names stand in an array, which PostgreSQL looks up in the index: from a few rows of JSON it expects a hundred, as
/// [`agents_tags_add`] has them, and reads all tags.
pub(super) fn agent_tags_add(connection: &mut AnyConnection, agent: AgentId, list: &[Tag]) -> DbResult<()> {
    if list.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = list.iter().map(Tag::as_str).collect();
    tags_ensure(connection, names.clone())?;
    diesel::insert_into(agent_tags::table)
        .values(
            tags::table
                .filter(tags::name.eq_any(names))
                .select((Sql(agent).into_sql::<crate::sql_types::Uuid>(), tags::id)),
        )
        .into_columns((agent_tags::agent_id, agent_tags::tag_id))
        .execute(connection)?;
    Ok(())
}

/// The same for many agents.
pub(super) fn agents_tags_add<'a>(
    connection: &mut AnyConnection,
    agents: impl IntoIterator<Item = (AgentId, &'a [Tag])>,
) -> DbResult<()> {
    let borne: Vec<(AgentId, &str)> = agents
        .into_iter()
        .flat_map(|(agent, tags)| tags.iter().map(move |tag| (agent, tag.as_str())))
        .collect();
    if borne.is_empty() {
        return Ok(());
    }
    tags_ensure(connection, borne.iter().map(|(_, name)| *name).collect())?;
    sql_query(format!(
        "INSERT INTO agent_tags (agent_id, tag_id) SELECT given.agent_id, tags.id FROM {} JOIN tags ON tags.name = given.tag",
        given(connection.kind(), &[("agent_id", Field::Uuid), ("tag", Field::Text)])
    ))
    .bind::<JsonDocument, _>(borne.iter().map(|(agent, tag)| json!([rows::id(agent.0), tag])).collect::<Value>())
    .execute(connection)?;
    Ok(())
}

/// Makes those of the tags that are new, in the order of their names, so that two transactions that make the same never wait in
/// a circle.
fn tags_ensure(connection: &mut AnyConnection, mut names: Vec<&str>) -> DbResult<()> {
    names.sort_unstable();
    names.dedup();
    let known: Vec<String> = tags::table
        .filter(tags::name.eq_any(names.clone()))
        .select(tags::name)
        .load(connection)?;
    names.retain(|name| !known.iter().any(|known| known == name));
    if names.is_empty() {
        return Ok(());
    }
    let rows: Value = names
        .iter()
        .map(|name| json!([rows::id(TagId::new().0), name]))
        .collect();
    prepared(format!(
        "INSERT INTO tags (id, name) SELECT id, name FROM {} WHERE true ON CONFLICT (name) DO NOTHING",
        given(connection.kind(), &[("id", Field::Uuid), ("name", Field::Text)])
    ))
    .bind::<JsonDocument, _>(rows)
    .execute(connection)?;
    Ok(())
}
