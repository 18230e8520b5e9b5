//! Keyset pages: every order, both directions, every page size, on both databases.

use aios_pagination::sql::{SqlOrder, Strategy};
use aios_pagination::{At, CursorCodec, Fingerprint};
use diesel::dsl::{InnerJoinQuerySource, sql};
use diesel::prelude::*;
use diesel::sql_types::{Double, Integer};

use crate::database::{AnyConnection, Database, MultiBackend};
use crate::listing::{Agent, AgentId, AgentOrder, agents, all_orders, authors, filled, lower, popular, sample, tenant};
use crate::walk;

fn codec() -> CursorCodec {
    CursorCodec::signed(b"a secret of the tests")
}

/// The listing unpaged, sorted by the oracle in memory.
fn whole(order: &AgentOrder, of_tenant: Option<i32>) -> Vec<Agent> {
    let mut rows = sample();
    rows.retain(|row| of_tenant.is_none_or(|tenant| row.tenant == tenant));
    rows.sort_by(|a, b| order.in_memory().compare(a, b));
    rows
}

fn walks_agree(conn: &mut AnyConnection, order: &AgentOrder, of_tenant: Option<i32>, limit: u32) {
    let codec = codec();
    let filters = Fingerprint::new("agents").with("tenant", of_tenant);
    let pager = order.pager(&codec).filters(filters).limit(limit);
    let mut page_at = |at: At<'_>| pager.page(conn, at, || tenant(of_tenant)).expect("a page");
    let expected = whole(order, of_tenant);
    let context = format!("{:?} by {limit}", order.in_memory());
    assert_eq!(walk::forward(&mut page_at), expected, "forward: {context}");
    assert_eq!(walk::backward(&mut page_at), expected, "backward: {context}");
}

#[test]
fn pages_joined_equal_the_sorted_whole_on_both_databases() {
    for mut database in Database::both().map(filled) {
        if database.conn.is_postgres() {
            // The oracle compares text by bytes; so does this collation.
            database
                .conn
                .run(r#"ALTER TABLE agents ALTER COLUMN name TYPE TEXT COLLATE "C""#);
        }
        for order in all_orders() {
            for limit in 1..=11 {
                walks_agree(&mut database.conn, &order, Some(1), limit);
            }
            walks_agree(&mut database.conn, &order, None, 46);
            walks_agree(&mut database.conn, &order, None, 47);
            walks_agree(&mut database.conn, &order, None, 48);
        }
    }
}

#[test]
fn every_strategy_reads_the_same_pages() {
    for mut database in Database::both().map(filled) {
        if database.conn.is_postgres() {
            database
                .conn
                .run(r#"ALTER TABLE agents ALTER COLUMN name TYPE TEXT COLLATE "C""#);
        }
        for strategy in [Strategy::BoundOr, Strategy::UnionAll] {
            for order in all_orders() {
                let order = order.strategy(strategy);
                for limit in [1, 2, 5] {
                    walks_agree(&mut database.conn, &order, None, limit);
                }
            }
        }
    }
}

#[test]
fn unboxed_queries_page_too() {
    let codec = codec();
    let order = popular();
    let pager = order.pager(&codec).limit(4);
    for mut database in Database::both().map(filled) {
        let conn = &mut database.conn;
        let mut page_at = |at: At<'_>| {
            pager
                .page(conn, at, || agents::table.filter(agents::tenant.eq(0)))
                .expect("a page")
        };
        assert_eq!(walk::forward(&mut page_at), whole(&order, Some(0)));
        assert_eq!(walk::backward(&mut page_at), whole(&order, Some(0)));
    }
}

type WithAuthor = (Agent, String);
type AgentsAndAuthors = InnerJoinQuerySource<agents::table, authors::table>;

fn by_author() -> SqlOrder<WithAuthor, AgentsAndAuthors, MultiBackend> {
    SqlOrder::named("by author")
        .asc(authors::name, |(_, author): &WithAuthor| author.clone())
        .desc(agents::installs, |(agent, _)| agent.installs)
        .unique_asc(agents::id, |(agent, _)| agent.id)
}

#[test]
fn joins_page_by_keys_of_both_tables() {
    let codec = codec();
    let order = by_author();
    let mut expected: Vec<WithAuthor> = sample()
        .into_iter()
        .map(|agent| {
            let author = ["Ada", "Grace", "Barbara"][usize::try_from(agent.author).expect("small")];
            (agent, author.to_owned())
        })
        .collect();
    expected.sort_by(|a, b| order.in_memory().compare(a, b));
    for mut database in Database::both().map(filled) {
        let conn = &mut database.conn;
        for limit in [1, 3, 10] {
            let pager = order.pager(&codec).limit(limit);
            let mut page_at = |at: At<'_>| {
                let base = || {
                    agents::table
                        .inner_join(authors::table)
                        .select((Agent::as_select(), authors::name))
                        .into_boxed()
                };
                pager.page(conn, at, base).expect("a page")
            };
            assert_eq!(walk::forward(&mut page_at), expected);
            assert_eq!(walk::backward(&mut page_at), expected);
        }
    }
}

/// A row with the database's own lower case of its name.
type Lowered = (AgentId, String, String);

#[test]
fn expressions_are_compared_as_they_are_sorted() {
    let codec = codec();
    let order: SqlOrder<Lowered, agents::table, MultiBackend> = SqlOrder::named("by lower name")
        .asc(lower(agents::name), |row: &Lowered| row.2.clone())
        .unique_asc(agents::id, |row| row.0);
    for mut database in Database::both().map(filled) {
        let conn = &mut database.conn;
        let base = || {
            agents::table
                .select((agents::id, agents::name, lower(agents::name)))
                .into_boxed()
        };
        let expected: Vec<Lowered> = base()
            .order((lower(agents::name).asc(), agents::id.asc()))
            .load(conn)
            .expect("the whole");
        assert_eq!(expected.len(), 47);
        for limit in [1, 2, 7, 11] {
            let pager = order.pager(&codec).limit(limit);
            let mut page_at = |at: At<'_>| pager.page(conn, at, base).expect("a page");
            assert_eq!(walk::forward(&mut page_at), expected);
            assert_eq!(walk::backward(&mut page_at), expected);
        }
    }
}

/// An agent with its relevance.
type Ranked = (Agent, f64);

/// Relevance by an expression with a bind of its own, as full-text search has it: one place says it for the order and for
/// the selection.
macro_rules! relevance {
    ($term:expr) => {
        sql::<Double>("(1 / cast(1 + abs(author - ")
            .bind::<Integer, _>($term)
            .sql(") as double precision))")
    };
}

fn by_relevance(term: i32) -> SqlOrder<Ranked, agents::table, MultiBackend> {
    SqlOrder::named("relevance")
        .desc(relevance!(term), |(_, rank): &Ranked| *rank)
        .unique_asc(agents::id, |(agent, _)| agent.id)
}

#[test]
fn a_computed_rank_with_a_bind_pages_like_a_column() {
    let codec = codec();
    let order = by_relevance(1);
    let mut expected: Vec<Ranked> = sample()
        .into_iter()
        .map(|agent| {
            let rank = 1.0 / (1.0 + f64::from((agent.author - 1).abs()));
            (agent, rank)
        })
        .collect();
    expected.sort_by(|a, b| order.in_memory().compare(a, b));
    for mut database in Database::both().map(filled) {
        let conn = &mut database.conn;
        for limit in [1, 5, 9] {
            let pager = order.pager(&codec).limit(limit);
            let mut page_at = |at: At<'_>| {
                let base = || agents::table.select((agents::all_columns, relevance!(1))).into_boxed();
                pager.page(conn, at, base).expect("a page")
            };
            assert_eq!(walk::forward(&mut page_at), expected);
            assert_eq!(walk::backward(&mut page_at), expected);
        }
    }
}
