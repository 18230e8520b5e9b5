//! Numbered pages: OFFSET over the index alone, then the rows.

use diesel::backend::Backend;

use super::explain::Dialect;
use super::pager::SqlPager;
use super::query::{DeferredQuery, KeysetQuery, Part};
use crate::cursor::Direction;
use crate::page::{At, Page, PageError};

impl<R, QS, DB: Backend> SqlPager<'_, R, QS, DB> {
    /// Reads page `number`, counted from 1 (0 is taken for 1), by a deferred join: the rows before it are skipped in the
    /// index, where it covers filters and keys, and only the page's own rows are fetched from the table.
    ///
    /// The cost still grows with the number, by an index entry a row skipped; boundaries bound it. Its cursors go on from
    /// here by key.
    pub fn numbered<'q, Q, Conn>(
        &self,
        conn: &mut Conn,
        number: u64,
        base: impl Fn() -> Q,
    ) -> Result<Page<R>, PageError>
    where
        Q: DeferredQuery<'q, Conn, QS, DB, R> + KeysetQuery<'q, Conn, QS, DB, R>,
        QS: 'static,
        DB: 'static,
        R: 'static,
    {
        let part = self.numbered_part(number, &base)?;
        let skipped = part.offset > 0;
        let rows = self.load_deferred(conn, part, &base)?;
        self.numbered_page(conn, rows, skipped, &base)
    }

    fn numbered_part<'q, Q>(
        &self,
        number: u64,
        base: &impl Fn() -> Q,
    ) -> Result<Part<'q, Q, QS, DB>, PageError>
    where
        QS: 'q,
        DB: 'q,
    {
        let skip = number
            .saturating_sub(1)
            .saturating_mul(u64::from(self.limit));
        let one_more = i64::from(self.limit) + 1;
        let mut part = self.part(None, Direction::Forward, one_more, base)?;
        part.offset = i64::try_from(skip).unwrap_or(i64::MAX - one_more);
        Ok(part)
    }

    /// The plan of the statement that [`SqlPager::numbered`] would send, line by line.
    pub fn explain_numbered<'q, Q, Conn>(
        &self,
        conn: &mut Conn,
        dialect: Dialect,
        number: u64,
        base: impl Fn() -> Q,
    ) -> Result<Vec<String>, PageError>
    where
        Q: DeferredQuery<'q, Conn, QS, DB, R>,
        QS: 'static,
        DB: 'static,
        R: 'static,
    {
        let part = self.numbered_part(number, &base)?;
        Ok(Q::explain_deferred(
            self.deferred(part, &base),
            dialect,
            conn,
        )?)
    }

    /// The page of the rows found after skipping some, or none.
    pub(super) fn numbered_page<'q, Q, Conn>(
        &self,
        conn: &mut Conn,
        mut rows: Vec<R>,
        skipped: bool,
        base: &impl Fn() -> Q,
    ) -> Result<Page<R>, PageError>
    where
        Q: KeysetQuery<'q, Conn, QS, DB, R>,
        QS: 'static,
        DB: 'static,
    {
        if rows.is_empty() && skipped {
            return self.beyond_the_end(conn, base);
        }
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_next = rows.len() > limit;
        rows.truncate(limit);
        let has_prev = skipped && !rows.is_empty();
        let cursor = |row: Option<&R>, direction| {
            row.map(|row| self.listing.cursor_at(row, direction))
                .transpose()
        };
        let next = cursor(rows.last().filter(|_| has_next), Direction::Forward)?;
        let prev = cursor(rows.first().filter(|_| has_prev), Direction::Backward)?;
        Ok(Page {
            items: rows,
            next,
            prev,
            has_next,
            has_prev,
        })
    }

    /// An empty page past the last one; its `prev` leads to the last rows there are.
    fn beyond_the_end<'q, Q, Conn>(
        &self,
        conn: &mut Conn,
        base: &impl Fn() -> Q,
    ) -> Result<Page<R>, PageError>
    where
        Q: KeysetQuery<'q, Conn, QS, DB, R>,
        QS: 'static,
        DB: 'static,
    {
        let last = self.limit(1).page(conn, At::End, base)?;
        let prev = match last.items.first() {
            Some(row) => {
                let at = crate::Position::new(Direction::Backward, self.listing.order.values(row));
                let of = self.listing.expected();
                Some(self.listing.codec.encode(&at.inclusive(), of)?)
            }
            None => None,
        };
        Ok(Page {
            has_prev: prev.is_some(),
            items: Vec::new(),
            next: None,
            prev,
            has_next: false,
        })
    }
}
