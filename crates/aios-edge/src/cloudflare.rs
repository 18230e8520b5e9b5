//! Cloudflare: purge by `Cache-Tag` in one zone.

use serde_json::{Value, json};
use ureq::http::Request;

use crate::http::{self, Answer, Http};
use crate::{Edge, Purge, PurgeError, Secret, SettingError};

/// How many tags Cloudflare takes in one call, on every plan.
const MOST_TAGS: usize = 100;
/// What it says where the zone's id is wrong, with status 400.
const NO_SUCH_ZONE: u64 = 7003;

/// A zone at Cloudflare. Its API limits calls by account and plan, from five a minute (free) to fifty a second; what waits
/// meanwhile is gathered.
#[derive(Debug)]
pub struct Cloudflare {
    http: Http,
    url: String,
    token: Secret,
}

impl Cloudflare {
    /// The zone of this id, with an API token that may do no more than `Zone › Cache Purge › Purge` in it.
    ///
    /// # Errors
    /// Where the id can't be one, or there is no token.
    pub fn new(zone: &str, token: Secret) -> Result<Self, SettingError> {
        Self::at("https://api.cloudflare.com/client/v4", zone, token)
    }

    /// The same at another address, as in tests or behind a gateway.
    ///
    /// # Errors
    /// As [`new`](Self::new), and where `base` is not a URL.
    pub fn at(base: &str, zone: &str, token: Secret) -> Result<Self, SettingError> {
        if token.is_empty() {
            return Err(SettingError("the API token is empty".to_owned()));
        }
        let (base, zone) = (http::base(base)?, http::id("the zone's id", zone)?);
        Ok(Self {
            http: Http::new(),
            url: format!("{base}/zones/{zone}/purge_cache"),
            token,
        })
    }
}

impl Edge for Cloudflare {
    fn name(&self) -> &'static str {
        "cloudflare"
    }

    fn most_tags(&self) -> usize {
        MOST_TAGS
    }

    fn purge(&self, what: Purge<'_>) -> Result<(), PurgeError> {
        let body = match what {
            Purge::Tags(tags) => json!({ "tags": tags }),
            Purge::Everything => json!({ "purge_everything": true }),
        };
        let request = Request::post(&self.url)
            .header("Authorization", format!("Bearer {}", self.token.reveal()))
            .header("Content-Type", "application/json")
            .body(body.to_string());
        judge(&self.http.call(request)?)
    }
}

/// Every answer is an envelope: `{"success": …, "errors": [{"code": …, "message": …}]}`.
fn judge(answer: &Answer) -> Result<(), PurgeError> {
    let envelope: Option<Value> = serde_json::from_str(&answer.text).ok();
    let errors = envelope
        .as_ref()
        .and_then(|envelope| envelope.get("errors")?.as_array());
    let errors = errors.map(Vec::as_slice).unwrap_or_default();
    let messages: Vec<&str> = errors
        .iter()
        .filter_map(|error| error.get("message")?.as_str())
        .collect();
    let said = (!messages.is_empty()).then(|| http::quote(&messages.join("; ")));
    if answer.status.as_u16() == 400
        && errors
            .iter()
            .any(|error| error.get("code").is_some_and(|code| *code == NO_SUCH_ZONE))
    {
        return Err(PurgeError::Denied(said.unwrap_or_default()));
    }
    answer.check(said.clone())?;
    match envelope
        .as_ref()
        .and_then(|envelope| envelope.get("success")?.as_bool())
    {
        Some(true) => Ok(()),
        Some(false) => Err(PurgeError::Refused(said.unwrap_or_else(|| http::quote(&answer.text)))),
        None => Err(PurgeError::busy(format!(
            "an answer that is none: {}",
            http::quote(&answer.text)
        ))),
    }
}
