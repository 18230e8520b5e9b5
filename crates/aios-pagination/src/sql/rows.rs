//! All rows of a listing, fetched page by page as they are asked for.

use std::marker::PhantomData;

use diesel::backend::Backend;

use super::pager::SqlPager;
use super::query::KeysetQuery;
use crate::cursor::{Direction, Position};
use crate::page::PageError;

/// An iterator over all rows of a listing (or of a span of it), made by [`SqlPager::rows`].
///
/// After an error it ends.
pub struct SqlRows<'a, 'c, 'q, R, QS, DB: Backend, Conn, F> {
    pager: SqlPager<'a, R, QS, DB>,
    conn: &'c mut Conn,
    base: F,
    page: std::vec::IntoIter<R>,
    next: Next,
    query: PhantomData<&'q ()>,
}

/// Where the next page begins.
enum Next {
    Start,
    After(Position),
    Done,
}

impl<R, QS, DB: Backend, Conn, F> std::fmt::Debug for SqlRows<'_, '_, '_, R, QS, DB, Conn, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlRows")
            .field("pager", &self.pager)
            .finish_non_exhaustive()
    }
}

impl<'a, R, QS, DB: Backend> SqlPager<'a, R, QS, DB> {
    /// All rows, fetched by as many as the limit says. No statement stays open in between, so the connection is free, and
    /// rows written meanwhile are seen if they sort after what was read.
    pub fn rows<'c, 'q, Q, Conn, F>(self, conn: &'c mut Conn, base: F) -> SqlRows<'a, 'c, 'q, R, QS, DB, Conn, F>
    where
        Q: KeysetQuery<'q, Conn, QS, DB, R>,
        F: Fn() -> Q,
    {
        SqlRows {
            pager: self,
            conn,
            base,
            page: Vec::new().into_iter(),
            next: Next::Start,
            query: PhantomData,
        }
    }
}

impl<'q, R, QS, DB, Conn, Q, F> Iterator for SqlRows<'_, '_, 'q, R, QS, DB, Conn, F>
where
    DB: Backend + 'q,
    QS: 'q,
    Q: KeysetQuery<'q, Conn, QS, DB, R>,
    F: Fn() -> Q,
{
    type Item = Result<R, PageError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(row) = self.page.next() {
            return Some(Ok(row));
        }
        let from = match std::mem::replace(&mut self.next, Next::Done) {
            Next::Start => None,
            Next::After(position) => Some(position),
            Next::Done => return None,
        };
        match self.fetch(from.as_ref()) {
            Ok(rows) => self.page = rows.into_iter(),
            Err(error) => return Some(Err(error)),
        }
        self.page.next().map(Ok)
    }
}

impl<'q, R, QS, DB, Conn, Q, F> SqlRows<'_, '_, 'q, R, QS, DB, Conn, F>
where
    DB: Backend + 'q,
    QS: 'q,
    Q: KeysetQuery<'q, Conn, QS, DB, R>,
    F: Fn() -> Q,
{
    /// The next rows; fewer than asked for are the last.
    fn fetch(&mut self, from: Option<&Position>) -> Result<Vec<R>, PageError> {
        let limit = self.pager.limit;
        let part = self
            .pager
            .part(from, Direction::Forward, i64::from(limit), &self.base)?;
        let rows = Q::load_part(part, self.conn)?;
        let is_full = u32::try_from(rows.len()).is_ok_and(|found| found >= limit);
        if let Some(last) = rows.last().filter(|_| is_full) {
            let values = self.pager.listing.order.values(last);
            self.next = Next::After(Position::new(Direction::Forward, values));
        }
        Ok(rows)
    }
}
