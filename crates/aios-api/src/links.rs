//! The header `Link` (RFC 8288) of a page: where its neighbours are.

use actix_web::HttpRequest;
use actix_web::http::header::HeaderValue;
use aios_marketplace::Listing;
use aios_pagination::http::Links;

/// The header's value for a page of a `GET` list, numbered or read by cursor as it was asked for. The links repeat the
/// request's own parameters, but those that name a page.
pub(crate) fn link_header<T>(request: &HttpRequest, listing: &Listing<T>) -> Option<HeaderValue> {
    let Some(page) = listing.page else {
        return cursor_link_header(request, listing);
    };
    let pages = listing.pages().and_then(|pages| u64::try_from(pages).ok());
    let has_next = listing.next_cursor.is_some();
    value(links(request).numbered(u64::from(page), listing.limit, has_next, pages))
}

/// The header's value for a list whose pages are not numbered.
pub(crate) fn cursor_link_header<T>(request: &HttpRequest, listing: &Listing<T>) -> Option<HeaderValue> {
    let (prev, next) = (listing.prev_cursor.as_deref(), listing.next_cursor.as_deref());
    value(links(request).tokens(prev, next, listing.limit))
}

fn links(request: &HttpRequest) -> Links {
    // Parameters without a value count as missing.
    let parameters = form_urlencoded::parse(request.query_string().as_bytes()).filter(|(_, value)| !value.is_empty());
    Links::new(request.path(), parameters)
}

fn value(links: Links) -> Option<HeaderValue> {
    HeaderValue::from_str(&links.to_value()?).ok()
}
