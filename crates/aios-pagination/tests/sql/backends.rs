//! The same on diesel's own connections, with aliases, self-joins and left joins, and where SQLite's rowid is the tie-breaker.

use aios_pagination::sql::{Dialect, SqlOrder, Strategy};
use aios_pagination::{At, CursorCodec, Nulls};
use diesel::connection::SimpleConnection as _;
use diesel::dsl::LeftJoinQuerySource;
use diesel::prelude::*;

use crate::database::{Database, MultiBackend};
use crate::listing::{Agent, agents, authors, filled};
use crate::walk;

diesel::table! {
    notes (id) {
        id -> Integer,
        topic -> Text,
        weight -> Double,
    }
}

type Note = (i32, String, f64);

const NOTES: &str =
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, topic TEXT NOT NULL, weight DOUBLE PRECISION NOT NULL);
    INSERT INTO notes VALUES (1, 'b', 0.5), (2, 'a', 0.5), (3, 'b', 0.1), (4, 'a', 0.5), (5, 'a', 7)";

const WEIGHED: [i32; 5] = [5, 4, 2, 1, 3];

/// The same declaration on a backend of its own; diesel's columns are not generic over backends.
macro_rules! walks_on {
    ($backend:ty, $conn:expr) => {{
        let conn = $conn;
        let codec = CursorCodec::unsigned();
        let order: SqlOrder<Note, notes::table, $backend> = SqlOrder::named("by weight")
            .desc(notes::weight, |note: &Note| note.2)
            .asc(notes::topic, |note| note.1.clone())
            .unique_desc(notes::id, |note| note.0);
        for limit in 1..6 {
            let pager = order.pager(&codec).limit(limit);
            let mut page_at = |at: At<'_>| {
                pager
                    .page(conn, at, || notes::table.filter(notes::id.gt(0)))
                    .expect("a page")
                    .map(|note| note.0)
            };
            assert_eq!(walk::forward(&mut page_at), WEIGHED);
            assert_eq!(walk::backward(&mut page_at), WEIGHED);
            let second = pager.numbered(conn, 2, || notes::table.into_boxed()).expect("a page");
            assert_eq!(
                second.items.first().map(|note| note.0),
                WEIGHED.get(limit as usize).copied()
            );
        }
    }};
}

#[test]
fn sqlites_own_connection() {
    let mut conn = SqliteConnection::establish(":memory:").expect("a database");
    conn.batch_execute(NOTES).expect("notes");
    walks_on!(diesel::sqlite::Sqlite, &mut conn);
}

#[test]
fn postgres_own_connection() {
    let mut database = Database::postgres();
    database.conn.run(NOTES);
    let crate::database::AnyConnection::Postgres(conn) = &mut database.conn else {
        panic!("PostgreSQL was asked for");
    };
    walks_on!(diesel::pg::Pg, conn);
}

#[test]
fn an_alias_pages_as_the_table_does() {
    diesel::alias!(const OTHERS: Alias<Others> = agents as others);
    let codec = CursorCodec::unsigned();
    let order: SqlOrder<Agent, diesel::query_source::Alias<Others>, MultiBackend> = SqlOrder::named("others")
        .desc(OTHERS.field(agents::installs), |agent: &Agent| agent.installs)
        .unique_asc(OTHERS.field(agents::id), |agent| agent.id);
    for mut database in Database::both().map(filled) {
        let conn = &mut database.conn;
        let base = || {
            OTHERS
                .select(OTHERS.fields(agents::all_columns))
                .filter(OTHERS.field(agents::tenant).eq(1))
        };
        let mut expected = crate::listing::sample();
        expected.retain(|agent| agent.tenant == 1);
        expected.sort_by(|a, b| order.in_memory().compare(a, b));
        for limit in [1, 5] {
            let pager = order.pager(&codec).limit(limit);
            let mut page_at = |at: At<'_>| pager.page(conn, at, base).expect("a page");
            assert_eq!(walk::forward(&mut page_at), expected);
            assert_eq!(walk::backward(&mut page_at), expected);
        }
    }
}

#[test]
fn a_left_joins_missing_side_is_a_null_key() {
    type WithAuthor = (Agent, Option<String>);
    type Source = LeftJoinQuerySource<agents::table, authors::table>;
    let codec = CursorCodec::unsigned();
    for nulls in [Nulls::First, Nulls::Last] {
        let order: SqlOrder<WithAuthor, Source, MultiBackend> = SqlOrder::named("by author")
            .desc_nulls(nulls, authors::name.nullable(), |row: &WithAuthor| row.1.clone())
            .unique_asc(agents::id, |row| row.0.id);
        for mut database in Database::both().map(filled) {
            let conn = &mut database.conn;
            conn.run("DELETE FROM authors WHERE id = 1");
            let base = || {
                agents::table
                    .left_join(authors::table)
                    .select((agents::all_columns, authors::name.nullable()))
                    .into_boxed()
            };
            let pager = order.pager(&codec).limit(4);
            let mut page_at = |at: At<'_>| pager.page(conn, at, base).expect("a page");
            let walked = walk::forward(&mut page_at);
            assert_eq!(walked.len(), 47);
            assert_eq!(walk::backward(&mut page_at), walked);
            assert!(walked.is_sorted_by(|a, b| order.in_memory().compare(a, b).is_le()));
            assert!(walked.iter().any(|row| row.1.is_none()));
        }
    }
}

#[test]
fn where_the_rowid_breaks_ties_union_all_keeps_the_whole_range() {
    let mut conn = SqliteConnection::establish(":memory:").expect("a database");
    conn.batch_execute(NOTES).expect("notes");
    conn.batch_execute("CREATE INDEX weighed ON notes (weight)")
        .expect("an index");
    let codec = CursorCodec::unsigned();
    let order: SqlOrder<Note, notes::table, diesel::sqlite::Sqlite> = SqlOrder::named("weighed")
        .asc(notes::weight, |note: &Note| note.2)
        .unique_asc(notes::id, |note| note.0);
    let mut plan = |order: &SqlOrder<Note, notes::table, diesel::sqlite::Sqlite>| {
        let pager = order.pager(&codec).limit(2);
        let next = pager
            .page(&mut conn, At::Start, || notes::table)
            .expect("a page")
            .next
            .expect("more");
        pager
            .explain(&mut conn, Dialect::Sqlite, At::Cursor(next.as_str()), || notes::table)
            .expect("a plan")
            .join("\n")
    };
    let shortened = plan(&order);
    assert!(
        shortened.contains("(weight>?)") && !shortened.contains("(weight,id)"),
        "SQLite has learnt to compare the rowid in a row value; `Strategy::UnionAll` may go:\n{shortened}"
    );
    let whole = plan(&order.strategy(Strategy::UnionAll));
    assert!(whole.contains("(weight=? AND rowid>?)"), "{whole}");
}

#[test]
fn orders_are_kept_and_shared_as_values() {
    fn is_shared<T: Clone + Send + Sync + 'static>(_: &T) {}
    let orders = crate::listing::all_orders();
    is_shared(&orders);
    let names: std::collections::HashSet<u32> = orders.iter().map(|order| order.in_memory().fingerprint()).collect();
    assert_eq!(names.len(), orders.len());
}
