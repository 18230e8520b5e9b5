//! How many bytes kept agents take in memory.

use aios_domain::{Agent, AgentSummary, PartialAgentSummary};

use super::pages::KeptPage;

/// What an allocation takes beside what was asked for: the allocator's header, and half of its step.
const ALLOCATION: usize = 16;

/// An agent, or that there is none.
pub(super) fn agent(kept: Option<&Agent>) -> usize {
    kept.map_or(ALLOCATION, weight_of)
}

fn weight_of(agent: &Agent) -> usize {
    let Agent { summary, .. } = agent;
    size_of::<Agent>()
        + ALLOCATION
        + texts_of(summary)
        + optional(agent.repository_url.as_ref())
        + optional(agent.license.as_ref())
        + text(agent.requirements.as_str())
        + text(agent.configuration_schema.as_str())
}

fn texts_of(summary: &AgentSummary) -> usize {
    text(summary.name.as_str())
        + text(summary.description.as_str())
        + optional(summary.category.as_ref())
        + list(&summary.tags)
        + text(summary.version.as_str())
        + optional(summary.icon_url.as_ref())
        + list(&summary.capabilities)
}

/// A page of agents.
pub(super) fn page(page: &KeptPage) -> usize {
    size_of_val(page) + page.size_of_rest() + page.summaries().iter().map(partial).sum::<usize>()
}

fn partial(summary: &PartialAgentSummary) -> usize {
    size_of_val(summary)
        + optional(summary.name.as_ref())
        + optional(summary.description.as_ref())
        + optional(summary.category.as_ref().and_then(Option::as_ref))
        + summary.tags.as_deref().map_or(0, list)
        + summary.version.as_ref().map_or(0, |version| text(version.as_str()))
        + optional(summary.icon_url.as_ref().and_then(Option::as_ref))
        + summary.capabilities.as_deref().map_or(0, list)
}

fn list<T: AsRef<str>>(items: &[T]) -> usize {
    let texts: usize = items.iter().map(|item| size_of::<T>() + text(item.as_ref())).sum();
    texts + ALLOCATION
}

fn optional<T: AsRef<str>>(item: Option<&T>) -> usize {
    item.map_or(0, |item| text(item.as_ref()))
}

fn text(text: &str) -> usize {
    text.len() + ALLOCATION
}
