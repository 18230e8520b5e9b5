//! What a body says about its page.

use crate::cursor::Cursor;
use crate::page::{Page, Total};

/// A page's place in its listing, for the body of an answer.
///
/// By cursor, `page` and `pages` are `None`; without a count, `total` and `pages` are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PageMeta {
    /// Rows a page.
    pub limit: u32,
    /// The page's number, from 1.
    pub page: Option<u64>,
    /// How many pages there are, where the count is exact or estimated.
    pub pages: Option<u64>,
    /// How many rows there are.
    pub total: Option<u64>,
    /// How `total` is known: `exact`, `at_least` or `about`.
    pub total_is: Option<&'static str>,
    /// Whether rows follow.
    pub has_next: bool,
    /// Whether rows precede.
    pub has_prev: bool,
    /// Leads to the rows after these.
    pub next_cursor: Option<Cursor>,
    /// Leads to the rows before these.
    pub prev_cursor: Option<Cursor>,
}

impl PageMeta {
    /// Of a page read by cursor, with the count of its listing if there is one.
    pub fn of<T>(page: &Page<T>, limit: u32, total: Option<Total>) -> Self {
        Self {
            limit,
            total: total.map(Total::value),
            total_is: total.map(|total| match total {
                Total::Exact(_) => "exact",
                Total::AtLeast(_) => "at_least",
                Total::About(_) => "about",
            }),
            has_next: page.has_next,
            has_prev: page.has_prev,
            next_cursor: page.next.clone(),
            prev_cursor: page.prev.clone(),
            ..Self::default()
        }
    }

    /// Of a numbered page.
    #[must_use]
    pub fn numbered<T>(page: &Page<T>, number: u64, limit: u32, total: Option<Total>) -> Self {
        let pages = match total {
            Some(Total::Exact(rows) | Total::About(rows)) => {
                Some(rows.div_ceil(u64::from(limit.max(1))))
            }
            Some(Total::AtLeast(_)) | None => None,
        };
        Self {
            page: Some(number),
            pages,
            ..Self::of(page, limit, total)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page<u8> {
        Page {
            items: vec![1, 2],
            next: None,
            prev: None,
            has_next: false,
            has_prev: false,
        }
    }

    #[test]
    fn a_count_says_how_far_it_is_known() {
        let of = |total| {
            let meta = PageMeta::numbered(&page(), 1, 20, total);
            (meta.total, meta.total_is, meta.pages)
        };
        assert_eq!(of(None), (None, None, None));
        assert_eq!(
            of(Some(Total::Exact(41))),
            (Some(41), Some("exact"), Some(3))
        );
        assert_eq!(of(Some(Total::Exact(0))), (Some(0), Some("exact"), Some(0)));
        assert_eq!(
            of(Some(Total::AtLeast(41))),
            (Some(41), Some("at_least"), None)
        );
        assert_eq!(
            of(Some(Total::About(40))),
            (Some(40), Some("about"), Some(2))
        );
    }

    #[test]
    fn by_cursor_there_are_no_numbers() {
        let meta = PageMeta::of(&page(), 20, Some(Total::Exact(2)));
        assert_eq!((meta.page, meta.pages), (None, None));
        #[cfg(feature = "serde")]
        assert_eq!(
            serde_json::to_value(&meta).expect("JSON"),
            serde_json::json!({
                "limit": 20, "page": null, "pages": null, "total": 2, "total_is": "exact",
                "has_next": false, "has_prev": false, "next_cursor": null, "prev_cursor": null
            })
        );
    }
}
