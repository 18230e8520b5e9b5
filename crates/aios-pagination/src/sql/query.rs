//! What a base query must be able to do, and the statement that joins ranges.

use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::methods::{FilterDsl, LimitDsl, LoadQuery, OffsetDsl, OrderDsl, SelectDsl};
use diesel::{QueryResult, RunQueryDsl};

use super::explain::{Dialect, Explain, QueryPlan, lines};
use super::fragment::{Counts, Ordering, Seek, Selected};

/// A query that keyset pages can be read from: a table, a join, boxed or not, filtered or not, that loads `R` on `Conn`.
///
/// Implemented for every diesel query that can be filtered, ordered, limited and loaded.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be paged as `{R}` over the source `{QS}`",
    note = "it must be a SELECT over exactly the order's query source, without a LIMIT type of its own, loadable as the order's row"
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

impl<'q, Conn, QS, DB, R, Q, Filtered, Ordered, Limited, Skipped> KeysetQuery<'q, Conn, QS, DB, R> for Q
where
    DB: Backend,
    Q: FilterDsl<Seek<'q, QS, DB>, Output = Filtered>,
    Filtered: OrderDsl<Ordering<'q, QS, DB>, Output = Ordered>,
    Ordered: LimitDsl<Output = Limited>,
    Limited: OffsetDsl<Output = Skipped>,
    UnionAll<Skipped>: LoadQuery<'q, Conn, R>,
    Explain<UnionAll<Skipped>>: LoadQuery<'q, Conn, String>,
    QueryPlan<UnionAll<Skipped>>: LoadQuery<'q, Conn, (i32, i32, i32, String)>,
{
    fn load_part(part: Part<'q, Self, QS, DB>, conn: &mut Conn) -> QueryResult<Vec<R>> {
        part.join(keyset_query).load(conn)
    }

    fn explain_part(part: Part<'q, Self, QS, DB>, dialect: Dialect, conn: &mut Conn) -> QueryResult<Vec<String>> {
        lines(part.join(keyset_query), dialect, conn)
    }
}

/// One range of the base query with its bounds.
fn keyset_query<'q, Q, QS, DB, Filtered, Ordered, Limited, Skipped>(
    range: Range<'q, Q, QS, DB>,
    limit: i64,
    offset: i64,
) -> Skipped
where
    DB: Backend,
    Q: FilterDsl<Seek<'q, QS, DB>, Output = Filtered>,
    Filtered: OrderDsl<Ordering<'q, QS, DB>, Output = Ordered>,
    Ordered: LimitDsl<Output = Limited>,
    Limited: OffsetDsl<Output = Skipped>,
{
    let sorted = range.base.filter(range.filter).order(range.ordering);
    sorted.limit(limit).offset(offset)
}

impl<'q, Q, QS, DB: Backend> Part<'q, Q, QS, DB> {
    /// Makes each range a query with a limit and an offset; where there are several, the offset is the whole's.
    fn join<T>(self, mut query: impl FnMut(Range<'q, Q, QS, DB>, i64, i64) -> T) -> UnionAll<T> {
        let (limit, offset) = match self.ranges.len() {
            1 => (self.limit, self.offset),
            _ => (self.limit.saturating_add(self.offset), 0),
        };
        UnionAll {
            limit: self.limit,
            offset: self.offset,
            queries: self
                .ranges
                .into_iter()
                .map(|range| query(range, limit, offset))
                .collect(),
        }
    }
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
    limit: i64,
    offset: i64,
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
            return only.walk_ast(out);
        }
        for (index, query) in self.queries.iter().enumerate() {
            out.push_sql(if index > 0 { " UNION ALL " } else { "" });
            out.push_sql("SELECT * FROM (");
            query.walk_ast(out.reborrow())?;
            out.push_sql(") AS r");
        }
        out.push_sql(" LIMIT ");
        DB::bind_number(&mut out, &self.limit)?;
        out.push_sql(" OFFSET ");
        DB::bind_number(&mut out, &self.offset)
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

impl<'q, Conn, QS, DB, R, Q, Keys, Filtered, Ordered, Limited, Skipped, Found, Sorted>
    DeferredQuery<'q, Conn, QS, DB, R> for Q
where
    DB: Counts + 'q,
    QS: 'q,
    Q: SelectDsl<Selected<'q, QS, DB>, Output = Keys>,
    Keys: FilterDsl<Seek<'q, QS, DB>, Output = Filtered>,
    Filtered: OrderDsl<Ordering<'q, QS, DB>, Output = Ordered> + QueryFragment<DB> + Send + 'q,
    Ordered: LimitDsl<Output = Limited>,
    Limited: OffsetDsl<Output = Skipped>,
    Skipped: QueryFragment<DB> + Send + 'q,
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
fn deferred_query<'q, Q, QS, DB, Keys, Filtered, Ordered, Limited, Skipped, Found, Sorted>(
    deferred: Deferred<'q, Q, QS, DB>,
) -> Sorted
where
    DB: Counts + 'q,
    QS: 'q,
    Q: SelectDsl<Selected<'q, QS, DB>, Output = Keys>,
    Keys: FilterDsl<Seek<'q, QS, DB>, Output = Filtered>,
    Filtered: OrderDsl<Ordering<'q, QS, DB>, Output = Ordered>,
    Ordered: LimitDsl<Output = Limited>,
    Limited: OffsetDsl<Output = Skipped>,
    Skipped: QueryFragment<DB> + Send + 'q,
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
    let keys = part.join(|range, limit, offset| {
        let keys = range.base.select(unique_key());
        let sorted = keys.filter(range.filter).order(range.ordering);
        sorted.limit(limit).offset(offset)
    });
    let among = Seek::is_in(unique_key(), keys);
    let among = if is_deep { among.plan_anew() } else { among };
    rows.filter(among).order(ordering)
}
