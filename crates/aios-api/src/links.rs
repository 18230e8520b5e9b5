//! The header `Link` (RFC 8288) of a page: where its neighbours are.

use actix_web::HttpRequest;
use actix_web::http::header::HeaderValue;
use aios_marketplace::Listing;

/// The header's value for a page of a `GET` list; `None` where the page stands alone. The links repeat the request's own
/// parameters, but those that name a page.
pub(crate) fn link_header<T>(request: &HttpRequest, listing: &Listing<T>) -> Option<HeaderValue> {
    let mut links = Links {
        request,
        parts: Vec::new(),
    };
    links.push("first", None);
    match listing.page {
        Some(page) => {
            let pages = listing.pages();
            if page > 1 {
                links.push("prev", Some(("page", &previous(page, pages).to_string())));
            }
            if listing.next_cursor.is_some() {
                links.push("next", Some(("page", &(page + 1).to_string())));
            }
            if let Some(pages) = pages.filter(|&pages| pages > 0) {
                links.push("last", Some(("page", &pages.to_string())));
            }
        }
        None => links.push_cursors(listing),
    }
    links.finish()
}

/// The header's value for a list whose pages are not numbered.
pub(crate) fn cursor_link_header<T>(request: &HttpRequest, listing: &Listing<T>) -> Option<HeaderValue> {
    let mut links = Links {
        request,
        parts: Vec::new(),
    };
    links.push("first", None);
    links.push_cursors(listing);
    links.finish()
}

/// The page before, which for a page beyond the end is the last one.
fn previous(page: u32, pages: Option<i64>) -> i64 {
    let before = i64::from(page) - 1;
    pages.map_or(before, |pages| before.min(pages.max(1)))
}

struct Links<'a> {
    request: &'a HttpRequest,
    parts: Vec<String>,
}

impl Links<'_> {
    fn push(&mut self, relation: &str, page: Option<(&str, &str)>) {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(self.request.query_string().as_bytes()) {
            if name != "page" && name != "cursor" && !value.is_empty() {
                query.append_pair(&name, &value);
            }
        }
        if let Some((name, value)) = page {
            query.append_pair(name, value);
        }
        let query = query.finish();
        let mark = if query.is_empty() { "" } else { "?" };
        self.parts
            .push(format!("<{}{mark}{query}>; rel=\"{relation}\"", self.request.path()));
    }

    fn push_cursors<T>(&mut self, listing: &Listing<T>) {
        if let Some(cursor) = &listing.prev_cursor {
            self.push("prev", Some(("cursor", cursor)));
        }
        if let Some(cursor) = &listing.next_cursor {
            self.push("next", Some(("cursor", cursor)));
        }
    }

    fn finish(self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.parts.join(", ")).ok()
    }
}
