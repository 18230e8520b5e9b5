//! Orders of a diesel query: one declaration that drives ORDER BY, the predicate, and the cursor.

use std::marker::PhantomData;
use std::sync::Arc;

use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, Expression, NonAggregate};
use diesel::query_builder::QueryFragment;
use diesel::serialize::ToSql;
use diesel::sql_types::{HasSqlType, Nullable, SingleValue, SqlType, is_nullable};

use super::fragment::{Bind, Fragment, Ordering, Piece, Seek, Selected, SharedSql};
use crate::cursor::{CursorError, Direction, Position};
use crate::order::{KeyShape, Nulls, Order, OrderBuilder, Sort};
use crate::plan::{Branch, Step, branches};
use crate::value::{CursorValue, Value};

/// How the rows beyond a cursor are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Strategy {
    /// One row value where all keys run the same way and none is nullable; else one range after the other with UNION ALL,
    /// of row values where several keys can be compared at once.
    #[default]
    Auto,
    /// One range a key, with UNION ALL, without row values. For SQLite where an indexed expression such as `lower(name)` is
    /// a key, whose index SQLite does not use for a row value; and where the tie-breaker is the rowid's alias (`INTEGER
    /// PRIMARY KEY`) and many rows tie, since SQLite shortens a row value to its first column there.
    UnionAll,
    /// One WHERE clause: the leading key bounds the range, the rest is an OR. For queries that can't be a subquery; rows
    /// that tie with the cursor in the leading key are read and dropped.
    BoundOr,
}

/// The order of a query over the source `QS` on the backend `DB`, whose rows are loaded as `R`.
///
/// `QS` is the table, or `diesel::dsl::InnerJoinQuerySource<A, B>` and the like for joins. The tie-breaker comes last,
/// by [`SqlOrderBuilder::unique_asc`] or [`SqlOrderBuilder::unique_desc`]; there is no order without one.
pub struct SqlOrder<R, QS, DB: Backend> {
    order: Order<R>,
    columns: Arc<[Box<dyn Column<DB>>]>,
    strategy: Strategy,
    source: PhantomData<fn() -> QS>,
}

impl<R, QS, DB: Backend> Clone for SqlOrder<R, QS, DB> {
    fn clone(&self) -> Self {
        Self {
            order: self.order.clone(),
            columns: Arc::clone(&self.columns),
            strategy: self.strategy,
            source: PhantomData,
        }
    }
}

impl<R, QS, DB: Backend> std::fmt::Debug for SqlOrder<R, QS, DB> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlOrder")
            .field("order", &self.order)
            .field("strategy", &self.strategy)
            .finish_non_exhaustive()
    }
}

impl<R, QS, DB: Backend> SqlOrder<R, QS, DB> {
    /// Begins an order. The name goes into the fingerprint: two orders of one service need two names.
    pub fn named(name: &'static str) -> SqlOrderBuilder<R, QS, DB> {
        SqlOrderBuilder {
            order: Order::named(name),
            columns: Vec::new(),
            source: PhantomData,
        }
    }

    /// The same order asking another way.
    #[must_use]
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// The same keys over rows in memory.
    pub fn in_memory(&self) -> &Order<R> {
        &self.order
    }

    /// ORDER BY, read in this direction.
    pub(super) fn ordering<'q>(&self, direction: Direction) -> Ordering<'q, QS, DB> {
        self.ordering_of(direction, |_| true)
    }

    /// ORDER BY those of the keys that a range leaves free.
    fn ordering_of<'q>(&self, direction: Direction, is_free: impl Fn(usize) -> bool) -> Ordering<'q, QS, DB> {
        let mut pieces = Vec::with_capacity(self.columns.len() * 3);
        let keys = self.columns.iter().zip(self.order.shapes()).enumerate();
        for (_, (column, shape)) in keys.filter(|(index, _)| is_free(*index)) {
            if !pieces.is_empty() {
                pieces.push(Piece::Sql(", "));
            }
            pieces.push(Piece::Key(column.sql()));
            pieces.push(Piece::Sql(order_suffix(shape_towards(*shape, direction))));
        }
        Fragment::new(pieces)
    }

    /// The tie-breaker, to be selected.
    pub(super) fn unique_key<'q>(&self) -> Selected<'q, QS, DB> {
        Fragment::new(self.unique_sql().into_iter().map(Piece::Key).collect())
    }

    /// The tie-breaker and the row's place: `id AS k, row_number() OVER (ORDER BY …) AS n`.
    pub(super) fn numbered_key<'q>(&self) -> Selected<'q, QS, DB>
    where
        QS: 'q,
        DB: 'q,
    {
        let mut pieces: Vec<Piece<'q, DB>> = self.unique_sql().into_iter().map(Piece::Key).collect();
        pieces.push(Piece::Sql(" AS k, row_number() OVER (ORDER BY "));
        pieces.push(Piece::Owned(Box::new(self.ordering(Direction::Forward))));
        pieces.push(Piece::Sql(") AS n"));
        Fragment::new(pieces)
    }

    fn unique_sql(&self) -> Option<SharedSql<DB>> {
        self.columns.last().map(|column| column.sql())
    }

    /// The rows a position reads, as ranges whose rows joined in sequence are sorted. One, or several for UNION ALL.
    pub(super) fn ranges<'q>(&self, position: &Position) -> Result<Vec<Bounds<'q, QS, DB>>, CursorError> {
        let direction = position.direction();
        if self.strategy == Strategy::BoundOr {
            let filter = self.one_predicate(position)?;
            return Ok(vec![(filter, self.ordering(direction))]);
        }
        self.branches(position)
            .into_iter()
            .map(|branch| {
                let mut pieces = Vec::new();
                self.push_branch(&mut pieces, branch, position)?;
                // A key that equals one value sorts nothing, which SQLite does not see of an expression. One that IS NULL
                // stays: PostgreSQL does not see that it is constant, and sorts if the index's sequence is not spelt out.
                let is_pinned = |index: usize| {
                    let value = position.values().get(index);
                    index < branch.pinned && value.is_some_and(|value| !value.is_null())
                };
                let ordering = self.ordering_of(direction, |index| !is_pinned(index));
                Ok((Fragment::new(pieces), ordering))
            })
            .collect()
    }

    /// The rows a position reads, as one predicate: a row value, or the leading key's bound and an OR of the ranges.
    pub(super) fn one_predicate<'q>(&self, position: &Position) -> Result<Seek<'q, QS, DB>, CursorError> {
        let ranges = self.branches(position);
        let mut pieces = vec![Piece::Sql("(")];
        if ranges.len() > 1 && self.push_bound(&mut pieces, position)? {
            pieces.push(Piece::Sql(" AND ("));
        } else {
            pieces.push(Piece::Sql("("));
        }
        for (index, branch) in ranges.into_iter().enumerate() {
            pieces.push(Piece::Sql(if index > 0 { " OR (" } else { "(" }));
            self.push_branch(&mut pieces, branch, position)?;
            pieces.push(Piece::Sql(")"));
        }
        pieces.push(Piece::Sql("))"));
        Ok(Fragment::new(pieces))
    }

    fn branches(&self, position: &Position) -> Vec<Branch> {
        let shapes: Vec<KeyShape> = self
            .order
            .shapes()
            .iter()
            .map(|shape| shape_towards(*shape, position.direction()))
            .collect();
        let row_values = self.strategy != Strategy::UnionAll;
        branches(&shapes, position.values(), position.is_inclusive(), row_values)
    }

    /// The columns, their shapes in the direction of reading, and the position's values.
    fn keys<'p>(&'p self, position: &'p Position) -> impl Iterator<Item = (&'p dyn Column<DB>, KeyShape, &'p Value)> {
        self.columns
            .iter()
            .zip(self.order.shapes())
            .zip(position.values())
            .map(|((column, shape), value)| {
                let shape = shape_towards(*shape, position.direction());
                (column.as_ref(), shape, value)
            })
    }

    fn push_branch(
        &self,
        out: &mut Vec<Piece<'_, DB>>,
        branch: Branch,
        position: &Position,
    ) -> Result<(), CursorError> {
        for (column, _, value) in self.keys(position).take(branch.pinned) {
            out.push(Piece::Key(column.sql()));
            if value.is_null() {
                out.push(Piece::Sql(" IS NULL"));
            } else {
                out.push(Piece::Sql(" = "));
                out.push(bound(column.bind(value))?);
            }
            out.push(Piece::Sql(" AND "));
        }
        let Some((column, shape, _)) = self.keys(position).nth(branch.pinned) else {
            return Err(CursorError::NotACursor);
        };
        match branch.step {
            Step::Null => {
                out.push(Piece::Key(column.sql()));
                out.push(Piece::Sql(" IS NULL"));
            }
            Step::NotNull => {
                out.push(Piece::Key(column.sql()));
                match column.lowest() {
                    Some(lowest) => {
                        out.push(Piece::Sql(" >= "));
                        out.push(lowest);
                    }
                    None => out.push(Piece::Sql(" IS NOT NULL")),
                }
            }
            Step::Beyond { to, inclusive } => {
                let operator = comparison(shape.sort, inclusive);
                self.push_row_value(out, branch.pinned, to, operator, position)?;
            }
        }
        Ok(())
    }

    /// `(a, b) < (?, ?)`, or `a < ?`.
    fn push_row_value(
        &self,
        out: &mut Vec<Piece<'_, DB>>,
        from: usize,
        to: usize,
        operator: &'static str,
        position: &Position,
    ) -> Result<(), CursorError> {
        let several = to - from > 1;
        let run = || self.keys(position).take(to).skip(from).enumerate();
        out.push(Piece::Sql(if several { "(" } else { "" }));
        for (index, (column, _, _)) in run() {
            out.push(Piece::Sql(if index > 0 { ", " } else { "" }));
            out.push(Piece::Key(column.sql()));
        }
        out.push(Piece::Sql(if several { ")" } else { "" }));
        out.push(Piece::Sql(operator));
        out.push(Piece::Sql(if several { "(" } else { "" }));
        for (index, (column, _, value)) in run() {
            out.push(Piece::Sql(if index > 0 { ", " } else { "" }));
            out.push(bound(column.bind(value))?);
        }
        out.push(Piece::Sql(if several { ")" } else { "" }));
        Ok(())
    }

    /// The leading key's bound, where the rows beyond have one; says whether they do.
    fn push_bound(&self, out: &mut Vec<Piece<'_, DB>>, position: &Position) -> Result<bool, CursorError> {
        let Some((column, shape, value)) = self.keys(position).next() else {
            return Ok(false);
        };
        match (value.is_null(), shape.nulls) {
            (true, Some(Nulls::Last)) => {
                out.push(Piece::Key(column.sql()));
                out.push(Piece::Sql(" IS NULL"));
                Ok(true)
            }
            (false, None | Some(Nulls::First)) => {
                out.push(Piece::Key(column.sql()));
                out.push(Piece::Sql(comparison(shape.sort, true)));
                out.push(bound(column.bind(value))?);
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

/// A range's filter and its ORDER BY.
pub(super) type Bounds<'q, QS, DB> = (Seek<'q, QS, DB>, Ordering<'q, QS, DB>);

/// A value the seal vouched for may still be outside the Rust type's range: an unsigned cursor made up by hand.
fn bound<T>(piece: Option<T>) -> Result<T, CursorError> {
    piece.ok_or(CursorError::NotACursor)
}

fn shape_towards(shape: KeyShape, direction: Direction) -> KeyShape {
    match direction {
        Direction::Forward => shape,
        Direction::Backward => shape.reversed(),
    }
}

fn comparison(sort: Sort, inclusive: bool) -> &'static str {
    match (sort, inclusive) {
        (Sort::Asc, false) => " > ",
        (Sort::Asc, true) => " >= ",
        (Sort::Desc, false) => " < ",
        (Sort::Desc, true) => " <= ",
    }
}

/// NULLS is spelled out only where there may be some: an index on a NOT NULL column fits either way, but PostgreSQL's
/// planner does not know that.
fn order_suffix(shape: KeyShape) -> &'static str {
    match (shape.sort, shape.nulls) {
        (Sort::Asc, None) => " ASC",
        (Sort::Desc, None) => " DESC",
        (Sort::Asc, Some(Nulls::First)) => " ASC NULLS FIRST",
        (Sort::Asc, Some(Nulls::Last)) => " ASC NULLS LAST",
        (Sort::Desc, Some(Nulls::First)) => " DESC NULLS FIRST",
        (Sort::Desc, Some(Nulls::Last)) => " DESC NULLS LAST",
    }
}

/// A key's SQL, its Rust and SQL types forgotten.
trait Column<DB: Backend>: Send + Sync {
    fn sql(&self) -> SharedSql<DB>;
    fn bind<'q>(&self, value: &Value) -> Option<Piece<'q, DB>>;
    fn lowest<'q>(&self) -> Option<Piece<'q, DB>>;
}

struct TypedColumn<ST, T, DB: Backend> {
    sql: SharedSql<DB>,
    types: PhantomData<fn() -> (ST, T)>,
}

impl<ST, T, DB> Column<DB> for TypedColumn<ST, T, DB>
where
    DB: Backend + HasSqlType<ST>,
    ST: 'static,
    T: CursorValue + ToSql<ST, DB> + Send + 'static,
{
    fn sql(&self) -> SharedSql<DB> {
        Arc::clone(&self.sql)
    }

    fn bind<'q>(&self, value: &Value) -> Option<Piece<'q, DB>> {
        let value = T::from_value(value)?;
        Some(Piece::Owned(Box::new(Bind::<ST, T>::new(value))))
    }

    fn lowest<'q>(&self) -> Option<Piece<'q, DB>> {
        Some(Piece::Owned(Box::new(Bind::<ST, T>::new(T::lowest()?))))
    }
}

/// An order being declared; see [`SqlOrder::named`].
///
/// Each key is an SQL expression and where the loaded row holds its value. The value must be the database's own: for
/// `lower(name)` select `lower(name)` along with the row, since Rust's and SQL's lower case differ.
#[must_use]
pub struct SqlOrderBuilder<R, QS, DB: Backend> {
    order: OrderBuilder<R>,
    columns: Vec<Box<dyn Column<DB>>>,
    source: PhantomData<fn() -> QS>,
}

impl<R, QS, DB: Backend> std::fmt::Debug for SqlOrderBuilder<R, QS, DB> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlOrderBuilder")
            .field("order", &self.order)
            .finish_non_exhaustive()
    }
}

impl<R, QS, DB: Backend + 'static> SqlOrderBuilder<R, QS, DB> {
    /// A key that is never `NULL`, smallest first.
    pub fn asc<E, ST, T>(self, expression: E, get: impl Fn(&R) -> T + Send + Sync + 'static) -> Self
    where
        E: KeyExpression<QS, DB, ST>,
        ST: SqlType<IsNull = is_nullable::NotNull> + SingleValue + 'static,
        T: CursorValue + ToSql<ST, DB> + Send + 'static,
        DB: HasSqlType<ST>,
    {
        self.plain(Sort::Asc, expression, get)
    }

    /// A key that is never `NULL`, largest first.
    pub fn desc<E, ST, T>(self, expression: E, get: impl Fn(&R) -> T + Send + Sync + 'static) -> Self
    where
        E: KeyExpression<QS, DB, ST>,
        ST: SqlType<IsNull = is_nullable::NotNull> + SingleValue + 'static,
        T: CursorValue + ToSql<ST, DB> + Send + 'static,
        DB: HasSqlType<ST>,
    {
        self.plain(Sort::Desc, expression, get)
    }

    /// A nullable key, smallest first; `nulls` says where its `NULL`s stand.
    pub fn asc_nulls<E, ST, T>(
        self,
        nulls: Nulls,
        expression: E,
        get: impl Fn(&R) -> Option<T> + Send + Sync + 'static,
    ) -> Self
    where
        E: KeyExpression<QS, DB, Nullable<ST>>,
        ST: SqlType<IsNull = is_nullable::NotNull> + SingleValue + 'static,
        T: CursorValue + ToSql<ST, DB> + Send + 'static,
        DB: HasSqlType<ST>,
    {
        self.nullable(Sort::Asc, nulls, expression, get)
    }

    /// A nullable key, largest first; `nulls` says where its `NULL`s stand.
    pub fn desc_nulls<E, ST, T>(
        self,
        nulls: Nulls,
        expression: E,
        get: impl Fn(&R) -> Option<T> + Send + Sync + 'static,
    ) -> Self
    where
        E: KeyExpression<QS, DB, Nullable<ST>>,
        ST: SqlType<IsNull = is_nullable::NotNull> + SingleValue + 'static,
        T: CursorValue + ToSql<ST, DB> + Send + 'static,
        DB: HasSqlType<ST>,
    {
        self.nullable(Sort::Desc, nulls, expression, get)
    }

    /// The tie-breaker, smallest first: no two rows of the query agree in it. It ends the declaration.
    pub fn unique_asc<E, ST, T>(
        self,
        expression: E,
        get: impl Fn(&R) -> T + Send + Sync + 'static,
    ) -> SqlOrder<R, QS, DB>
    where
        E: KeyExpression<QS, DB, ST>,
        ST: SqlType<IsNull = is_nullable::NotNull> + SingleValue + 'static,
        T: CursorValue + ToSql<ST, DB> + Send + 'static,
        DB: HasSqlType<ST>,
    {
        self.plain(Sort::Asc, expression, get).build()
    }

    /// The tie-breaker, largest first: no two rows of the query agree in it. It ends the declaration.
    pub fn unique_desc<E, ST, T>(
        self,
        expression: E,
        get: impl Fn(&R) -> T + Send + Sync + 'static,
    ) -> SqlOrder<R, QS, DB>
    where
        E: KeyExpression<QS, DB, ST>,
        ST: SqlType<IsNull = is_nullable::NotNull> + SingleValue + 'static,
        T: CursorValue + ToSql<ST, DB> + Send + 'static,
        DB: HasSqlType<ST>,
    {
        self.plain(Sort::Desc, expression, get).build()
    }

    fn plain<E, ST, T>(mut self, sort: Sort, expression: E, get: impl Fn(&R) -> T + Send + Sync + 'static) -> Self
    where
        E: KeyExpression<QS, DB, ST>,
        ST: 'static,
        T: CursorValue + ToSql<ST, DB> + Send + 'static,
        DB: HasSqlType<ST>,
    {
        self.order = self.order.plain(sort, get);
        self.column::<ST, T>(Arc::new(expression))
    }

    fn nullable<E, ST, T>(
        mut self,
        sort: Sort,
        nulls: Nulls,
        expression: E,
        get: impl Fn(&R) -> Option<T> + Send + Sync + 'static,
    ) -> Self
    where
        E: KeyExpression<QS, DB, Nullable<ST>>,
        ST: SqlType<IsNull = is_nullable::NotNull> + 'static,
        T: CursorValue + ToSql<ST, DB> + Send + 'static,
        DB: HasSqlType<ST>,
    {
        self.order = self.order.nullable(sort, nulls, get);
        self.column::<ST, T>(Arc::new(expression))
    }

    fn column<ST, T>(mut self, sql: SharedSql<DB>) -> Self
    where
        ST: 'static,
        T: CursorValue + ToSql<ST, DB> + Send + 'static,
        DB: HasSqlType<ST>,
    {
        self.columns.push(Box::new(TypedColumn::<ST, T, DB> {
            sql,
            types: PhantomData,
        }));
        self
    }

    fn build(self) -> SqlOrder<R, QS, DB> {
        SqlOrder {
            order: self.order.build(),
            columns: self.columns.into(),
            strategy: Strategy::Auto,
            source: PhantomData,
        }
    }
}

/// An SQL expression of type `ST` that may be a key of a query over `QS` on `DB`: a column, a column of a join, a function
/// of columns, `sql::<..>("..")` with its binds. Implemented for all that fit.
pub trait KeyExpression<QS, DB: Backend, ST>:
    Expression<SqlType = ST> + AppearsOnTable<QS> + NonAggregate + QueryFragment<DB> + Send + Sync + 'static
{
}

impl<E, QS, DB: Backend, ST> KeyExpression<QS, DB, ST> for E where
    E: Expression<SqlType = ST> + AppearsOnTable<QS> + NonAggregate + QueryFragment<DB> + Send + Sync + 'static
{
}
