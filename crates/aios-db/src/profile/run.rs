//! Running a query so that the profiler sees from which line it runs, and how many rows there were.

use diesel::QueryResult;
use diesel::query_builder::QueryId;
use diesel::query_dsl::methods::{ExecuteDsl, LimitDsl, LoadQuery};

use super::operation::Call;

/// diesel's `RunQueryDsl`, profiled. A module that names this one beside `diesel::prelude::*` runs its queries by it.
pub(crate) trait RunQueryDsl<Conn>: diesel::RunQueryDsl<Conn> + Sized {
    /// All rows.
    #[track_caller]
    fn load<'query, U>(self, connection: &mut Conn) -> QueryResult<Vec<U>>
    where
        Self: LoadQuery<'query, Conn, U> + QueryId,
    {
        let call = Call::of(Self::query_id());
        counted(call, diesel::RunQueryDsl::load(self, connection), Vec::len)
    }

    /// The one row, or the first.
    #[track_caller]
    fn get_result<'query, U>(self, connection: &mut Conn) -> QueryResult<U>
    where
        Self: LoadQuery<'query, Conn, U> + QueryId,
    {
        let call = Call::of(Self::query_id());
        counted(call, diesel::RunQueryDsl::get_result(self, connection), |_| 1)
    }

    /// The first row; no more are asked for.
    #[track_caller]
    fn first<'query, U>(self, connection: &mut Conn) -> QueryResult<U>
    where
        Self: LimitDsl,
        diesel::dsl::Limit<Self>: LoadQuery<'query, Conn, U> + QueryId,
    {
        let call = Call::of(diesel::dsl::Limit::<Self>::query_id());
        counted(call, diesel::RunQueryDsl::first(self, connection), |_| 1)
    }

    /// How many rows were changed.
    #[track_caller]
    fn execute(self, connection: &mut Conn) -> QueryResult<usize>
    where
        Conn: diesel::Connection,
        Self: ExecuteDsl<Conn> + QueryId,
    {
        let call = Call::of(Self::query_id());
        counted(call, diesel::RunQueryDsl::execute(self, connection), |rows| *rows)
    }
}

impl<T: diesel::RunQueryDsl<Conn>, Conn> RunQueryDsl<Conn> for T {}

fn counted<T>(call: Call, result: QueryResult<T>, rows: impl Fn(&T) -> usize) -> QueryResult<T> {
    match &result {
        Ok(value) => call.end(rows(value)),
        Err(diesel::NotFound) => call.end(0),
        Err(_) => drop(call),
    }
    result
}
