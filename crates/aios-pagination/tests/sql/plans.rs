//! Plans: every range is one of an index and nothing is sorted, by EXPLAIN on both databases.

use aios_pagination::sql::{Dialect, SqlOrder, Strategy};
use aios_pagination::{At, CursorCodec, Direction, Nulls};
use diesel::prelude::*;

use crate::count::dialect;
use crate::database::{AnyConnection, Database, MultiBackend};
use crate::listing::{AgentId, AgentOrder, agents, create, lower, mixed, nulls_within, popular, rated, tenant};

/// 20,000 agents with many ties and NULLs, an index that fits each order, and fresh statistics.
fn large(mut database: Database) -> Database {
    let conn = &mut database.conn;
    create(conn);
    let (id, time, numbers, finish) = if conn.is_postgres() {
        (
            "lpad(to_hex((n * 7919) % 20011), 32, '0')::uuid",
            "to_timestamp(1700000000 + n / 3)",
            "SELECT n FROM generate_series(1, 20000) AS n",
            "VACUUM ANALYZE agents",
        )
    } else {
        (
            "randomblob(16)",
            "(1700000000 + n / 3) * 1000000",
            "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 20000) SELECT n FROM s",
            "ANALYZE",
        )
    };
    conn.run(&format!(
        "INSERT INTO agents SELECT {id}, n % 2, n % 50, CASE WHEN n % 4 > 0 THEN (n % 40) / 8.0 END,
             'agent ' || (n % 100), {time}, n % 3 FROM ({numbers}) AS s;
         CREATE INDEX popular ON agents (installs DESC, created_at DESC, id DESC);
         CREATE INDEX mixed ON agents (installs DESC, name ASC, created_at DESC, id ASC);"
    ));
    if conn.is_postgres() {
        conn.run(
            "CREATE INDEX low ON agents (rating ASC NULLS FIRST, installs DESC, id DESC);
             CREATE INDEX high ON agents (rating DESC NULLS LAST, installs DESC, id DESC);
             CREATE INDEX within ON agents (tenant, rating DESC NULLS LAST, id ASC);",
        );
    } else {
        // SQLite's indexes have NULLs before all values, ascending, and that can't be said otherwise.
        conn.run(
            "CREATE INDEX low ON agents (rating ASC, installs DESC, id DESC);
             CREATE INDEX high ON agents (rating DESC, installs DESC, id DESC);
             CREATE INDEX within ON agents (tenant, rating DESC, id ASC);",
        );
    }
    conn.run(finish);
    database
}

/// Cursors in both directions from rows in the middle: one with a value in every key, and one with a NULL if there is any.
fn cursors(conn: &mut AnyConnection, order: &AgentOrder) -> Vec<String> {
    let codec = CursorCodec::unsigned();
    let pager = order.pager(&codec).limit(20_000);
    let rows = pager.page(conn, At::Start, || tenant(None)).expect("all rows").items;
    let middle = |has_rating: bool| {
        let some: Vec<_> = rows.iter().filter(|row| row.rating.is_some() == has_rating).collect();
        some[some.len() / 2]
    };
    [middle(true), middle(false)]
        .into_iter()
        .flat_map(|row| {
            [Direction::Forward, Direction::Backward]
                .map(|direction| pager.cursor_at(row, direction).expect("short").into_string())
        })
        .collect()
}

fn plan(conn: &mut AnyConnection, order: &AgentOrder, at: At<'_>) -> Vec<String> {
    let codec = CursorCodec::unsigned();
    let dialect = dialect(conn);
    order
        .pager(&codec)
        .limit(20)
        .explain(conn, dialect, at, || tenant(None))
        .expect("a plan")
}

/// No table is read whole, nothing is sorted, and each step of a page after a cursor is bounded by the index.
fn assert_ranges(conn: &mut AnyConnection, order: &AgentOrder) {
    for at in [At::Start, At::End] {
        let plan = plan(conn, order, at);
        let text = plan.join("\n");
        assert!(
            !text.contains("Sort") && !text.contains("TEMP B-TREE") && !text.contains("Seq Scan"),
            "{order:?} {at:?}\n{text}"
        );
    }
    for cursor in cursors(conn, order) {
        let plan = plan(conn, order, At::Cursor(&cursor));
        let text = plan.join("\n");
        let context = format!("{order:?}\n{text}");
        if conn.is_postgres() {
            let count = |what: &str| plan.iter().filter(|line| line.contains(what)).count();
            let scans = count("Index Scan") + count("Index Only Scan");
            assert!(
                scans > 0 && count("Index Cond") == scans,
                "a scan without bounds: {context}"
            );
            assert_eq!(
                count("Seq Scan") + count("Sort") + count("Filter:") + count("Bitmap"),
                0,
                "{context}"
            );
        } else {
            let reads: Vec<_> = plan.iter().filter(|line| line.contains(" agents")).collect();
            assert!(!reads.is_empty(), "{context}");
            assert!(
                reads.iter().all(|line| line.starts_with("SEARCH agents USING")),
                "{context}"
            );
            assert!(!text.contains("TEMP B-TREE"), "{context}");
        }
    }
}

#[test]
fn a_uniform_order_is_one_row_value_in_the_index() {
    for mut database in Database::both().map(large) {
        let conn = &mut database.conn;
        assert_ranges(conn, &popular());
        let cursor = cursors(conn, &popular()).remove(0);
        let text = plan(conn, &popular(), At::Cursor(&cursor)).join("\n");
        let row_value = if conn.is_postgres() {
            "Index Cond: (ROW(installs, created_at, id) <= ROW("
        } else {
            "(installs,created_at,id)<(?,?,?)"
        };
        assert!(text.contains(row_value), "{text}");
    }
}

#[test]
fn a_mixed_order_is_a_range_a_turn() {
    for mut database in Database::both().map(large) {
        let conn = &mut database.conn;
        // What is asked is that one index serves every range; given two, the planner may take the other for one.
        conn.run("DROP INDEX popular");
        if conn.is_postgres() {
            // Of a range of two or three rows PostgreSQL may rather make a bitmap and sort them, which costs the same.
            conn.run("SET enable_bitmapscan = off");
        }
        assert_ranges(conn, &mixed());
    }
}

#[test]
fn nullable_orders_are_ranges_on_both_sides_of_the_nulls() {
    for mut database in Database::both().map(large) {
        let conn = &mut database.conn;
        assert_ranges(conn, &rated("asc first", false, Nulls::First));
        assert_ranges(conn, &rated("desc last", true, Nulls::Last));
        assert_ranges(conn, &nulls_within(Nulls::Last));
    }
}

#[test]
fn one_range_a_key_where_row_values_are_not_wanted() {
    for mut database in Database::both().map(large) {
        assert_ranges(&mut database.conn, &popular().strategy(Strategy::UnionAll));
    }
}

#[test]
fn bound_and_or_starts_at_the_cursors_leading_key() {
    for mut database in Database::both().map(large) {
        let conn = &mut database.conn;
        let order = mixed().strategy(Strategy::BoundOr);
        let cursor = cursors(conn, &order).remove(0);
        let text = plan(conn, &order, At::Cursor(&cursor)).join("\n");
        if conn.is_postgres() {
            assert!(text.contains("Index Cond: (installs <= "), "{text}");
        } else {
            assert!(text.contains("SEARCH agents USING INDEX mixed (installs<?)"), "{text}");
        }
        assert!(!text.contains("Seq Scan") && !text.contains("SCAN agents"), "{text}");
    }
}

#[test]
fn a_numbered_page_skips_in_the_index_and_fetches_its_rows_alone() {
    for mut database in Database::both().map(large) {
        let conn = &mut database.conn;
        let codec = CursorCodec::unsigned();
        let order = popular();
        let dialect = dialect(conn);
        let plan = order
            .pager(&codec)
            .limit(20)
            .explain_numbered(conn, dialect, 900, || tenant(None))
            .expect("a plan")
            .join("\n");
        let (skips, fetches) = if conn.is_postgres() {
            ("Index Only Scan using popular", "Index Scan using agents_pkey")
        } else {
            (
                "SCAN agents USING COVERING INDEX popular",
                "SEARCH agents USING INDEX sqlite_autoindex_agents_1 (id=?)",
            )
        };
        assert!(plan.contains(skips) && plan.contains(fetches), "{plan}");
    }
}

#[test]
fn a_jump_is_one_short_range_of_the_index() {
    for mut database in Database::both().map(large) {
        let conn = &mut database.conn;
        let codec = CursorCodec::unsigned();
        let order = popular();
        let pager = order.pager(&codec).limit(20);
        let boundaries = pager.sample(conn, 500, || tenant(None)).expect("boundaries");
        let dialect = dialect(conn);
        let plan = pager
            .explain_jump(conn, dialect, 900, &boundaries, || tenant(None))
            .expect("a plan")
            .join("\n");
        let (range, fetches) = if conn.is_postgres() {
            (
                "Index Cond: (ROW(installs, created_at, id) < ROW(",
                "Index Scan using agents_pkey",
            )
        } else {
            (
                "SEARCH agents USING COVERING INDEX popular ((installs,created_at,id)<(?,?,?))",
                "SEARCH agents USING INDEX sqlite_autoindex_agents_1 (id=?)",
            )
        };
        assert!(plan.contains(range) && plan.contains(fetches), "{plan}");
        assert!(!plan.contains("Seq Scan") && !plan.contains("SCAN"), "{plan}");
    }
}

#[test]
fn an_expression_is_a_range_of_its_index() {
    type Lowered = (AgentId, String);
    let order: SqlOrder<Lowered, agents::table, MultiBackend> = SqlOrder::named("lowered")
        .asc(lower(agents::name), |row: &Lowered| row.1.clone())
        .unique_asc(agents::id, |row| row.0);
    let codec = CursorCodec::unsigned();
    let base = || agents::table.select((agents::id, lower(agents::name)));
    for mut database in Database::both().map(large) {
        let conn = &mut database.conn;
        conn.run("CREATE INDEX lowered ON agents (lower(name), id); ANALYZE agents");
        let dialect = dialect(conn);
        let mut plan = |order: &SqlOrder<Lowered, agents::table, MultiBackend>| {
            let pager = order.pager(&codec).limit(20);
            let first = pager.page(conn, At::Start, base).expect("a page");
            let next = first.next.expect("more").into_string();
            let plan = pager.explain(conn, dialect, At::Cursor(&next), base);
            plan.expect("a plan").join("\n")
        };
        let one_row_value = plan(&order);
        let one_range_a_key = plan(&order.clone().strategy(Strategy::UnionAll));
        if dialect == Dialect::Postgres {
            let range = "Index Cond: (ROW(lower(name), id) >= ROW(";
            assert!(one_row_value.contains(range), "{one_row_value}");
        } else {
            assert!(
                one_row_value.contains("SCAN"),
                "SQLite has learnt to use an expression's index for a row value; the manual may say so:\n{one_row_value}"
            );
            let ranges = ["INDEX lowered (<expr>=? AND id>?)", "INDEX lowered (<expr>>?)"];
            assert!(
                ranges.iter().all(|range| one_range_a_key.contains(range)),
                "{one_range_a_key}"
            );
        }
        assert!(!one_range_a_key.contains("SCAN agents"), "{one_range_a_key}");
        assert!(!one_range_a_key.contains("TEMP B-TREE"), "{one_range_a_key}");
        assert!(!one_range_a_key.contains("Seq Scan"), "{one_range_a_key}");
    }
}
