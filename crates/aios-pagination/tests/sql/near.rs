//! Pages near the start of a wider listing are the very pages of the narrow one, or are not found; deferred ones are the same.

use aios_pagination::{At, CursorCodec, Direction, PageError};
use diesel::prelude::*;

use crate::database::Database;
use crate::listing::{Agent, agents, all_orders, filled, tenant};

#[test]
fn a_page_is_the_same_or_is_not_found() {
    let codec = CursorCodec::unsigned();
    for mut database in Database::both().map(filled) {
        let conn = &mut database.conn;
        for order in all_orders() {
            for limit in [1, 3, 100] {
                let pager = order.pager(&codec).limit(limit);
                let whole: Vec<Agent> = pager.rows(conn, || tenant(Some(1))).map(Result::unwrap).collect();
                let cursors = whole.iter().step_by(4).flat_map(|row| {
                    [Direction::Forward, Direction::Backward].map(|way| pager.cursor_at(row, way).expect("a cursor"))
                });
                let cursors: Vec<_> = cursors.collect();
                let places = cursors.iter().map(|cursor| At::Cursor(cursor.as_str()));
                for at in places.chain([At::Start, At::End]) {
                    let page = pager.page(conn, at, || tenant(Some(1))).expect("a page");
                    let deferred = pager.page_deferred(conn, at, || tenant(Some(1))).expect("a page");
                    assert_eq!(deferred, page, "{order:?}, {at:?}, {limit}");
                    let mut found_before = false;
                    for reach in [0, 2, 20, 48] {
                        let near = pager.page_near(conn, at, reach, || tenant(None), || tenant(Some(1)));
                        let near = near.expect("an answer");
                        assert!(
                            near.is_some() || !found_before,
                            "{order:?}, {at:?}: not found within {reach}"
                        );
                        found_before = near.is_some();
                        if let Some(near) = near {
                            assert_eq!(near, page, "{order:?}, {at:?}, {limit} within {reach}");
                        }
                    }
                    assert!(found_before, "{order:?}, {at:?}: not found at all");
                }
            }
        }
    }
}

#[test]
fn where_the_cursors_row_is_gone_nothing_is_told() {
    let codec = CursorCodec::unsigned();
    for mut database in Database::both().map(filled) {
        let conn = &mut database.conn;
        for order in all_orders() {
            let pager = order.pager(&codec).limit(3);
            let first = pager.page(conn, At::Start, || tenant(None)).expect("a page");
            let next = first.next.expect("more rows");
            let last = first.items.last().expect("a row").id;
            let is_gone = conn.transaction(|conn| {
                diesel::delete(agents::table.filter(agents::id.eq(last))).execute(conn)?;
                let near = pager.page_near(conn, At::Cursor(next.as_str()), 1_000, || tenant(None), || tenant(None));
                assert!(matches!(near, Ok(None)), "{near:?}");
                Err::<(), _>(PageError::Database(diesel::result::Error::RollbackTransaction))
            });
            assert!(is_gone.is_err(), "rolled back, for the next order");
        }
    }
}
