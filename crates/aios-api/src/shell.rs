//! What stands around every route: request ids, time limits, problem documents for whatever fails, counting and timing.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, ResponseError, web};
use aios_domain::{Error, ErrorKind};
use futures_util::FutureExt;
use uuid::Uuid;

use crate::Api;
use crate::problem::Problem;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const REQUESTS_TOTAL: &str = "aios_http_requests_total";
const REQUEST_SECONDS: &str = "aios_http_request_seconds";
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
}

/// The name of a request in logs and in its answer.
#[derive(Clone)]
pub(crate) struct RequestId(HeaderValue);

/// How long this request may take, where it is less than others may: a part of a batch ends before the batch does.
pub(crate) struct TimeLimit(pub(crate) Duration);

impl RequestId {
    /// The client's own where it is sane (RFC 9110 token characters that are safe in a log, at most 64), else a new one.
    fn of(request: &ServiceRequest) -> Self {
        let sane = |value: &&HeaderValue| {
            let bytes = value.as_bytes();
            (1..=64).contains(&bytes.len())
                && bytes
                    .iter()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':'))
        };
        let given = request.headers().get(&REQUEST_ID).filter(sane).cloned();
        Self(given.unwrap_or_else(|| {
            let mut buffer = Uuid::encode_buffer();
            let text = Uuid::new_v4().hyphenated().encode_lower(&mut buffer);
            HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("unknown"))
        }))
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
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

/// Answers a request, whatever becomes of it.
pub(crate) async fn shell<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<BoxBody, B>>, actix_web::Error> {
    let seen = Seen::of(&request);
    request.extensions_mut().insert(seen.id.clone());
    if head_length(&request) > MAX_HEAD {
        let detail = "The path and the headers are larger than 32 KiB together. Send fewer or shorter ones.";
        return Err(seen.failed(Error::new(ErrorKind::HeadersTooLarge, detail).into()));
    }
    let usual = request
        .app_data::<web::Data<Api>>()
        .map_or(Duration::from_secs(30), |api| api.request_timeout);
    let limit = request
        .extensions()
        .get()
        .map_or(usual, |TimeLimit(limit)| usual.min(*limit));
    let answering = AssertUnwindSafe(tokio::time::timeout(limit, next.call(request))).catch_unwind();
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
    Ok(seen.answered(answer))
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
    fn of(request: &ServiceRequest) -> Self {
        Self {
            id: RequestId::of(request),
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
            answer.headers_mut().insert(REQUEST_ID, self.id.0);
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
