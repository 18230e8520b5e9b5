//! Agents: summaries, the whole, drafts, edits, lists and searches.

use aios_domain::{
    AgentChanges, AgentField, AgentFieldSet, AgentFilter, AgentName, AgentSort, AgentType, Capability, CategoryName,
    Description, FieldErrors, HttpUrl, Invalid, License, MAX_CAPABILITIES, MAX_TAGS, PartialAgentSummary, Price,
    Pricing, PricingModel, Rating, Result, SearchQuery, Tag, Version, normalised_tags,
};
use aios_marketplace::{AgentListQuery, AgentView, CountMode, Listing, PageAt, PageRequest};
use chrono::{DateTime, Utc};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{check_list, check_object, owned, present};
use crate::params::MAX_PAGE;

/// What a list shows of an agent.
#[derive(Serialize, ToSchema)]
pub(crate) struct AgentSummary {
    #[schema(example = "019ab1c4-7b5e-7d10-9c8a-2f6d1e0a4b77")]
    id: Uuid,
    #[schema(example = "Inbox Triage", min_length = 1, max_length = 100)]
    name: String,
    #[schema(
        example = "Sorts incoming mail by urgency and drafts the routine replies.",
        max_length = 5000
    )]
    description: String,
    /// The name of a category, or null.
    #[schema(example = "communication")]
    category: Option<String>,
    #[schema(example = json!(["email", "triage"]), max_items = 20)]
    tags: Vec<String>,
    #[schema(example = "1.4.0")]
    version: String,
    #[schema(example = "https://icons.example.com/inbox-triage.png", format = "uri")]
    icon_url: Option<String>,
    #[schema(example = json!(["sort mail", "draft replies"]), max_items = 50)]
    capabilities: Vec<String>,
    #[schema(value_type = PricingModelName)]
    pricing_model: &'static str,
    /// In US dollars.
    #[schema(example = 4.99, minimum = 0, maximum = 1_000_000)]
    price: f64,
    /// How many users have it installed now.
    #[schema(example = 1204)]
    install_count: i64,
    /// The mean of its ratings, to two decimals; 0 without one.
    #[schema(example = 4.62, minimum = 0, maximum = 5)]
    rating_average: f64,
    #[schema(example = 87)]
    rating_count: i64,
    is_featured: bool,
    is_verified: bool,
    created_at: DateTime<Utc>,
}

/// How an agent is sold.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "stands for the domain's PricingModel in the OpenAPI document")]
pub(crate) enum PricingModelName {
    Free,
    Paid,
    Freemium,
}

impl From<&aios_domain::AgentSummary> for AgentSummary {
    fn from(agent: &aios_domain::AgentSummary) -> Self {
        Self {
            id: agent.id.0,
            name: owned(&agent.name),
            description: owned(&agent.description),
            category: agent.category.as_ref().map(owned),
            tags: agent.tags.iter().map(owned).collect(),
            version: agent.version.as_str().to_owned(),
            icon_url: agent.icon_url.as_ref().map(owned),
            capabilities: agent.capabilities.iter().map(owned).collect(),
            pricing_model: agent.pricing.model().as_str(),
            price: agent.pricing.price().dollars(),
            install_count: agent.install_count,
            rating_average: two_decimals(agent.rating_average),
            rating_count: agent.rating_count,
            is_featured: agent.is_featured,
            is_verified: agent.is_verified,
            created_at: agent.created_at,
        }
    }
}

pub(crate) fn two_decimals(mean: f64) -> f64 {
    (mean * 100.0).round() / 100.0
}

/// All of an agent.
#[derive(Serialize, ToSchema)]
pub(crate) struct Agent {
    #[serde(flatten)]
    summary: AgentSummary,
    #[schema(example = "https://git.example.com/ada/inbox-triage", format = "uri")]
    repository_url: Option<String>,
    #[schema(example = "assistant")]
    agent_type: String,
    #[schema(value_type = Object, example = json!({"memory": "512 MB"}))]
    requirements: Value,
    /// A JSON Schema of the installation's settings.
    #[schema(value_type = Object, example = json!({"type": "object", "properties": {"folder": {"type": "string"}}}))]
    configuration_schema: Value,
    #[schema(example = "MIT")]
    license: Option<String>,
    author_id: Uuid,
    #[schema(example = 5310)]
    view_count: i64,
    is_active: bool,
    updated_at: DateTime<Utc>,
    published_at: Option<DateTime<Utc>>,
    /// Whether the caller has it installed; null for anonymous callers.
    user_installed: Option<bool>,
    /// How the caller rated it; null for anonymous callers and those who did not.
    #[schema(minimum = 1, maximum = 5)]
    user_rating: Option<u8>,
}

impl From<&AgentView> for Agent {
    fn from(view: &AgentView) -> Self {
        let user_rating = view.user_rating.map(Rating::stars);
        Self {
            user_installed: view.user_installed,
            user_rating,
            ..Self::from(view.agent.as_ref())
        }
    }
}

impl From<&aios_domain::Agent> for Agent {
    fn from(agent: &aios_domain::Agent) -> Self {
        Self {
            summary: (&agent.summary).into(),
            repository_url: agent.repository_url.as_ref().map(owned),
            agent_type: owned(&agent.agent_type),
            requirements: (&agent.requirements).into(),
            configuration_schema: (&agent.configuration_schema).into(),
            license: agent.license.as_ref().map(owned),
            author_id: agent.author_id.0,
            view_count: agent.view_count,
            is_active: agent.is_active,
            updated_at: agent.updated_at,
            published_at: agent.published_at,
            user_installed: None,
            user_rating: None,
        }
    }
}

/// A page of agents.
#[derive(Serialize, ToSchema)]
pub(crate) struct AgentList<'a> {
    /// With `fields`, each holds only what was asked for.
    #[schema(value_type = Vec<AgentSummary>)]
    agents: Vec<SummaryFields<'a>>,
    /// How many agents the whole list has; null where it was not counted.
    #[schema(example = 203)]
    total: Option<i64>,
    /// The page's number; null where a cursor was followed.
    #[schema(example = 1)]
    page: Option<u32>,
    /// How many pages there are; null where a cursor was followed, or the list was not counted.
    #[schema(example = 11)]
    pages: Option<i64>,
    #[schema(example = 20)]
    limit: u32,
    /// Leads to the next page; null on the last one.
    next_cursor: Option<&'a str>,
    /// Leads to the page before; null on the first one.
    prev_cursor: Option<&'a str>,
}

impl<'a> From<&'a Listing<PartialAgentSummary>> for AgentList<'a> {
    fn from(listing: &'a Listing<PartialAgentSummary>) -> Self {
        Self {
            pages: listing.pages(),
            agents: listing.items.iter().map(SummaryFields).collect(),
            total: listing.total,
            page: listing.page,
            limit: listing.limit,
            next_cursor: listing.next_cursor.as_deref(),
            prev_cursor: listing.prev_cursor.as_deref(),
        }
    }
}

/// A summary of which only the fields that were read are written.
pub(crate) struct SummaryFields<'a>(pub(crate) &'a PartialAgentSummary);

impl Serialize for SummaryFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let agent = self.0;
        let mut map = serializer.serialize_map(None)?;
        entry(&mut map, AgentField::Id, agent.id.as_ref())?;
        entry(&mut map, AgentField::Name, agent.name.as_ref())?;
        entry(&mut map, AgentField::Description, agent.description.as_ref())?;
        entry(&mut map, AgentField::Category, agent.category.as_ref())?;
        entry(&mut map, AgentField::Tags, agent.tags.as_ref())?;
        entry(&mut map, AgentField::Version, agent.version.as_ref())?;
        entry(&mut map, AgentField::IconUrl, agent.icon_url.as_ref())?;
        entry(&mut map, AgentField::Capabilities, agent.capabilities.as_ref())?;
        entry(&mut map, AgentField::PricingModel, agent.pricing_model.as_ref())?;
        entry(&mut map, AgentField::Price, agent.price.map(Price::dollars).as_ref())?;
        entry(&mut map, AgentField::InstallCount, agent.install_count.as_ref())?;
        entry(
            &mut map,
            AgentField::RatingAverage,
            agent.rating_average.map(two_decimals).as_ref(),
        )?;
        entry(&mut map, AgentField::RatingCount, agent.rating_count.as_ref())?;
        entry(&mut map, AgentField::IsFeatured, agent.is_featured.as_ref())?;
        entry(&mut map, AgentField::IsVerified, agent.is_verified.as_ref())?;
        entry(&mut map, AgentField::CreatedAt, agent.created_at.as_ref())?;
        map.end()
    }
}

fn entry<M: SerializeMap, T: Serialize>(map: &mut M, field: AgentField, value: Option<&T>) -> Result<(), M::Error> {
    match value {
        Some(value) => map.serialize_entry(field.as_str(), value),
        None => Ok(()),
    }
}

/// An agent to be published.
#[derive(Deserialize, ToSchema)]
pub(crate) struct AgentDraft {
    #[schema(example = "Inbox Triage", min_length = 1, max_length = 100)]
    name: String,
    #[schema(
        example = "Sorts incoming mail by urgency and drafts the routine replies.",
        min_length = 1,
        max_length = 5000
    )]
    description: String,
    /// The name of an existing category, or null.
    #[schema(example = "communication")]
    category: Option<String>,
    #[serde(default)]
    #[schema(example = json!(["email", "triage"]), max_items = 20)]
    tags: Vec<String>,
    #[serde(default = "first_version")]
    #[schema(example = "1.0.0", max_length = 64)]
    version: String,
    #[schema(format = "uri", max_length = 2048)]
    icon_url: Option<String>,
    #[serde(default)]
    #[schema(example = json!(["sort mail", "draft replies"]), max_items = 50)]
    capabilities: Vec<String>,
    #[serde(default = "free")]
    #[schema(value_type = PricingModelName)]
    pricing_model: String,
    /// In US dollars: 0 for a free agent, above 0 for a paid one.
    #[serde(default)]
    #[schema(example = 0, minimum = 0, maximum = 1_000_000)]
    price: f64,
    #[schema(format = "uri", max_length = 2048)]
    repository_url: Option<String>,
    #[serde(default = "assistant")]
    #[schema(example = "assistant", max_length = 50)]
    agent_type: String,
    #[schema(value_type = Object)]
    requirements: Option<Value>,
    /// A JSON Schema of the installation's settings.
    #[schema(value_type = Object)]
    configuration_schema: Option<Value>,
    #[schema(example = "MIT", max_length = 100)]
    license: Option<String>,
}

fn first_version() -> String {
    "1.0.0".to_owned()
}

fn free() -> String {
    PricingModel::Free.as_str().to_owned()
}

fn assistant() -> String {
    "assistant".to_owned()
}

impl AgentDraft {
    pub(crate) fn check(self) -> Result<aios_domain::AgentDraft> {
        let mut errors = FieldErrors::default();
        let name = errors.check("name", AgentName::new(self.name));
        let description = errors.check("description", Description::new(self.description));
        let category = errors.check_optional("category", self.category, CategoryName::new);
        let tags = check_tags(&mut errors, self.tags);
        let version = errors.check("version", Version::new(self.version));
        let icon_url = errors.check_optional("icon_url", self.icon_url, HttpUrl::new);
        let capabilities = check_list(
            &mut errors,
            "capabilities",
            self.capabilities,
            MAX_CAPABILITIES,
            Capability::new,
        );
        let model = errors.check("pricing_model", self.pricing_model.parse());
        let price = errors.check("price", Price::from_dollars(self.price));
        let pricing = model
            .zip(price)
            .and_then(|(model, price)| errors.check("price", Pricing::new(model, price)));
        let repository_url = errors.check_optional("repository_url", self.repository_url, HttpUrl::new);
        let agent_type = errors.check("agent_type", AgentType::new(self.agent_type));
        let requirements = check_object(&mut errors, "requirements", self.requirements);
        let configuration_schema = check_object(&mut errors, "configuration_schema", self.configuration_schema);
        let license = errors.check_optional("license", self.license, License::new);
        let required = (name, description, version, pricing, agent_type);
        let (Some(name), Some(description), Some(version), Some(pricing), Some(agent_type)) = required else {
            return Err(failure(errors));
        };
        errors.finish()?;
        Ok(aios_domain::AgentDraft {
            name,
            description,
            category,
            tags,
            version,
            icon_url,
            capabilities,
            pricing,
            repository_url,
            agent_type,
            requirements,
            configuration_schema,
            license,
        })
    }
}

/// The error of a check that left something out: it is among those noted.
pub(crate) fn failure(errors: FieldErrors) -> aios_domain::Error {
    errors
        .finish()
        .err()
        .unwrap_or_else(|| aios_domain::Error::internal("a value was refused without a reason"))
}

fn check_tags(errors: &mut FieldErrors, tags: Vec<String>) -> Vec<Tag> {
    let tags = check_list(errors, "tags", tags, 5 * MAX_TAGS, Tag::new);
    errors.check("tags", normalised_tags(tags)).unwrap_or_default()
}

/// An edit of an agent: what is missing stays; `null` empties a field that may be empty.
#[derive(Deserialize, ToSchema)]
pub(crate) struct AgentPatch {
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    #[schema(example = "Sorts incoming mail by urgency.", min_length = 1, max_length = 5000)]
    description: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    category: Option<Option<String>>,
    #[schema(max_items = 20)]
    tags: Option<Vec<String>>,
    #[schema(example = "1.4.1", max_length = 64)]
    version: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = "uri")]
    icon_url: Option<Option<String>>,
    #[schema(max_items = 50)]
    capabilities: Option<Vec<String>>,
    #[schema(value_type = Option<PricingModelName>)]
    pricing_model: Option<String>,
    /// In US dollars.
    #[schema(minimum = 0, maximum = 1_000_000)]
    price: Option<f64>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = "uri")]
    repository_url: Option<Option<String>>,
    #[schema(max_length = 50)]
    agent_type: Option<String>,
    #[schema(value_type = Option<Object>)]
    requirements: Option<Value>,
    #[schema(value_type = Option<Object>)]
    configuration_schema: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    license: Option<Option<String>>,
    /// For admins alone.
    is_verified: Option<bool>,
    /// For admins alone.
    is_featured: Option<bool>,
    /// For admins alone.
    is_active: Option<bool>,
}

impl AgentPatch {
    pub(crate) fn check(self) -> Result<AgentChanges> {
        let mut errors = FieldErrors::default();
        let capabilities = self
            .capabilities
            .map(|list| check_list(&mut errors, "capabilities", list, MAX_CAPABILITIES, Capability::new));
        let object = |errors: &mut FieldErrors, field, value: Option<Value>| {
            value.map(|value| check_object(errors, field, Some(value)))
        };
        let changes = AgentChanges {
            name: errors.check_optional("name", self.name, AgentName::new),
            description: errors.check_optional("description", self.description, Description::new),
            category: clearable(&mut errors, "category", self.category, CategoryName::new),
            tags: self.tags.map(|tags| check_tags(&mut errors, tags)),
            version: errors.check_optional("version", self.version, Version::new),
            icon_url: clearable(&mut errors, "icon_url", self.icon_url, HttpUrl::new),
            capabilities,
            pricing_model: errors.check_optional("pricing_model", self.pricing_model, |model| model.parse()),
            price: errors.check_optional("price", self.price, Price::from_dollars),
            repository_url: clearable(&mut errors, "repository_url", self.repository_url, HttpUrl::new),
            agent_type: errors.check_optional("agent_type", self.agent_type, AgentType::new),
            requirements: object(&mut errors, "requirements", self.requirements),
            configuration_schema: object(&mut errors, "configuration_schema", self.configuration_schema),
            license: clearable(&mut errors, "license", self.license, License::new),
            is_verified: self.is_verified,
            is_featured: self.is_featured,
            is_active: self.is_active,
        };
        errors.finish()?;
        Ok(changes)
    }
}

fn clearable<T>(
    errors: &mut FieldErrors,
    field: &'static str,
    value: Option<Option<String>>,
    check: impl Fn(String) -> Result<T, Invalid>,
) -> Option<Option<T>> {
    match value? {
        None => Some(None),
        Some(value) => errors.check(field, check(value)).map(Some),
    }
}

/// A search for agents.
#[derive(Deserialize, ToSchema)]
pub(crate) struct AgentSearch {
    /// Words, or beginnings of words, in name, description, tags and capabilities.
    #[schema(example = "mail triage", max_length = 200)]
    query: Option<String>,
    #[serde(default)]
    #[schema(required = false)]
    filters: Option<SearchFilters>,
    /// `relevance` where there is a query, else `popular`.
    #[schema(value_type = Option<SortName>)]
    sort: Option<String>,
    #[schema(example = 1, minimum = 1)]
    page: Option<u32>,
    #[schema(example = 20, minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// A cursor of a former page, instead of `page`.
    cursor: Option<String>,
}

/// What the agents that are searched must fulfil.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct SearchFilters {
    #[schema(example = "communication")]
    category: Option<String>,
    /// Any of these.
    tags: Option<Vec<String>>,
    #[schema(value_type = Option<PricingModelName>)]
    pricing_model: Option<String>,
    #[schema(minimum = 0, maximum = 5)]
    min_rating: Option<f64>,
    is_verified: Option<bool>,
    is_featured: Option<bool>,
}

/// An order of agents.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "stands for the domain's AgentSort in the OpenAPI document")]
pub(crate) enum SortName {
    Popular,
    Installs,
    Recent,
    Rating,
    Name,
    Trending,
    Relevance,
}

impl AgentSearch {
    pub(crate) fn check(self) -> Result<(AgentListQuery, PageRequest)> {
        let mut errors = FieldErrors::default();
        let filters = self.filters.unwrap_or_default();
        let query = self.query.filter(|query| !query.trim().is_empty());
        let filter = AgentFilter {
            category: errors.check_optional("filters.category", filters.category, CategoryName::new),
            tags: check_list(
                &mut errors,
                "filters.tags",
                filters.tags.unwrap_or_default(),
                MAX_TAGS,
                Tag::new,
            ),
            search: errors.check_optional("query", query, SearchQuery::new),
            pricing_model: errors.check_optional("filters.pricing_model", filters.pricing_model, |model| model.parse()),
            min_rating: errors.check_optional("filters.min_rating", filters.min_rating, min_rating),
            is_verified: filters.is_verified,
            is_featured: filters.is_featured,
        };
        let sort = errors.check_optional("sort", self.sort, |sort| sort.parse());
        let sort = check_sort(&mut errors, sort, filter.search.is_some(), AgentSort::Relevance);
        let page = check_page(&mut errors, self.page, self.cursor, self.limit);
        errors.finish()?;
        Ok((
            AgentListQuery {
                filter,
                sort,
                fields: AgentFieldSet::ALL,
            },
            page,
        ))
    }
}

/// The order that was asked for, or `for_search` where there is a search and none was; relevance needs a search.
pub(crate) fn check_sort(
    errors: &mut FieldErrors,
    sort: Option<AgentSort>,
    is_search: bool,
    for_search: AgentSort,
) -> AgentSort {
    match sort {
        Some(AgentSort::Relevance) if !is_search => {
            errors.add("sort", "must not be relevance without a search");
            AgentSort::default()
        }
        Some(sort) => sort,
        None if is_search => for_search,
        None => AgentSort::default(),
    }
}

fn check_page(errors: &mut FieldErrors, page: Option<u32>, cursor: Option<String>, limit: Option<u32>) -> PageRequest {
    let within = |number: u32, most: u32| {
        let fits = (1..=most).contains(&number);
        fits.then_some(number)
            .ok_or_else(|| Invalid::new(format!("must be between 1 and {most}")))
    };
    if page.is_some() && cursor.is_some() {
        errors.add("cursor", "must not be given together with page");
    }
    let page = errors.check("page", within(page.unwrap_or(1), MAX_PAGE)).unwrap_or(1);
    let limit = errors.check("limit", within(limit.unwrap_or(20), 100)).unwrap_or(20);
    PageRequest {
        at: cursor.map_or(PageAt::Number(page), PageAt::Cursor),
        limit,
        count: CountMode::Exact,
    }
}

/// A mean of ratings that is asked for at least.
pub(crate) fn min_rating(stars: f64) -> Result<f64, Invalid> {
    // -0 is 0: equal questions have equal fingerprints.
    if (0.0..=5.0).contains(&stars) {
        Ok(stars + 0.0)
    } else {
        Err(Invalid::new("must be between 0 and 5"))
    }
}

#[cfg(test)]
mod tests {
    use aios_domain::AgentId;

    use super::*;

    fn summary() -> aios_domain::AgentSummary {
        aios_domain::AgentSummary {
            id: AgentId::new(),
            name: AgentName::new("A \"quoted\" name").unwrap(),
            description: Description::new("Two\nlines").unwrap(),
            category: None,
            tags: vec![Tag::new("a").unwrap()],
            version: Version::new("1.0").unwrap(),
            icon_url: Some(HttpUrl::new("https://example.org/i.png").unwrap()),
            capabilities: vec![],
            pricing: Pricing::new(PricingModel::Paid, Price::from_cents(499).unwrap()).unwrap(),
            install_count: 3,
            rating_average: 13.0 / 3.0,
            rating_count: 3,
            is_featured: true,
            is_verified: false,
            created_at: "2026-11-23T08:00:00.000001Z".parse().unwrap(),
        }
    }

    fn partial(agent: &aios_domain::AgentSummary) -> PartialAgentSummary {
        PartialAgentSummary {
            id: Some(agent.id),
            name: Some(agent.name.clone()),
            description: Some(agent.description.clone()),
            category: Some(agent.category.clone()),
            tags: Some(agent.tags.clone()),
            version: Some(agent.version.clone()),
            icon_url: Some(agent.icon_url.clone()),
            capabilities: Some(agent.capabilities.clone()),
            pricing_model: Some(agent.pricing.model()),
            price: Some(agent.pricing.price()),
            install_count: Some(agent.install_count),
            rating_average: Some(agent.rating_average),
            rating_count: Some(agent.rating_count),
            is_featured: Some(agent.is_featured),
            is_verified: Some(agent.is_verified),
            created_at: Some(agent.created_at),
        }
    }

    #[test]
    fn a_summary_reads_alike_in_lists_and_alone() {
        let agent = summary();
        let in_list = serde_json::to_string(&SummaryFields(&partial(&agent))).unwrap();
        let alone = serde_json::to_string(&AgentSummary::from(&agent)).unwrap();
        assert_eq!(in_list, alone);
        let value: Value = serde_json::from_str(&alone).unwrap();
        let names: Vec<&str> = AgentField::ALL.iter().map(|field| field.as_str()).collect();
        assert!(names.iter().all(|name| value.get(name).is_some()) && value.as_object().unwrap().len() == names.len());
        assert_eq!(value["rating_average"], 4.33);
        assert_eq!(value["price"], 4.99);
        assert_eq!(value["category"], Value::Null);
        assert_eq!(value["created_at"], "2026-11-23T08:00:00.000001Z");
    }

    #[test]
    fn a_patch_tells_missing_from_null() {
        let patch: AgentPatch = serde_json::from_str(r#"{"category": null, "version": "2.0"}"#).unwrap();
        let changes = patch.check().unwrap();
        assert_eq!(changes.category, Some(None));
        assert_eq!(changes.license, None);
        assert_eq!(changes.version, Some(Version::new("2.0").unwrap()));
    }

    #[test]
    fn all_that_is_wrong_with_a_draft_is_said_at_once() {
        let draft: AgentDraft = serde_json::from_value(serde_json::json!({
            "name": "", "description": "d", "tags": ["ok", "not ok!"], "pricing_model": "paid", "price": 0,
            "icon_url": "ftp://x", "requirements": [1]
        }))
        .unwrap();
        let error = draft.check().unwrap_err();
        let fields: Vec<&str> = error.fields().iter().map(|field| field.field.as_ref()).collect();
        assert_eq!(fields, ["name", "tags[1]", "icon_url", "price", "requirements"]);
    }
}
