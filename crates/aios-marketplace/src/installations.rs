//! Installations: what users have, and what they do with it.

use aios_db::store::{analytics, installations as store, users};
use aios_domain::{AgentId, Caller, EventKind, InstalledAgent, JsonObject, Result};

use crate::{Listing, Marketplace, PageRequest};

impl Marketplace {
    /// Installs an agent for the caller.
    ///
    /// # Errors
    /// `NotFound` where the agent is not active; `AlreadyInstalled`.
    pub async fn agent_install(&self, caller: &Caller, agent: AgentId, settings: JsonObject) -> Result<InstalledAgent> {
        let (caller, now) = (caller.clone(), self.clock.now());
        self.db
            .write(move |c| {
                users::user_ensure(c, &caller, now)?;
                let (installation, agent) = store::installation_insert(c, caller.id, agent, &settings, now)?;
                let nothing = JsonObject::default();
                analytics::event_insert(c, agent.summary.id, caller.id, EventKind::Install, &nothing, now)?;
                Ok(InstalledAgent { installation, agent })
            })
            .await
    }

    /// Removes an agent from the caller's.
    ///
    /// # Errors
    /// `NotFound` where the caller does not have it installed.
    pub async fn agent_uninstall(&self, caller: &Caller, agent: AgentId) -> Result<()> {
        let (user, now) = (caller.id, self.clock.now());
        self.db
            .write(move |c| {
                store::installation_end(c, user, agent, now)?;
                analytics::event_insert(c, agent, user, EventKind::Uninstall, &JsonObject::default(), now)
            })
            .await
    }

    /// Records that the caller ran an agent.
    ///
    /// # Errors
    /// `NotFound` where the caller does not have it installed.
    pub async fn agent_ran(&self, caller: &Caller, agent: AgentId, data: JsonObject) -> Result<()> {
        let (user, now) = (caller.id, self.clock.now());
        self.db
            .write(move |c| {
                store::installation_use(c, user, agent, now)?;
                analytics::event_insert(c, agent, user, EventKind::Run, &data, now)
            })
            .await
    }

    /// What the caller has installed, newest first.
    ///
    /// # Errors
    /// `InvalidCursor`.
    pub async fn my_agents(&self, caller: &Caller, page: PageRequest) -> Result<Listing<InstalledAgent>> {
        let user = caller.id;
        self.read_list(move |c, paging| store::installation_list(c, paging, user, &page))
            .await
    }
}
