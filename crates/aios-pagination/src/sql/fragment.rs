//! Pieces of SQL put together at run time: predicates, ORDER BY clauses and selections as diesel expressions.

use std::marker::PhantomData;
use std::sync::Arc;

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::expression::expression_types::NotSelectable;
use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, TypedExpressionType, ValidGrouping, is_aggregate,
};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Bool, HasSqlType, Integer};

/// A shared expression of a key.
pub(super) type SharedSql<DB> = Arc<dyn QueryFragment<DB> + Send + Sync>;

/// One piece.
pub(super) enum Piece<'q, DB: Backend> {
    /// SQL both databases read alike.
    Sql(&'static str),
    /// Nothing; but the statement is planned anew each time.
    PlanAnew,
    /// A key's expression.
    Key(SharedSql<DB>),
    /// A bound value, or a query.
    Owned(Box<dyn QueryFragment<DB> + Send + 'q>),
}

/// Pieces that are, joined, an expression of SQL type `ST` over the query source `QS`.
///
/// Only keys that were checked against `QS` when the order was built go into it, so it vouches for them.
pub struct Fragment<'q, ST, QS, DB: Backend> {
    pieces: Vec<Piece<'q, DB>>,
    types: PhantomData<fn() -> (ST, QS)>,
}

/// A predicate.
pub type Seek<'q, QS, DB> = Fragment<'q, Bool, QS, DB>;

/// An ORDER BY list.
pub type Ordering<'q, QS, DB> = Fragment<'q, NotSelectable, QS, DB>;

/// A key selected in a subquery, where no one reads its type.
pub type Selected<'q, QS, DB> = Fragment<'q, Integer, QS, DB>;

impl<ST, QS, DB: Backend> std::fmt::Debug for Fragment<'_, ST, QS, DB> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fragment")
            .field("pieces", &self.pieces.len())
            .finish_non_exhaustive()
    }
}

impl<'q, ST, QS, DB: Backend> Fragment<'q, ST, QS, DB> {
    pub(super) fn new(pieces: Vec<Piece<'q, DB>>) -> Self {
        Self {
            pieces,
            types: PhantomData,
        }
    }
}

impl<'q, QS: 'q, DB: Backend + 'q> Seek<'q, QS, DB> {
    /// True of every row.
    pub(super) fn all() -> Self {
        Self::new(vec![Piece::Sql("1 = 1")])
    }

    /// The same predicate, in a statement that is planned anew each time.
    pub(super) fn plan_anew(mut self) -> Self {
        self.pieces.push(Piece::PlanAnew);
        self
    }

    /// Both predicates.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.pieces.insert(0, Piece::Sql("("));
        self.pieces.push(Piece::Sql(") AND ("));
        self.pieces.extend(other.pieces);
        self.pieces.push(Piece::Sql(")"));
        self
    }

    /// The key is among a subquery's.
    pub(super) fn is_in(key: Selected<'q, QS, DB>, subquery: impl QueryFragment<DB> + Send + 'q) -> Self {
        Self::new(vec![
            Piece::Owned(Box::new(key)),
            Piece::Sql(" IN ("),
            Piece::Owned(Box::new(subquery)),
            Piece::Sql(")"),
        ])
    }
}

impl<ST: TypedExpressionType, QS, DB: Backend> Expression for Fragment<'_, ST, QS, DB> {
    type SqlType = ST;
}

impl<ST, QS, DB: Backend> AppearsOnTable<QS> for Fragment<'_, ST, QS, DB> where Self: Expression {}

impl<ST, QS, DB: Backend> SelectableExpression<QS> for Fragment<'_, ST, QS, DB> where Self: Expression {}

impl<ST, QS, DB: Backend, GB> ValidGrouping<GB> for Fragment<'_, ST, QS, DB> {
    type IsAggregate = is_aggregate::No;
}

impl<ST, QS, DB: Backend> QueryId for Fragment<'_, ST, QS, DB> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<ST, QS, DB: Backend> QueryFragment<DB> for Fragment<'_, ST, QS, DB> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        for piece in &self.pieces {
            match piece {
                Piece::Sql(sql) => out.push_sql(sql),
                Piece::PlanAnew => out.unsafe_to_cache_prepared(),
                Piece::Key(key) => key.walk_ast(out.reborrow())?,
                Piece::Owned(owned) => owned.walk_ast(out.reborrow())?,
            }
        }
        Ok(())
    }
}

/// A value bound as SQL type `ST`.
pub(super) struct Bind<ST, T> {
    value: T,
    sql_type: PhantomData<fn() -> ST>,
}

impl<ST, T> Bind<ST, T> {
    pub(super) fn new(value: T) -> Self {
        Self {
            value,
            sql_type: PhantomData,
        }
    }
}

impl<DB, ST, T> QueryFragment<DB> for Bind<ST, T>
where
    DB: Backend + HasSqlType<ST>,
    T: ToSql<ST, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_bind_param::<ST, T>(&self.value)
    }
}

/// Backends that count in 64 bits: all of diesel's, and every `MultiConnection` of them.
pub trait Counts: Backend {
    /// Binds a number.
    fn bind_number<'b>(out: &mut AstPass<'_, 'b, Self>, number: &'b i64) -> QueryResult<()>;
}

impl<DB: Backend + HasSqlType<BigInt>> Counts for DB
where
    i64: ToSql<BigInt, DB>,
{
    fn bind_number<'b>(out: &mut AstPass<'_, 'b, Self>, number: &'b i64) -> QueryResult<()> {
        out.push_bind_param::<BigInt, i64>(number)
    }
}
