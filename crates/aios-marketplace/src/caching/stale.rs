//! What a write makes stale, in the words of the marketplace. The one place that knows which change concerns which tag.

use std::collections::BTreeSet;

use aios_db::store::outbox::EVERYTHING;
use aios_domain::{Agent, AgentId, AgentSummary, CategoryName, UserId};

use super::{tags, words};

/// The tags that a transaction makes stale, gathered while it runs.
///
/// What somebody wrote shows at once where it is the subject of an answer; a counter inside a list may lag. So an
/// installation or a review touches the agent, its reviews and the user, and no list of agents: these would otherwise be
/// read anew all the time, for a number that is one higher.
///
/// A publication touches the pages that the new agent would be on, and the searches for a word of it. An edit touches the pages
/// that show the agent; where it may move the agent to other lists or within them, all lists that it was or is in; and where it
/// changes which searches find it, those.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stale(BTreeSet<String>);

impl Stale {
    /// An agent was published: the lists gain it, and nobody will be told any more that there is none.
    pub(crate) fn agent_published(&mut self, agent: &Agent) {
        self.0.insert(tags::agent(agent.summary.id));
        self.lists_with(agent);
        self.number_with(agent);
        if agent.is_active {
            self.0.insert(tags::NEW.to_owned());
            self.0.extend(agent.summary.category.as_ref().map(tags::new_in));
            self.0.extend(words::tags_of_agent(&agent.summary));
        }
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
        let listed = [old, new].into_iter().filter(|agent| agent.is_active);
        for agent in listed {
            self.0.insert(tags::shown(tags::lot(agent.summary.id)));
            if moves(old, new) {
                self.0.insert(tags::LISTED.to_owned());
                self.0.extend(agent.summary.category.as_ref().map(tags::listed_in));
            }
            if moves(old, new) || text(old) != text(new) {
                self.0.extend(words::tags_of_agent(&agent.summary));
            }
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
        self.0.insert(tags::listed_in(category));
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

/// Whether an edit may move an agent into a list, out of it or within it: it changes something that lists choose or order by.
/// Whoever lets lists be chosen or ordered by something else that is edited names it here.
fn moves(old: &Agent, new: &Agent) -> bool {
    let place = |agent: &Agent| {
        let AgentSummary {
            name,
            category,
            tags,
            pricing,
            is_featured,
            is_verified,
            created_at,
            ..
        } = agent.summary.clone();
        let flags = (agent.is_active, is_featured, is_verified);
        (flags, name, category, tags, pricing.model(), created_at)
    };
    place(old) != place(new)
}

/// What searches look at.
fn text(agent: &Agent) -> impl PartialEq {
    let AgentSummary {
        name,
        description,
        tags,
        capabilities,
        ..
    } = agent.summary.clone();
    (name, description, tags, capabilities)
}
