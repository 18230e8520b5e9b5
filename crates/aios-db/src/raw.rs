//! Hand-written SQL with bound values as a diesel expression, for what diesel's own language can't say on both databases.

use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, TypedExpressionType, ValidGrouping, is_aggregate,
};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Double, Text};

use crate::connection::MultiBackend;
use crate::sql_types::Uuid;

/// A piece of SQL.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    /// SQL that both databases read alike, or that is used on one alone. Never made from input.
    Sql(&'static str),
    /// A bound text.
    Text(String),
    /// A bound number.
    Double(f64),
    /// A bound id.
    Uuid(uuid::Uuid),
}

/// Pieces that make an expression of the SQL type `ST` together. Whoever puts them together vouches for the type and for the
/// tables they name.
#[derive(Clone, Debug)]
pub(crate) struct Raw<ST> {
    pieces: Vec<Piece>,
    /// Whether the statement is one of few, so that keeping it prepared pays.
    cached: bool,
    sql_type: PhantomData<fn() -> ST>,
}

impl<ST> Raw<ST> {
    pub(crate) fn new(pieces: Vec<Piece>) -> Self {
        Self {
            pieces,
            cached: true,
            sql_type: PhantomData,
        }
    }

    /// The same, in a statement that is not kept prepared, since it comes in too many forms.
    pub(crate) fn uncached(pieces: Vec<Piece>) -> Self {
        Self {
            cached: false,
            ..Self::new(pieces)
        }
    }
}

impl<ST: TypedExpressionType> Expression for Raw<ST> {
    type SqlType = ST;
}

impl<ST, QS> AppearsOnTable<QS> for Raw<ST> where Self: Expression {}

impl<ST, QS> SelectableExpression<QS> for Raw<ST> where Self: Expression {}

impl<ST, GB> ValidGrouping<GB> for Raw<ST> {
    type IsAggregate = is_aggregate::No;
}

impl<ST> QueryId for Raw<ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<ST> QueryFragment<MultiBackend> for Raw<ST> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        if !self.cached {
            out.unsafe_to_cache_prepared();
        }
        for piece in &self.pieces {
            match piece {
                Piece::Sql(sql) => out.push_sql(sql),
                Piece::Text(text) => out.push_bind_param::<Text, String>(text)?,
                Piece::Double(number) => out.push_bind_param::<Double, f64>(number)?,
                Piece::Uuid(id) => out.push_bind_param::<Uuid, uuid::Uuid>(id)?,
            }
        }
        Ok(())
    }
}

/// The first rows of a query that has no LIMIT. The number is written out, where diesel would bind it: so PostgreSQL knows it,
/// and can keep the plan (`SqlPager::keep_plan` of the pagination library tells why).
#[derive(Clone, Debug)]
pub(crate) struct FirstRows<Q> {
    query: Q,
    rows: u32,
}

impl<Q> FirstRows<Q> {
    /// Each number makes a statement of its own: `rows` is a constant.
    pub(crate) fn of(query: Q, rows: u32) -> Self {
        Self { query, rows }
    }
}

impl<Q: Query> Query for FirstRows<Q> {
    type SqlType = Q::SqlType;
}

impl<Q, Conn> diesel::RunQueryDsl<Conn> for FirstRows<Q> {}

impl<Q> QueryId for FirstRows<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for FirstRows<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.query.walk_ast(out.reborrow())?;
        out.push_sql(" LIMIT ");
        out.push_sql(&self.rows.to_string());
        Ok(())
    }
}
