//! Numbered pages: by deferred join, and on from them by key.

use aios_pagination::{At, CursorCodec};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Double;

use crate::database::Database;
use crate::listing::{agents, all_orders, filled, popular, sample, tenant};
use crate::walk;

#[test]
fn every_number_gives_its_rows_and_pages_of_no_number_are_empty() {
    let codec = CursorCodec::unsigned();
    for mut database in Database::both().map(filled) {
        let conn = &mut database.conn;
        for order in all_orders() {
            let whole: Vec<_> = order
                .pager(&codec)
                .limit(100)
                .page(conn, At::Start, || tenant(None))
                .expect("a page")
                .items;
            assert_eq!(whole.len(), 47);
            let pager = order.pager(&codec).limit(10);
            for number in 1..=5 {
                let page = pager.numbered(conn, number, || tenant(None)).expect("a page");
                let from = usize::try_from(number - 1).expect("small") * 10;
                assert_eq!(page.items, whole[from..(from + 10).min(47)]);
                assert_eq!((page.has_prev, page.has_next), (number > 1, number < 5));
            }
            let beyond = pager.numbered(conn, 6, || tenant(None)).expect("a page");
            assert!(beyond.items.is_empty() && beyond.has_prev && !beyond.has_next);
            let back = beyond.prev.expect("a way back").into_string();
            let last = pager.page(conn, At::Cursor(&back), || tenant(None)).expect("a page");
            assert_eq!(last.items, whole[37..]);
        }
    }
}

#[test]
fn an_exactly_full_last_page_has_no_next() {
    let codec = CursorCodec::unsigned();
    let order = popular();
    for mut database in Database::both().map(filled) {
        let conn = &mut database.conn;
        let page = order
            .pager(&codec)
            .limit(47)
            .numbered(conn, 1, || tenant(None))
            .expect("a page");
        assert_eq!((page.items.len(), page.has_next, page.next), (47, false, None));
    }
}

#[test]
fn an_empty_listing_has_one_empty_page_that_leads_nowhere() {
    let codec = CursorCodec::unsigned();
    let order = popular();
    for mut database in Database::both().map(filled) {
        let conn = &mut database.conn;
        for number in [1, 2, u64::MAX] {
            let page = order
                .pager(&codec)
                .numbered(conn, number, || tenant(Some(9)))
                .expect("a page");
            assert!(page.items.is_empty() && !page.has_next && !page.has_prev);
            assert_eq!((page.next, page.prev), (None, None));
        }
    }
}

#[test]
fn a_numbered_page_goes_on_by_key() {
    let codec = CursorCodec::unsigned();
    let order = popular();
    for mut database in Database::both().map(filled) {
        let conn = &mut database.conn;
        let pager = order.pager(&codec).limit(6);
        let mut whole = sample();
        whole.sort_by(|a, b| order.in_memory().compare(a, b));
        let third = pager.numbered(conn, 3, || tenant(None)).expect("a page");
        let next = third.next.expect("more").into_string();
        let fourth = pager.page(conn, At::Cursor(&next), || tenant(None)).expect("a page");
        assert_eq!(fourth.items, whole[18..24]);
        let prev = third.prev.expect("some before").into_string();
        let second = pager.page(conn, At::Cursor(&prev), || tenant(None)).expect("a page");
        assert_eq!(second.items, whole[6..12]);
    }
}

#[test]
fn joined_and_computed_selections_are_numbered_too() {
    use aios_pagination::sql::SqlOrder;
    let rank = || sql::<Double>("cast(installs % 7 as double precision)");
    let order: SqlOrder<(crate::listing::Agent, f64), agents::table, crate::database::MultiBackend> =
        SqlOrder::named("rank")
            .desc(rank(), |(_, rank): &(crate::listing::Agent, f64)| *rank)
            .unique_asc(agents::id, |(agent, _)| agent.id);
    let codec = CursorCodec::unsigned();
    for mut database in Database::both().map(filled) {
        let conn = &mut database.conn;
        let base = || agents::table.select((agents::all_columns, rank())).into_boxed();
        let pager = order.pager(&codec).limit(9);
        let walked = walk::forward(|at| pager.page(conn, at, base).expect("a page"));
        let second = pager.numbered(conn, 2, base).expect("a page");
        assert_eq!(second.items, walked[9..18]);
    }
}
