//! CloudFront: invalidations by path, signed as AWS wants it. CloudFront knows no tags; the caller says which paths show one.

mod paths;
mod signature;

use std::fmt;
use std::time::SystemTime;

use ureq::http::Request;

use self::paths::few_enough;
use crate::http::{self, Answer, Http};
use crate::{Edge, Purge, PurgeError, SettingError};

pub use self::signature::AwsCredentials;

/// Tags of one invalidation. What counts are their paths, which are merged; this keeps the request short.
const MOST_TAGS: usize = 500;
const API_VERSION: &str = "2020-05-31";
/// CloudFront is a global service, whose requests are signed for this region.
const REGION: &str = "us-east-1";
/// What CloudFront says in an error's `Code` where the same request may be taken later, whatever the status.
const NOT_NOW: [&str; 4] = [
    "TooManyInvalidationsInProgress",
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
];

/// Says which paths show what bears a tag. Each begins with `/`; a `*` at the end stands for anything.
pub type PathMap = Box<dyn Fn(&str) -> Vec<String> + Send + Sync>;

/// A distribution of CloudFront. An invalidation takes effect within a minute or two.
pub struct CloudFront {
    http: Http,
    base: String,
    host: String,
    distribution: String,
    credentials: AwsCredentials,
    paths: PathMap,
    now: fn() -> SystemTime,
    reference: fn() -> String,
}

impl fmt::Debug for CloudFront {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudFront")
            .field("base", &self.base)
            .field("distribution", &self.distribution)
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

impl CloudFront {
    /// The distribution of this id, with credentials that may do `cloudfront:CreateInvalidation` on it.
    ///
    /// # Errors
    /// Where the id can't be one, or a credential is missing.
    pub fn new(distribution: &str, credentials: AwsCredentials, paths: PathMap) -> Result<Self, SettingError> {
        Self::at("https://cloudfront.amazonaws.com", distribution, credentials, paths)
    }

    /// The same at another address, as in tests or behind a gateway.
    ///
    /// # Errors
    /// As [`new`](Self::new), and where `base` is not a URL.
    pub fn at(
        base: &str,
        distribution: &str,
        credentials: AwsCredentials,
        paths: PathMap,
    ) -> Result<Self, SettingError> {
        credentials.check()?;
        let base = http::base(base)?;
        let host = base
            .split_once("://")
            .map_or(base.as_str(), |(_, host)| host)
            .to_owned();
        Ok(Self {
            http: Http::new(),
            host,
            base,
            distribution: http::id("the distribution's id", distribution)?,
            credentials,
            paths,
            now: SystemTime::now,
            reference: || uuid::Uuid::new_v4().to_string(),
        })
    }

    /// The same with another clock and other names for invalidations, as in tests.
    #[must_use]
    pub fn sources(mut self, now: fn() -> SystemTime, reference: fn() -> String) -> Self {
        (self.now, self.reference) = (now, reference);
        self
    }

    /// Invalidates. CloudFront takes one request of the same reference and paths once, so that an answer which got lost is
    /// asked for again at once, without a second invalidation. A later attempt has a reference of its own: by then something
    /// may have changed that the first one came too early for.
    fn invalidate(&self, paths: &[String]) -> Result<(), PurgeError> {
        let body = batch(&(self.reference)(), paths);
        let answer = match self.send(&body) {
            Err(PurgeError::Busy { .. }) => self.send(&body),
            answer => answer,
        };
        judge(&answer?)
    }

    fn send(&self, body: &str) -> Result<Answer, PurgeError> {
        let path = format!("/{API_VERSION}/distribution/{}/invalidation", self.distribution);
        let request = signature::Request {
            method: "POST",
            host: &self.host,
            path: &path,
            body,
        };
        let headers = self.credentials.sign(&request, REGION, "cloudfront", (self.now)());
        let request = Request::post(format!("{}{path}", self.base)).header("Content-Type", "text/xml");
        let request = headers
            .into_iter()
            .fold(request, |request, (name, value)| request.header(name, value));
        self.http.call(request.body(body.to_owned()))
    }
}

impl Edge for CloudFront {
    fn name(&self) -> &'static str {
        "cloudfront"
    }

    fn most_tags(&self) -> usize {
        MOST_TAGS
    }

    fn purge(&self, what: Purge<'_>) -> Result<(), PurgeError> {
        let paths = match what {
            Purge::Tags(tags) => few_enough(tags.iter().flat_map(|tag| (self.paths)(tag))),
            Purge::Everything => vec!["/*".to_owned()],
        };
        // A tag that no path shows has nothing to be purged.
        if paths.is_empty() {
            return Ok(());
        }
        self.invalidate(&paths)
    }
}

/// The request's body.
fn batch(reference: &str, paths: &[String]) -> String {
    let items: Vec<String> = paths
        .iter()
        .map(|path| format!("<Path>{}</Path>", escaped(path)))
        .collect();
    let items = items.concat();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <InvalidationBatch xmlns=\"http://cloudfront.amazonaws.com/doc/{API_VERSION}/\"><Paths><Quantity>{}</Quantity>\
         <Items>{items}</Items></Paths><CallerReference>{}</CallerReference></InvalidationBatch>",
        paths.len(),
        escaped(reference)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn judge(answer: &Answer) -> Result<(), PurgeError> {
    let (code, message) = (element(&answer.text, "Code"), element(&answer.text, "Message"));
    let said = code.map(|code| http::quote(&format!("{code}: {}", message.unwrap_or_default())));
    if code.is_some_and(|code| NOT_NOW.contains(&code)) {
        return Err(PurgeError::Busy {
            retry_after: answer.retry_after(chrono::Utc::now()),
            reason: said.unwrap_or_default(),
        });
    }
    answer.check(said)?;
    if element(&answer.text, "Status").is_some() {
        Ok(())
    } else {
        Err(PurgeError::busy(format!(
            "an answer that is none: {}",
            http::quote(&answer.text)
        )))
    }
}

/// The text of the first element of this name. The names asked for stand once in an answer, without attributes; so this does
/// without a parser.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0)
}
