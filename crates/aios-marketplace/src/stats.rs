//! Figures: of the whole marketplace, and of one agent.

use aios_db::store::{agents, analytics, installations, stats as store};
use aios_domain::{AgentId, AgentStats, Caller, Error, MarketplaceStats, Result};
use chrono::TimeDelta;

use crate::Marketplace;

/// How far back an agent's recent activity goes.
const RECENT: TimeDelta = TimeDelta::days(30);

impl Marketplace {
    /// The marketplace at a glance.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn stats(&self) -> Result<MarketplaceStats> {
        self.db.read(store::marketplace_stats).await
    }

    /// An agent's figures.
    ///
    /// # Errors
    /// `NotFound` where there is none; `Forbidden` for others than the author and admins.
    pub async fn agent_stats(&self, caller: &Caller, agent: AgentId) -> Result<AgentStats> {
        let (caller, since) = (caller.clone(), self.clock.now() - RECENT);
        self.db
            .read(move |c| {
                let found = agents::agent_find(c, agent)?.ok_or_else(|| Error::not_found("agent"))?;
                caller.must_own(found.author_id, "agent")?;
                Ok(AgentStats {
                    total_views: found.view_count,
                    total_installs: installations::installation_count_ever(c, agent)?,
                    active_installs: found.summary.install_count,
                    average_rating: found.summary.rating_average,
                    total_reviews: found.summary.rating_count,
                    recent_activity: analytics::activity_since(c, agent, since)?,
                })
            })
            .await
    }
}
