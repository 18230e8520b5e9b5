//! Agents one by one: read, published, edited, and their counters.

use std::collections::HashMap;

use aios_domain::{
    Agent, AgentDraft, AgentId, AgentName, AgentSummary, AgentType, Capability, CategoryName, Description, Error,
    HttpUrl, JsonObject, License, Price, Pricing, PricingModel, RegistryName, Tag, Timestamp, UserId, Version,
};
use diesel::prelude::*;

use super::categories::{categories_require, category_count_add};
use super::tags::{agent_tags_add, agent_tags_remove};
use crate::loaders::{CHUNK, belongs_to};
use crate::profile::RunQueryDsl;
use crate::raw::prepared;
use crate::schema::marketplace_agents;
use crate::sql_types::{Sql, TextListValue, Uuid};
use crate::{AnyConnection, DbResult};

/// What a list reads of an agent.
#[derive(Queryable, Selectable)]
#[diesel(table_name = marketplace_agents)]
pub(crate) struct AgentSummaryRow {
    pub(crate) id: AgentId,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) category: Option<String>,
    pub(crate) tags: TextListValue,
    pub(crate) version: String,
    pub(crate) icon_url: Option<String>,
    pub(crate) capabilities: TextListValue,
    pub(crate) pricing_model: String,
    pub(crate) price_cents: i64,
    pub(crate) install_count: i64,
    pub(crate) rating_average: f64,
    pub(crate) rating_count: i64,
    pub(crate) is_featured: bool,
    pub(crate) is_verified: bool,
    pub(crate) created_at: Timestamp,
}

impl AgentSummaryRow {
    /// The domain's view of the row.
    ///
    /// # Errors
    /// `Internal` for a row that breaks a rule the database was to hold up.
    pub(crate) fn into_summary(self) -> aios_domain::Result<AgentSummary> {
        let pricing = stored_pricing(&self.pricing_model, self.price_cents)?;
        Ok(AgentSummary {
            id: self.id,
            name: AgentName::from_trusted(self.name),
            description: Description::from_trusted(self.description),
            category: self.category.map(CategoryName::from_trusted),
            tags: stored_tags(self.tags),
            version: Version::from_trusted(self.version),
            icon_url: self.icon_url.map(HttpUrl::from_trusted),
            capabilities: self.capabilities.0.into_iter().map(Capability::from_trusted).collect(),
            pricing,
            install_count: self.install_count,
            rating_average: self.rating_average,
            rating_count: self.rating_count,
            is_featured: self.is_featured,
            is_verified: self.is_verified,
            created_at: self.created_at,
        })
    }
}

pub(crate) fn stored_tags(tags: TextListValue) -> Vec<Tag> {
    tags.0.into_iter().map(Tag::from_trusted).collect()
}

fn stored_pricing(model: &str, cents: i64) -> aios_domain::Result<Pricing> {
    let model: PricingModel = model.parse().map_err(Error::internal)?;
    Pricing::new(model, Price::from_cents(cents).map_err(Error::internal)?).map_err(Error::internal)
}

/// All of an agent.
#[derive(Queryable, Selectable)]
#[diesel(table_name = marketplace_agents)]
pub(crate) struct AgentRow {
    #[diesel(embed)]
    summary: AgentSummaryRow,
    repository_url: Option<String>,
    agent_type: String,
    requirements: serde_json::Value,
    configuration_schema: serde_json::Value,
    license: Option<String>,
    author_id: UserId,
    view_count: i64,
    is_active: bool,
    updated_at: Timestamp,
    published_at: Option<Timestamp>,
}

impl AgentRow {
    pub(crate) fn into_agent(self) -> aios_domain::Result<Agent> {
        Ok(Agent {
            summary: self.summary.into_summary()?,
            repository_url: self.repository_url.map(HttpUrl::from_trusted),
            agent_type: AgentType::from_trusted(self.agent_type),
            requirements: JsonObject::from_trusted(self.requirements),
            configuration_schema: JsonObject::from_trusted(self.configuration_schema),
            license: self.license.map(License::from_trusted),
            author_id: self.author_id,
            view_count: self.view_count,
            is_active: self.is_active,
            updated_at: self.updated_at,
            published_at: self.published_at,
        })
    }
}

/// The agent, active or not.
///
/// # Errors
/// Those of the database.
pub fn agent_find(connection: &mut AnyConnection, id: AgentId) -> DbResult<Option<Agent>> {
    let row = marketplace_agents::table
        .filter(marketplace_agents::id.eq(Sql(id)))
        .select(AgentRow::as_select())
        .first(connection)
        .optional()?;
    Ok(row.map(AgentRow::into_agent).transpose()?)
}

/// Those of these agents that there are, active or not, in one statement a thousand.
///
/// # Errors
/// Those of the database.
pub fn agents_find(connection: &mut AnyConnection, ids: &[AgentId]) -> DbResult<HashMap<AgentId, Agent>> {
    let load = |connection: &mut AnyConnection, ids: &[AgentId]| {
        let ids: Vec<Sql<AgentId>> = ids.iter().map(|&id| Sql(id)).collect();
        let rows: Vec<AgentRow> = marketplace_agents::table
            .filter(marketplace_agents::id.eq_any(ids))
            .select(AgentRow::as_select())
            .load(connection)?;
        rows.into_iter().map(|row| Ok(row.into_agent()?)).collect()
    };
    belongs_to(connection, ids.iter().copied(), load, |agent: &Agent| agent.summary.id)
}

/// The most popular active agents, so many.
///
/// # Errors
/// Those of the database.
pub fn agents_most_popular(connection: &mut AnyConnection, limit: i64) -> DbResult<Vec<AgentId>> {
    use marketplace_agents as a;
    let ids: Vec<uuid::Uuid> = a::table
        .filter(a::is_active)
        .order((a::install_count.desc(), a::rating_average.desc(), a::id.desc()))
        .select(a::id)
        .limit(limit)
        .load(connection)?;
    Ok(ids.into_iter().map(AgentId).collect())
}

/// The agents, active or not, that came from a registry under these names.
///
/// # Errors
/// Those of the database.
pub fn agents_by_registry_names(
    connection: &mut AnyConnection,
    names: &[&RegistryName],
) -> DbResult<HashMap<RegistryName, Agent>> {
    let mut found = HashMap::with_capacity(names.len());
    for names in names.chunks(CHUNK) {
        let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
        let rows: Vec<(Option<String>, AgentRow)> = marketplace_agents::table
            .filter(marketplace_agents::registry_name.eq_any(names))
            .select((marketplace_agents::registry_name, AgentRow::as_select()))
            .load(connection)?;
        for (name, row) in rows {
            if let Some(name) = name {
                found.insert(RegistryName::from_trusted(name), row.into_agent()?);
            }
        }
    }
    Ok(found)
}

/// Whether there is such an agent and it is active.
///
/// # Errors
/// Those of the database.
pub fn agent_is_active(connection: &mut AnyConnection, id: AgentId) -> DbResult<bool> {
    let is_active: Option<bool> = marketplace_agents::table
        .filter(marketplace_agents::id.eq(Sql(id)))
        .select(marketplace_agents::is_active)
        .first(connection)
        .optional()?;
    Ok(is_active == Some(true))
}

/// The agent, active or not, held so that no other transaction changes it before this one ends.
///
/// # Errors
/// Those of the database.
pub fn agent_find_locked(connection: &mut AnyConnection, id: AgentId) -> DbResult<Option<Agent>> {
    agent_lock(connection, id)?;
    agent_find(connection, id)
}

/// Holds an agent's row until the transaction ends. Every transaction that changes an agent's counters takes this lock
/// first and other rows after it, so that two of them never wait for each other in a circle.
pub(crate) fn agent_lock(connection: &mut AnyConnection, id: AgentId) -> DbResult<()> {
    if let AnyConnection::Postgres(_) = connection {
        prepared("SELECT 1 AS held FROM marketplace_agents WHERE id = $1 FOR NO KEY UPDATE")
            .bind::<Uuid, _>(Sql(id))
            .execute(connection)?;
    }
    // SQLite's writing transactions come one after the other.
    Ok(())
}

/// Publishes an agent: its row, its tags, its category's count. The caller ensures that the author exists.
///
/// # Errors
/// Invalid input where the category does not exist; those of the database.
pub fn agent_insert(
    connection: &mut AnyConnection,
    draft: &AgentDraft,
    author: UserId,
    now: Timestamp,
) -> DbResult<Agent> {
    use marketplace_agents as a;

    if let Some(category) = &draft.category {
        categories_require(connection, [category])?;
    }
    let id = AgentId::new();
    diesel::insert_into(a::table)
        .values((
            (
                a::id.eq(Sql(id)),
                a::name.eq(draft.name.as_str()),
                a::name_sort.eq(draft.name.sort_key()),
                a::description.eq(draft.description.as_str()),
                a::category.eq(draft.category.as_ref().map(CategoryName::as_str)),
                a::tags.eq(text_list(&draft.tags)),
                a::version.eq(draft.version.as_str()),
                a::icon_url.eq(draft.icon_url.as_ref().map(HttpUrl::as_str)),
                a::capabilities.eq(text_list(&draft.capabilities)),
                a::pricing_model.eq(draft.pricing.model().as_str()),
                a::price_cents.eq(draft.pricing.price().cents()),
            ),
            (
                a::repository_url.eq(draft.repository_url.as_ref().map(HttpUrl::as_str)),
                a::agent_type.eq(draft.agent_type.as_str()),
                a::requirements.eq(Sql(json(&draft.requirements))),
                a::configuration_schema.eq(Sql(json(&draft.configuration_schema))),
                a::license.eq(draft.license.as_ref().map(License::as_str)),
                a::author_id.eq(Sql(author)),
                a::created_at.eq(Sql(now)),
                a::updated_at.eq(Sql(now)),
                a::published_at.eq(Sql(now)),
            ),
        ))
        .execute(connection)?;
    agent_tags_add(connection, id, &draft.tags)?;
    if let Some(category) = &draft.category {
        category_count_add(connection, &[(category, 1)])?;
    }
    Ok(new_agent(id, draft, author, now))
}

pub(super) fn new_agent(id: AgentId, draft: &AgentDraft, author: UserId, now: Timestamp) -> Agent {
    Agent {
        summary: AgentSummary {
            id,
            name: draft.name.clone(),
            description: draft.description.clone(),
            category: draft.category.clone(),
            tags: draft.tags.clone(),
            version: draft.version.clone(),
            icon_url: draft.icon_url.clone(),
            capabilities: draft.capabilities.clone(),
            pricing: draft.pricing,
            install_count: 0,
            rating_average: 0.0,
            rating_count: 0,
            is_featured: false,
            is_verified: false,
            created_at: now,
        },
        repository_url: draft.repository_url.clone(),
        agent_type: draft.agent_type.clone(),
        requirements: draft.requirements.clone(),
        configuration_schema: draft.configuration_schema.clone(),
        license: draft.license.clone(),
        author_id: author,
        view_count: 0,
        is_active: true,
        updated_at: now,
        published_at: Some(now),
    }
}

/// Writes an edited agent over the one it was made from, which the caller read with [`agent_find_locked`] in the same
/// transaction. Counters and what authors can't edit stay as they are.
///
/// # Errors
/// Invalid input where the new category does not exist; those of the database.
pub fn agent_replace(connection: &mut AnyConnection, old: &Agent, new: &Agent) -> DbResult<()> {
    use marketplace_agents as a;

    let (before, after) = (&old.summary, &new.summary);
    if let Some(category) = &after.category
        && before.category != after.category
    {
        categories_require(connection, [category])?;
    }
    diesel::update(a::table.filter(a::id.eq(Sql(before.id))))
        .set((
            (
                a::name.eq(after.name.as_str()),
                a::name_sort.eq(after.name.sort_key()),
                a::description.eq(after.description.as_str()),
                a::category.eq(after.category.as_ref().map(CategoryName::as_str)),
                a::tags.eq(text_list(&after.tags)),
                a::version.eq(after.version.as_str()),
                a::icon_url.eq(after.icon_url.as_ref().map(HttpUrl::as_str)),
                a::capabilities.eq(text_list(&after.capabilities)),
                a::pricing_model.eq(after.pricing.model().as_str()),
                a::price_cents.eq(after.pricing.price().cents()),
            ),
            (
                a::repository_url.eq(new.repository_url.as_ref().map(HttpUrl::as_str)),
                a::agent_type.eq(new.agent_type.as_str()),
                a::requirements.eq(Sql(json(&new.requirements))),
                a::configuration_schema.eq(Sql(json(&new.configuration_schema))),
                a::license.eq(new.license.as_ref().map(License::as_str)),
                a::is_featured.eq(after.is_featured),
                a::is_verified.eq(after.is_verified),
                a::is_active.eq(new.is_active),
                a::updated_at.eq(Sql(new.updated_at)),
                a::published_at.eq(new.published_at.map(Sql)),
            ),
        ))
        .execute(connection)?;
    if before.tags != after.tags {
        agent_tags_remove(connection, &[before.id])?;
        agent_tags_add(connection, before.id, &after.tags)?;
    }
    category_count_move(connection, old, new)
}

/// Keeps the categories' counts of active agents right when an agent moves, comes or goes.
fn category_count_move(connection: &mut AnyConnection, old: &Agent, new: &Agent) -> DbResult<()> {
    let counted_in = |agent: &Agent| agent.is_active.then(|| agent.summary.category.clone()).flatten();
    let (from, to) = (counted_in(old), counted_in(new));
    if from == to {
        return Ok(());
    }
    let mut changes = Vec::with_capacity(2);
    changes.extend(from.as_ref().map(|name| (name, -1)));
    changes.extend(to.as_ref().map(|name| (name, 1)));
    category_count_add(connection, &changes)
}

pub(crate) fn text_list<T: AsRef<str>>(list: &[T]) -> TextListValue {
    list.iter().map(|text| text.as_ref().to_owned()).collect()
}

pub(crate) fn json(object: &JsonObject) -> serde_json::Value {
    object.into()
}
