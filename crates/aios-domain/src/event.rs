//! What happens to agents and is counted.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Invalid;

/// The kinds of event that are recorded of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Its page was read.
    View,
    /// A user installed it.
    Install,
    /// A user removed it.
    Uninstall,
    /// A user ran it.
    Run,
    /// A user rated it, or changed a rating.
    Rate,
    /// A user wrote a review with a text, or changed one.
    Review,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::View,
        Self::Install,
        Self::Uninstall,
        Self::Run,
        Self::Rate,
        Self::Review,
    ];

    /// The word for it on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Install => "install",
            Self::Uninstall => "uninstall",
            Self::Run => "run",
            Self::Rate => "rate",
            Self::Review => "review",
        }
    }
}

impl FromStr for EventKind {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| Invalid::new("must be one of view, install, uninstall, run, rate, review"))
    }
}

/// How often each kind of event happened in a stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecentActivity {
    /// Views.
    pub view: i64,
    /// Installations.
    pub install: i64,
    /// Removals.
    pub uninstall: i64,
    /// Runs.
    pub run: i64,
    /// Ratings.
    pub rate: i64,
    /// Reviews with a text.
    pub review: i64,
}

impl RecentActivity {
    /// Adds `count` events of `kind`.
    pub fn add(&mut self, kind: EventKind, count: i64) {
        *match kind {
            EventKind::View => &mut self.view,
            EventKind::Install => &mut self.install,
            EventKind::Uninstall => &mut self.uninstall,
            EventKind::Run => &mut self.run,
            EventKind::Rate => &mut self.rate,
            EventKind::Review => &mut self.review,
        } += count;
    }
}
