//! Counts: exact, capped, estimated, none.

use aios_pagination::CursorCodec;
use aios_pagination::sql::{Count, Dialect, Total};

use crate::database::{AnyConnection, Database};
use crate::listing::{filled, popular, tenant};

pub fn dialect(conn: &AnyConnection) -> Dialect {
    if conn.is_postgres() {
        Dialect::Postgres
    } else {
        Dialect::Sqlite
    }
}

fn count(conn: &mut AnyConnection, how: Count, of_tenant: Option<i32>) -> Option<Total> {
    let codec = CursorCodec::unsigned();
    let dialect = dialect(conn);
    popular()
        .pager(&codec)
        .count(conn, dialect, how, || tenant(of_tenant))
        .expect("a count")
}

#[test]
fn exact_capped_and_no_counts() {
    for mut database in Database::both().map(filled) {
        let conn = &mut database.conn;
        assert_eq!(count(conn, Count::None, None), None);
        assert_eq!(count(conn, Count::Exact, None), Some(Total::Exact(47)));
        assert_eq!(count(conn, Count::Exact, Some(1)), Some(Total::Exact(23)));
        // An empty listing has 0 rows; a window function over the page would have had none to say so.
        assert_eq!(count(conn, Count::Exact, Some(9)), Some(Total::Exact(0)));
        assert_eq!(count(conn, Count::Capped(46), None), Some(Total::AtLeast(46)));
        assert_eq!(count(conn, Count::Capped(47), None), Some(Total::Exact(47)));
        assert_eq!(count(conn, Count::Capped(0), Some(9)), Some(Total::Exact(0)));
        assert_eq!(count(conn, Count::Capped(u64::MAX), None), Some(Total::Exact(47)));
    }
}

#[test]
fn postgres_estimates_the_very_query() {
    let mut database = filled(Database::postgres());
    let conn = &mut database.conn;
    conn.run("ANALYZE agents");
    let how = Count::Estimated { whole_table: None };
    assert_eq!(count(conn, how, None), Some(Total::About(47)));
    assert_eq!(count(conn, how, Some(1)), Some(Total::About(23)));
}

#[test]
fn sqlite_estimates_a_whole_table_and_caps_the_rest() {
    let mut database = filled(Database::sqlite());
    let conn = &mut database.conn;
    let whole = Count::Estimated {
        whole_table: Some("agents"),
    };
    assert_eq!(
        count(conn, whole, None),
        Some(Total::Exact(47)),
        "no statistics yet: counted, up to the cap"
    );
    conn.run("CREATE INDEX few ON agents (id) WHERE tenant = 1; ANALYZE");
    assert_eq!(count(conn, whole, None), Some(Total::About(47)));
    let filtered = Count::Estimated { whole_table: None };
    assert_eq!(count(conn, filtered, Some(1)), Some(Total::Exact(23)));
}

#[test]
fn the_total_of_an_empty_page_is_the_listings() {
    // A count by a window function would be read from the page's rows, and be 0 where there are none.
    let codec = CursorCodec::unsigned();
    let order = popular();
    for mut database in Database::both().map(filled) {
        let conn = &mut database.conn;
        let pager = order.pager(&codec).limit(5);
        let beyond = pager.numbered(conn, 1_000, || tenant(None)).expect("a page");
        assert!(beyond.items.is_empty());
        let of = dialect(conn);
        let total = pager.count(conn, of, Count::Exact, || tenant(None)).expect("a count");
        assert_eq!(total, Some(Total::Exact(47)));
    }
}
