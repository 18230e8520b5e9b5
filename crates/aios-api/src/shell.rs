//! What stands around every route: request ids, time limits, problem documents for whatever fails, counting and timing.

use std::cell::Cell;
use std::future::{Ready, ready};
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use actix_web::{HttpMessage, ResponseError, web};
use aios_domain::{Error, ErrorKind};
use aios_marketplace::profile::Context as Profiled;
use futures_util::FutureExt;
use futures_util::future::{Either, LocalBoxFuture};
use uuid::Uuid;

use crate::Api;
use crate::delivery::hits::Hits;
use crate::delivery::{Question, stream};
use crate::problem::Problem;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(crate) const REQUESTS_TOTAL: &str = "aios_http_requests_total";
pub(crate) const REQUEST_SECONDS: &str = "aios_http_request_seconds";
const IN_FLIGHT: &str = "aios_http_requests_in_flight";

/// Tells the metrics recorder what this crate's metrics mean. Call it once, after the recorder is installed.
pub fn describe_metrics() {
    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
    describe_counter!(
        REQUESTS_TOTAL,
        "Requests answered, by method, matched route and status."
    );
    describe_histogram!(
        REQUEST_SECONDS,
        Unit::Seconds,
        "Time from a request's head to its answer's, by method and matched route."
    );
    describe_gauge!(IN_FLIGHT, "Requests being answered now.");
    crate::delivery::describe();
}

/// The name of a request in logs and in its answer.
#[derive(Clone)]
pub(crate) struct RequestId(HeaderValue);

/// How long this request may take, where it is less than others may: a part of a batch ends before the batch does.
pub(crate) struct TimeLimit(pub(crate) Duration);

impl RequestId {
    /// The client's own where it is sane (RFC 9110 token characters that are safe in a log, at most 64), else a new one.
    fn of(request: &ServiceRequest, ids: &RequestIds) -> Self {
        let sane = |value: &&HeaderValue| {
            let bytes = value.as_bytes();
            (1..=64).contains(&bytes.len())
                && bytes
                    .iter()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':'))
        };
        let given = request.headers().get(&REQUEST_ID).filter(sane).cloned();
        Self(given.unwrap_or_else(|| ids.next()))
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// Makes request ids: UUIDs of version 8, of a random part that each worker has of its own and a number that counts on. They
/// name requests and guard nothing, so the system is not asked for randomness each time.
struct RequestIds {
    worker: u64,
    next: Cell<u64>,
}

impl RequestIds {
    fn new() -> Self {
        let (worker, first) = Uuid::new_v4().as_u64_pair();
        Self {
            worker,
            next: Cell::new(first),
        }
    }

    fn next(&self) -> HeaderValue {
        let number = self.next.get();
        self.next.set(number.wrapping_add(1));
        // Version and variant take six bits: those of the random part and the highest two of the number.
        let id = uuid::Builder::from_custom_bytes(Uuid::from_u64_pair(self.worker, number).into_bytes()).into_uuid();
        let mut buffer = Uuid::encode_buffer();
        let text = id.hyphenated().encode_lower(&mut buffer);
        HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("unknown"))
    }
}

/// Puts the shell around all routes.
pub(crate) struct Shell(pub(crate) web::Data<Api>);

impl<S, B> Transform<S, ServiceRequest> for Shell
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<BoxBody, B>>;
    type Error = actix_web::Error;
    type Transform = Shelled<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, routes: S) -> Self::Future {
        ready(Ok(Shelled {
            api: self.0.clone(),
            routes: Rc::new(routes),
            hits: Rc::new(Hits::new()),
            ids: RequestIds::new(),
        }))
    }
}

/// The routes of one worker, with the shell around them.
pub(crate) struct Shelled<S> {
    api: web::Data<Api>,
    routes: Rc<S>,
    hits: Rc<Hits>,
    ids: RequestIds,
}

impl<S, B> Service<ServiceRequest> for Shelled<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<BoxBody, B>>;
    type Error = actix_web::Error;
    // A hit makes no future: it is there at once.
    type Future = Either<
        Ready<Result<Self::Response, actix_web::Error>>,
        LocalBoxFuture<'static, Result<Self::Response, actix_web::Error>>,
    >;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), actix_web::Error>> {
        self.routes.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let id = RequestId::of(&request, &self.ids);
        // What is too large is refused, kept or not.
        let is_too_large = head_length(&request) > MAX_HEAD;
        if !is_too_large && let Some(mut hit) = self.hits.answer(&self.api, &request) {
            hit.headers_mut().insert(REQUEST_ID, id.0);
            return Either::Left(ready(Ok(request.into_response(hit.map_into_left_body()))));
        }
        if is_too_large {
            let refused = Seen::of(&request, id).failed(too_large());
            return Either::Left(ready(Err(refused)));
        }
        let (routes, hits) = (Rc::clone(&self.routes), Rc::clone(&self.hits));
        let limit = self.api.request_timeout;
        Either::Right(Box::pin(answer(request, id, routes, hits, limit)))
    }
}

/// The most that a path with its query and all headers may come to, in bytes. HTTP/1.1 ends at 128 KiB and 96 headers before it
/// comes to this; HTTP/2 much later.
const MAX_HEAD: usize = 32 * 1024;

fn head_length(request: &ServiceRequest) -> usize {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    let headers = request.headers().iter();
    target
        + headers
            .map(|(name, value)| name.as_str().len() + value.len())
            .sum::<usize>()
}

fn too_large() -> Problem {
    let detail = "The path and the headers are larger than 32 KiB together. Send fewer or shorter ones.";
    Error::new(ErrorKind::HeadersTooLarge, detail).into()
}

/// Answers a request, whatever becomes of it.
async fn answer<S, B>(
    request: ServiceRequest,
    id: RequestId,
    routes: Rc<S>,
    hits: Rc<Hits>,
    usual: Duration,
) -> Result<ServiceResponse<EitherBody<BoxBody, B>>, actix_web::Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody + 'static,
{
    let seen = Seen::of(&request, id);
    request.extensions_mut().insert(seen.id.clone());
    let limit = request
        .extensions()
        .get()
        .map_or(usual, |TimeLimit(limit)| usual.min(*limit));
    // Called when it is polled, so that a panic in the call itself is caught too.
    let answering = Profiled::request(&seen.method, &seen.route).scope(async move { routes.call(request).await });
    let answering = AssertUnwindSafe(tokio::time::timeout(limit, answering)).catch_unwind();
    let answer = match answering.await {
        Ok(Ok(Ok(response))) => response,
        // The request itself is gone; the problem carries what is to be said about it.
        Ok(Ok(Err(error))) => return Err(seen.failed(problem_of(&error))),
        Ok(Err(_elapsed)) => {
            let detail = format!("The request took longer than {} seconds.", limit.as_secs_f64());
            return Err(seen.failed(Error::new(ErrorKind::Timeout, detail).into()));
        }
        Err(_panic) => return Err(seen.failed(Error::internal("a handler panicked").into())),
    };
    learn(&hits, &answer);
    Ok(stream::compressed(seen.answered(answer)))
}

/// What this target asks is known from now on, where its handler said so.
fn learn<B>(hits: &Hits, answer: &ServiceResponse<B>) {
    let request = answer.request();
    let question = request.extensions_mut().remove::<Arc<Question>>();
    if let (Some(question), Some(target)) = (question, request.uri().path_and_query()) {
        hits.learn(target.as_str(), question);
    }
}

/// What is kept of a request while it is answered.
struct Seen {
    id: RequestId,
    method: String,
    route: String,
    path: String,
    started: Instant,
    _in_flight: InFlight,
}

impl Seen {
    fn of(request: &ServiceRequest, id: RequestId) -> Self {
        Self {
            id,
            method: method_label(request.method().as_str()).to_owned(),
            route: request.match_pattern().unwrap_or_else(|| "unmatched".to_owned()),
            path: request.path().to_owned(),
            started: Instant::now(),
            _in_flight: InFlight::enter(),
        }
    }

    /// The answer with its request id; a failure's with the body of a problem document.
    fn answered<B: MessageBody>(self, answer: ServiceResponse<B>) -> ServiceResponse<EitherBody<BoxBody, B>> {
        let failed = answer
            .response()
            .error()
            .map(problem_of)
            .or_else(|| framework_failure(&answer));
        let Some(mut problem) = failed else {
            self.count(answer.status());
            let mut answer = answer.map_into_right_body();
            let headers = answer.headers_mut();
            // What says nothing of caches is for nobody else.
            if !headers.contains_key(CACHE_CONTROL) {
                headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
            }
            headers.insert(REQUEST_ID, self.id.0);
            return answer;
        };
        self.log(&problem);
        self.count(problem.status_code());
        problem.instance = Some(self.path);
        let mut response = problem.error_response();
        for name in [actix_web::http::header::ALLOW] {
            if let Some(value) = answer.headers().get(&name) {
                response.headers_mut().insert(name, value.clone());
            }
        }
        response.headers_mut().insert(REQUEST_ID, self.id.0);
        answer.into_response(response.map_into_left_body())
    }

    /// The failure of a request that is no longer there to be answered by its route.
    fn failed(self, mut problem: Problem) -> actix_web::Error {
        self.log(&problem);
        self.count(problem.status_code());
        problem.instance = Some(self.path);
        WithRequestId { problem, id: self.id }.into()
    }

    fn count(&self, status: StatusCode) {
        let status = status.as_str().to_owned();
        let (method, route) = (self.method.clone(), self.route.clone());
        metrics::counter!(REQUESTS_TOTAL, "method" => method.clone(), "route" => route.clone(), "status" => status)
            .increment(1);
        metrics::histogram!(REQUEST_SECONDS, "method" => method, "route" => route)
            .record(self.started.elapsed().as_secs_f64());
    }

    fn log(&self, problem: &Problem) {
        if !problem.status_code().is_server_error() {
            return;
        }
        let cause = std::error::Error::source(&problem.error).map(ToString::to_string);
        tracing::error!(
            target: "aios",
            request_id = self.id.as_str(),
            method = self.method,
            path = self.path,
            status = problem.status_code().as_u16(),
            detail = problem.error.detail(),
            cause,
            "request failed"
        );
    }
}

/// Methods that routes answer; all others share one label, so that nobody can fill the metrics with words of their own.
fn method_label(method: &str) -> &str {
    match method {
        "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" => method,
        _ => "other",
    }
}

/// The problem behind an error of ours or of the framework.
fn problem_of(error: &actix_web::Error) -> Problem {
    if let Some(problem) = error.as_error::<Problem>() {
        return problem.clone();
    }
    framework_problem(error.as_response_error().status_code(), &error.to_string())
}

/// A failure for which the framework made an answer without an error: a path or a method nobody answers to.
fn framework_failure<B>(answer: &ServiceResponse<B>) -> Option<Problem> {
    let status = answer.status();
    let is_ours = answer.headers().contains_key(CONTENT_TYPE);
    ((status.is_client_error() || status.is_server_error()) && !is_ours)
        .then(|| framework_problem(status, "the framework refused the request"))
}

fn framework_problem(status: StatusCode, cause: &str) -> Problem {
    let error = match status {
        StatusCode::NOT_FOUND => Error::new(
            ErrorKind::NotFound,
            "There is nothing at this path. See /docs for the routes.",
        ),
        StatusCode::METHOD_NOT_ALLOWED => Error::new(
            ErrorKind::MethodNotAllowed,
            "This path does not answer to this method. See the header Allow.",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => Error::new(ErrorKind::PayloadTooLarge, "The body is larger than 1 MiB."),
        status if status.is_client_error() => Error::new(ErrorKind::Malformed, "The request can't be read."),
        _ => Error::internal(cause.to_owned()),
    };
    error.into()
}

/// A problem that goes out without passing through the shell again.
#[derive(Debug)]
struct WithRequestId {
    problem: Problem,
    id: RequestId,
}

impl std::fmt::Debug for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Display for WithRequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.problem.fmt(f)
    }
}

impl ResponseError for WithRequestId {
    fn status_code(&self) -> StatusCode {
        self.problem.status_code()
    }

    fn error_response(&self) -> actix_web::HttpResponse {
        let mut response = self.problem.error_response();
        response.headers_mut().insert(REQUEST_ID, self.id.0.clone());
        response
    }
}

/// A request being answered, as the gauge counts it; also where it is given up.
struct InFlight;

impl InFlight {
    fn enter() -> Self {
        metrics::gauge!(IN_FLIGHT).increment(1.0);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        metrics::gauge!(IN_FLIGHT).decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use actix_web::App;
    use actix_web::http::header::{ACCEPT_ENCODING, AUTHORIZATION};
    use actix_web::test::{TestRequest, init_service};
    use aios_cache::Cache;
    use aios_marketplace::{CacheSettings, Marketplace, SystemClock};
    use aios_test_support::TestDatabase;

    use super::*;
    use crate::{Authenticator, DeliverySettings, routes};

    fn api(database: &TestDatabase) -> web::Data<Api> {
        let cache = Cache::builder().build();
        let settings = CacheSettings::default();
        let clock = Arc::new(SystemClock);
        let marketplace = Marketplace::new(database.pool(), clock, b"a secret of the test", &cache, &settings).unwrap();
        let authenticator = Authenticator::shared(&[7; 32]).unwrap();
        let delivery = DeliverySettings::default();
        let limit = Duration::from_secs(30);
        web::Data::new(Api::new(marketplace, authenticator, limit, None, &cache, delivery).unwrap())
    }

    #[actix_web::test]
    async fn a_hit_reaches_no_route() {
        let database = TestDatabase::sqlite();
        let api = api(&database);
        let reached = Rc::new(Cell::new(0));
        let counted = Rc::clone(&reached);
        let app = App::new()
            .app_data(api.clone())
            .wrap_fn(move |request, routes| {
                counted.set(counted.get() + 1);
                routes.call(request)
            })
            .wrap(Shell(api))
            .configure(routes::configure);
        let app = init_service(app).await;
        let get = |path: &str| TestRequest::get().uri(path);
        let list = "/api/v1/marketplace/agents?limit=3";
        let head = || TestRequest::default().method(actix_web::http::Method::HEAD);
        for (request, status, are_reached) in [
            (get(list), 200, 1),
            (get(list), 200, 1),
            (head().uri(list), 200, 1),
            (get(list).insert_header((ACCEPT_ENCODING, "br")), 200, 1),
            (get(list).insert_header((AUTHORIZATION, "Bearer x")), 200, 1),
            (get(list).insert_header(("If-None-Match", "*")), 304, 1),
            // The same question in words that were not heard yet.
            (get("/api/v1/marketplace/agents?limit=3&page=1"), 200, 2),
            (get("/docs"), 200, 3),
            (get("/docs"), 200, 3),
            // What is not kept is asked each time.
            (get("/api/v1/marketplace/agents?limit=0"), 422, 4),
            (get("/api/v1/marketplace/agents?limit=0"), 422, 5),
            (TestRequest::post().uri(list), 401, 6),
            (get(list).insert_header((ACCEPT_ENCODING, "*;q=0")), 406, 7),
        ] {
            let answer = app.call(request.to_request()).await.unwrap();
            assert_eq!((answer.status().as_u16(), reached.get()), (status, are_reached));
        }
    }

    #[test]
    fn request_ids_are_uuids_that_differ() {
        let ids = RequestIds::new();
        let [one, other] = [ids.next(), ids.next()];
        assert_ne!(one, other);
        assert_eq!(Uuid::parse_str(one.to_str().unwrap()).unwrap().get_version_num(), 8);
    }
}
