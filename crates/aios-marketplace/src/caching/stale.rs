//! What a write makes stale, in the words of the marketplace. The one place that knows which change concerns which tag.

use std::collections::BTreeSet;

use aios_db::store::outbox::EVERYTHING;
use aios_domain::{Agent, AgentId, CategoryName, UserId};

use super::tags;

/// The tags that a transaction makes stale, gathered while it runs.
///
/// What somebody wrote shows at once where it is the subject of an answer; a counter inside a list may lag. So an
/// installation or a review touches the agent, its reviews and the user, and no list of agents: these would otherwise be
/// read anew all the time, for a number that is one higher. An edit touches the lists that show the agent before or after it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stale(BTreeSet<String>);

impl Stale {
    /// An agent was published: the lists gain it, and nobody will be told any more that there is none.
    pub(crate) fn agent_published(&mut self, agent: &Agent) {
        self.0.insert(tags::agent(agent.summary.id));
        self.lists_with(agent);
        self.number_with(agent);
    }

    /// An agent was edited, withdrawn, featured, verified.
    pub(crate) fn agent_edited(&mut self, old: &Agent, new: &Agent) {
        self.0.insert(tags::agent(new.summary.id));
        self.lists_with(old);
        self.lists_with(new);
        let counted = |agent: &Agent| (agent.is_active, agent.summary.category.clone());
        if counted(old) != counted(new) {
            self.number_with(old);
            self.number_with(new);
        }
    }

    /// Where an agent in this state is counted.
    fn number_with(&mut self, agent: &Agent) {
        if !agent.is_active {
            return;
        }
        self.0.insert(tags::NUMBER_OF_AGENTS.to_owned());
        if let Some(category) = &agent.summary.category {
            self.0.insert(tags::number_of_agents_in(category));
        }
    }

    /// Where an agent in this state is listed. One that is not active is in no list.
    fn lists_with(&mut self, agent: &Agent) {
        if !agent.is_active {
            return;
        }
        self.0.insert(tags::AGENTS.to_owned());
        if agent.summary.is_featured {
            self.0.insert(tags::FEATURED.to_owned());
        }
        if let Some(category) = &agent.summary.category {
            self.0.insert(tags::agents_in(category));
        }
    }

    /// A user installed an agent, removed it, or ran it.
    pub(crate) fn installation_changed(&mut self, user: UserId, agent: AgentId) {
        self.0.insert(tags::agent(agent));
        self.0.insert(tags::user(user));
    }

    /// A user ran an agent: only the user's own installation shows it.
    pub(crate) fn installation_used(&mut self, user: UserId) {
        self.0.insert(tags::user(user));
    }

    /// A user wrote or rewrote a review of an agent.
    pub(crate) fn review_written(&mut self, user: UserId, agent: AgentId) {
        self.0.insert(tags::agent(agent));
        self.0.insert(tags::reviews_of(agent));
        self.0.insert(tags::user(user));
    }

    /// A category was made.
    pub(crate) fn category_made(&mut self, category: &CategoryName) {
        self.0.insert(tags::CATEGORIES.to_owned());
        self.0.insert(tags::agents_in(category));
        self.0.insert(tags::number_of_agents_in(category));
    }

    /// A user's knowledge entries changed.
    pub(crate) fn knowledge_changed(&mut self, user: UserId) {
        self.0.insert(tags::knowledge_of(user));
    }

    /// Whatever bears these tags, as an operator says.
    pub(crate) fn named(&mut self, tags: impl IntoIterator<Item = String>) {
        self.0.extend(tags);
    }

    /// Too much to say what.
    pub(crate) fn everything(&mut self) {
        self.0.insert(EVERYTHING.to_owned());
    }

    /// The tags, in order. Everything includes all others.
    pub(crate) fn into_tags(self) -> Vec<String> {
        if self.0.contains(EVERYTHING) {
            return vec![EVERYTHING.to_owned()];
        }
        self.0.into_iter().collect()
    }
}
