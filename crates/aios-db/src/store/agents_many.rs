//! Many agents at once, in a number of statements that does not grow with theirs: for imports.

use std::collections::{BTreeMap, BTreeSet};

use aios_domain::{Agent, AgentDraft, AgentId, CategoryName, HttpUrl, License, RegistryName, Tag, Timestamp, UserId};
use diesel::sql_query;
use serde_json::{Value, json};

use super::agents::{self, agents_find, new_agent};
use super::categories::{categories_require, category_count_add};
use super::rows::{self, Field, given};
use super::tags::{agent_tags_remove, agents_tags_add};
use crate::connection::DatabaseKind;
use crate::profile::RunQueryDsl;
use crate::sql_types::JsonDocument;
use crate::{AnyConnection, DbResult};

/// An agent that a registry publishes.
pub struct Publication<'a> {
    /// What is published.
    pub draft: &'a AgentDraft,
    /// Under which name the registry has it.
    pub registry_name: &'a RegistryName,
    /// Since when it is listed.
    pub at: Timestamp,
}

/// An edited agent and the one it was made from, which the caller has read with [`agents_find_locked`] in the same transaction.
pub struct Edit {
    /// As it is in the database.
    pub old: Agent,
    /// As it is to be.
    pub new: Agent,
}

/// Those of these agents that there are, active or not, held so that no other transaction changes them before this one ends.
///
/// # Errors
/// Those of the database.
pub fn agents_find_locked(connection: &mut AnyConnection, ids: &[AgentId]) -> DbResult<Vec<Agent>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let given_ids: Value = ids.iter().map(|id| json!([rows::id(id.0)])).collect();
    rows::hold(
        connection,
        ("marketplace_agents", "id"),
        ("id", &[("id", Field::Uuid)]),
        &given_ids,
    )?;
    Ok(agents_find(connection, ids)?.into_values().collect())
}

/// Publishes agents and writes edited ones over those they were made from: rows, tags, and the counts of their categories. The
/// caller ensures that the author exists, and bounds how many there are. Hands back the new agents in their order.
///
/// # Errors
/// Invalid input where a category does not exist; those of the database.
pub fn agents_write(
    connection: &mut AnyConnection,
    author: UserId,
    new: &[Publication<'_>],
    edits: &[Edit],
) -> DbResult<Vec<Agent>> {
    let published: Vec<Agent> = new
        .iter()
        .map(|new| new_agent(AgentId::new(), new.draft, author, new.at))
        .collect();
    let edited = || edits.iter().map(|edit| &edit.new);
    if published.is_empty() && edits.is_empty() {
        return Ok(published);
    }
    categories_require(connection, categories_entered(&published, edits))?;
    let created = published.iter().zip(new.iter().map(|new| Some(new.registry_name)));
    rows_put(connection, created.chain(edited().map(|agent| (agent, None))))?;
    let retagged: Vec<AgentId> = edits
        .iter()
        .filter(|edit| edit.old.summary.tags != edit.new.summary.tags)
        .map(|edit| edit.new.summary.id)
        .collect();
    agent_tags_remove(connection, &retagged)?;
    let with_tags = edited().filter(|agent| retagged.contains(&agent.summary.id));
    agents_tags_add(
        connection,
        published
            .iter()
            .chain(with_tags)
            .map(|agent| (agent.summary.id, &*agent.summary.tags)),
    )?;
    let changes = category_changes(&published, edits);
    category_count_add(connection, &changes.into_iter().collect::<Vec<_>>())?;
    Ok(published)
}

/// The categories that an agent comes to: they have to be there.
fn categories_entered<'a>(published: &'a [Agent], edits: &'a [Edit]) -> BTreeSet<&'a CategoryName> {
    let moved = edits
        .iter()
        .filter(|edit| edit.old.summary.category != edit.new.summary.category);
    let entering = published.iter().chain(moved.map(|edit| &edit.new));
    entering.filter_map(|agent| agent.summary.category.as_ref()).collect()
}

/// By how much the number of active agents changes in each category.
fn category_changes<'a>(published: &'a [Agent], edits: &'a [Edit]) -> BTreeMap<&'a CategoryName, i64> {
    let mut changes: BTreeMap<&CategoryName, i64> = BTreeMap::new();
    let mut count = |agent: &'a Agent, change| {
        if let Some(name) = agent.summary.category.as_ref().filter(|_| agent.is_active) {
            *changes.entry(name).or_default() += change;
        }
    };
    for agent in published {
        count(agent, 1);
    }
    for edit in edits {
        count(&edit.old, -1);
        count(&edit.new, 1);
    }
    changes.retain(|_, change| *change != 0);
    changes
}

const COLUMNS: [(&str, Field); 21] = [
    ("id", Field::Uuid),
    ("registry_name", Field::Text),
    ("name", Field::Text),
    ("name_sort", Field::Text),
    ("description", Field::Text),
    ("category", Field::Text),
    ("tags", Field::TextList),
    ("version", Field::Text),
    ("icon_url", Field::Text),
    ("capabilities", Field::TextList),
    ("pricing_model", Field::Text),
    ("price_cents", Field::Integer),
    ("repository_url", Field::Text),
    ("agent_type", Field::Text),
    ("requirements", Field::Json),
    ("configuration_schema", Field::Json),
    ("license", Field::Text),
    ("author_id", Field::Uuid),
    ("created_at", Field::Moment),
    ("updated_at", Field::Moment),
    ("published_at", Field::Moment),
];

/// What an edit leaves as it is.
const KEPT: [&str; 5] = ["id", "registry_name", "author_id", "created_at", "published_at"];

/// Inserts the agents, and writes over those that are there.
fn rows_put<'a>(
    connection: &mut AnyConnection,
    agents: impl Iterator<Item = (&'a Agent, Option<&'a RegistryName>)>,
) -> DbResult<()> {
    let kind = connection.kind();
    let rows: Value = agents.map(|(agent, name)| row(kind, agent, name)).collect();
    let columns = COLUMNS.map(|(name, _)| name);
    let set: Vec<String> = columns
        .iter()
        .filter(|name| !KEPT.contains(name))
        .map(|name| format!("{name} = excluded.{name}"))
        .collect();
    sql_query(format!(
        "INSERT INTO marketplace_agents ({0}) SELECT {0} FROM {1} WHERE true ON CONFLICT (id) DO UPDATE SET {2}",
        columns.join(", "),
        given(kind, &COLUMNS),
        set.join(", ")
    ))
    .bind::<JsonDocument, _>(rows)
    .execute(connection)?;
    Ok(())
}

/// An agent in the order of [`COLUMNS`].
fn row(kind: DatabaseKind, agent: &Agent, registry_name: Option<&RegistryName>) -> Value {
    let summary = &agent.summary;
    json!([
        rows::id(summary.id.0),
        registry_name.map(RegistryName::as_str),
        summary.name.as_str(),
        summary.name.sort_key(),
        summary.description.as_str(),
        summary.category.as_ref().map(CategoryName::as_str),
        summary.tags.iter().map(Tag::as_str).collect::<Vec<_>>(),
        summary.version.as_str(),
        summary.icon_url.as_ref().map(HttpUrl::as_str),
        summary
            .capabilities
            .iter()
            .map(AsRef::<str>::as_ref)
            .collect::<Vec<_>>(),
        summary.pricing.model().as_str(),
        summary.pricing.price().cents(),
        agent.repository_url.as_ref().map(HttpUrl::as_str),
        agent.agent_type.as_str(),
        agents::json(&agent.requirements),
        agents::json(&agent.configuration_schema),
        agent.license.as_ref().map(License::as_str),
        rows::id(agent.author_id.0),
        rows::moment(kind, summary.created_at),
        rows::moment(kind, agent.updated_at),
        agent.published_at.map(|published| rows::moment(kind, published)),
    ])
}
