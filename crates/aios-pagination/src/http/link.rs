//! `Link` header values (RFC 8288) that lead through a listing.

use std::fmt::Write as _;

use super::query::{PageQuery, Place};
use crate::cursor::Cursor;
use crate::page::Page;

/// Builds the value of a `Link` header: `<target>; rel="next", …`.
///
/// ```
/// use aios_pagination::http::Links;
///
/// let link = Links::new("/api/v1/agents", [("search", "r&d")]).numbered(3, 20, true, Some(40)).to_value();
/// assert_eq!(
///     link.as_deref(),
///     Some(concat!(
///         "</api/v1/agents?search=r%26d&limit=20&page=1>; rel=\"first\", ",
///         "</api/v1/agents?search=r%26d&limit=20&page=2>; rel=\"prev\", ",
///         "</api/v1/agents?search=r%26d&limit=20&page=4>; rel=\"next\", ",
///         "</api/v1/agents?search=r%26d&limit=20&page=40>; rel=\"last\"",
///     )),
/// );
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Links {
    target: String,
    separator: char,
    value: String,
}

impl Links {
    /// Links to this path (or URI, already encoded, without a query) with these parameters, which are encoded here; `limit`,
    /// `page` and `cursor` among them are left out, since each link has its own.
    pub fn new<K: AsRef<str>, V: AsRef<str>>(path: &str, parameters: impl IntoIterator<Item = (K, V)>) -> Self {
        let mut links = Self {
            target: safe_target(path),
            separator: '?',
            value: String::new(),
        };
        for (name, value) in parameters {
            if !matches!(name.as_ref(), "limit" | "page" | "cursor") {
                let separator = links.separator;
                push_pair(&mut links.target, separator, name.as_ref(), value.as_ref());
                links.separator = '&';
            }
        }
        links
    }

    /// Links of a page read by cursor: `first`, and `prev` and `next` where there are such.
    pub fn cursors<T>(self, page: &Page<T>, limit: u32) -> Self {
        let [prev, next] = [&page.prev, &page.next].map(|cursor| cursor.as_ref().map(Cursor::as_str));
        self.tokens(prev, next, limit)
    }

    /// As [`Links::cursors`], from the tokens alone, wherever they were kept.
    pub fn tokens(self, prev: Option<&str>, next: Option<&str>, limit: u32) -> Self {
        let neighbours = [("prev", prev), ("next", next)];
        neighbours
            .into_iter()
            .filter_map(|(relation, token)| Some((relation, token?)))
            .fold(self.to("first", limit, Place::First), |links, (relation, token)| {
                links.to(relation, limit, Place::Cursor(token.to_owned()))
            })
    }

    /// Links of page `number`: `first`, `prev`, `next` where there are rows after it, and `last` where it is known how many
    /// pages there are.
    ///
    /// Past the last page, `prev` leads to the last. Of an estimated number of pages nothing but `last` is taken, so that no
    /// estimate hides a page.
    pub fn numbered(self, number: u64, limit: u32, has_next: bool, pages: Option<u64>) -> Self {
        let last = pages.map(|pages| pages.max(1));
        let mut links = self.to("first", limit, Place::Number(1));
        if number > 1 {
            let prev = last
                .filter(|_| !has_next)
                .map_or(number - 1, |last| last.min(number - 1));
            links = links.to("prev", limit, Place::Number(prev));
        }
        if has_next {
            links = links.to("next", limit, Place::Number(number.saturating_add(1)));
        }
        match last {
            Some(last) => links.to("last", limit, Place::Number(last)),
            None => links,
        }
    }

    /// One link more.
    pub fn to(mut self, relation: &str, limit: u32, place: Place) -> Self {
        if !self.value.is_empty() {
            self.value.push_str(", ");
        }
        self.value.push('<');
        self.value.push_str(&self.target);
        let mut separator = self.separator;
        for (name, value) in (PageQuery { limit, place }).to_pairs() {
            push_pair(&mut self.value, separator, name, &value);
            separator = '&';
        }
        self.value.push_str(">; rel=\"");
        let is_name = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        self.value.extend(relation.chars().filter(is_name));
        self.value.push('"');
        self
    }

    /// The header's value, or `None` where there is no link. It is plain ASCII.
    pub fn to_value(self) -> Option<String> {
        (!self.value.is_empty()).then_some(self.value)
    }
}

/// The path with what would end it, the link or the header percent-encoded; what is encoded already stays.
fn safe_target(path: &str) -> String {
    let mut target = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'!' | b'$'..=b';' | b'=' | b'@'..=b'[' | b']' | b'_' | b'a'..=b'z' | b'~' => {
                target.push(char::from(byte));
            }
            _ => push_encoded(&mut target, byte),
        }
    }
    target
}

fn push_pair(out: &mut String, separator: char, name: &str, value: &str) {
    out.push(separator);
    push_text(out, name);
    out.push('=');
    push_text(out, value);
}

/// Percent-encodes all but RFC 3986's unreserved characters.
fn push_text(out: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => push_encoded(out, byte),
        }
    }
}

fn push_encoded(out: &mut String, byte: u8) {
    // Writing to a string does not fail.
    let _ = write!(out, "%{byte:02X}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_parameter_or_path_ends_the_link_or_the_header() {
        let value = Links::new("/a>b\r\nX: y\"?z", [("q", ">; rel=\"x\"\r\n, <"), ("日", "é")])
            .to("next\"; x", 5, Place::First)
            .to_value()
            .expect("a link");
        assert_eq!(
            value,
            "</a%3Eb%0D%0AX:%20y%22%3Fz?q=%3E%3B%20rel%3D%22x%22%0D%0A%2C%20%3C&%E6%97%A5=%C3%A9&limit=5>; rel=\"nextx\""
        );
    }

    #[test]
    fn the_listings_own_place_is_replaced() {
        let page = Page {
            items: vec![1],
            next: None,
            prev: None,
            has_next: false,
            has_prev: false,
        };
        let sent = [("limit", "7"), ("cursor", "old"), ("page", "3"), ("sort", "name")];
        let value = Links::new("/agents", sent).cursors(&page, 7).to_value();
        assert_eq!(value.as_deref(), Some("</agents?sort=name&limit=7>; rel=\"first\""));
    }

    #[test]
    fn an_encoded_path_stays_as_it_is() {
        let value = Links::new("https://x.example:8080/a%20b/@c;d", [("a", "b"); 0])
            .to("self", 1, Place::Number(2))
            .to_value();
        assert_eq!(
            value.as_deref(),
            Some("<https://x.example:8080/a%20b/@c;d?limit=1&page=2>; rel=\"self\"")
        );
    }

    #[test]
    fn the_last_page_links_no_further_and_one_past_it_leads_back() {
        let relations = |number, has_next, pages| {
            let none: [(&str, &str); 0] = [];
            let links = Links::new("/a", none).numbered(number, 5, has_next, pages);
            links.to_value().expect("links")
        };
        assert!(!relations(4, false, Some(4)).contains("next"));
        assert!(relations(9, false, Some(4)).contains("page=4>; rel=\"prev\""));
        assert!(relations(1, false, Some(0)).contains("page=1>; rel=\"last\""));
        assert!(!relations(2, false, None).contains("last"));
        // An estimate of three pages neither hides the sixth nor what is before the fifth.
        let beyond = relations(5, true, Some(3));
        assert!(beyond.contains("page=6>; rel=\"next\"") && beyond.contains("page=4>; rel=\"prev\""));
    }
}
