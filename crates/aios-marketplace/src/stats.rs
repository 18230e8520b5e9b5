//! Figures: of the whole marketplace, and of one agent.

use aios_cache::Cached;
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
    pub async fn stats(&self) -> Result<Cached<MarketplaceStats>> {
        let db = self.db.clone();
        self.caches
            .stats(async move || db.read(store::marketplace_stats).await)
            .await
    }

    /// An agent's figures.
    ///
    /// # Errors
    /// `NotFound` where there is none; `Forbidden` for others than the author and admins.
    pub async fn agent_stats(&self, caller: &Caller, agent: AgentId) -> Result<AgentStats> {
        caller.must_own(self.agent_found(agent).await?.author_id, "agent")?;
        let (db, since) = (self.db.clone(), self.clock.now() - RECENT);
        let load = async move || {
            // The agent is read again: its own copy in the cache may be older than these figures should be.
            let figures = db.read(move |c| {
                let found = agents::agent_find(c, agent)?.ok_or_else(|| Error::not_found("agent"))?;
                Ok(AgentStats {
                    total_views: found.view_count,
                    total_installs: installations::installation_count_ever(c, agent)?,
                    active_installs: found.summary.install_count,
                    average_rating: found.summary.rating_average,
                    total_reviews: found.summary.rating_count,
                    recent_activity: analytics::activity_since(c, agent, since)?,
                })
            });
            figures.await
        };
        self.caches.agent_stats(agent, load).await
    }
}
