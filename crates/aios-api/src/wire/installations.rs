//! Installations, "my agents", and events.

use aios_domain::{EventKind, FieldErrors, InstalledAgent, Invalid, JsonObject, Result};
use aios_marketplace::Listing;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Agent, check_object};

/// An installed agent.
#[derive(Serialize, ToSchema)]
pub(crate) struct Installation {
    id: Uuid,
    user_id: Uuid,
    agent_id: Uuid,
    /// The agent's version when it was installed.
    #[schema(example = "1.4.0")]
    installed_version: String,
    #[schema(value_type = Object, example = json!({"folder": "Inbox"}))]
    settings: Value,
    is_active: bool,
    /// When it last ran.
    last_used: Option<DateTime<Utc>>,
    #[schema(example = 0)]
    usage_count: i64,
    installed_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    agent: Agent,
}

impl From<&InstalledAgent> for Installation {
    fn from(installed: &InstalledAgent) -> Self {
        let installation = &installed.installation;
        Self {
            id: installation.id.0,
            user_id: installation.user_id.0,
            agent_id: installation.agent_id.0,
            installed_version: installation.installed_version.as_str().to_owned(),
            settings: (&installation.settings).into(),
            is_active: installation.is_active,
            last_used: installation.last_used,
            usage_count: installation.usage_count,
            installed_at: installation.installed_at,
            updated_at: installation.updated_at,
            agent: installed.agent.as_ref().into(),
        }
    }
}

/// What the caller has installed, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct MyAgents {
    installations: Vec<Installation>,
    /// How many there are in all.
    #[schema(example = 1)]
    total: Option<i64>,
}

impl From<&Listing<InstalledAgent>> for MyAgents {
    fn from(listing: &Listing<InstalledAgent>) -> Self {
        Self {
            total: listing.total,
            installations: listing.items.iter().map(Installation::from).collect(),
        }
    }
}

/// How to install an agent.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct InstallBody {
    /// Settings for the agent, at most 64 KiB.
    #[schema(value_type = Object, example = json!({"folder": "Inbox"}))]
    settings: Option<Value>,
}

impl InstallBody {
    pub(crate) fn check(self) -> Result<JsonObject> {
        let mut errors = FieldErrors::default();
        let settings = check_object(&mut errors, "settings", self.settings);
        errors.finish()?;
        Ok(settings)
    }
}

/// A sentence.
#[derive(Serialize, ToSchema)]
pub(crate) struct Message {
    #[schema(example = "Agent uninstalled successfully")]
    pub(crate) message: &'static str,
}

/// Something that happened to an installed agent.
#[derive(Deserialize, ToSchema)]
pub(crate) struct EventBody {
    /// `run`: the others are recorded by the service itself.
    #[schema(example = "run", pattern = "^run$")]
    event_type: String,
    /// Whatever belongs to the event, at most 64 KiB.
    #[schema(value_type = Object, example = json!({"duration_ms": 420}))]
    event_data: Option<Value>,
}

impl EventBody {
    pub(crate) fn check(self) -> Result<JsonObject> {
        let mut errors = FieldErrors::default();
        let is_run = self.event_type == EventKind::Run.as_str();
        errors.check(
            "event_type",
            is_run.then_some(()).ok_or_else(|| Invalid::new("must be run")),
        );
        let data = check_object(&mut errors, "event_data", self.event_data);
        errors.finish()?;
        Ok(data)
    }
}
