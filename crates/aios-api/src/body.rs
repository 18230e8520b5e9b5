//! Bodies: JSON alone, at most 1 MiB, within a time limit of their own, and what is wrong with one said by field.

use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use actix_web::{FromRequest, HttpRequest, web};
use aios_domain::{Error, ErrorKind};
use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, StreamExt};
use serde::de::DeserializeOwned;

use crate::Api;
use crate::problem::Problem;

/// The longest body, in bytes.
pub(crate) const MAX_BODY: usize = 1024 * 1024;

/// A body that must be there.
pub(crate) struct Json<T>(pub(crate) T);

/// A body that may be missing.
pub(crate) struct OptionalJson<T>(pub(crate) Option<T>);

impl<T: DeserializeOwned> FromRequest for Json<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (accepted, payload, longest) = (check_headers(request), payload.take(), longest(request));
        async move {
            accepted?;
            let body = read(payload, longest).await?;
            Ok(Self(parse(&body)?))
        }
        .boxed_local()
    }
}

impl<T: DeserializeOwned> FromRequest for OptionalJson<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (accepted, payload, longest) = (check_headers(request), payload.take(), longest(request));
        async move {
            let body = read(payload, longest).await?;
            if body.is_empty() {
                return Ok(Self(None));
            }
            accepted?;
            Ok(Self(Some(parse(&body)?)))
        }
        .boxed_local()
    }
}

fn check_headers(request: &HttpRequest) -> Result<(), Error> {
    let refused = |detail| Err(Error::new(ErrorKind::UnsupportedMediaType, detail));
    let encoding = request.headers().get(CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return refused("The body must not have a Content-Encoding.");
    }
    let content_type = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let (media_type, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let media_type = media_type.trim().to_ascii_lowercase();
    let is_json =
        media_type == "application/json" || (media_type.starts_with("application/") && media_type.ends_with("+json"));
    if !is_json {
        return refused("The body must be sent with Content-Type: application/json.");
    }
    let charset = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("charset")
            .then(|| value.trim().trim_matches('"').to_ascii_lowercase())
    });
    match charset.as_deref() {
        None | Some("utf-8" | "utf8" | "us-ascii") => Ok(()),
        Some(_) => refused("The body must be in UTF-8."),
    }
}

/// How long the body may take to come.
fn longest(request: &HttpRequest) -> Duration {
    let api = request.app_data::<web::Data<Api>>();
    api.map_or(Duration::from_secs(30), |api| api.body_timeout)
}

async fn read(payload: Payload, longest: Duration) -> Result<web::BytesMut, Error> {
    let read = tokio::time::timeout(longest, read_to_end(payload)).await;
    read.unwrap_or_else(|_elapsed| {
        let detail = format!("The body took longer than {} seconds.", longest.as_secs_f64());
        Err(Error::new(ErrorKind::TooSlow, detail))
    })
}

async fn read_to_end(mut payload: Payload) -> Result<web::BytesMut, Error> {
    let mut body = web::BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk =
            chunk.map_err(|error| Error::new(ErrorKind::Malformed, "The body ends too early.").caused_by(error))?;
        if body.len() + chunk.len() > MAX_BODY {
            return Err(Error::new(ErrorKind::PayloadTooLarge, "The body is larger than 1 MiB."));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What is no JSON is malformed; JSON of another shape than the route reads is invalid, in the field where they part.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(&mut deserializer);
    let value = parsed.map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() {
            let field = if path == "." { "body".to_owned() } else { path };
            Error::invalid_field(field, shape_message(&inner))
        } else {
            Error::new(ErrorKind::Malformed, format!("The body is not JSON: {inner}."))
        }
    })?;
    deserializer.end().map_err(|error| {
        Error::new(
            ErrorKind::Malformed,
            format!("The body is not one JSON value: {error}."),
        )
    })?;
    Ok(value)
}

/// What serde says, without the place in the text, which the field's name tells better.
fn shape_message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    format!("does not fit: {text}")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Body {
        #[expect(dead_code)]
        rating: i64,
        #[serde(default)]
        #[expect(dead_code)]
        tags: Vec<String>,
        #[serde(default)]
        #[expect(dead_code)]
        settings: serde_json::Value,
    }

    #[test]
    fn malformed_and_invalid_are_told_apart() {
        for malformed in [
            "",
            "{",
            "{\"rating\": 1} x",
            "{\"rating\": 1,}",
            "\u{FEFF}{}",
            "{\"rating\": 01}",
        ] {
            let error = parse::<Body>(malformed.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Malformed, "{malformed}");
        }
        assert_eq!(
            parse::<Body>(b"{\"rating\": \xff}").unwrap_err().kind(),
            ErrorKind::Malformed
        );
        for (invalid, field) in [
            ("[]", "body"),
            ("{}", "body"),
            ("{\"rating\": \"five\"}", "rating"),
            ("{\"rating\": 1, \"tags\": [\"a\", 2]}", "tags[1]"),
            ("{\"rating\": 99999999999999999999}", "rating"),
        ] {
            let error = parse::<Body>(invalid.as_bytes()).unwrap_err();
            assert_eq!(
                (error.kind(), error.fields()[0].field.as_ref()),
                (ErrorKind::Invalid, field),
                "{error}"
            );
        }
        assert!(parse::<Body>(b" {\"rating\": 1, \"other\": null} \n").is_ok());
        let deep = format!(
            "{{\"rating\": 1, \"settings\": {}{}}}",
            "[".repeat(200),
            "]".repeat(200)
        );
        assert_eq!(parse::<Body>(deep.as_bytes()).unwrap_err().kind(), ErrorKind::Malformed);
    }
}
