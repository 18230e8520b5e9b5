//! The tags by which cached values are made stale.

use aios_domain::{AgentId, CategoryName, UserId};

use super::words;

/// Figures over all agents, and at the edge, lists of agents. It is made stale by whatever changes one of them.
pub(crate) const AGENTS: &str = "agents";
/// Lists of agents, by what moves an agent from one to another or to another place.
pub(crate) const LISTED: &str = "listed";
/// Pages of agents that a new one would be on, or whose rows it would move.
pub(crate) const NEW: &str = "new";
/// Lists of featured agents alone.
pub(crate) const FEATURED: &str = "featured";
/// The categories.
pub(crate) const CATEGORIES: &str = "categories";

/// What shows one agent by itself.
pub(crate) fn agent(id: AgentId) -> String {
    format!("agent:{id}")
}

/// Which agent a tag of [`agent`] names.
pub(crate) fn agent_of(tag: &str) -> Option<AgentId> {
    tag.strip_prefix("agent:")?.parse().ok()
}

/// At the edge, lists of agents of one category.
pub(crate) fn agents_in(category: &CategoryName) -> String {
    format!("agents:{category}")
}

/// As [`LISTED`], of one category.
pub(crate) fn listed_in(category: &CategoryName) -> String {
    format!("{LISTED}:{category}")
}

/// As [`NEW`], of one category.
pub(crate) fn new_in(category: &CategoryName) -> String {
    format!("{NEW}:{category}")
}

/// One of 4,096 lots into which agents fall, for the tags of pages that show one of the lot. A page of twenty would take half a
/// kilobyte to name its agents themselves; with lots it is made stale for nothing by one edit in two hundred.
pub(crate) fn lot(agent: AgentId) -> u16 {
    // The end of an id is random in each of its versions.
    let [.., one, two] = agent.0.into_bytes();
    u16::from_be_bytes([one & 0x0f, two])
}

/// Lists that show an agent of this lot.
pub(crate) fn shown(lot: u16) -> String {
    format!("shown:{lot:03x}")
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

/// Whether a tag is one of those by which this service's caches tell lists apart. At the edge lists bear fewer and coarser ones.
pub(crate) fn is_of_lists(tag: &str) -> bool {
    let kind = tag.split_once(':').map_or(tag, |(kind, _)| kind);
    [LISTED, NEW, "shown", words::KIND].contains(&kind)
}

/// Whether only one user's own answers bear this tag.
pub(crate) fn is_of_one_user(tag: &str) -> bool {
    tag.starts_with("user:") || tag.starts_with("knowledge:")
}
