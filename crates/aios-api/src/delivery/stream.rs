//! What is not kept is compressed on its way out, where its handler allowed it.

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, EitherBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, VARY,
};
use actix_web::web::Bytes;

use super::coding::{Accepted, Coding};
use super::compress::{Compressed, Effort, LEAST};

/// The cheapest for this server first, at equal q-values.
pub(super) const PREFERENCE: [Coding; 3] = [Coding::Zstd, Coding::Gzip, Coding::Brotli];

/// Marks an answer that may be compressed. Whoever marks it says that it does not have what is secret beside what somebody
/// else, or the request, brought in: from the length of both together the secret could be guessed (BREACH).
struct Compressible;

/// Allows an answer to be compressed.
pub(crate) fn compressible(mut response: HttpResponse) -> HttpResponse {
    response.extensions_mut().insert(Compressible);
    response
}

/// The answer with its body compressed, where that is allowed, worth it, and what the client wants.
pub(crate) fn compressed<B: MessageBody + 'static>(
    answer: ServiceResponse<EitherBody<BoxBody, B>>,
) -> ServiceResponse<EitherBody<BoxBody, B>> {
    if answer.response().extensions().get::<Compressible>().is_none() {
        return answer;
    }
    let coding = chosen(&answer);
    let mut answer = answer;
    // Also where it goes out as it is: it would not for others.
    answer
        .headers_mut()
        .append(VARY, HeaderValue::from_static("Accept-Encoding"));
    let Some(coding) = coding else { return answer };
    let Some(value) = coding.header() else { return answer };
    answer.headers_mut().insert(CONTENT_ENCODING, value);
    answer.map_body(|_, whole| match whole.try_into_bytes() {
        Ok(bytes) => EitherBody::left(body(bytes, coding)),
        Err(whole) => whole,
    })
}

/// A body that is compressed while it goes out.
pub(super) fn body(whole: Bytes, coding: Coding) -> BoxBody {
    super::metrics::compressed(coding, Effort::Fast);
    let length = whole.len();
    BoxBody::new(Compressed::new(futures_util::stream::iter([Ok(whole)]), length, coding))
}

/// The coding that the answer gets; `None` where it goes out as it is.
fn chosen<B: MessageBody>(answer: &ServiceResponse<B>) -> Option<Coding> {
    let is_long = match answer.response().body().size() {
        BodySize::None => false,
        BodySize::Sized(bytes) => usize::try_from(bytes).is_ok_and(|bytes| bytes >= LEAST),
        BodySize::Stream => true,
    };
    // A part of a body is a part of its bytes as they are, so a 206 is left alone.
    let may_be = is_long && answer.status() == StatusCode::OK && may_be_changed(answer.headers());
    if !may_be {
        return None;
    }
    let wanted = Accepted::of(answer.request().headers(), PREFERENCE).ranked().next()?;
    (wanted != Coding::Identity).then_some(wanted)
}

/// Whether the body is a text in no coding yet, of which nobody demands that its bytes stay as they are.
fn may_be_changed(headers: &HeaderMap) -> bool {
    let is_fixed = [CONTENT_ENCODING, CONTENT_RANGE, ETAG, ACCEPT_RANGES]
        .iter()
        .any(|name| headers.contains_key(name));
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
            .unwrap_or_default()
    };
    let no_transform = text(CACHE_CONTROL)
        .split(',')
        .any(|part| part.trim().eq_ignore_ascii_case("no-transform"));
    !is_fixed && !no_transform && is_text(text(CONTENT_TYPE))
}

fn is_text(content_type: &str) -> bool {
    let media_type = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let (kind, subtype) = media_type.split_once('/').unwrap_or_default();
    let is_structured = subtype.ends_with("+json") || subtype.ends_with("+xml");
    kind == "text"
        || is_structured
        || matches!(
            &*media_type,
            "application/json" | "application/javascript" | "application/xml"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_compressed_and_nothing_else() {
        for text in [
            "application/json",
            "text/html; charset=utf-8",
            "image/svg+xml",
            "application/problem+json",
        ] {
            assert!(is_text(text), "{text}");
        }
        for other in [
            "image/png",
            "application/octet-stream",
            "application/zip",
            "",
            "font/woff2",
        ] {
            assert!(!is_text(other), "{other}");
        }
    }

    #[test]
    fn what_is_coded_partial_or_fixed_stays() {
        let fixed = [
            (CONTENT_ENCODING, "gzip"),
            (CONTENT_RANGE, "bytes 0-1/2"),
            (ETAG, "\"a\""),
            (CACHE_CONTROL, "public, No-Transform"),
        ];
        let mut plain = HeaderMap::new();
        plain.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        assert!(may_be_changed(&plain));
        for (name, value) in fixed {
            let mut headers = plain.clone();
            headers.insert(name, HeaderValue::from_static(value));
            assert!(!may_be_changed(&headers), "{value}");
        }
    }
}
