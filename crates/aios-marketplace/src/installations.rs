//! Installations: what users have, and what they do with it.

use std::sync::Arc;

use aios_db::store::{analytics, installations as store, users};
use aios_domain::{AgentId, Caller, Error, EventKind, InstalledAgent, JsonObject, Result};

use crate::{Listing, Marketplace, PageRequest};

impl Marketplace {
    /// Installs an agent for the caller.
    ///
    /// # Errors
    /// `NotFound` where the agent is not active; `AlreadyInstalled`.
    pub async fn agent_install(&self, caller: &Caller, agent: AgentId, settings: JsonObject) -> Result<InstalledAgent> {
        let (caller, now) = (caller.clone(), self.clock.now());
        self.write(move |c, stale| {
            users::user_ensure(c, &caller, now)?;
            let (installation, agent) = store::installation_insert(c, caller.id, agent, &settings, now)?;
            let (id, nothing) = (agent.summary.id, JsonObject::default());
            analytics::event_insert(c, id, caller.id, EventKind::Install, &nothing, now)?;
            stale.installation_changed(caller.id, id);
            Ok(InstalledAgent {
                installation,
                agent: Arc::new(agent),
            })
        })
        .await
    }

    /// Removes an agent from the caller's.
    ///
    /// # Errors
    /// `NotFound` where the caller does not have it installed.
    pub async fn agent_uninstall(&self, caller: &Caller, agent: AgentId) -> Result<()> {
        let (user, now) = (caller.id, self.clock.now());
        self.write(move |c, stale| {
            store::installation_end(c, user, agent, now)?;
            analytics::event_insert(c, agent, user, EventKind::Uninstall, &JsonObject::default(), now)?;
            stale.installation_changed(user, agent);
            Ok(())
        })
        .await
    }

    /// What the caller has installed, newest first.
    ///
    /// # Errors
    /// `InvalidCursor`.
    pub async fn my_agents(&self, caller: &Caller, page: PageRequest) -> Result<Listing<InstalledAgent>> {
        let (me, user, asked) = (self.clone(), caller.id, page.clone());
        let load = async move || {
            me.read_list(move |c, paging| store::installation_list(c, paging, user, &page))
                .await
        };
        let installed = self.caches.installation_page(user, &asked, load).await?;
        let agents = self.agents_found(installed.items.iter().map(|it| it.agent_id)).await?;
        installed.into_value().try_map(|installation| {
            let agent = agents.get(&installation.agent_id).map(Arc::clone);
            let agent = agent.ok_or_else(|| Error::internal("an installation without its agent"))?;
            Ok(InstalledAgent { installation, agent })
        })
    }
}
