//! Failures as RFC 9457 problem documents: the one table from the domain's kinds of error to HTTP.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use aios_domain::{Error, ErrorKind, FieldError};
use serde::Serialize;
use utoipa::ToSchema;

/// Where the documentation explains each type of problem.
pub(crate) const TYPE_BASE: &str = "/docs#problem-";

/// What a kind of error is in HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProblemType {
    pub(crate) status: StatusCode,
    /// The end of the `type` URI.
    pub(crate) slug: &'static str,
    pub(crate) title: &'static str,
    /// What it means and what to do, for the documentation.
    pub(crate) meaning: &'static str,
}

/// The table.
#[expect(clippy::too_many_lines, reason = "a table has as many lines as it has rows")]
pub(crate) fn problem_type(kind: ErrorKind) -> ProblemType {
    let (status, slug, title, meaning) = match kind {
        ErrorKind::Malformed => (
            StatusCode::BAD_REQUEST,
            "malformed",
            "The request can't be read",
            "The body is not JSON, or a part of the request is not what HTTP makes of it. Mend the request.",
        ),
        ErrorKind::InvalidCursor => (
            StatusCode::BAD_REQUEST,
            "invalid-cursor",
            "The cursor is not valid here",
            "The cursor was altered, or made for other filters or another sort. Start again without a cursor.",
        ),
        ErrorKind::AlreadyInstalled => (
            StatusCode::BAD_REQUEST,
            "already-installed",
            "The agent is installed already",
            "The caller has the agent installed. There is nothing left to do.",
        ),
        ErrorKind::Unauthenticated => (
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "A valid token is needed",
            "The token is missing, expired, or not signed by a key that the server trusts. Sign in and send the new token.",
        ),
        ErrorKind::Forbidden => (
            StatusCode::FORBIDDEN,
            "forbidden",
            "The caller may not do this",
            "The token is good, but this is for the author of the thing or for admins.",
        ),
        ErrorKind::NotFound => (
            StatusCode::NOT_FOUND,
            "not-found",
            "There is no such thing",
            "It never existed, is no longer active, or belongs to somebody else.",
        ),
        ErrorKind::MethodNotAllowed => (
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "The method is not for this route",
            "The header Allow lists the methods that are.",
        ),
        ErrorKind::NotAcceptable => (
            StatusCode::NOT_ACCEPTABLE,
            "not-acceptable",
            "The client accepts no form that the answer has",
            "The header Accept-Encoding refuses every coding that the server has, the body as it is among them. Allow one of `br`, `zstd`, `gzip` and `identity`.",
        ),
        ErrorKind::Conflict => (
            StatusCode::CONFLICT,
            "conflict",
            "It exists already",
            "Something with the same name exists. Choose another name.",
        ),
        ErrorKind::PreconditionFailed => (
            StatusCode::PRECONDITION_FAILED,
            "precondition-failed",
            "It was edited meanwhile",
            "The header If-Match names another state than the present one. Read it again and repeat the edit.",
        ),
        ErrorKind::PayloadTooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            "payload-too-large",
            "The body is too large",
            "Bodies are at most 1 MiB, and the answers of a batch's parts 8 MiB together.",
        ),
        ErrorKind::UnsupportedMediaType => (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "The body is not JSON",
            "Send the body as JSON in UTF-8, with Content-Type: application/json and without a Content-Encoding.",
        ),
        ErrorKind::HeadersTooLarge => (
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "headers-too-large",
            "The headers are too large",
            "The path and all headers are at most 32 KiB together. Send fewer or shorter ones.",
        ),
        ErrorKind::TooSlow => (
            StatusCode::REQUEST_TIMEOUT,
            "request-timeout",
            "The request came too slowly",
            "The body was not there in time, and the connection is closed. Send it again over a new one.",
        ),
        ErrorKind::Invalid => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            "A value is not acceptable",
            "The member `errors` names each field and says what it must be.",
        ),
        ErrorKind::TooManyRequests => (
            StatusCode::TOO_MANY_REQUESTS,
            "too-many-requests",
            "Too many requests",
            "Wait for as long as the header Retry-After says.",
        ),
        ErrorKind::Overloaded => (
            StatusCode::SERVICE_UNAVAILABLE,
            "overloaded",
            "The server has more to do than it can",
            "All its connections to the database are in use. Try again after the time in the header Retry-After, and more slowly.",
        ),
        ErrorKind::Unavailable => (
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "The server can't answer now",
            "It is stopping, or its database is away. Try again after the time in the header Retry-After.",
        ),
        ErrorKind::Timeout => (
            StatusCode::SERVICE_UNAVAILABLE,
            "timeout",
            "The request took too long",
            "The server gave it up. Try again after the time in the header Retry-After, or ask for less.",
        ),
        ErrorKind::Internal => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The server is at fault",
            "A defect. The header X-Request-Id leads the operators to it.",
        ),
    };
    ProblemType {
        status,
        slug,
        title,
        meaning,
    }
}

/// A failure on its way to the client.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) error: Error,
    /// The path that was asked for; the shell around all routes fills it in.
    pub(crate) instance: Option<String>,
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self { error, instance: None }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

/// A problem document (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemDocument {
    /// A stable URI, relative to the server, that says what happened and what to do.
    #[serde(rename = "type")]
    #[schema(example = "/docs#problem-invalid", format = "uri-reference")]
    kind: String,
    /// The same in short, alike for every problem of the type.
    #[schema(example = "A value is not acceptable")]
    title: &'static str,
    /// The status of the answer.
    #[schema(example = 422, minimum = 400, maximum = 599)]
    status: u16,
    /// What happened this time, as a sentence for a person.
    #[schema(example = "limit must be between 1 and 100")]
    detail: String,
    /// The path that was asked for.
    #[schema(example = "/api/v1/marketplace/agents", format = "uri-reference")]
    instance: Option<String>,
    /// What is wrong with which field, where the input was invalid.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<InvalidField>, required = false)]
    errors: Vec<FieldError>,
}

/// A field that is not acceptable.
#[derive(ToSchema)]
#[expect(dead_code, reason = "stands for the domain's FieldError in the OpenAPI document")]
pub(crate) struct InvalidField {
    /// The field, as the caller wrote it.
    #[schema(example = "limit")]
    field: String,
    /// What it must be.
    #[schema(example = "must be between 1 and 100")]
    message: String,
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        problem_type(self.error.kind()).status
    }

    fn error_response(&self) -> HttpResponse {
        let kind = self.error.kind();
        let problem = problem_type(kind);
        let document = ProblemDocument {
            kind: format!("{TYPE_BASE}{}", problem.slug),
            title: problem.title,
            status: problem.status.as_u16(),
            detail: self.error.detail().to_owned(),
            instance: self.instance.clone(),
            errors: self.error.fields().to_vec(),
        };
        let mut answer = HttpResponse::build(problem.status);
        answer.insert_header((CONTENT_TYPE, HeaderValue::from_static("application/problem+json")));
        answer.insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")));
        if problem.status == StatusCode::UNAUTHORIZED {
            answer.insert_header((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
        if matches!(
            kind,
            ErrorKind::Overloaded | ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::TooManyRequests
        ) {
            let seconds = self.error.retry_after().map_or(1, |after| after.as_secs().max(1));
            answer.insert_header((RETRY_AFTER, HeaderValue::from(seconds)));
        }
        if kind == ErrorKind::TooSlow {
            // What is left of the request is not waited for.
            answer.force_close();
        }
        // A document of strings and numbers always serialises.
        answer.body(serde_json::to_vec(&document).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_row_of_its_own() {
        let slugs: std::collections::HashSet<_> = ErrorKind::ALL.map(|kind| problem_type(kind).slug).into();
        assert_eq!(slugs.len(), ErrorKind::ALL.len());
        for kind in ErrorKind::ALL {
            let row = problem_type(kind);
            assert!(row.status.is_client_error() || row.status.is_server_error());
            assert!(!row.title.ends_with('.') && row.meaning.ends_with('.'), "{}", row.slug);
        }
    }

    #[test]
    fn nothing_internal_is_shown() {
        let secret = "relation \"users\" does not exist at /srv/db.rs:7";
        let answer = Problem::from(Error::internal(secret)).error_response();
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = actix_web::body::MessageBody::try_into_bytes(answer.into_body()).unwrap();
        assert!(!String::from_utf8_lossy(&body).contains("relation"));
    }
}
