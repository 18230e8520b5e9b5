//! Fastly: purge by `Surrogate-Key` in one service.

use serde_json::{Value, json};
use ureq::http::Request;

use crate::http::{self, Http};
use crate::{Edge, Purge, PurgeError, Secret, SettingError};

/// How many keys Fastly takes in one call.
const MOST_TAGS: usize = 256;

/// A service at Fastly.
#[derive(Debug)]
pub struct Fastly {
    http: Http,
    url: String,
    token: Secret,
    is_soft: bool,
}

impl Fastly {
    /// The service of this id, with an API token of the scopes `purge_select` and `purge_all`, for this service alone.
    ///
    /// # Errors
    /// Where the id can't be one, or there is no token.
    pub fn new(service: &str, token: Secret) -> Result<Self, SettingError> {
        Self::at("https://api.fastly.com", service, token)
    }

    /// The same at another address, as in tests or behind a gateway.
    ///
    /// # Errors
    /// As [`new`](Self::new), and where `base` is not a URL.
    pub fn at(base: &str, service: &str, token: Secret) -> Result<Self, SettingError> {
        if token.is_empty() {
            return Err(SettingError("the API token is empty".to_owned()));
        }
        let (base, service) = (http::base(base)?, http::id("the service's id", service)?);
        Ok(Self {
            http: Http::new(),
            url: format!("{base}/service/{service}"),
            token,
            is_soft: false,
        })
    }

    /// Whether what is purged by tag is kept as stale, and served once more while it is fetched anew, or while the origin
    /// fails. Everything at once can't be purged softly.
    #[must_use]
    pub fn soft(mut self, is_soft: bool) -> Self {
        self.is_soft = is_soft;
        self
    }
}

impl Edge for Fastly {
    fn name(&self) -> &'static str {
        "fastly"
    }

    fn most_tags(&self) -> usize {
        MOST_TAGS
    }

    fn purge(&self, what: Purge<'_>) -> Result<(), PurgeError> {
        let (path, body) = match what {
            Purge::Tags(tags) => ("purge", json!({ "surrogate_keys": tags }).to_string()),
            Purge::Everything => ("purge_all", String::new()),
        };
        let mut request = Request::post(format!("{}/{path}", self.url))
            .header("Fastly-Key", self.token.reveal())
            .header("Accept", "application/json")
            .header("Content-Type", "application/json");
        if self.is_soft && matches!(what, Purge::Tags(_)) {
            request = request.header("Fastly-Soft-Purge", "1");
        }
        let answer = self.http.call(request.body(body))?;
        let said: Option<Value> = serde_json::from_str(&answer.text).ok();
        let message = said
            .as_ref()
            .and_then(|said| said.get("msg")?.as_str())
            .map(http::quote);
        answer.check(message)?;
        // For tags: {"TAG": "ID of the purge", …}; for everything: {"status": "ok"}.
        let is_answer = match what {
            Purge::Tags(_) => said.is_some_and(|said| said.is_object()),
            Purge::Everything => said.is_some_and(|said| said.get("status").is_some_and(|status| status == "ok")),
        };
        if is_answer {
            Ok(())
        } else {
            Err(PurgeError::busy(format!(
                "an answer that is none: {}",
                http::quote(&answer.text)
            )))
        }
    }
}
