//! What a batch asks: its parts, checked, and the requests that they come to. Equal parts come to one request.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;

use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use actix_web::http::{Method, Uri};
use actix_web::{HttpRequest, ResponseError, web};
use aios_domain::{Error, ErrorKind, FieldErrors};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::answer::Answered;
use super::request_id;
use super::target::{allowed, method, refused, target};
use crate::problem::Problem;
use crate::shell::RequestId;

/// The most parts.
const MAX_PARTS: usize = 50;
/// The longest id of a part, in characters.
const MAX_ID: usize = 64;

/// The headers that a part may bring. None of them says where the request came from, how long it is or how it is coded: these
/// are the batch's to say.
const HEADERS: [&str; 7] = [
    "accept",
    "accept-language",
    "authorization",
    "content-type",
    "if-modified-since",
    "if-none-match",
    "x-request-id",
];

/// Several reads.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Batch {
    /// The parts, 1 to 50.
    #[schema(
        min_items = 1,
        max_items = 50,
        example = json!([{"id": "a", "method": "GET", "path": "/api/v1/marketplace/agents?limit=5"}])
    )]
    requests: Vec<BatchPart>,
}

/// One of several reads.
#[derive(Deserialize, ToSchema)]
struct BatchPart {
    /// By which its answer is known; no two parts have the same.
    #[schema(example = "a", min_length = 1, max_length = 64)]
    id: String,
    /// `GET`, or `POST` for the two searches.
    #[schema(example = "GET")]
    method: String,
    /// The path, from `/api/v1/` on, with its query.
    #[schema(example = "/api/v1/marketplace/agents?limit=5")]
    path: String,
    /// `Accept`, `Accept-Language`, `Authorization`, `Content-Type`, `If-Modified-Since`, `If-None-Match`, `X-Request-Id`; no
    /// others. Without `Authorization` the batch's own holds.
    headers: Option<BTreeMap<String, String>>,
    /// The body of a search.
    #[schema(value_type = Option<Object>)]
    body: Option<Box<RawValue>>,
}

/// What is the batch's and holds for all parts.
pub(super) struct Setting {
    authorization: Option<HeaderValue>,
    pub(super) peer: Option<SocketAddr>,
    pub(super) id: Option<RequestId>,
    pub(super) deadline: Instant,
}

impl Setting {
    pub(super) fn of(request: &HttpRequest, deadline: Instant) -> Self {
        Self {
            authorization: request.headers().get(AUTHORIZATION).cloned(),
            peer: request.peer_addr(),
            id: request_id(request),
            deadline,
        }
    }

    /// The answer to a part that fails within the batch, as the batch's own failures look.
    pub(super) fn refusal(&self, error: Error) -> Answered {
        let mut problem = Problem::from(error);
        problem.instance = Some(super::PATH.to_owned());
        let answer = Answered::whole(problem.error_response());
        match &self.id {
            Some(id) => answer.with_header("x-request-id", id.as_str()),
            None => answer,
        }
    }
}

/// A batch that was checked.
pub(super) struct Asked {
    /// The parts in the order asked.
    pub(super) parts: Vec<AskedPart>,
    /// What is asked, each once, in the order in which parts first ask it.
    pub(super) requests: Vec<PartRequest>,
}

/// A part, and which request it comes to; or its answer, where it comes to none.
pub(super) struct AskedPart {
    pub(super) id: String,
    pub(super) request: Result<usize, Answered>,
}

/// A request of a part, complete. Equal ones have equal answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct PartRequest {
    pub(super) method: Method,
    pub(super) target: Uri,
    /// In the order of their names.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: web::Bytes,
}

impl Batch {
    /// # Errors
    /// Invalid input where there are no parts or too many, or their ids don't tell them apart. What else is wrong with a part
    /// is that part's answer.
    pub(super) fn check(self, setting: &Setting) -> Result<Asked, Error> {
        check_ids(&self.requests)?;
        let mut numbers: HashMap<PartRequest, usize> = HashMap::new();
        let mut requests = Vec::new();
        let parts = self.requests.into_iter().map(|part| {
            let id = part.id.clone();
            let request = part.request(setting).map(|request| {
                *numbers.entry(request).or_insert_with_key(|request| {
                    requests.push(request.clone());
                    requests.len() - 1
                })
            });
            AskedPart { id, request }
        });
        let parts = parts.collect();
        Ok(Asked { parts, requests })
    }
}

fn check_ids(parts: &[BatchPart]) -> Result<(), Error> {
    let mut errors = FieldErrors::default();
    if parts.is_empty() || parts.len() > MAX_PARTS {
        errors.add("requests", "must hold 1 to 50 parts");
        return errors.finish();
    }
    let mut seen = HashSet::new();
    for (place, part) in parts.iter().enumerate() {
        let length = part.id.chars().count();
        if length == 0 || length > MAX_ID {
            errors.add(format!("requests[{place}].id"), "must be 1 to 64 characters long");
        } else if !seen.insert(part.id.as_str()) {
            errors.add(format!("requests[{place}].id"), "must not be the id of another part");
        }
    }
    errors.finish()
}

impl BatchPart {
    fn request(self, setting: &Setting) -> Result<PartRequest, Answered> {
        let target = target(&self.path).map_err(|error| setting.refusal(error))?;
        let method = method(&self.method, target.path()).map_err(|error| {
            let refusal = setting.refusal(error);
            refusal.with_header("allow", allowed(target.path()))
        })?;
        let body: web::Bytes = self
            .body
            .map(|body| Box::<str>::from(body).into_string().into())
            .unwrap_or_default();
        if method == Method::GET && !body.is_empty() {
            return Err(setting.refusal(refused("must have no body where its method is GET")));
        }
        let headers = headers(self.headers.unwrap_or_default(), setting, !body.is_empty());
        Ok(PartRequest {
            method,
            target,
            headers: headers.map_err(|error| setting.refusal(error))?,
            body,
        })
    }
}

/// The headers of a part, with those that it inherits.
fn headers(
    given: BTreeMap<String, String>,
    setting: &Setting,
    has_body: bool,
) -> Result<Vec<(HeaderName, HeaderValue)>, Error> {
    let mut headers = HashMap::new();
    for (name, value) in given {
        let lower = name.to_ascii_lowercase();
        let Some(&known) = HEADERS.iter().find(|&&known| known == lower) else {
            let known = HEADERS.join(", ");
            return Err(refused(&format!("may bring these headers alone: {known}")));
        };
        let value = HeaderValue::from_str(&value)
            .map_err(|_| refused(&format!("must have a header {known} that HTTP can carry")))?;
        if headers.insert(HeaderName::from_static(known), value).is_some() {
            return Err(refused(&format!("must have the header {known} once")));
        }
    }
    if let Some(authorization) = &setting.authorization {
        headers.entry(AUTHORIZATION).or_insert_with(|| authorization.clone());
    }
    if has_body {
        headers
            .entry(CONTENT_TYPE)
            .or_insert(HeaderValue::from_static("application/json"));
    }
    let mut headers: Vec<_> = headers.into_iter().collect();
    headers.sort_unstable_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
    Ok(headers)
}

/// A part whose request was given up, panicked, or has an answer that can't be read.
pub(super) fn timed_out() -> Error {
    Error::new(
        ErrorKind::Timeout,
        "This part took longer than a batch may. Ask for it alone, or for less.",
    )
}
