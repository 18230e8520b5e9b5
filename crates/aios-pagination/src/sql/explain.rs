//! Plans: what the database says it will do with a statement.

use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::methods::LoadQuery;
use diesel::sql_types::{Integer, Text};
use diesel::{QueryResult, RunQueryDsl};

/// Whose EXPLAIN and statistics a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// PostgreSQL
    Postgres,
    /// SQLite
    Sqlite,
}

/// `EXPLAIN query`, one line of text a row, as PostgreSQL answers it.
#[derive(Debug)]
pub struct Explain<Q> {
    query: Q,
    prefix: &'static str,
}

impl<Q> Explain<Q> {
    pub(super) fn new(query: Q, dialect: Dialect) -> Self {
        Self {
            query,
            prefix: match dialect {
                Dialect::Postgres => "EXPLAIN ",
                Dialect::Sqlite => "EXPLAIN QUERY PLAN ",
            },
        }
    }
}

/// `EXPLAIN QUERY PLAN query`, a node a row, as SQLite answers it.
#[derive(Debug)]
pub struct QueryPlan<Q>(Explain<Q>);

/// The lines of the plan of a query, in either dialect.
pub(super) fn lines<'q, Q, Conn>(
    query: Q,
    dialect: Dialect,
    conn: &mut Conn,
) -> QueryResult<Vec<String>>
where
    Explain<Q>: LoadQuery<'q, Conn, String>,
    QueryPlan<Q>: LoadQuery<'q, Conn, (i32, i32, i32, String)>,
{
    let explain = Explain::new(query, dialect);
    match dialect {
        Dialect::Postgres => explain.load(conn),
        Dialect::Sqlite => {
            let nodes: Vec<(i32, i32, i32, String)> = QueryPlan(explain).load(conn)?;
            Ok(nodes.into_iter().map(|(_, _, _, detail)| detail).collect())
        }
    }
}

impl<Q> Query for Explain<Q> {
    type SqlType = Text;
}

impl<Q> Query for QueryPlan<Q> {
    type SqlType = (Integer, Integer, Integer, Text);
}

impl<Q, Conn> RunQueryDsl<Conn> for Explain<Q> {}

impl<Q, Conn> RunQueryDsl<Conn> for QueryPlan<Q> {}

impl<Q> QueryId for Explain<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q> QueryId for QueryPlan<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for Explain<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        // A plan kept from an earlier time would be explained with the statistics of that time.
        out.unsafe_to_cache_prepared();
        out.push_sql(self.prefix);
        self.query.walk_ast(out.reborrow())
    }
}

impl<Q: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for QueryPlan<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }
}
