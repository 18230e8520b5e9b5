//! Jumps by sampled boundaries, spans for parallel readers, and reading all rows.

use aios_pagination::{At, Boundaries, CursorCodec, Fingerprint, PageError};
use diesel::prelude::*;

use crate::database::Database;
use crate::listing::{Agent, agents, all_orders, filled, mixed, popular, tenant};
use crate::walk;

#[test]
fn a_jump_lands_where_counting_would() {
    let codec = CursorCodec::unsigned();
    for mut database in Database::both().map(filled) {
        let conn = &mut database.conn;
        for order in all_orders() {
            for every in [1, 4, 10, 46, 47, 1_000] {
                let pager = order.pager(&codec).limit(5);
                let sampled = pager
                    .sample(conn, every, || tenant(None))
                    .expect("boundaries");
                assert_eq!((sampled.total(), sampled.pages(5)), (47, 10));
                let kept = Boundaries::from_bytes(&sampled.to_bytes()).expect("undamaged");
                assert_eq!(kept, sampled);
                for number in [1, 2, 7, 10, 11, u64::MAX] {
                    let jumped = pager
                        .jump(conn, number, &kept, || tenant(None))
                        .expect("a page");
                    let counted = pager
                        .numbered(conn, number, || tenant(None))
                        .expect("a page");
                    assert_eq!(jumped, counted, "{order:?}, every {every}, page {number}");
                }
            }
        }
    }
}

#[test]
fn stale_boundaries_shift_the_number_and_lose_nothing() {
    let codec = CursorCodec::unsigned();
    let order = popular();
    for mut database in Database::both().map(filled) {
        let conn = &mut database.conn;
        let pager = order.pager(&codec).limit(5);
        let sampled = pager.sample(conn, 10, || tenant(None)).expect("boundaries");
        let whole: Vec<Agent> = pager
            .rows(conn, || tenant(None))
            .map(|row| row.expect("a row"))
            .collect();
        // Three rows go: one before the boundary, the boundary's own, and one after it.
        for gone in [&whole[3], &whole[19], &whole[21]] {
            diesel::delete(agents::table.filter(agents::id.eq(gone.id)))
                .execute(conn)
                .expect("deleted");
        }
        let fifth = pager
            .jump(conn, 5, &sampled, || tenant(None))
            .expect("a page");
        let mut left = whole.clone();
        for index in [21, 19, 3] {
            left.remove(index);
        }
        // Counting anew would begin at the 21st row left; two of three deletions were before it.
        assert_eq!(fifth.items, left[18..23]);
        let mut walked = fifth.items;
        let mut next = fifth.next;
        while let Some(cursor) = next {
            let page = pager
                .page(conn, At::Cursor(cursor.as_str()), || tenant(None))
                .expect("a page");
            walked.extend(page.items);
            next = page.next;
        }
        assert_eq!(walked, left[18..]);
    }
}

#[test]
fn boundaries_of_another_listing_are_refused() {
    let codec = CursorCodec::unsigned();
    let order = popular();
    let other = mixed();
    let mut database = filled(Database::sqlite());
    let conn = &mut database.conn;
    let sampled = order
        .pager(&codec)
        .sample(conn, 10, || tenant(None))
        .expect("boundaries");
    let filters = Fingerprint::new("agents").with("tenant", 1);
    for pager in [order.pager(&codec).filters(filters), other.pager(&codec)] {
        let refused = pager.jump(conn, 2, &sampled, || tenant(None));
        assert!(matches!(refused, Err(PageError::OtherBoundaries)));
    }
}

#[test]
fn damaged_boundaries_are_refused() {
    let codec = CursorCodec::unsigned();
    let order = popular();
    let mut database = filled(Database::sqlite());
    let bytes = order
        .pager(&codec)
        .sample(&mut database.conn, 10, || tenant(None))
        .expect("boundaries")
        .to_bytes();
    for length in 0..bytes.len() {
        assert_eq!(Boundaries::from_bytes(&bytes[..length]), None);
    }
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        assert_eq!(Boundaries::from_bytes(&damaged), None);
    }
}

#[test]
fn spans_hold_every_row_once_and_page_within_themselves() {
    let codec = CursorCodec::unsigned();
    for mut database in Database::both().map(filled) {
        let conn = &mut database.conn;
        for order in all_orders() {
            let pager = order.pager(&codec).limit(4);
            let whole: Vec<Agent> = pager
                .rows(conn, || tenant(None))
                .map(|row| row.expect("a row"))
                .collect();
            assert_eq!(whole.len(), 47);
            let sampled = pager.sample(conn, 5, || tenant(None)).expect("boundaries");
            for n in [1, 2, 3, 8, 47, 100] {
                let split = pager.split(conn, n, || tenant(None)).expect("spans");
                assert_eq!(split.len(), usize::try_from(n).expect("small").min(47));
                let mut sizes = Vec::new();
                for spans in [split, sampled.spans(n)] {
                    let mut joined = Vec::new();
                    let mut back = Vec::new();
                    for span in &spans {
                        let reader = pager.within(span);
                        let rows: Vec<Agent> = reader
                            .rows(conn, || tenant(None))
                            .map(|row| row.expect("a row"))
                            .collect();
                        let mut page_at =
                            |at: At<'_>| reader.page(conn, at, || tenant(None)).expect("a page");
                        assert_eq!(walk::forward(&mut page_at), rows);
                        back.extend(walk::backward(&mut page_at));
                        sizes.push(rows.len());
                        joined.extend(rows);
                    }
                    assert_eq!(joined, whole, "{order:?} in {n}");
                    assert_eq!(back, whole);
                }
                let even = 47_usize.div_ceil(usize::try_from(n).expect("small").min(47));
                assert!(
                    sizes[..usize::try_from(n).expect("small").min(47)]
                        .iter()
                        .all(|size| *size <= even)
                );
            }
        }
    }
}

#[test]
fn a_spans_cursor_is_good_for_that_span_alone() {
    let codec = CursorCodec::unsigned();
    let order = popular();
    let mut database = filled(Database::sqlite());
    let conn = &mut database.conn;
    let pager = order.pager(&codec).limit(4);
    let spans = pager.split(conn, 2, || tenant(None)).expect("spans");
    let first = pager
        .within(&spans[0])
        .page(conn, At::Start, || tenant(None))
        .expect("a page");
    let next = first.next.expect("more").into_string();
    for other in [pager.within(&spans[1]), pager] {
        let refused = other.page(conn, At::Cursor(&next), || tenant(None));
        assert!(matches!(
            refused,
            Err(PageError::Cursor(
                aios_pagination::CursorError::OtherFilters
            ))
        ));
    }
}
