//! Properties over generated rows: on both databases pages joined are what memory says, whatever changes in between.

use std::cell::RefCell;
use std::collections::HashSet;

use aios_pagination::{At, CursorCodec, Nulls};
use chrono::DateTime;
use diesel::prelude::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::database::{AnyConnection, Database};
use crate::listing::{
    Agent, AgentId, AgentOrder, Stamp, agents, create, insert, mixed, nulls_within, popular, rated, tenant,
};
use crate::walk;

/// Few values each, so that rows tie; among them the extremes. Of the ids some agree in all but the last bit.
fn agent() -> impl Strategy<Value = Agent> {
    let rating = prop::option::of(prop_oneof![
        Just(0.0),
        Just(-0.0),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(5e-324),
        Just(0.1 + 0.2),
        Just(0.3),
        Just(-1e308),
    ]);
    let name = prop_oneof![
        Just(""),
        Just("a"),
        Just("A"),
        Just("aA"),
        Just("ß"),
        Just("Ω"),
        Just("日本"),
        Just("עברית"),
        Just("🤖"),
        Just("o'neil\\"),
    ];
    let installs = prop_oneof![
        Just(i64::MIN),
        Just(i64::MAX),
        Just((1_i64 << 53) + 1),
        Just(1_i64 << 53),
        0..3_i64
    ];
    let micros = prop_oneof![
        Just(-1_i64),
        Just(0),
        Just(1),
        Just(1_700_000_000_000_001),
        Just(1_700_000_000_000_999)
    ];
    (0..3_i32, installs, rating, name, micros, any::<u8>()).prop_map(|(tenant, installs, rating, name, micros, id)| {
        Agent {
            id: AgentId(uuid::Uuid::from_u128(u128::from(id) << 120 | u128::from(id))),
            tenant,
            installs,
            rating,
            name: name.to_owned(),
            created_at: Stamp(DateTime::from_timestamp_micros(micros).expect("in range")),
            author: tenant,
        }
    })
}

fn rows() -> impl Strategy<Value = Vec<Agent>> {
    prop::collection::vec(agent(), 0..40).prop_map(|mut rows| {
        let mut seen = HashSet::new();
        rows.retain(|row| seen.insert(row.id));
        rows
    })
}

fn order() -> impl Strategy<Value = AgentOrder> {
    (0..8_u8).prop_map(|number| match number {
        0 => popular(),
        1 => mixed(),
        2 => rated("asc first", false, Nulls::First),
        3 => rated("asc last", false, Nulls::Last),
        4 => rated("desc first", true, Nulls::First),
        5 => rated("desc last", true, Nulls::Last),
        6 => nulls_within(Nulls::First),
        _ => nulls_within(Nulls::Last),
    })
}

/// Databases with the empty table, compared by bytes as memory does.
fn tables() -> [Database; 2] {
    Database::both().map(|mut database| {
        create(&mut database.conn);
        if database.conn.is_postgres() {
            database
                .conn
                .run(r#"ALTER TABLE agents ALTER COLUMN name TYPE TEXT COLLATE "C""#);
        }
        database
    })
}

fn refill(conn: &mut AnyConnection, rows: &[Agent]) {
    diesel::delete(agents::table).execute(conn).expect("emptied");
    insert(conn, rows);
}

/// The rows as the database has them: SQLite stores NaN as NULL.
fn stored(conn: &AnyConnection, rows: &[Agent]) -> Vec<Agent> {
    let keeps_nan = conn.is_postgres();
    let mut rows = rows.to_vec();
    for row in &mut rows {
        row.rating = row.rating.filter(|rating| keeps_nan || !rating.is_nan());
    }
    rows
}

fn ids(rows: &[Agent]) -> Vec<AgentId> {
    rows.iter().map(|row| row.id).collect()
}

#[test]
fn pages_joined_are_the_sorted_whole_and_backward_is_reversed() {
    let tables = RefCell::new(tables());
    let codec = CursorCodec::signed(b"secret");
    let mut runner = TestRunner::new(Config::with_cases(48));
    runner
        .run(&(rows(), order(), 1..12_u32), |(rows, order, limit)| {
            for database in tables.borrow_mut().iter_mut() {
                let conn = &mut database.conn;
                refill(conn, &rows);
                let mut sorted = stored(conn, &rows);
                sorted.sort_by(|a, b| order.in_memory().compare(a, b));
                let memory = order.in_memory().pager(&codec).limit(limit);
                let walked = walk::forward(|at| memory.page(&sorted, at).expect("a page"));
                prop_assert_eq!(walked.len(), sorted.len());
                let pager = order.pager(&codec).limit(limit);
                let mut page_at = |at: At<'_>| pager.page(conn, at, || tenant(None)).expect("a page");
                prop_assert_eq!(ids(&walk::forward(&mut page_at)), ids(&sorted));
                prop_assert_eq!(ids(&walk::backward(&mut page_at)), ids(&sorted));
            }
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn rows_that_come_and_go_between_pages_neither_repeat_nor_lose_the_others() {
    let tables = RefCell::new(tables());
    let codec = CursorCodec::signed(b"secret");
    let mut runner = TestRunner::new(Config::with_cases(48));
    let changes = prop::collection::vec((any::<bool>(), any::<prop::sample::Index>(), agent()), 1..12);
    runner
        .run(
            &(rows(), order(), 1..5_u32, changes, any::<bool>()),
            |(rows, order, limit, changes, backward)| {
                for database in tables.borrow_mut().iter_mut() {
                    let conn = &mut database.conn;
                    refill(conn, &rows);
                    let mut steady: HashSet<AgentId> = rows.iter().map(|row| row.id).collect();
                    let mut present = rows.clone();
                    let mut seen = Vec::new();
                    let mut changes = changes.iter();
                    let pager = order.pager(&codec).limit(limit);
                    let start = if backward { At::End } else { At::Start };
                    let mut page = pager.page(conn, start, || tenant(None)).expect("a page");
                    loop {
                        seen.extend(ids(&page.items));
                        // One row comes or goes after each page.
                        if let Some((delete, index, agent)) = changes.next() {
                            if *delete && !present.is_empty() {
                                let gone = present.swap_remove(index.index(present.len()));
                                steady.remove(&gone.id);
                                diesel::delete(agents::table.filter(agents::id.eq(gone.id)))
                                    .execute(conn)
                                    .expect("deleted");
                            } else if present.iter().all(|row| row.id != agent.id) && !seen.contains(&agent.id) {
                                insert(conn, std::slice::from_ref(agent));
                                present.push(agent.clone());
                            }
                        }
                        let onward = if backward { page.prev } else { page.next };
                        match onward {
                            Some(cursor) => {
                                page = pager
                                    .page(conn, At::Cursor(cursor.as_str()), || tenant(None))
                                    .expect("a page");
                            }
                            None => break,
                        }
                    }
                    let once: HashSet<AgentId> = seen.iter().copied().collect();
                    prop_assert_eq!(once.len(), seen.len(), "a row came twice");
                    prop_assert!(steady.is_subset(&once), "a row that stayed was not seen");
                }
                Ok(())
            },
        )
        .unwrap_or_else(|failure| panic!("{failure}"));
}
