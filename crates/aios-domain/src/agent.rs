//! Agents: what is listed, what an author writes, and how lists are filtered and ordered.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    AgentId, AgentName, AgentType, CategoryName, Description, HttpUrl, Invalid, JsonObject, License, Pricing,
    PricingModel, SearchQuery, Tag, Timestamp, UserId, Version,
};

/// How many tags an agent may bear.
pub const MAX_TAGS: usize = 20;
/// How many capabilities an agent may name.
pub const MAX_CAPABILITIES: usize = 50;

/// Something an agent can do, in one line of 1 to 100 characters.
pub type Capability = crate::DisplayName;

/// Drops repeated tags, the first of each kept in its place.
///
/// # Errors
/// [`Invalid`] for more than [`MAX_TAGS`] different ones.
pub fn normalised_tags(tags: Vec<Tag>) -> Result<Vec<Tag>, Invalid> {
    let mut kept: Vec<Tag> = Vec::with_capacity(tags.len().min(MAX_TAGS));
    for tag in tags {
        if !kept.contains(&tag) {
            if kept.len() == MAX_TAGS {
                return Err(Invalid::new(format!("must hold at most {MAX_TAGS} different tags")));
            }
            kept.push(tag);
        }
    }
    Ok(kept)
}

/// What a list shows of an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentSummary {
    /// The agent.
    pub id: AgentId,
    /// What it is called.
    pub name: AgentName,
    /// What it does.
    pub description: Description,
    /// The category it stands in, if any.
    pub category: Option<CategoryName>,
    /// Its tags, in the author's order.
    pub tags: Vec<Tag>,
    /// The published version.
    pub version: Version,
    /// A picture of it.
    pub icon_url: Option<HttpUrl>,
    /// What it can do.
    pub capabilities: Vec<Capability>,
    /// What it costs.
    pub pricing: Pricing,
    /// How many users have it installed now.
    pub install_count: i64,
    /// The mean of its ratings, 0 without one.
    pub rating_average: f64,
    /// How many ratings it has.
    pub rating_count: i64,
    /// Shown in front by the marketplace.
    pub is_featured: bool,
    /// Checked by the marketplace.
    pub is_verified: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// All that is known of an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agent {
    /// What a list shows of it.
    #[serde(flatten)]
    pub summary: AgentSummary,
    /// Where its source is.
    pub repository_url: Option<HttpUrl>,
    /// What kind of agent it is.
    pub agent_type: AgentType,
    /// What it needs in order to run.
    pub requirements: JsonObject,
    /// A JSON Schema of its settings.
    pub configuration_schema: JsonObject,
    /// Under which licence it is published.
    pub license: Option<License>,
    /// Who published it.
    pub author_id: UserId,
    /// How often it was looked at.
    pub view_count: i64,
    /// Whether it is listed. A deleted agent is inactive.
    pub is_active: bool,
    /// When it was last edited. Counters don't move it.
    pub updated_at: Timestamp,
    /// When it was first listed.
    pub published_at: Option<Timestamp>,
}

/// What an author writes to publish an agent.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentDraft {
    /// What it is called.
    pub name: AgentName,
    /// What it does.
    pub description: Description,
    /// The category, which must exist.
    pub category: Option<CategoryName>,
    /// At most [`MAX_TAGS`], without repeats.
    pub tags: Vec<Tag>,
    /// The published version.
    pub version: Version,
    /// A picture of it.
    pub icon_url: Option<HttpUrl>,
    /// At most [`MAX_CAPABILITIES`].
    pub capabilities: Vec<Capability>,
    /// What it costs.
    pub pricing: Pricing,
    /// Where its source is.
    pub repository_url: Option<HttpUrl>,
    /// What kind of agent it is.
    pub agent_type: AgentType,
    /// What it needs in order to run.
    pub requirements: JsonObject,
    /// A JSON Schema of its settings.
    pub configuration_schema: JsonObject,
    /// Under which licence it is published.
    pub license: Option<License>,
}

/// An edit: `None` leaves a field as it is. An inner `None` empties a field that may be empty.
///
/// Price and model are given apart, since either may be edited alone; together with what stays they must obey
/// [`Pricing::new`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentChanges {
    /// A new name.
    pub name: Option<AgentName>,
    /// A new description.
    pub description: Option<Description>,
    /// Another category, or none.
    pub category: Option<Option<CategoryName>>,
    /// Other tags, all of them.
    pub tags: Option<Vec<Tag>>,
    /// A new version.
    pub version: Option<Version>,
    /// Another picture, or none.
    pub icon_url: Option<Option<HttpUrl>>,
    /// Other capabilities, all of them.
    pub capabilities: Option<Vec<Capability>>,
    /// Another way to be sold.
    pub pricing_model: Option<PricingModel>,
    /// Another price.
    pub price: Option<crate::Price>,
    /// Another place of the source, or none.
    pub repository_url: Option<Option<HttpUrl>>,
    /// Another kind.
    pub agent_type: Option<AgentType>,
    /// Other requirements.
    pub requirements: Option<JsonObject>,
    /// Another schema of the settings.
    pub configuration_schema: Option<JsonObject>,
    /// Another licence, or none.
    pub license: Option<Option<License>>,
    /// For admins alone.
    pub is_verified: Option<bool>,
    /// For admins alone.
    pub is_featured: Option<bool>,
    /// For admins alone.
    pub is_active: Option<bool>,
}

impl AgentChanges {
    /// Whether a field is changed that only admins may change.
    pub fn needs_admin(&self) -> bool {
        self.is_verified.is_some() || self.is_featured.is_some() || self.is_active.is_some()
    }
}

/// Which agents a list holds. All conditions must hold; only active agents are listed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentFilter {
    /// In this category.
    pub category: Option<CategoryName>,
    /// Bearing any of these tags; empty: whatever the tags.
    pub tags: Vec<Tag>,
    /// Found by these words.
    pub search: Option<SearchQuery>,
    /// Sold this way.
    pub pricing_model: Option<PricingModel>,
    /// Rated at least this well on average, 0 to 5.
    pub min_rating: Option<f64>,
    /// Verified, or not.
    pub is_verified: Option<bool>,
    /// Featured, or not.
    pub is_featured: Option<bool>,
}

impl AgentFilter {
    /// The tags, each once and in one order: filters that differ in nothing else list the same agents.
    pub fn distinct_tags(&self) -> Vec<&str> {
        let mut tags: Vec<&str> = self.tags.iter().map(Tag::as_str).collect();
        tags.sort_unstable();
        tags.dedup();
        tags
    }
}

/// The orders in which agents are listed. Every order ends in the id, so that no two agents share a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AgentSort {
    /// Most installed first, the better rated of two.
    #[default]
    Popular,
    /// The same order as [`Popular`](Self::Popular), under the name that the first version had for it.
    Installs,
    /// Newest first.
    Recent,
    /// Best rated first, the more often rated of two.
    Rating,
    /// By name, A to Z, upper and lower case alike.
    Name,
    /// By installs and views of the last seven days.
    Trending,
    /// Best match first; needs a search.
    Relevance,
}

impl AgentSort {
    /// Every order.
    pub const ALL: [Self; 7] = [
        Self::Popular,
        Self::Installs,
        Self::Recent,
        Self::Rating,
        Self::Name,
        Self::Trending,
        Self::Relevance,
    ];

    /// The order itself, which may have two names.
    #[must_use]
    pub fn order(self) -> Self {
        match self {
            Self::Installs => Self::Popular,
            other => other,
        }
    }

    /// The word for it on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Popular => "popular",
            Self::Installs => "installs",
            Self::Recent => "recent",
            Self::Rating => "rating",
            Self::Name => "name",
            Self::Trending => "trending",
            Self::Relevance => "relevance",
        }
    }
}

impl FromStr for AgentSort {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|sort| sort.as_str() == text)
            .ok_or_else(|| Invalid::new("must be one of popular, installs, recent, rating, name, trending, relevance"))
    }
}

macro_rules! agent_fields {
    ($($variant:ident => $name:literal, $member:ident: $type:ty;)+) => {
        /// The fields of an [`AgentSummary`] as they are named on the wire.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum AgentField {
            $(#[doc = concat!("`", $name, "`")] $variant,)+
        }

        impl AgentField {
            /// Every field, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The field's name.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }

        /// An [`AgentSummary`] of which only some fields were read. `None` means: not read.
        ///
        /// Serialised, fields that were not read are missing, so that they differ from those that were read and are empty.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct PartialAgentSummary {
            $(
                #[doc = concat!("`", $name, "`, where it was read.")]
                #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
                pub $member: Option<$type>,
            )+
        }
    };
}

agent_fields! {
    Id => "id", id: AgentId;
    Name => "name", name: AgentName;
    Description => "description", description: Description;
    Category => "category", category: Option<CategoryName>;
    Tags => "tags", tags: Vec<Tag>;
    Version => "version", version: Version;
    IconUrl => "icon_url", icon_url: Option<HttpUrl>;
    Capabilities => "capabilities", capabilities: Vec<Capability>;
    PricingModel => "pricing_model", pricing_model: PricingModel;
    Price => "price", price: crate::Price;
    InstallCount => "install_count", install_count: i64;
    RatingAverage => "rating_average", rating_average: f64;
    RatingCount => "rating_count", rating_count: i64;
    IsFeatured => "is_featured", is_featured: bool;
    IsVerified => "is_verified", is_verified: bool;
    CreatedAt => "created_at", created_at: Timestamp;
}

/// A field that is there: `null` is then its value.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl AgentSummary {
    /// Only these of its fields.
    pub fn only(&self, fields: AgentFieldSet) -> PartialAgentSummary {
        let mut part = PartialAgentSummary::default();
        for &field in AgentField::ALL.iter().filter(|&&field| fields.contains(field)) {
            self.read_into(field, &mut part);
        }
        part
    }

    fn read_into(&self, field: AgentField, part: &mut PartialAgentSummary) {
        match field {
            AgentField::Id => part.id = Some(self.id),
            AgentField::Name => part.name = Some(self.name.clone()),
            AgentField::Description => part.description = Some(self.description.clone()),
            AgentField::Category => part.category = Some(self.category.clone()),
            AgentField::Tags => part.tags = Some(self.tags.clone()),
            AgentField::Version => part.version = Some(self.version.clone()),
            AgentField::IconUrl => part.icon_url = Some(self.icon_url.clone()),
            AgentField::Capabilities => part.capabilities = Some(self.capabilities.clone()),
            AgentField::PricingModel => part.pricing_model = Some(self.pricing.model()),
            AgentField::Price => part.price = Some(self.pricing.price()),
            AgentField::InstallCount => part.install_count = Some(self.install_count),
            AgentField::RatingAverage => part.rating_average = Some(self.rating_average),
            AgentField::RatingCount => part.rating_count = Some(self.rating_count),
            AgentField::IsFeatured => part.is_featured = Some(self.is_featured),
            AgentField::IsVerified => part.is_verified = Some(self.is_verified),
            AgentField::CreatedAt => part.created_at = Some(self.created_at),
        }
    }
}

impl FromStr for AgentField {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .iter()
            .copied()
            .find(|field| field.as_str() == text)
            .ok_or_else(|| Invalid::new("must be a comma-separated list of an agent summary's fields"))
    }
}

/// A set of summary fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AgentFieldSet(u16);

impl AgentFieldSet {
    /// All of them.
    pub const ALL: Self = Self(u16::MAX);

    /// Whether `field` is in the set.
    pub fn contains(self, field: AgentField) -> bool {
        self.0 & (1 << field as u16) != 0
    }
}

impl AgentFieldSet {
    /// The set as a number: bit N stands for the Nth of [`AgentField::ALL`].
    pub fn bits(self) -> u16 {
        self.0
    }
}

impl FromIterator<AgentField> for AgentFieldSet {
    fn from_iter<I: IntoIterator<Item = AgentField>>(fields: I) -> Self {
        Self(fields.into_iter().fold(0, |set, field| set | (1 << field as u16)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_set_holds_what_was_put_in() {
        assert_eq!(AgentField::ALL.len(), 16, "the set is a u16");
        for &field in AgentField::ALL {
            let set: AgentFieldSet = [field].into_iter().collect();
            assert!(
                AgentField::ALL
                    .iter()
                    .all(|&other| set.contains(other) == (other == field))
            );
            assert!(AgentFieldSet::ALL.contains(field));
            assert_eq!(field.as_str().parse(), Ok(field));
        }
    }

    #[test]
    fn fields_that_were_not_read_differ_from_those_that_are_empty() {
        let read = PartialAgentSummary {
            category: Some(None),
            price: Some(crate::Price::ZERO),
            ..PartialAgentSummary::default()
        };
        let text = serde_json::to_string(&read).unwrap();
        assert_eq!(text, r#"{"category":null,"price":0}"#);
        assert_eq!(serde_json::from_str::<PartialAgentSummary>(&text).unwrap(), read);
    }

    #[test]
    fn repeated_tags_fold_before_they_count() {
        let tags = |n: usize| {
            (0..n)
                .map(|i| Tag::new(format!("t{}", i % 20)).unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(normalised_tags(tags(40)).unwrap().len(), 20);
        let many = (0..21).map(|i| Tag::new(format!("t{i}")).unwrap()).collect();
        assert!(normalised_tags(many).is_err());
    }

    #[test]
    fn every_sort_reads_back() {
        for sort in AgentSort::ALL {
            assert_eq!(sort.as_str().parse(), Ok(sort));
        }
    }
}
