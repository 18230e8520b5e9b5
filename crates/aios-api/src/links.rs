//! The header `Link` (RFC 8288) of a list that is one caller's own. Lists for everybody have theirs from the canonical
//! question, see `delivery/question.rs`.

use actix_web::HttpRequest;
use actix_web::http::header::HeaderValue;
use aios_marketplace::Listing;
use aios_pagination::http::Links;

/// The header's value for a list whose pages are not numbered. The links repeat the request's own parameters, but those that
/// name a page.
pub(crate) fn cursor_link_header<T>(request: &HttpRequest, listing: &Listing<T>) -> Option<HeaderValue> {
    // Parameters without a value count as missing.
    let parameters = form_urlencoded::parse(request.query_string().as_bytes()).filter(|(_, value)| !value.is_empty());
    let links = Links::new(request.path(), parameters);
    let (prev, next) = (listing.prev_cursor.as_deref(), listing.next_cursor.as_deref());
    let value = links.tokens(prev, next, listing.limit).to_value()?;
    HeaderValue::from_str(&value).ok()
}
