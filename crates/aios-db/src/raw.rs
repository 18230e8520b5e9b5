//! Hand-written SQL with bound values as a diesel expression, for what diesel's own language can't say on both databases.

use std::borrow::Cow;
use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, TypedExpressionType, ValidGrouping, is_aggregate,
};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{Double, HasSqlType, Text, Untyped};

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

/// A statement of hand-written SQL that is kept prepared, with `$1`, `$2` … for its values; `$` stands for nothing else in it.
///
/// `diesel::sql_query` is sent anew each time: it is parsed and planned, and takes one more turn to the server. So that is for what
/// comes in too many forms, or has to be planned for its very values.
pub(crate) fn prepared(sql: impl Into<Cow<'static, str>>) -> Prepared {
    Prepared {
        sql: sql.into(),
        binds: Vec::new(),
    }
}

/// See [`prepared`].
pub(crate) struct Prepared {
    sql: Cow<'static, str>,
    binds: Vec<Box<dyn QueryFragment<MultiBackend> + Send>>,
}

impl Prepared {
    /// The next value, which may stand in the text where it likes, and as often.
    pub(crate) fn bind<ST, T>(mut self, value: T) -> Self
    where
        MultiBackend: HasSqlType<ST>,
        ST: Send + 'static,
        T: ToSql<ST, MultiBackend> + Send + 'static,
    {
        let sql_type = PhantomData::<fn() -> ST>;
        self.binds.push(Box::new(Bound { value, sql_type }));
        self
    }
}

impl Query for Prepared {
    type SqlType = Untyped;
}

impl<Conn> diesel::RunQueryDsl<Conn> for Prepared {}

impl QueryId for Prepared {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<MultiBackend> for Prepared {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        let mut parts = self.sql.split('$');
        out.push_sql(parts.next().unwrap_or_default());
        for part in parts {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            let (number, behind) = part.split_at(digits);
            let place = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            let Some(bind) = place.and_then(|place| self.binds.get(place)) else {
                let error = format!("there is no value for ${number}");
                return Err(diesel::result::Error::QueryBuilderError(error.into()));
            };
            bind.walk_ast(out.reborrow())?;
            out.push_sql(behind);
        }
        Ok(())
    }
}

/// A value, wherever it stands.
struct Bound<ST, T> {
    value: T,
    sql_type: PhantomData<fn() -> ST>,
}

impl<ST, T> QueryFragment<MultiBackend> for Bound<ST, T>
where
    MultiBackend: HasSqlType<ST>,
    T: ToSql<ST, MultiBackend>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        out.push_bind_param::<ST, T>(&self.value)
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
