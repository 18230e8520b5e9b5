//! What the commands for admins share: asking a running server, and opening the database to look at it.

use std::time::Duration;

use aios_db::{Access, AnyConnection, DatabaseUrl, connect};
use serde_json::Value;

use crate::config::StartError;

/// An answer of a server, whatever its status.
pub(crate) struct Answer {
    pub(crate) is_success: bool,
    pub(crate) body: Value,
}

impl Answer {
    /// A text of the answer, where it has one of this name.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.body.get(name).and_then(Value::as_str).map(ToOwned::to_owned)
    }
}

/// Reads `path` of a server with an admin's token.
pub(crate) fn ask(server: &str, path: &str, token: Option<&str>) -> Result<Answer, StartError> {
    let server = server.trim_end_matches('/');
    let failed = |error: ureq::Error| StartError::new(format!("can't ask {server}: {error}"));
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .new_agent();
    let asked = agent
        .get(format!("{server}{path}"))
        .header("Authorization", format!("Bearer {}", token.unwrap_or_default()))
        .call();
    let mut answer = asked.map_err(failed)?;
    Ok(Answer {
        is_success: answer.status().is_success(),
        body: answer.body_mut().read_json().map_err(failed)?,
    })
}

/// Opens the database for reading, for statements of `time_limit` at most.
pub(crate) fn open(url: &DatabaseUrl, time_limit: Duration) -> Result<AnyConnection, StartError> {
    let opened = connect(url, Access::ReadOnly, Some(time_limit));
    opened.map_err(|error| StartError::new(format!("can't open the database {url}: {error}")))
}
