//! The catalogue's texts as they stand in the JSON files beside this module, read into the domain's types.

use aios_domain::{
    AgentDraft, AgentName, AgentType, Capability, CategoryName, Description, DisplayName, Email, Error, ErrorKind,
    HttpUrl, Invalid, JsonObject, License, Price, Pricing, PricingModel, Rating, Result, ReviewText, ReviewTitle, Tag,
    Version,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The files of agents, one for each category that comes with the migrations.
const AGENTS: [(&str, &str); 6] = [
    ("productivity", include_str!("productivity.json")),
    ("development", include_str!("development.json")),
    ("content", include_str!("content.json")),
    ("analysis", include_str!("analysis.json")),
    ("automation", include_str!("automation.json")),
    ("communication", include_str!("communication.json")),
];

/// An agent and how it fares in the marketplace.
#[derive(Clone, Debug)]
pub(super) struct AgentText {
    pub(super) draft: AgentDraft,
    pub(super) is_featured: bool,
    pub(super) is_verified: bool,
    /// From 0 to 1: how many of the users have it.
    pub(super) popularity: f64,
}

/// Someone who uses the marketplace.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Person {
    pub(super) name: DisplayName,
    pub(super) email: Email,
}

/// A review that fits any agent, or any of a category, or any that costs money.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Opinion {
    pub(super) rating: Rating,
    category: Option<CategoryName>,
    #[serde(default)]
    priced: bool,
    pub(super) title: ReviewTitle,
    pub(super) text: ReviewText,
}

impl Opinion {
    pub(super) fn fits(&self, agent: &AgentDraft) -> bool {
        (self.category.is_none() || self.category == agent.category)
            && (!self.priced || agent.pricing.price() > Price::ZERO)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AgentEntry {
    name: AgentName,
    description: Description,
    tags: Vec<Tag>,
    version: Version,
    capabilities: Vec<Capability>,
    pricing_model: PricingModel,
    price: f64,
    repository_url: Option<HttpUrl>,
    icon_url: Option<HttpUrl>,
    license: Option<License>,
    agent_type: AgentType,
    requirements: JsonObject,
    configuration_schema: JsonObject,
    is_featured: bool,
    is_verified: bool,
    popularity: u16,
}

impl AgentEntry {
    fn into_text(self, category: &CategoryName) -> Result<AgentText, Invalid> {
        Ok(AgentText {
            is_featured: self.is_featured,
            is_verified: self.is_verified,
            popularity: f64::from(self.popularity.min(1_000)) / 1_000.0,
            draft: AgentDraft {
                name: self.name,
                description: self.description,
                category: Some(category.clone()),
                tags: aios_domain::normalised_tags(self.tags)?,
                version: self.version,
                icon_url: self.icon_url,
                capabilities: self.capabilities,
                pricing: Pricing::new(self.pricing_model, Price::from_dollars(self.price)?)?,
                repository_url: self.repository_url,
                agent_type: self.agent_type,
                requirements: self.requirements,
                configuration_schema: self.configuration_schema,
                license: self.license,
            },
        })
    }
}

/// Every agent, category by category.
pub(super) fn agents() -> Result<Vec<AgentText>> {
    let mut agents = Vec::new();
    for (name, json) in AGENTS {
        let category = CategoryName::new(name).map_err(|invalid| damaged(name, invalid))?;
        for entry in parse::<Vec<AgentEntry>>(name, json)? {
            agents.push(entry.into_text(&category).map_err(|invalid| damaged(name, invalid))?);
        }
    }
    Ok(agents)
}

/// Everyone.
pub(super) fn people() -> Result<Vec<Person>> {
    parse("people", include_str!("people.json"))
}

/// Every review.
pub(super) fn opinions() -> Result<Vec<Opinion>> {
    parse("reviews", include_str!("reviews.json"))
}

fn parse<T: DeserializeOwned>(file: &str, json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| damaged(file, error))
}

fn damaged(file: &str, source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(
        ErrorKind::Internal,
        format!("The demonstration file {file}.json is damaged: mend it and build again"),
    )
    .caused_by(source)
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    #[test]
    fn every_agent_reads_into_the_domain_and_is_told_apart() {
        let agents = agents().unwrap();
        assert_eq!(agents.len(), 200);
        let names: HashSet<String> = agents.iter().map(|agent| agent.draft.name.sort_key()).collect();
        let descriptions: HashSet<&str> = agents.iter().map(|agent| agent.draft.description.as_str()).collect();
        assert_eq!((names.len(), descriptions.len()), (200, 200));
        for AgentText { draft, popularity, .. } in &agents {
            let name = &draft.name;
            assert!((3..=6).contains(&draft.tags.len()), "{name}");
            assert!((3..=6).contains(&draft.capabilities.len()), "{name}");
            assert!((80..=400).contains(&draft.description.as_str().len()), "{name}");
            assert!((0.0..=1.0).contains(popularity), "{name}");
            for url in [&draft.repository_url, &draft.icon_url].into_iter().flatten() {
                let host = url.as_str().split('/').nth(2).unwrap();
                assert!(
                    host.ends_with("example.com") || host.ends_with("example.org"),
                    "{name}: {url}"
                );
            }
        }
    }

    #[test]
    fn categories_and_prices_are_mixed_and_few_agents_are_featured() {
        let agents = agents().unwrap();
        let mut categories: HashMap<&str, usize> = HashMap::new();
        let mut models: HashMap<PricingModel, usize> = HashMap::new();
        for AgentText { draft, .. } in &agents {
            *categories.entry(draft.category.as_ref().unwrap().as_str()).or_default() += 1;
            *models.entry(draft.pricing.model()).or_default() += 1;
        }
        assert_eq!(categories.len(), 6);
        assert!(categories.values().all(|&count| count >= 30), "{categories:?}");
        assert!(models.values().all(|&count| count >= 50), "{models:?}");
        assert!((10..=15).contains(&agents.iter().filter(|agent| agent.is_featured).count()));
        assert!((60..=100).contains(&agents.iter().filter(|agent| agent.is_verified).count()));
    }

    #[test]
    fn people_have_an_address_of_their_own_on_an_example_domain() {
        let people = people().unwrap();
        assert_eq!(people.len(), 60);
        let addresses: HashSet<&str> = people.iter().map(|person| person.email.as_str()).collect();
        assert_eq!(addresses.len(), people.len());
        assert!(
            addresses
                .iter()
                .all(|email| email.ends_with("@example.org") || email.ends_with("@example.com"))
        );
    }

    #[test]
    fn every_agent_finds_reviews_of_every_rating() {
        let opinions = opinions().unwrap();
        let texts: HashSet<&str> = opinions.iter().map(|opinion| opinion.text.as_str()).collect();
        assert_eq!(texts.len(), opinions.len(), "no text stands twice");
        for agent in agents().unwrap() {
            for stars in 1..=5 {
                let fitting = opinions
                    .iter()
                    .filter(|opinion| opinion.rating.stars() == stars && opinion.fits(&agent.draft));
                assert!(
                    fitting.count() >= 8,
                    "{} has too little to choose from at {stars}",
                    agent.draft.name
                );
            }
        }
    }
}
