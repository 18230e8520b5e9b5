//! Which paths a part may ask for: those of this interface, written in the one way that nothing on their way reads differently.

use actix_web::http::{Method, Uri};
use aios_domain::{Error, ErrorKind};

/// What all paths of parts begin with.
const BASE: &str = "/api/v1/";
/// The longest path with its query, in bytes.
const LONGEST: usize = 8_192;
/// What is asked by `POST` and changes nothing.
const SEARCHES: [&str; 2] = ["/api/v1/marketplace/agents/search", "/api/v1/knowledge/search"];

/// The target of a part. A path consists of segments of letters, digits, `-`, `.`, `_` and `~` (RFC 3986, section 2.3), which
/// need no percent-encoding and survive every normalisation; none is empty, `.` or `..`.
pub(super) fn target(text: &str) -> Result<Uri, Error> {
    if text.len() > LONGEST {
        return Err(refused("must have a path of at most 8,192 bytes"));
    }
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    let segments = path
        .strip_prefix(BASE)
        .ok_or_else(|| refused("must have a path that begins with /api/v1/"))?;
    if !segments.split('/').all(is_plain) {
        return Err(refused(
            "must have a path of letters, digits, '-', '.', '_' and '~' between single slashes",
        ));
    }
    // The parser of URIs drops a fragment without a word.
    if query.bytes().any(|byte| !byte.is_ascii_graphic() || byte == b'#') {
        return Err(refused(
            "must have a query whose other characters are percent-encoded, and no fragment",
        ));
    }
    if path == super::PATH {
        return Err(refused("must not be a batch itself"));
    }
    let uri: Uri = text
        .parse()
        .map_err(|_| refused("must have a query that is percent-encoded"))?;
    if uri.path() == path && uri.query().unwrap_or_default() == query && uri.authority().is_none() {
        Ok(uri)
    } else {
        Err(refused("must have a path and a query, and nothing else"))
    }
}

fn is_plain(segment: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    !segment.is_empty() && segment != "." && segment != ".." && segment.bytes().all(unreserved)
}

/// The method of a part, which must be one that reads.
pub(super) fn method(text: &str, path: &str) -> Result<Method, Error> {
    match text {
        "GET" => Ok(Method::GET),
        "POST" if SEARCHES.contains(&path) => Ok(Method::POST),
        _ => Err(Error::new(
            ErrorKind::MethodNotAllowed,
            "A batch reads alone: GET, and POST to /api/v1/marketplace/agents/search and /api/v1/knowledge/search. \
             Make this request by itself.",
        )),
    }
}

/// The method by which a part may ask for a path.
pub(super) fn allowed(path: &str) -> &'static str {
    if SEARCHES.contains(&path) { "POST" } else { "GET" }
}

/// Why a part never becomes a request.
pub(super) fn refused(what: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("A part of a batch {what}."))
}

#[cfg(test)]
mod tests {
    use actix_web::dev::Url;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_of_this_interface_are_let_through() {
        for good in [
            "/api/v1/marketplace/stats",
            "/api/v1/marketplace/agents?search=a%20b&tags=x,y&sort=name",
            "/api/v1/marketplace/agents/0190f3c1-0000-7000-8000-000000000001/reviews?cursor=AQ-_~",
            "/api/v1/nothing.here",
            "/api/v1/marketplace/agents?",
            "/api/v1/marketplace/agents?a=?/..//http://x",
        ] {
            assert_eq!(
                target(good).map(|uri| uri.path().to_owned()).unwrap(),
                good.split('?').next().unwrap()
            );
        }
    }

    #[test]
    fn whatever_leads_elsewhere_is_refused() {
        for bad in [
            "",
            "/",
            "*",
            "/api/v1",
            "/api/v1/",
            "/metrics",
            "/api/v2/marketplace/stats",
            "/API/V1/marketplace/stats",
            "api/v1/marketplace/stats",
            "//api/v1/marketplace/stats",
            "/api//v1/marketplace/stats",
            "/api/v1//marketplace/stats",
            "/api/v1/marketplace/stats/",
            "/api/v1/../../metrics",
            "/api/v1/..",
            "/api/v1/./batch",
            "/api/v1/%2e%2e/%2E%2E/metrics",
            "/api/v1/..%2f..%2fmetrics",
            "/api/v1/..\\..\\metrics",
            "/api/v1/batch",
            "/api/v1/batch?x=1",
            "/api/v1/b%61tch",
            "/api/v1/batch/",
            "/api/v1/;/batch",
            "/api/v1/marketplace/stats#x",
            "/api/v1/marketplace/stats?x#y",
            "/api/v1/marketplace/stats?x y",
            "/api/v1/marketplace/stats?ü",
            "/api/v1/marketplace/stats\0",
            "/api/v1/marketplace/stats\r\nHost: x",
            "http://example.org/api/v1/marketplace/stats",
            "//example.org/api/v1/marketplace/stats",
            "/@example.org/api/v1/marketplace/stats",
            " /api/v1/marketplace/stats",
        ] {
            assert!(target(bad).is_err(), "{bad:?}");
        }
        assert!(target(&format!("/api/v1/{}", "a".repeat(LONGEST))).is_err());
    }

    /// Pieces of which attacks on paths are made.
    const PIECES: &[&str] = &[
        "/", "//", ".", "..", "%2e", "%2F", "%00", "%", "\\", "?", "#", "@", ":", ";", "*", "api", "v1", "/api/v1/",
        "batch", "metrics", "http://", "a", "A", "~", "-", "\u{202e}", " ", "\t", "%25", "%62",
    ];

    fn piece() -> impl Strategy<Value = String> {
        prop_oneof![
            8 => proptest::sample::select(PIECES).prop_map(str::to_owned),
            1 => any::<char>().prop_map(String::from),
        ]
    }

    proptest! {
        #[test]
        fn what_is_let_through_stays_within_the_interface(
            base in prop_oneof![Just("/api/v1/"), Just("/api/v1"), Just("/"), Just("")],
            pieces in proptest::collection::vec(piece(), 0..12),
        ) {
            let text = format!("{base}{}", pieces.concat());
            if let Ok(uri) = target(&text) {
                let path = uri.path();
                prop_assert_eq!(uri.to_string(), text.clone());
                prop_assert!(path.starts_with(BASE) && path != super::super::PATH);
                prop_assert!(path.split('/').skip(1).all(is_plain));
                // What the router sees is what was checked: it decodes nothing.
                let routed = Url::new(uri.clone());
                prop_assert_eq!(routed.path(), path);
            }
        }

        #[test]
        fn plain_segments_are_let_through(segments in proptest::collection::vec("[a-zA-Z0-9_~-]{1,8}", 1..5)) {
            let path = format!("/api/v1/{}", segments.join("/"));
            prop_assert_eq!(target(&path).is_ok(), path != super::super::PATH);
        }
    }
}
