//! What a base query must be able to do, and the statement that joins ranges.

use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::methods::{FilterDsl, LoadQuery, OrderDsl, SelectDsl};
use diesel::{QueryResult, RunQueryDsl};

use super::explain::{Dialect, Explain, QueryPlan, lines};
use super::fragment::{Counts, Ordering, Seek, Selected};

/// A query that keyset pages can be read from: a table, a join, boxed or not, filtered or not, that loads `R` on `Conn`.
///
/// Implemented for every diesel query that can be filtered, ordered and loaded.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be paged as `{R}` over the source `{QS}`",
    note = "it must be a SELECT over exactly the order's query source, without LIMIT and OFFSET, loadable as the order's row"
)]
pub trait KeysetQuery<'q, Conn, QS, DB: Backend, R>: Sized {
    /// Loads the rows of a part.
    #[doc(hidden)]
    fn load_part(part: Part<'q, Self, QS, DB>, conn: &mut Conn) -> QueryResult<Vec<R>>;

    /// The plan of that statement.
    #[doc(hidden)]
    fn explain_part(part: Part<'q, Self, QS, DB>, dialect: Dialect, conn: &mut Conn) -> QueryResult<Vec<String>>;
}

/// Rows of some ranges that follow each other, up to a limit.
pub struct Part<'q, Q, QS, DB: Backend> {
    pub(super) ranges: Vec<Range<'q, Q, QS, DB>>,
    pub(super) limit: i64,
    pub(super) offset: i64,
    /// See [`SqlPager::keep_plan`](super::SqlPager::keep_plan).
    pub(super) keeps_plan: bool,
}

/// One range of the base query.
pub struct Range<'q, Q, QS, DB: Backend> {
    pub(super) base: Q,
    pub(super) filter: Seek<'q, QS, DB>,
    pub(super) ordering: Ordering<'q, QS, DB>,
}

impl<Q, QS, DB: Backend> std::fmt::Debug for Part<'_, Q, QS, DB> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Part")
            .field("ranges", &self.ranges.len())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl<Q, QS, DB: Backend> std::fmt::Debug for Range<'_, Q, QS, DB> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Range")
            .field("filter", &self.filter)
            .finish_non_exhaustive()
    }
}

impl<'q, Conn, QS, DB, R, Q, Filtered, Ordered> KeysetQuery<'q, Conn, QS, DB, R> for Q
where
    DB: Backend,
    Q: FilterDsl<Seek<'q, QS, DB>, Output = Filtered>,
    Filtered: OrderDsl<Ordering<'q, QS, DB>, Output = Ordered>,
    UnionAll<Ordered>: LoadQuery<'q, Conn, R>,
    Explain<UnionAll<Ordered>>: LoadQuery<'q, Conn, String>,
    QueryPlan<UnionAll<Ordered>>: LoadQuery<'q, Conn, (i32, i32, i32, String)>,
{
    fn load_part(part: Part<'q, Self, QS, DB>, conn: &mut Conn) -> QueryResult<Vec<R>> {
        part.join(keyset_query).load(conn)
    }

    fn explain_part(part: Part<'q, Self, QS, DB>, dialect: Dialect, conn: &mut Conn) -> QueryResult<Vec<String>> {
        lines(part.join(keyset_query), dialect, conn)
    }
}

/// One range of the base query with its bounds.
fn keyset_query<'q, Q, QS, DB, Filtered, Ordered>(range: Range<'q, Q, QS, DB>) -> Ordered
where
    DB: Backend,
    Q: FilterDsl<Seek<'q, QS, DB>, Output = Filtered>,
    Filtered: OrderDsl<Ordering<'q, QS, DB>, Output = Ordered>,
{
    range.base.filter(range.filter).order(range.ordering)
}

impl<'q, Q, QS, DB: Backend> Part<'q, Q, QS, DB> {
    fn join<T>(self, query: impl FnMut(Range<'q, Q, QS, DB>) -> T) -> UnionAll<T> {
        UnionAll {
            queries: self.ranges.into_iter().map(query).collect(),
            // Where several ranges are skipped into, each may have to give all of it.
            each: Bounds {
                limit: self.limit.saturating_add(self.offset),
                offset: 0,
                keeps_plan: self.keeps_plan,
            },
            whole: Bounds {
                limit: self.limit,
                offset: self.offset,
                keeps_plan: self.keeps_plan,
            },
        }
    }
}

/// How many rows a page usually has.
const USUAL: [i64; 5] = [10, 20, 25, 50, 100];

/// Whether the limit is one of the usual ones, with up to two rows more by which a page knows its neighbours; or one alone.
/// Every number makes a statement of its own, which is kept prepared, so it is not written out whatever it is.
fn is_usual(limit: i64) -> bool {
    limit == 1 || USUAL.iter().any(|usual| (0..=2).contains(&(limit - usual)))
}

/// The ranges of a part: `SELECT * FROM (first) UNION ALL SELECT * FROM (second) LIMIT …`, or the query itself where there
/// is but one.
///
/// Each range is sorted, and they follow each other. SQL promises no sequence for UNION ALL, but both databases run its
/// members one after the other: SQLite as coroutines, PostgreSQL as an Append, which it makes parallel only over members
/// without LIMIT, and these all have one. A later member runs only if the earlier ones gave too few rows.
#[derive(Debug)]
pub struct UnionAll<Q> {
    queries: Vec<Q>,
    /// Of each query, where there are several.
    each: Bounds,
    whole: Bounds,
}

/// How many rows are read.
#[derive(Debug)]
struct Bounds {
    limit: i64,
    offset: i64,
    keeps_plan: bool,
}

impl<DB: Counts> QueryFragment<DB> for Bounds {
    /// ` LIMIT …`, and ` OFFSET …` where something is skipped.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(" LIMIT ");
        if self.keeps_plan && is_usual(self.limit) {
            out.push_sql(&self.limit.to_string());
        } else {
            DB::bind_number(&mut out, &self.limit)?;
        }
        if self.offset == 0 {
            return Ok(());
        }
        out.push_sql(" OFFSET ");
        DB::bind_number(&mut out, &self.offset)
    }
}

impl<Q: Query> Query for UnionAll<Q> {
    type SqlType = Q::SqlType;
}

impl<Q, Conn> RunQueryDsl<Conn> for UnionAll<Q> {}

impl<Q> QueryId for UnionAll<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q, DB> QueryFragment<DB> for UnionAll<Q>
where
    DB: Counts,
    Q: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        if let [only] = self.queries.as_slice() {
            only.walk_ast(out.reborrow())?;
            return self.whole.walk_ast(out);
        }
        for (index, query) in self.queries.iter().enumerate() {
            out.push_sql(if index > 0 { " UNION ALL " } else { "" });
            out.push_sql("SELECT * FROM (");
            query.walk_ast(out.reborrow())?;
            self.each.walk_ast(out.reborrow())?;
            out.push_sql(") AS r");
        }
        self.whole.walk_ast(out)
    }
}

/// A query whose rows can be found by their tie-breakers first and loaded afterwards: the deferred join.
///
/// Implemented for every query that is a [`KeysetQuery`] and lets its selection be replaced.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be paged by number as `{R}` over the source `{QS}`",
    note = "it must be a SELECT over exactly the order's query source, whose selection can be replaced, loadable as the order's row"
)]
pub trait DeferredQuery<'q, Conn, QS, DB: Backend, R>: Sized {
    /// Finds the tie-breakers of a part, and loads their rows.
    #[doc(hidden)]
    fn load_deferred(deferred: Deferred<'q, Self, QS, DB>, conn: &mut Conn) -> QueryResult<Vec<R>>;

    /// Finds the tie-breakers of every so many rows, and loads their rows.
    #[doc(hidden)]
    fn load_every(sampled: Sampled<'q, Self, QS, DB>, conn: &mut Conn) -> QueryResult<Vec<R>>;

    /// The plan of a deferred join.
    #[doc(hidden)]
    fn explain_deferred(
        deferred: Deferred<'q, Self, QS, DB>,
        dialect: Dialect,
        conn: &mut Conn,
    ) -> QueryResult<Vec<String>>;
}

/// The two halves of a deferred join.
pub struct Deferred<'q, Q, QS, DB: Backend> {
    /// Finds the tie-breakers, in an index alone where it covers filters and keys.
    pub(super) part: Part<'q, Q, QS, DB>,
    /// The tie-breaker, once as the predicate's left side and once a range as its selection.
    pub(super) unique_key: Box<dyn Fn() -> Selected<'q, QS, DB> + 'q>,
    /// Loads the rows.
    pub(super) rows: Q,
    pub(super) ordering: Ordering<'q, QS, DB>,
}

impl<Q, QS, DB: Backend> std::fmt::Debug for Deferred<'_, Q, QS, DB> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deferred")
            .field("part", &self.part)
            .finish_non_exhaustive()
    }
}

/// Every so many rows of a listing, found in one pass over it.
pub struct Sampled<'q, Q, QS, DB: Backend> {
    /// Tie-breakers and places: `id AS k, row_number() OVER (ORDER BY …) AS n`.
    pub(super) numbered: Selected<'q, QS, DB>,
    /// From where the tie-breakers are taken.
    pub(super) keys: Q,
    pub(super) filter: Seek<'q, QS, DB>,
    /// A row is taken, the others left out.
    pub(super) every: i64,
    pub(super) unique_key: Selected<'q, QS, DB>,
    /// Loads the rows.
    pub(super) rows: Q,
    pub(super) ordering: Ordering<'q, QS, DB>,
}

impl<Q, QS, DB: Backend> std::fmt::Debug for Sampled<'_, Q, QS, DB> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sampled")
            .field("every", &self.every)
            .finish_non_exhaustive()
    }
}

/// `SELECT k FROM (query) AS s WHERE n % every = 0`
struct EveryOf<Q> {
    numbered: Q,
    every: i64,
}

impl<Q, DB> QueryFragment<DB> for EveryOf<Q>
where
    DB: Counts,
    Q: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("SELECT k FROM (");
        self.numbered.walk_ast(out.reborrow())?;
        out.push_sql(") AS s WHERE n % ");
        DB::bind_number(&mut out, &self.every)?;
        out.push_sql(" = 0");
        Ok(())
    }
}

impl<'q, Conn, QS, DB, R, Q, Keys, Filtered, Ordered, Found, Sorted> DeferredQuery<'q, Conn, QS, DB, R> for Q
where
    DB: Counts + 'q,
    QS: 'q,
    Q: SelectDsl<Selected<'q, QS, DB>, Output = Keys>,
    Keys: FilterDsl<Seek<'q, QS, DB>, Output = Filtered>,
    Filtered: OrderDsl<Ordering<'q, QS, DB>, Output = Ordered> + QueryFragment<DB> + Send + 'q,
    Ordered: QueryFragment<DB> + Send + 'q,
    Q: FilterDsl<Seek<'q, QS, DB>, Output = Found>,
    Found: OrderDsl<Ordering<'q, QS, DB>, Output = Sorted>,
    Sorted: LoadQuery<'q, Conn, R>,
    Explain<Sorted>: LoadQuery<'q, Conn, String>,
    QueryPlan<Sorted>: LoadQuery<'q, Conn, (i32, i32, i32, String)>,
{
    fn load_deferred(deferred: Deferred<'q, Self, QS, DB>, conn: &mut Conn) -> QueryResult<Vec<R>> {
        deferred_query(deferred).load(conn)
    }

    fn load_every(sampled: Sampled<'q, Self, QS, DB>, conn: &mut Conn) -> QueryResult<Vec<R>> {
        let every = EveryOf {
            numbered: sampled.keys.select(sampled.numbered).filter(sampled.filter),
            every: sampled.every,
        };
        let among = Seek::is_in(sampled.unique_key, every).plan_anew();
        sampled.rows.filter(among).order(sampled.ordering).load(conn)
    }

    fn explain_deferred(
        deferred: Deferred<'q, Self, QS, DB>,
        dialect: Dialect,
        conn: &mut Conn,
    ) -> QueryResult<Vec<String>> {
        lines(deferred_query(deferred), dialect, conn)
    }
}

/// Rows skipped up to which a deferred join's statement is kept prepared.
///
/// A plan that PostgreSQL keeps for any parameters takes LIMIT for a tenth of the table, and so joins by reading all of it.
/// It prefers that plan once the ones made for the parameters at hand cost as much, which those that skip far do.
const PLANNED_ONCE: i64 = 10_000;

/// The rows whose tie-breakers a part finds.
fn deferred_query<'q, Q, QS, DB, Keys, Filtered, Ordered, Found, Sorted>(deferred: Deferred<'q, Q, QS, DB>) -> Sorted
where
    DB: Counts + 'q,
    QS: 'q,
    Q: SelectDsl<Selected<'q, QS, DB>, Output = Keys>,
    Keys: FilterDsl<Seek<'q, QS, DB>, Output = Filtered>,
    Filtered: OrderDsl<Ordering<'q, QS, DB>, Output = Ordered>,
    Ordered: QueryFragment<DB> + Send + 'q,
    Q: FilterDsl<Seek<'q, QS, DB>, Output = Found>,
    Found: OrderDsl<Ordering<'q, QS, DB>, Output = Sorted>,
{
    let Deferred {
        part,
        unique_key,
        rows,
        ordering,
    } = deferred;
    let is_deep = part.offset > PLANNED_ONCE;
    let keys = part.join(|range| {
        let keys = range.base.select(unique_key());
        keys.filter(range.filter).order(range.ordering)
    });
    let among = Seek::is_in(unique_key(), keys);
    let among = if is_deep { among.plan_anew() } else { among };
    rows.filter(among).order(ordering)
}
