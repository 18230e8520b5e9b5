//! Installations: which user has which agent.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Agent, AgentId, InstallationId, JsonObject, Timestamp, UserId, Version};

/// An agent installed by a user. A user has an agent installed at most once at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Installation {
    /// The installation.
    pub id: InstallationId,
    /// Whose it is.
    pub user_id: UserId,
    /// Which agent.
    pub agent_id: AgentId,
    /// The agent's version when it was installed.
    pub installed_version: Version,
    /// The user's settings of it.
    pub settings: JsonObject,
    /// Whether it is still installed.
    pub is_active: bool,
    /// When it last ran.
    pub last_used: Option<Timestamp>,
    /// How often it ran.
    pub usage_count: i64,
    /// When it was installed.
    pub installed_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// An installation with its agent, as "my agents" shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct InstalledAgent {
    /// The installation.
    pub installation: Installation,
    /// What is installed; many users' lists share it.
    pub agent: Arc<Agent>,
}
