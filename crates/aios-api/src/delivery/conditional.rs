//! Conditional requests (RFC 9110, section 13): whether what the client has is what it would get.

use std::time::SystemTime;

use actix_web::http::header::{HeaderMap, HeaderValue, HttpDate, IF_MODIFIED_SINCE, IF_NONE_MATCH};

/// What the answer would be validated by.
#[derive(Clone, Copy)]
pub(crate) struct Validators<'a> {
    /// The ETag of the bytes that would be sent.
    pub(crate) etag: &'a HeaderValue,
    /// The ETag of the same content in the same coding, made with other effort: who has these bytes has no worse ones.
    pub(crate) alias: Option<&'a HeaderValue>,
    pub(crate) last_modified: Option<SystemTime>,
}

impl<'a> Validators<'a> {
    /// The ETag that a 304 bears, where the request's conditions make the answer one. `If-None-Match` takes precedence over
    /// `If-Modified-Since` (section 13.2.2).
    pub(crate) fn not_modified(self, headers: &HeaderMap) -> Option<&'a HeaderValue> {
        if headers.contains_key(IF_NONE_MATCH) {
            let fields = || headers.get_all(IF_NONE_MATCH).map(HeaderValue::as_bytes);
            if fields().any(|field| field.trim_ascii() == b"*" || names(field, self.etag)) {
                return Some(self.etag);
            }
            return self.alias.filter(|alias| fields().any(|field| names(field, alias)));
        }
        let since: HttpDate = headers.get(IF_MODIFIED_SINCE)?.to_str().ok()?.parse().ok()?;
        (self.last_modified? <= SystemTime::from(since)).then_some(self.etag)
    }
}

/// Whether a list of entity tags names this one, by weak comparison (section 8.8.3.2). Reading stops where the list is no
/// longer one.
fn names(list: &[u8], etag: &HeaderValue) -> bool {
    let mut rest = list;
    loop {
        rest = rest.trim_ascii_start();
        if let Some(after) = rest.strip_prefix(b",") {
            rest = after;
            continue;
        }
        let tag = rest.strip_prefix(b"W/").unwrap_or(rest);
        let Some(end) = tag
            .strip_prefix(b"\"")
            .and_then(|opaque| opaque.iter().position(|&byte| byte == b'"'))
        else {
            return false;
        };
        // Both quotes belong to the tag.
        let Some((tag, after)) = tag.split_at_checked(end + 2) else {
            return false;
        };
        if tag == etag.as_bytes() {
            return true;
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: HeaderValue = HeaderValue::from_static("\"a,b\"");

    #[test]
    fn lists_are_read_as_lists_and_compared_weakly() {
        for list in ["\"a,b\"", "W/\"a,b\"", "\"x\", \"a,b\"", " ,\"x\" ,,W/\"y\",\"a,b\""] {
            assert!(names(list.as_bytes(), &TAG), "{list}");
        }
        for list in [
            "",
            "\"a\"",
            "a,b",
            "\"a",
            "\"a\", b\"",
            "x \"a,b\"",
            "\"x\"; \"a,b\"",
            "\"x\" y, \"a,b\"",
            "w/\"a,b\"",
        ] {
            assert!(!names(list.as_bytes(), &TAG), "{list}");
        }
    }
}
