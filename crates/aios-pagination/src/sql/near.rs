//! Pages looked for within the next rows of a wider listing, and given up beyond them.

use diesel::backend::Backend;

use super::pager::SqlPager;
use super::query::{DeferredQuery, KeysetQuery, Part, Range};
use crate::cursor::Position;
use crate::page::{At, Found, Page, PageError};

impl<R, QS, DB: Backend> SqlPager<'_, R, QS, DB> {
    /// Reads a page whose rows are looked for among the next `reach` rows (0 is taken for 1) of a wider listing in the same
    /// order, and no further. `None` where they do not fill the page there, or where a cursor's own row is gone: then read it
    /// by [`SqlPager::page`], from an index of what the filter asks. The page, its neighbours and its cursors are the same.
    ///
    /// It is for filters that many rows pass, of which an index could only give all: a search of a usual word. Walking along the
    /// order, the page's rows turn up soon; the bound is for when they do not. `wide` is the listing that is walked, such as
    /// all rows of the index with the order's keys; `base` has the filters on top.
    ///
    /// It sends two statements: one finds where the walk ends, by passing over `reach` entries of the index, the other reads.
    pub fn page_near<'q, Q, Conn>(
        &self,
        conn: &mut Conn,
        at: At<'_>,
        reach: u64,
        wide: impl Fn() -> Q,
        base: impl Fn() -> Q,
    ) -> Result<Option<Page<R>>, PageError>
    where
        Q: KeysetQuery<'q, Conn, QS, DB, R> + DeferredQuery<'q, Conn, QS, DB, R>,
        QS: 'static,
        DB: 'static,
        R: 'static,
    {
        let read = self.listing.resolve(at)?;
        let end = self.key_beyond(conn, read.from.as_ref(), read.direction, reach, &wide)?;
        // Where the wider listing ends before, there is no bound, and none is needed.
        let end = end.map(|key| Position::new(read.direction, key).complement());
        let (part, from_its_row) = self.rows_of(&read, &base)?;
        let mut rows = Q::load_part(self.up_to(part, end.as_ref())?, conn)?;
        if let Some(position) = &read.from {
            let is_at = |row: &R| self.listing.order.compare_with(row, position).is_eq();
            if !(from_its_row && rows.first().is_some_and(is_at)) {
                return Ok(None);
            }
            rows.remove(0);
        }
        if end.is_some() && rows.len() < self.one_more() {
            return Ok(None);
        }
        let behind = read.from.is_some();
        Ok(Some(self.listing.assemble(
            &read,
            Found { rows, behind },
            self.limit,
        )?))
    }

    /// The part, but for rows that this position does not read.
    fn up_to<'q, Q>(&self, part: Part<'q, Q, QS, DB>, end: Option<&Position>) -> Result<Part<'q, Q, QS, DB>, PageError>
    where
        QS: 'q,
        DB: 'q,
    {
        let Some(end) = end else { return Ok(part) };
        let bound = |range: Range<'q, Q, QS, DB>| {
            Ok(Range {
                filter: range.filter.and(self.order.one_predicate(end)?),
                ..range
            })
        };
        Ok(Part {
            ranges: part.ranges.into_iter().map(bound).collect::<Result<_, PageError>>()?,
            ..part
        })
    }
}
