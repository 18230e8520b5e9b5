//! Figures: of the whole marketplace, and of one agent.

use serde::{Deserialize, Serialize};

use crate::{AgentSummary, CategoryName, RecentActivity};

/// The marketplace at a glance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarketplaceStats {
    /// How many agents are active.
    pub total_agents: i64,
    /// How many installations these agents have now.
    pub total_installs: i64,
    /// How many categories are active.
    pub total_categories: i64,
    /// Up to six featured agents, most popular first.
    pub featured_agents: Vec<AgentSummary>,
    /// Up to six agents that trend.
    pub trending_agents: Vec<AgentSummary>,
    /// Up to five categories with the most active agents, and how many these are.
    pub popular_categories: Vec<(CategoryName, i64)>,
}

/// One agent's figures, for its author.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentStats {
    /// How often it was looked at, ever.
    pub total_views: i64,
    /// How often it was installed, ever.
    pub total_installs: i64,
    /// How many users have it installed now.
    pub active_installs: i64,
    /// The mean of its ratings, 0 without one.
    pub average_rating: f64,
    /// How many reviews it has.
    pub total_reviews: i64,
    /// What happened in the last 30 days.
    pub recent_activity: RecentActivity,
}
