//! What other libraries shipped and had to mend: a test for each that would have caught it here.

use aios_pagination::sql::SqlOrder;
use aios_pagination::{At, CursorCodec, CursorError, Fingerprint, Nulls, PageError};
use chrono::DateTime;
use diesel::prelude::*;

use crate::database::{AnyConnection, Database, MultiBackend};
use crate::listing::{
    Agent, AgentId, AgentOrder, Stamp, agents, create, filled, insert, mixed, popular, rated, sample, tenant,
};
use crate::walk;

fn agent(number: u8) -> Agent {
    Agent {
        id: AgentId(uuid::Uuid::from_u128(u128::from(number))),
        tenant: 0,
        installs: 0,
        rating: None,
        name: String::new(),
        created_at: Stamp(DateTime::UNIX_EPOCH),
        author: 0,
    }
}

fn holding(mut database: Database, rows: &[Agent]) -> Database {
    create(&mut database.conn);
    insert(&mut database.conn, rows);
    database
}

/// Walks both ways, a row at a time and two, and says that each row came once and in its place.
fn walks_to(conn: &mut AnyConnection, order: &AgentOrder, expected: &[Agent]) {
    let codec = CursorCodec::signed(b"secret");
    for limit in [1, 2] {
        let pager = order.pager(&codec).limit(limit);
        let mut page_at = |at: At<'_>| pager.page(conn, at, || tenant(None)).expect("a page");
        assert_eq!(walk::forward(&mut page_at), expected);
        assert_eq!(walk::backward(&mut page_at), expected);
    }
}

#[test]
fn timestamps_keep_their_microseconds() {
    let rows: Vec<Agent> = (0..6)
        .map(|number| Agent {
            created_at: Stamp(
                DateTime::from_timestamp_micros(1_700_000_000_000_000 + i64::from(number)).expect("in range"),
            ),
            ..agent(number)
        })
        .collect();
    let order: AgentOrder = SqlOrder::named("recent")
        .asc(agents::created_at, |row: &Agent| row.created_at)
        .unique_desc(agents::id, |row| row.id);
    for mut database in Database::both().map(|database| holding(database, &rows)) {
        walks_to(&mut database.conn, &order, &rows);
    }
}

#[test]
fn floats_keep_their_bits() {
    let ratings = [
        f64::NEG_INFINITY,
        -0.1,
        5e-324,
        0.1 + 0.2,
        0.300_000_000_000_000_1,
        1.0 / 3.0,
        1e300,
        f64::INFINITY,
    ];
    let rows: Vec<Agent> = (0_u8..)
        .zip(ratings)
        .map(|(number, rating)| Agent {
            rating: Some(rating),
            ..agent(number)
        })
        .collect();
    for mut database in Database::both().map(|database| holding(database, &rows)) {
        walks_to(&mut database.conn, &rated("rated", false, Nulls::First), &rows);
    }
}

#[test]
fn nan_is_a_value_on_postgres_and_null_on_sqlite_and_both_walks_end() {
    let rows = [
        Agent {
            rating: Some(1.0),
            ..agent(0)
        },
        Agent {
            rating: Some(f64::NAN),
            ..agent(1)
        },
        Agent {
            rating: Some(f64::NAN),
            ..agent(2)
        },
        Agent {
            rating: None,
            ..agent(3)
        },
    ];
    let codec = CursorCodec::unsigned();
    let order = rated("rated", false, Nulls::Last);
    for mut database in Database::both().map(|database| holding(database, &rows)) {
        let postgres = database.conn.is_postgres();
        let pager = order.pager(&codec).limit(1);
        let walked = walk::forward(|at| pager.page(&mut database.conn, at, || tenant(None)).expect("a page"));
        let ids: Vec<u128> = walked.iter().map(|row| row.id.0.as_u128()).collect();
        let expected = if postgres { [0, 2, 1, 3] } else { [0, 3, 2, 1] };
        assert_eq!(ids, expected, "installs tie, ids descend");
    }
}

#[test]
fn zeros_of_both_signs_tie() {
    let rows = [
        Agent {
            rating: Some(0.0),
            ..agent(3)
        },
        Agent {
            rating: Some(-0.0),
            ..agent(2)
        },
        Agent {
            rating: Some(0.0),
            ..agent(1)
        },
    ];
    for mut database in Database::both().map(|database| holding(database, &rows)) {
        walks_to(&mut database.conn, &rated("rated", false, Nulls::Last), &rows);
    }
}

#[test]
fn integers_beyond_2_to_the_53_stay_exact() {
    let installs = [
        i64::MIN,
        i64::MIN + 1,
        -1,
        0,
        1 << 53,
        (1 << 53) + 1,
        i64::MAX - 1,
        i64::MAX,
    ];
    let rows: Vec<Agent> = (0_u8..8)
        .zip(installs)
        .rev()
        .map(|(number, installs)| Agent {
            installs,
            ..agent(number)
        })
        .collect();
    for mut database in Database::both().map(|database| holding(database, &rows)) {
        walks_to(&mut database.conn, &popular(), &rows);
    }
}

#[test]
fn no_null_is_lost_and_both_databases_place_them_alike() {
    for nulls in [Nulls::First, Nulls::Last] {
        for descending in [false, true] {
            let order = rated("rated", descending, nulls);
            let [sqlite, postgres] = Database::both().map(filled).map(|mut database| {
                let codec = CursorCodec::unsigned();
                let pager = order.pager(&codec).limit(3);
                walk::forward(|at| pager.page(&mut database.conn, at, || tenant(None)).expect("a page"))
            });
            assert_eq!(sqlite.len(), 47);
            assert_eq!(sqlite, postgres);
            let ends = [&sqlite[0], &sqlite[46]].map(|row| row.rating.is_none());
            assert_eq!(ends, [nulls == Nulls::First, nulls == Nulls::Last]);
        }
    }
}

#[test]
fn after_x_y_is_not_beyond_x_and_beyond_y() {
    // `a > x AND b > y` would lose (2, 'a') after (1, 'b').
    let rows: Vec<Agent> = [(2, "a"), (2, "c"), (1, "b"), (1, "d")]
        .into_iter()
        .zip(0_u8..)
        .map(|((installs, name), number)| Agent {
            installs,
            name: name.to_owned(),
            ..agent(number)
        })
        .collect();
    for mut database in Database::both().map(|database| holding(database, &rows)) {
        walks_to(&mut database.conn, &mixed(), &rows);
    }
}

#[test]
fn a_filter_with_or_lets_no_other_tenants_rows_through() {
    let codec = CursorCodec::unsigned();
    for mut database in Database::both().map(filled) {
        let conn = &mut database.conn;
        for order in [popular(), mixed(), rated("rated", true, Nulls::Last)] {
            let pager = order.pager(&codec).limit(2);
            let base = || {
                agents::table
                    .filter(agents::tenant.eq(1))
                    .filter(agents::author.eq(0))
                    .or_filter(agents::tenant.eq(1).and(agents::author.eq(2)))
                    .into_boxed()
            };
            let walked = walk::forward(|at| pager.page(conn, at, base).expect("a page"));
            let expected = sample()
                .into_iter()
                .filter(|row| row.tenant == 1 && row.author != 1)
                .count();
            assert_eq!(walked.len(), expected);
            assert!(walked.iter().all(|row| row.tenant == 1 && row.author != 1));
        }
    }
}

#[test]
fn the_databases_collation_decides_not_the_clients() {
    let mut database = filled(Database::postgres());
    let conn = &mut database.conn;
    conn.run(r#"ALTER TABLE agents ALTER COLUMN name TYPE TEXT COLLATE "en-x-icu""#);
    let order: AgentOrder = SqlOrder::named("by name")
        .asc(agents::name, |row: &Agent| row.name.clone())
        .unique_asc(agents::id, |row| row.id);
    let expected: Vec<Agent> = agents::table
        .order((agents::name.asc(), agents::id.asc()))
        .load(conn)
        .expect("the whole");
    let names: Vec<&str> = expected.iter().map(|row| row.name.as_str()).collect();
    let mut by_bytes = names.clone();
    by_bytes.sort_unstable();
    assert_ne!(
        names, by_bytes,
        "the collation sorts otherwise than bytes, or this shows nothing"
    );
    walks_to(conn, &order, &expected);
}

#[test]
fn a_case_insensitive_collation_ties_what_differs_in_case() {
    let mut database = filled(Database::sqlite());
    let conn = &mut database.conn;
    conn.run("CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE); INSERT INTO names SELECT rowid, name FROM agents");
    diesel::table! {
        names (id) {
            id -> Integer,
            name -> Text,
        }
    }
    type Named = (i32, String);
    let order: SqlOrder<Named, names::table, MultiBackend> = SqlOrder::named("names")
        .asc(names::name, |row: &Named| row.1.clone())
        .unique_desc(names::id, |row| row.0);
    let expected: Vec<Named> = names::table
        .order((names::name.asc(), names::id.desc()))
        .load(conn)
        .expect("the whole");
    let codec = CursorCodec::unsigned();
    for limit in [1, 3] {
        let pager = order.pager(&codec).limit(limit);
        assert_eq!(
            walk::forward(|at| pager.page(conn, at, || names::table).expect("a page")),
            expected
        );
        assert_eq!(
            walk::backward(|at| pager.page(conn, at, || names::table).expect("a page")),
            expected
        );
    }
}

#[test]
fn an_altered_cursor_is_an_error_of_its_own_and_never_page_one() {
    let codec = CursorCodec::signed(b"secret");
    let order = popular();
    let mut database = filled(Database::sqlite());
    let conn = &mut database.conn;
    let pager = order.pager(&codec).limit(3);
    let cursor = pager
        .page(conn, At::Start, || tenant(None))
        .expect("a page")
        .next
        .expect("more")
        .into_string();
    let injection = "'; DROP TABLE agents; --";
    let altered = format!("{}A{}", &cursor[..20], &cursor[21..]);
    for (sent, code) in [
        (injection, "not-a-cursor"),
        ("", "not-a-cursor"),
        (altered.as_str(), "altered"),
    ] {
        match pager.page(conn, At::Cursor(sent), || tenant(None)) {
            Err(PageError::Cursor(error)) => assert_eq!(error.code(), code),
            other => panic!("{other:?}"),
        }
    }
    let rows: i64 = agents::table.count().get_result(conn).expect("the table is there");
    assert_eq!(rows, 47);
}

#[test]
fn text_in_a_cursor_is_bound_and_not_spliced() {
    let rows: Vec<Agent> = ["'; DROP TABLE agents; --", "\" OR 1=1", "$1", "?", "%"]
        .into_iter()
        .zip(0_u8..)
        .map(|(name, number)| Agent {
            name: name.to_owned(),
            ..agent(number)
        })
        .collect();
    for mut database in Database::both().map(|database| holding(database, &rows)) {
        if database.conn.is_postgres() {
            database
                .conn
                .run(r#"ALTER TABLE agents ALTER COLUMN name TYPE TEXT COLLATE "C""#);
        }
        let mut expected = rows.clone();
        expected.sort_by(|a, b| a.name.cmp(&b.name));
        walks_to(&mut database.conn, &mixed(), &expected);
    }
}

#[test]
fn a_cursor_outlives_the_row_it_was_taken_from() {
    let codec = CursorCodec::unsigned();
    for order in [
        popular(),
        mixed(),
        rated("rated", true, Nulls::Last),
        rated("rated", false, Nulls::First),
    ] {
        for mut database in Database::both().map(filled) {
            let conn = &mut database.conn;
            let pager = order.pager(&codec).limit(10);
            let first = pager.page(conn, At::Start, || tenant(None)).expect("a page");
            let expected = pager
                .page(conn, At::Cursor(first.next.as_ref().expect("more").as_str()), || {
                    tenant(None)
                })
                .expect("a page")
                .items;
            diesel::delete(agents::table.filter(agents::id.eq(first.items[9].id)))
                .execute(conn)
                .expect("deleted");
            let second = pager
                .page(conn, At::Cursor(first.next.as_ref().expect("more").as_str()), || {
                    tenant(None)
                })
                .expect("a page");
            assert_eq!(second.items, expected);
            assert!(second.has_prev);
        }
    }
}

#[test]
fn a_cursor_from_other_filters_or_another_sort_is_refused() {
    let codec = CursorCodec::signed(b"secret");
    let order = popular();
    let other = rated("rated", true, Nulls::Last);
    let mut database = filled(Database::sqlite());
    let conn = &mut database.conn;
    let of_tenant = |tenant: i32| Fingerprint::new("agents").with("tenant", tenant);
    let pager = order.pager(&codec).limit(3).filters(of_tenant(0));
    let cursor = pager
        .page(conn, At::Start, || tenant(Some(0)))
        .expect("a page")
        .next
        .expect("more")
        .into_string();
    let refusal = |error: Result<_, PageError>| match error {
        Err(PageError::Cursor(error)) => error,
        Err(error) => panic!("{error}"),
        Ok(()) => panic!("taken"),
    };
    let filters = pager
        .filters(of_tenant(1))
        .page(conn, At::Cursor(&cursor), || tenant(Some(1)));
    assert_eq!(refusal(filters.map(drop)), CursorError::OtherFilters);
    let sort = other
        .pager(&codec)
        .filters(of_tenant(0))
        .page(conn, At::Cursor(&cursor), || tenant(Some(0)));
    assert_eq!(refusal(sort.map(drop)), CursorError::OtherOrder);
    // The limit may change.
    assert_eq!(
        pager
            .limit(7)
            .page(conn, At::Cursor(&cursor), || tenant(Some(0)))
            .expect("a page")
            .items
            .len(),
        7
    );
}

#[test]
fn an_exactly_full_last_page_links_to_no_empty_one() {
    let codec = CursorCodec::unsigned();
    let order = popular();
    for mut database in Database::both().map(filled) {
        let conn = &mut database.conn;
        let pager = order.pager(&codec).limit(47);
        let only = pager.page(conn, At::Start, || tenant(None)).expect("a page");
        assert_eq!((only.items.len(), only.has_next, only.has_prev), (47, false, false));
        assert_eq!((only.next, only.prev), (None, None));
    }
}

#[test]
fn a_page_that_lost_its_rows_leads_back_to_what_is_left() {
    let codec = CursorCodec::unsigned();
    for order in [popular(), mixed(), rated("rated", true, Nulls::Last)] {
        for mut database in Database::both().map(filled) {
            let conn = &mut database.conn;
            let pager = order.pager(&codec).limit(40);
            let first = pager.page(conn, At::Start, || tenant(None)).expect("a page");
            let next = first.next.expect("more").into_string();
            let kept: Vec<AgentId> = first.items.iter().map(|row| row.id).collect();
            diesel::delete(agents::table.filter(agents::id.ne_all(kept)))
                .execute(conn)
                .expect("deleted");
            let empty = pager.page(conn, At::Cursor(&next), || tenant(None)).expect("a page");
            assert!(empty.items.is_empty() && !empty.has_next && empty.has_prev);
            let back = empty.prev.expect("a way back").into_string();
            let again = pager.page(conn, At::Cursor(&back), || tenant(None)).expect("a page");
            assert_eq!(again.items, first.items, "the row of the cursor itself is not left out");
            assert!(!again.has_next && !again.has_prev);
        }
    }
}

#[test]
fn has_prev_is_read_too() {
    let codec = CursorCodec::unsigned();
    let order = popular();
    for mut database in Database::both().map(filled) {
        let conn = &mut database.conn;
        let pager = order.pager(&codec).limit(5);
        let first = pager.page(conn, At::Start, || tenant(None)).expect("a page");
        let next = first.next.expect("more").into_string();
        let gone: Vec<AgentId> = first.items.iter().map(|row| row.id).collect();
        diesel::delete(agents::table.filter(agents::id.eq_any(gone)))
            .execute(conn)
            .expect("deleted");
        let second = pager.page(conn, At::Cursor(&next), || tenant(None)).expect("a page");
        assert_eq!((second.items.len(), second.has_prev, second.prev), (5, false, None));
    }
}

#[test]
fn backward_pages_neither_skip_nor_repeat_the_boundary() {
    let codec = CursorCodec::unsigned();
    for order in [popular(), mixed(), rated("rated", true, Nulls::Last)] {
        for mut database in Database::both().map(filled) {
            let conn = &mut database.conn;
            let pager = order.pager(&codec).limit(6);
            let first = pager.page(conn, At::Start, || tenant(None)).expect("a page");
            let second = pager
                .page(conn, At::Cursor(first.next.as_ref().expect("more").as_str()), || {
                    tenant(None)
                })
                .expect("a page");
            let back = pager
                .page(
                    conn,
                    At::Cursor(second.prev.as_ref().expect("some before").as_str()),
                    || tenant(None),
                )
                .expect("a page");
            assert_eq!(back, first);
        }
    }
}

#[test]
fn a_rank_of_full_text_search_pages_on_sqlite() {
    let mut database = Database::sqlite();
    let conn = &mut database.conn;
    conn.run("CREATE VIRTUAL TABLE words USING fts5(body); INSERT INTO words(rowid, body) SELECT value, 'agent ' || CASE WHEN value % 3 = 0 THEN 'agent agent' ELSE 'other' END FROM (WITH RECURSIVE s(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM s WHERE value < 30) SELECT value FROM s)");
    diesel::table! {
        words (rowid) {
            rowid -> BigInt,
            body -> Text,
        }
    }
    use diesel::dsl::sql;
    use diesel::sql_types::{Bool, Double, Text};
    type Hit = (i64, f64);
    let rank = || sql::<Double>("bm25(words)");
    let order: SqlOrder<Hit, words::table, MultiBackend> = SqlOrder::named("rank")
        .asc(rank(), |hit: &Hit| hit.1)
        .unique_desc(words::rowid, |hit| hit.0);
    let base = || {
        words::table
            .select((words::rowid, rank()))
            .filter(sql::<Bool>("words MATCH ").bind::<Text, _>("agent"))
            .into_boxed()
    };
    let expected: Vec<Hit> = base()
        .order((rank().asc(), words::rowid.desc()))
        .load(conn)
        .expect("the whole");
    assert_eq!(expected.len(), 30);
    let codec = CursorCodec::unsigned();
    for limit in [1, 4, 30] {
        let pager = order.pager(&codec).limit(limit);
        assert_eq!(
            walk::forward(|at| pager.page(conn, at, base).expect("a page")),
            expected
        );
        assert_eq!(
            walk::backward(|at| pager.page(conn, at, base).expect("a page")),
            expected
        );
    }
}

#[test]
fn values_made_up_in_an_unsigned_cursor_are_the_clients_error() {
    use aios_pagination::{Direction, Expected, Position, Value};
    let codec = CursorCodec::unsigned();
    let by_name: AgentOrder = SqlOrder::named("by name")
        .asc(agents::name, |row: &Agent| row.name.clone())
        .unique_asc(agents::author, |row| row.author);
    let by_time: AgentOrder = SqlOrder::named("by time")
        .asc(agents::created_at, |row: &Agent| row.created_at)
        .unique_asc(agents::author, |row| row.author);
    let author = Value::Int(1);
    let nul = Value::Text("a\0b".to_owned());
    let no_time = Value::Time {
        micros: i64::MAX,
        nanos: 0,
    };
    let no_author = Value::Int(i64::MAX);
    let early = Value::Time {
        micros: -200_000_000_000_000_000,
        nanos: 0,
    };
    for (order, values) in [
        (&by_name, vec![nul, author.clone()]),
        (&by_name, vec![Value::Text(String::new()), no_author]),
        (&by_time, vec![no_time, author.clone()]),
        (&by_time, vec![early, author]),
    ] {
        for mut database in Database::both().map(filled) {
            let conn = &mut database.conn;
            let position = Position::new(Direction::Forward, values.clone());
            let made_up = codec
                .encode(&position, Expected::new(order.in_memory(), Fingerprint::default()))
                .expect("short enough");
            match order
                .pager(&codec)
                .page(conn, At::Cursor(made_up.as_str()), || tenant(None))
            {
                Ok(_) | Err(PageError::Cursor(CursorError::NotACursor)) => {}
                Err(error) => panic!("{values:?}: {error:?}"),
            }
            let rows: i64 = agents::table.count().get_result(conn).expect("the connection is good");
            assert_eq!(rows, 47);
        }
    }
}
