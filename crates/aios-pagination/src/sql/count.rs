//! Counts: exact, up to a cap, estimated, or none.

use diesel::backend::Backend;
use diesel::dsl::{CountStar, count_star};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::methods::{LimitDsl, LoadQuery, SelectDsl};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, HasSqlType, Text};
use diesel::{QueryResult, RunQueryDsl};

use super::explain::{Dialect, Explain};
use super::fragment::{Counts, Fragment, Piece, Selected};
use super::pager::SqlPager;
use crate::page::Total;

/// How many rows a listing has is asked for in this way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Count {
    /// Not at all: no statement is sent.
    #[default]
    None,
    /// Every row is counted: the cost grows with the listing.
    Exact,
    /// Rows are counted up to this many, and "at least" is answered beyond; the cost is bounded.
    Capped(u64),
    /// The planner's statistics answer: as fresh as the last ANALYZE, at the cost of planning the query.
    ///
    /// PostgreSQL estimates the very query, filters and all. SQLite keeps one number a table (`sqlite_stat1`), which stands
    /// for the query only where the caller names the table; else, and before the first ANALYZE, the count is capped at 10,000.
    Estimated {
        /// The table whose statistics stand for the query: its only one, without filters.
        whole_table: Option<&'static str>,
    },
}

/// A query whose rows can be counted.
///
/// Implemented for every diesel query whose selection can be replaced.
pub trait CountableQuery<'q, Conn, QS, DB: Backend>: Sized {
    /// The number of rows.
    #[doc(hidden)]
    fn count_all(self, conn: &mut Conn) -> QueryResult<i64>;
    /// The number of rows up to a cap.
    #[doc(hidden)]
    fn count_up_to(self, cap: i64, conn: &mut Conn) -> QueryResult<i64>;
    /// The lines of EXPLAIN.
    #[doc(hidden)]
    fn explain(self, conn: &mut Conn) -> QueryResult<Vec<String>>;
    /// The statistics of a table, as SQLite keeps them.
    #[doc(hidden)]
    fn statistics(table: &'static str, conn: &mut Conn) -> QueryResult<Vec<String>>;
}

impl<R, QS, DB: Backend> SqlPager<'_, R, QS, DB> {
    /// Counts the query's rows; `None` for [`Count::None`].
    ///
    /// The base query is the one given to [`SqlPager::page`]; it must have no LIMIT or OFFSET.
    pub fn count<'q, Q, Conn>(
        &self,
        conn: &mut Conn,
        dialect: Dialect,
        how: Count,
        base: impl Fn() -> Q,
    ) -> QueryResult<Option<Total>>
    where
        Q: CountableQuery<'q, Conn, QS, DB>,
    {
        Ok(match how {
            Count::None => None,
            Count::Exact => Some(Total::Exact(unsigned(base().count_all(conn)?))),
            Count::Capped(cap) => Some(capped(conn, cap, base())?),
            Count::Estimated { whole_table } => {
                let known = match (dialect, whole_table) {
                    (Dialect::Postgres, _) => estimate_in(&base().explain(conn)?),
                    (Dialect::Sqlite, Some(table)) => sqlite_rows::<Q, _, _, _>(table, conn)?,
                    (Dialect::Sqlite, None) => None,
                };
                Some(match known {
                    Some(rows) => Total::About(rows),
                    None => capped(conn, FALLBACK_CAP, base())?,
                })
            }
        })
    }
}

/// Rows counted where no statistics stand for the query.
const FALLBACK_CAP: u64 = 10_000;

fn capped<'q, Q, Conn, QS, DB>(conn: &mut Conn, cap: u64, query: Q) -> QueryResult<Total>
where
    DB: Backend,
    Q: CountableQuery<'q, Conn, QS, DB>,
{
    let one_more = i64::try_from(cap).unwrap_or(i64::MAX).saturating_add(1);
    let rows = unsigned(query.count_up_to(one_more, conn)?);
    Ok(if rows > cap {
        Total::AtLeast(cap)
    } else {
        Total::Exact(rows)
    })
}

fn unsigned(rows: i64) -> u64 {
    u64::try_from(rows).unwrap_or(0)
}

/// The rows PostgreSQL expects of the topmost node: `Seq Scan on agents  (cost=0.00..18334.00 rows=1000000 width=4)`.
fn estimate_in(explained: &[String]) -> Option<u64> {
    let (_, rows) = explained.first()?.split_once(" rows=")?;
    rows.split(' ').next()?.parse().ok()
}

/// The rows of a table as of its last ANALYZE, which leaves the number first in `stat` for every index; a partial index
/// has fewer, so the largest is the table's.
fn sqlite_rows<'q, Q, Conn, QS, DB>(
    table: &'static str,
    conn: &mut Conn,
) -> QueryResult<Option<u64>>
where
    DB: Backend,
    Q: CountableQuery<'q, Conn, QS, DB>,
{
    let statistics = match Q::statistics(table, conn) {
        Ok(statistics) => statistics,
        // Before the first ANALYZE there is no table of statistics.
        Err(diesel::result::Error::DatabaseError(..)) => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(statistics
        .iter()
        .filter_map(|stat| stat.split(' ').next()?.parse().ok())
        .max())
}

impl<'q, Q, Conn, QS, DB, Counted, Ones, Few> CountableQuery<'q, Conn, QS, DB> for Q
where
    DB: Counts + 'q,
    QS: 'q,
    Q: SelectDsl<CountStar, Output = Counted> + SelectDsl<Selected<'q, QS, DB>, Output = Ones>,
    Counted: LoadQuery<'q, Conn, i64>,
    Ones: LimitDsl<Output = Few>,
    CountOf<Few>: LoadQuery<'q, Conn, i64>,
    Explain<Ones>: LoadQuery<'q, Conn, String>,
    Statistics: LoadQuery<'q, Conn, String>,
{
    fn count_all(self, conn: &mut Conn) -> QueryResult<i64> {
        SelectDsl::select(self, count_star()).get_result(conn)
    }

    fn count_up_to(self, cap: i64, conn: &mut Conn) -> QueryResult<i64> {
        CountOf(ones(self).limit(cap)).get_result(conn)
    }

    fn explain(self, conn: &mut Conn) -> QueryResult<Vec<String>> {
        Explain::new(ones(self), Dialect::Postgres).load(conn)
    }

    fn statistics(table: &'static str, conn: &mut Conn) -> QueryResult<Vec<String>> {
        Statistics(table).load(conn)
    }
}

/// `SELECT 1` of the query.
fn ones<'q, Q, QS, DB, Ones>(query: Q) -> Ones
where
    DB: Backend,
    Q: SelectDsl<Selected<'q, QS, DB>, Output = Ones>,
{
    query.select(Fragment::new(vec![Piece::Sql("1")]))
}

/// `SELECT count(*) FROM (query)`
#[derive(Debug)]
pub struct CountOf<Q>(Q);

/// SQLite's statistics of a table.
#[derive(Debug)]
pub struct Statistics(&'static str);

impl<Q> Query for CountOf<Q> {
    type SqlType = BigInt;
}

impl<Q, Conn> RunQueryDsl<Conn> for CountOf<Q> {}

impl<Q> QueryId for CountOf<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for CountOf<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("SELECT count(*) FROM (");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(") AS c");
        Ok(())
    }
}

impl Query for Statistics {
    type SqlType = Text;
}

impl<Conn> RunQueryDsl<Conn> for Statistics {}

impl QueryId for Statistics {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB> QueryFragment<DB> for Statistics
where
    DB: Backend + HasSqlType<Text>,
    str: ToSql<Text, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("SELECT stat FROM sqlite_stat1 WHERE tbl = ");
        out.push_bind_param::<Text, str>(self.0)
    }
}
