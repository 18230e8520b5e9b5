//! The rows of a bulk load. Users, installations and reviews are the domain's own; agents and events carry more than it
//! shows.

use aios_domain::{
    AgentDraft, AgentId, EventId, EventKind, Installation, RegistryName, Review, Tag, Timestamp, User, UserId,
};

/// Everything a load writes, table by table, in the order the foreign keys ask for.
///
/// Each method makes its iterator anew, so a data set may be far larger than memory. What the counters of an agent say
/// must agree with the rows of the other iterators: they are written as they stand and not counted again.
pub trait Dataset {
    /// The users that the other rows refer to.
    fn users(&self) -> impl Iterator<Item = User>;
    /// The agents, with their counters.
    fn agents(&self) -> impl Iterator<Item = BulkAgent>;
    /// Installations: at most one active one of a user and agent.
    fn installations(&self) -> impl Iterator<Item = Installation>;
    /// Reviews: at most one of a user and agent.
    fn reviews(&self) -> impl Iterator<Item = Review>;
    /// What happened to the agents.
    fn events(&self) -> impl Iterator<Item = BulkEvent>;
    /// The moment up to which all this is told; trending is computed for it.
    fn until(&self) -> Timestamp;

    /// Every tag that an agent bears, at least once.
    fn tags(&self) -> impl Iterator<Item = Tag> {
        self.agent_tags().flat_map(|(_, tags)| tags)
    }

    /// Each agent's tags again, for a data set that knows them without making the whole agent.
    fn agent_tags(&self) -> impl Iterator<Item = (AgentId, Vec<Tag>)> {
        self.agents().map(|agent| (agent.id, agent.draft.tags))
    }
}

/// An agent as a row: what an author writes, and what the marketplace adds.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkAgent {
    /// The agent.
    pub id: AgentId,
    /// The name under which a registry publishes it, for agents that were imported.
    pub registry_name: Option<RegistryName>,
    /// What its author wrote.
    pub draft: AgentDraft,
    /// Who published it.
    pub author_id: UserId,
    /// How many installations of it are active.
    pub install_count: i64,
    /// All stars of its ratings together.
    pub rating_sum: i64,
    /// How many ratings it has.
    pub rating_count: i64,
    /// How often it was looked at.
    pub view_count: i64,
    /// Where it stands in the trending order; the service computes it anew from the events.
    pub trending_score: f64,
    /// Shown in front by the marketplace.
    pub is_featured: bool,
    /// Checked by the marketplace.
    pub is_verified: bool,
    /// Whether it is listed.
    pub is_active: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last edited.
    pub updated_at: Timestamp,
    /// When it was first listed.
    pub published_at: Option<Timestamp>,
}

/// Something that happened to an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkEvent {
    /// The event.
    pub id: EventId,
    /// Of which agent.
    pub agent_id: AgentId,
    /// Who did it; nobody in particular for views that were gathered.
    pub user_id: Option<UserId>,
    /// What happened.
    pub kind: EventKind,
    /// How often: above 1 for views that were gathered.
    pub quantity: i64,
    /// When.
    pub occurred_at: Timestamp,
}
