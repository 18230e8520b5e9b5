//! Sampling boundaries, jumping by them, and splitting a listing for parallel readers.

use diesel::backend::Backend;

use super::count::CountableQuery;
use super::explain::Dialect;
use super::fragment::Seek;
use super::pager::SqlPager;
use super::query::{DeferredQuery, KeysetQuery, Part, Sampled};
use crate::boundaries::{Boundaries, Span};
use crate::cursor::{Direction, Position};
use crate::page::{Page, PageError};
use crate::value::Value;

impl<R, QS, DB: Backend> SqlPager<'_, R, QS, DB> {
    /// Samples the key of every `every`-th row (0 is taken for 1), for [`SqlPager::jump`] and [`Boundaries::spans`].
    ///
    /// One statement passes over the whole listing and another counts it. Where an index covers filters and keys, a million
    /// rows cost some hundred milliseconds; where none does, the database sorts them, once. Do it beside the request, one at
    /// a time, and keep the result.
    pub fn sample<'q, Q, Conn>(
        &self,
        conn: &mut Conn,
        every: u64,
        base: impl Fn() -> Q,
    ) -> Result<Boundaries, PageError>
    where
        Q: DeferredQuery<'q, Conn, QS, DB, R> + CountableQuery<'q, Conn, QS, DB>,
        QS: 'static,
        DB: 'static,
        R: 'static,
    {
        let every = every.max(1);
        let sampled = Sampled {
            numbered: self.order.numbered_key(),
            keys: base(),
            filter: self.bounded(Seek::all())?,
            every: i64::try_from(every).unwrap_or(i64::MAX),
            unique_key: self.order.unique_key(),
            rows: base(),
            ordering: self.order.ordering(Direction::Forward),
        };
        let rows = Q::load_every(sampled, conn)?;
        let keys = rows.iter().map(|row| self.listing.order.values(row)).collect();
        let total = u64::try_from(base().count_all(conn)?).unwrap_or(0);
        let of = self.listing.expected();
        Boundaries::new(of, every, total, keys).ok_or(PageError::OtherBoundaries)
    }

    /// Reads page `number`, counted from 1, from the boundary before it: at most as many index entries as there are rows
    /// from one boundary to the next are skipped, however far the page is. [`Boundaries`] says how stale it can be.
    pub fn jump<'q, Q, Conn>(
        &self,
        conn: &mut Conn,
        number: u64,
        boundaries: &Boundaries,
        base: impl Fn() -> Q,
    ) -> Result<Page<R>, PageError>
    where
        Q: DeferredQuery<'q, Conn, QS, DB, R> + KeysetQuery<'q, Conn, QS, DB, R>,
        QS: 'static,
        DB: 'static,
        R: 'static,
    {
        let part = self.jump_part(number, boundaries, &base)?;
        let rows = self.load_deferred(conn, part, &base)?;
        self.numbered_page(conn, rows, number > 1, &base)
    }

    /// The plan of the statement that [`SqlPager::jump`] would send, line by line.
    pub fn explain_jump<'q, Q, Conn>(
        &self,
        conn: &mut Conn,
        dialect: Dialect,
        number: u64,
        boundaries: &Boundaries,
        base: impl Fn() -> Q,
    ) -> Result<Vec<String>, PageError>
    where
        Q: DeferredQuery<'q, Conn, QS, DB, R>,
        QS: 'static,
        DB: 'static,
        R: 'static,
    {
        let part = self.jump_part(number, boundaries, &base)?;
        Ok(Q::explain_deferred(self.deferred(part, &base), dialect, conn)?)
    }

    /// The page's rows and one more, from the boundary before them.
    fn jump_part<'q, Q>(
        &self,
        number: u64,
        boundaries: &Boundaries,
        base: &impl Fn() -> Q,
    ) -> Result<Part<'q, Q, QS, DB>, PageError>
    where
        QS: 'q,
        DB: 'q,
    {
        if !boundaries.are_of(self.listing.expected()) {
            return Err(PageError::OtherBoundaries);
        }
        let skip = number.saturating_sub(1).saturating_mul(u64::from(self.limit));
        let (from, left) = boundaries.nearest(skip);
        let one_more = i64::from(self.limit) + 1;
        let mut part = self.part(from.as_ref(), Direction::Forward, one_more, base)?;
        part.offset = i64::try_from(left).unwrap_or(i64::MAX - one_more);
        Ok(part)
    }

    /// Splits the listing into at most `n` spans of as many rows each (give or take one), for parallel readers: each reads
    /// its own by [`SqlPager::within`]. The cost is that of skipping through the index once.
    pub fn split<'q, Q, Conn>(&self, conn: &mut Conn, n: u32, base: impl Fn() -> Q) -> Result<Vec<Span>, PageError>
    where
        Q: DeferredQuery<'q, Conn, QS, DB, R> + CountableQuery<'q, Conn, QS, DB>,
        QS: 'static,
        DB: 'static,
        R: 'static,
    {
        let total = u64::try_from(base().count_all(conn)?).unwrap_or(0);
        let n = u64::from(n.max(1));
        let mut cuts: Vec<Vec<Value>> = Vec::new();
        let mut before = 0;
        for cut in 1..n.min(total) {
            let upto = total * cut / n.min(total);
            let from = cuts.last().map(|key| Position::new(Direction::Forward, key.clone()));
            match self.key_beyond(conn, from.as_ref(), Direction::Forward, upto - before, &base)? {
                Some(key) => cuts.push(key),
                None => break,
            }
            before = upto;
        }
        Ok(Span::between(cuts.into_iter()))
    }

    /// The key of the row `distance` rows beyond a position, or from where reading in this direction begins.
    pub(super) fn key_beyond<'q, Q, Conn>(
        &self,
        conn: &mut Conn,
        from: Option<&Position>,
        direction: Direction,
        distance: u64,
        base: &impl Fn() -> Q,
    ) -> Result<Option<Vec<Value>>, PageError>
    where
        Q: DeferredQuery<'q, Conn, QS, DB, R>,
        QS: 'static,
        DB: 'static,
        R: 'static,
    {
        let mut part = self.part(from, direction, 1, base)?;
        part.offset = i64::try_from(distance.saturating_sub(1)).unwrap_or(i64::MAX - 1);
        let rows = self.load_deferred(conn, part, base)?;
        Ok(rows.first().map(|row| self.listing.order.values(row)))
    }
}
