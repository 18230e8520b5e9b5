//! Walking a whole listing, page by page, with the cursor as text at every step.

use std::fmt::Debug;

use aios_pagination::{At, Page};

/// Walks from the start by `next`, checking on each page that `has_next` and `has_prev` are right.
pub fn forward<T: Debug>(page_at: impl FnMut(At<'_>) -> Page<T>) -> Vec<T> {
    walk(page_at, At::Start, |page| {
        (page.next.clone(), page.has_next, page.has_prev)
    })
    .into_iter()
    .flatten()
    .collect()
}

/// Walks from the end by `prev`, and gives the rows in the listing's order.
pub fn backward<T: Debug>(page_at: impl FnMut(At<'_>) -> Page<T>) -> Vec<T> {
    walk(page_at, At::End, |page| {
        (page.prev.clone(), page.has_prev, page.has_next)
    })
    .into_iter()
    .rev()
    .flatten()
    .collect()
}

type Onward = (Option<aios_pagination::Cursor>, bool, bool);

fn walk<T: Debug>(
    mut page_at: impl FnMut(At<'_>) -> Page<T>,
    start: At<'_>,
    onward: impl Fn(&Page<T>) -> Onward,
) -> Vec<Vec<T>> {
    let mut pages = Vec::new();
    let mut page = page_at(start);
    loop {
        let (cursor, more, behind) = onward(&page);
        assert_eq!(cursor.is_some(), more, "a cursor exactly where there are rows");
        assert_eq!(behind, !pages.is_empty(), "rows behind all pages but the first walked");
        assert!(
            !page.items.is_empty() || (pages.is_empty() && !more),
            "no page is empty"
        );
        pages.push(page.items);
        assert!(pages.len() <= 200, "the walk does not end");
        match cursor {
            Some(cursor) => page = page_at(At::Cursor(&cursor.into_string())),
            None => return pages,
        }
    }
}
