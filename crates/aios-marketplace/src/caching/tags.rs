//! The tags by which cached values are made stale.

use aios_domain::{AgentId, CategoryName, UserId};

/// Lists of agents, and figures over all of them.
pub(crate) const AGENTS: &str = "agents";
/// Lists of featured agents alone.
pub(crate) const FEATURED: &str = "featured";
/// The categories.
pub(crate) const CATEGORIES: &str = "categories";

/// What shows one agent by itself.
pub(crate) fn agent(id: AgentId) -> String {
    format!("agent:{id}")
}

/// Lists of agents of one category.
pub(crate) fn agents_in(category: &CategoryName) -> String {
    format!("agents:{category}")
}

/// How many agents there are.
pub(crate) const NUMBER_OF_AGENTS: &str = "number";

/// Whether a tag is about how many agents there are.
pub(crate) fn is_number(tag: &str) -> bool {
    tag.split_once(':').map_or(tag, |(kind, _)| kind) == NUMBER_OF_AGENTS
}

/// How many agents there are of one category.
pub(crate) fn number_of_agents_in(category: &CategoryName) -> String {
    format!("number:{category}")
}

/// The reviews of an agent.
pub(crate) fn reviews_of(agent: AgentId) -> String {
    format!("reviews:{agent}")
}

/// A user's installations, and how the user stands to agents.
pub(crate) fn user(id: UserId) -> String {
    format!("user:{id}")
}

/// A user's knowledge entries.
pub(crate) fn knowledge_of(user: UserId) -> String {
    format!("knowledge:{user}")
}

/// Whether only one user's own answers bear this tag.
pub(crate) fn is_of_one_user(tag: &str) -> bool {
    tag.starts_with("user:") || tag.starts_with("knowledge:")
}
