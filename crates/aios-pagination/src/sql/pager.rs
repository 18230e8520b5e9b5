//! Pages of a diesel query.

use diesel::backend::Backend;

use super::explain::Dialect;
use super::fragment::Seek;
use super::order::SqlOrder;
use super::query::{Deferred, DeferredQuery, KeysetQuery, Part, Range};
use crate::boundaries::{ListingKey, Span};
use crate::cursor::{Cursor, CursorCodec, CursorError, Direction, KeysTooLong, Position};
use crate::fingerprint::Fingerprint;
use crate::page::{At, DEFAULT_LIMIT, Found, Listing, Page, PageError, Read};
use crate::value::Value;

/// Reads pages of a query; made by [`SqlOrder::pager`].
#[must_use]
pub struct SqlPager<'a, R, QS, DB: Backend> {
    pub(super) order: &'a SqlOrder<R, QS, DB>,
    pub(super) listing: Listing<'a, R>,
    pub(super) limit: u32,
    keeps_plan: bool,
    pub(super) span: Option<&'a Span>,
}

impl<R, QS, DB: Backend> std::fmt::Debug for SqlPager<'_, R, QS, DB> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlPager")
            .field("order", &self.order)
            .field("filters", &self.listing.filters)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl<R, QS, DB: Backend> Clone for SqlPager<'_, R, QS, DB> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R, QS, DB: Backend> Copy for SqlPager<'_, R, QS, DB> {}

/// Whose fault an error is: a client that makes up an unsigned cursor can put values into it that no column holds.
///
/// Those that the database's types can't say at all, and the character NUL, which PostgreSQL's text has not, are the
/// cursor's fault; any other error is the database's.
fn blame(error: PageError, from: Option<&Position>) -> PageError {
    use diesel::result::Error;
    let has_nul = |value: &Value| matches!(value, Value::Text(text) if text.contains('\0'));
    let made_up = |error: &Error, position: &Position| match error {
        Error::SerializationError(_) => true,
        Error::DatabaseError(..) => position.values().iter().any(has_nul),
        _ => false,
    };
    match (error, from) {
        (PageError::Database(error), Some(position)) if made_up(&error, position) => {
            PageError::Cursor(CursorError::NotACursor)
        }
        (error, _) => error,
    }
}

impl<R, QS, DB: Backend> SqlOrder<R, QS, DB> {
    /// Pages in this order, 20 rows each, with tokens of this codec.
    pub fn pager<'a>(&'a self, codec: &'a CursorCodec) -> SqlPager<'a, R, QS, DB> {
        SqlPager {
            order: self,
            listing: Listing {
                order: self.in_memory(),
                codec,
                filters: Fingerprint::default(),
            },
            limit: DEFAULT_LIMIT,
            keeps_plan: false,
            span: None,
        }
    }
}

impl<'a, R, QS, DB: Backend> SqlPager<'a, R, QS, DB> {
    /// The listing's filters; cursors made for others are refused.
    pub fn filters(mut self, filters: Fingerprint) -> Self {
        self.listing.filters = filters;
        self
    }

    /// Rows a page, at least one. It may change from page to page.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = limit.max(1);
        self
    }

    /// Lets PostgreSQL keep the plan of a page, which else it makes anew each time: for a query that is read in the same way
    /// whatever the values in its filters, as where an index has the columns that they are compared with, and then the
    /// order's. Not for a filter that many rows pass with one value and few with another, such as a search.
    ///
    /// It takes a LIMIT that is bound for a tenth of the rows, and so the plan that it could keep for a dear one. Here the
    /// usual limits (10, 20, 25, 50, 100) are written out; with others nothing changes. To plan a page of twenty takes twice
    /// as long as to read it (`docs/performance/optimization-report.md` of the marketplace).
    pub fn keep_plan(mut self) -> Self {
        self.keeps_plan = true;
        self
    }

    /// Only the rows of a span, one of those a listing was split into. Its cursors are good for this span alone; call it
    /// after [`SqlPager::filters`].
    pub fn within(mut self, span: &'a Span) -> Self {
        self.listing.filters = span.narrow(self.listing.filters);
        self.span = Some(span);
        self
    }

    /// Names the listing, its order and filters: by this its [`Boundaries`](crate::Boundaries) are kept.
    pub fn listing(&self) -> ListingKey {
        ListingKey::new(self.listing.order, self.listing.filters)
    }

    /// A cursor at a row, as Relay's edges carry it.
    pub fn cursor_at(&self, row: &R, direction: Direction) -> Result<Cursor, KeysTooLong> {
        self.listing.cursor_at(row, direction)
    }

    /// Reads one page, in one statement.
    ///
    /// `base` gives the query with its filters and joins, once for every range that is read (one to a few). Its own
    /// ORDER BY is replaced; it must have no LIMIT or OFFSET. The statement begins with the cursor's own row and ends with one row more
    /// than the page has, so `has_next` and `has_prev` are what the database saw. Where the cursor's row is gone, a second
    /// statement asks for one row on its other side.
    pub fn page<'q, Q, Conn>(&self, conn: &mut Conn, at: At<'_>, base: impl Fn() -> Q) -> Result<Page<R>, PageError>
    where
        Q: KeysetQuery<'q, Conn, QS, DB, R>,
        QS: 'q,
        DB: 'q,
    {
        let read = self.listing.resolve(at)?;
        let found = self
            .read(conn, &read, &base, |conn, part| Ok(Q::load_part(part, conn)?))
            .map_err(|error| blame(error, read.from.as_ref()))?;
        Ok(self.listing.assemble(&read, found, self.limit)?)
    }

    /// The same page by a deferred join: its rows are found in the index first, and then fetched by their tie-breakers.
    ///
    /// It is for PostgreSQL, where many rows of the order are passed over by a condition on the tie-breaker alone (`EXISTS` in
    /// another table): an index that has the order's keys tells all that is needed of them, and only the page's own rows are
    /// fetched. SQLite does so by itself.
    pub fn page_deferred<'q, Q, Conn>(
        &self,
        conn: &mut Conn,
        at: At<'_>,
        base: impl Fn() -> Q,
    ) -> Result<Page<R>, PageError>
    where
        Q: KeysetQuery<'q, Conn, QS, DB, R> + DeferredQuery<'q, Conn, QS, DB, R>,
        QS: 'static,
        DB: 'static,
        R: 'static,
    {
        let read = self.listing.resolve(at)?;
        let found = self
            .read(conn, &read, &base, |conn, part| {
                let mut rows = self.load_deferred(conn, part, &base)?;
                // In the listing's order, where they are wanted in that of reading.
                if read.direction == Direction::Backward {
                    rows.reverse();
                }
                Ok(rows)
            })
            .map_err(|error| blame(error, read.from.as_ref()))?;
        Ok(self.listing.assemble(&read, found, self.limit)?)
    }

    /// The plan of the statement that [`SqlPager::page`] would send, line by line: for tests that every range is one of an
    /// index (`Index Scan`, `SEARCH`) and nothing is sorted (`Sort`, `TEMP B-TREE`).
    pub fn explain<'q, Q, Conn>(
        &self,
        conn: &mut Conn,
        dialect: Dialect,
        at: At<'_>,
        base: impl Fn() -> Q,
    ) -> Result<Vec<String>, PageError>
    where
        Q: KeysetQuery<'q, Conn, QS, DB, R>,
        QS: 'q,
        DB: 'q,
    {
        let read = self.listing.resolve(at)?;
        let (part, _) = self.rows_of(&read, &base)?;
        Ok(Q::explain_part(part, dialect, conn)?)
    }

    fn read<'q, Q, Conn>(
        &self,
        conn: &mut Conn,
        read: &Read,
        base: &impl Fn() -> Q,
        load: impl FnOnce(&mut Conn, Part<'q, Q, QS, DB>) -> Result<Vec<R>, PageError>,
    ) -> Result<Found<R>, PageError>
    where
        Q: KeysetQuery<'q, Conn, QS, DB, R>,
        QS: 'q,
        DB: 'q,
    {
        let (part, from_its_row) = self.rows_of(read, base)?;
        let mut rows = load(conn, part)?;
        let Some(position) = &read.from else {
            return Ok(Found { rows, behind: false });
        };
        let is_at = |row: &R| self.listing.order.compare_with(row, position).is_eq();
        if from_its_row && rows.first().is_some_and(is_at) {
            rows.remove(0);
            return Ok(Found { rows, behind: true });
        }
        // The cursor's row is gone (or belongs to the page): whether others are behind it has to be asked.
        rows.truncate(self.one_more());
        let behind = position.complement();
        let probe = self.part(Some(&behind), behind.direction(), 1, base)?;
        Ok(Found {
            rows,
            behind: !Q::load_part(probe, conn)?.is_empty(),
        })
    }

    /// The page's rows and one more, as queries; and whether they begin with the cursor's own row.
    ///
    /// Where a cursor leaves its row out, that row is read all the same: if it is still there, there is a row behind the
    /// page, and nothing else needs to be asked.
    pub(super) fn rows_of<'q, Q>(
        &self,
        read: &Read,
        base: &impl Fn() -> Q,
    ) -> Result<(Part<'q, Q, QS, DB>, bool), PageError>
    where
        QS: 'q,
        DB: 'q,
    {
        let limit = i64::from(self.limit) + 1;
        let part = match &read.from {
            Some(position) if !position.is_inclusive() => {
                let with_its_row = position.clone().inclusive();
                let part = self.part(Some(&with_its_row), read.direction, limit + 1, base)?;
                return Ok((part, true));
            }
            from => self.part(from.as_ref(), read.direction, limit, base)?,
        };
        Ok((part, false))
    }

    /// The page's rows and the one that tells that more follow.
    pub(super) fn one_more(&self) -> usize {
        usize::try_from(self.limit).unwrap_or(usize::MAX).saturating_add(1)
    }

    /// The rows a position reads, as queries.
    pub(super) fn part<'q, Q>(
        &self,
        from: Option<&Position>,
        direction: Direction,
        limit: i64,
        base: &impl Fn() -> Q,
    ) -> Result<Part<'q, Q, QS, DB>, PageError>
    where
        QS: 'q,
        DB: 'q,
    {
        // Without a cursor, a span is read from its own end.
        let edge = match from {
            Some(_) => None,
            None => self.span.and_then(|span| span.edge(direction)),
        };
        let bounds = match from.or(edge.as_ref()) {
            Some(position) => self.order.ranges(position)?,
            None => vec![(Seek::all(), self.order.ordering(direction))],
        };
        let ranges = bounds
            .into_iter()
            .map(|(filter, ordering)| {
                Ok(Range {
                    base: base(),
                    filter: self.bounded(filter)?,
                    ordering,
                })
            })
            .collect::<Result<_, PageError>>()?;
        Ok(Part {
            ranges,
            limit,
            offset: 0,
            keeps_plan: self.keeps_plan,
        })
    }

    /// The filter within the span's bounds.
    pub(super) fn bounded<'q>(&self, filter: Seek<'q, QS, DB>) -> Result<Seek<'q, QS, DB>, PageError>
    where
        QS: 'q,
        DB: 'q,
    {
        let bounds = [Direction::Forward, Direction::Backward];
        bounds
            .into_iter()
            .filter_map(|direction| self.span?.edge(direction))
            .try_fold(filter, |filter, edge| Ok(filter.and(self.order.one_predicate(&edge)?)))
    }

    /// Loads the rows of a part by their tie-breakers, in the listing's order.
    pub(super) fn load_deferred<'q, Q, Conn>(
        &self,
        conn: &mut Conn,
        part: Part<'q, Q, QS, DB>,
        base: &impl Fn() -> Q,
    ) -> Result<Vec<R>, PageError>
    where
        Q: DeferredQuery<'q, Conn, QS, DB, R>,
        QS: 'static,
        DB: 'static,
        R: 'static,
    {
        Ok(Q::load_deferred(self.deferred(part, base), conn)?)
    }

    /// The deferred join of a part.
    pub(super) fn deferred<'q, Q>(&self, part: Part<'q, Q, QS, DB>, base: &impl Fn() -> Q) -> Deferred<'q, Q, QS, DB>
    where
        QS: 'static,
        DB: 'static,
        R: 'static,
    {
        let order = self.order.clone();
        Deferred {
            part,
            unique_key: Box::new(move || order.unique_key()),
            rows: base(),
            ordering: self.order.ordering(Direction::Forward),
        }
    }
}
