//! What is asked of a list and what it answers, whichever list it is.

use std::sync::Arc;

use aios_domain::{Error, ErrorKind};
use aios_pagination::sql::{Count, CountableQuery, DeferredQuery, Dialect, KeysetQuery, SqlPager, Total};
use aios_pagination::{At, Boundaries, Cursor, CursorCodec, ListingKey, Page, PageError};
use serde::{Deserialize, Serialize};

use crate::connection::{AnyConnection, DatabaseKind, MultiBackend};
use crate::profile::Call;
use crate::{DbError, DbResult};

/// Where in a list a page stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PageAt {
    /// The page with this number, counted from 1.
    Number(u32),
    /// The page that a cursor leads to.
    Cursor(String),
}

/// Whether and how the rows of a list are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CountMode {
    /// Every row is counted.
    #[default]
    Exact,
    /// The planner's statistics, or a count that stops at 10,000.
    Estimated,
    /// Not at all.
    None,
}

/// A page that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PageRequest {
    /// Which page.
    pub at: PageAt,
    /// How many rows it has at most.
    pub limit: u32,
    /// Whether the list is counted.
    pub count: CountMode,
}

impl PageRequest {
    /// The first page.
    pub fn first(limit: u32) -> Self {
        Self {
            at: PageAt::Number(1),
            limit,
            count: CountMode::Exact,
        }
    }
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listing<T> {
    /// Its rows.
    pub items: Vec<T>,
    /// How many rows the whole list has, where it was counted.
    pub total: Option<i64>,
    /// The page's number, where it was asked for by number.
    pub page: Option<u32>,
    /// How many rows a page has at most.
    pub limit: u32,
    /// Leads to the rows after these, where there are some.
    pub next_cursor: Option<String>,
    /// Leads to the rows before these, where there are some.
    pub prev_cursor: Option<String>,
}

impl<T> Listing<T> {
    /// How many pages the list has, where it was counted and pages are numbered.
    pub fn pages(&self) -> Option<i64> {
        let (total, _) = self.total.zip(self.page)?;
        let limit = i64::from(self.limit.max(1));
        Some((total + limit - 1) / limit)
    }

    /// The list with each row made into another.
    pub fn map<U>(self, mut change: impl FnMut(T) -> U) -> Listing<U> {
        match self.try_map(|row| Ok::<_, std::convert::Infallible>(change(row))) {
            Ok(listing) => listing,
            Err(never) => match never {},
        }
    }

    /// The list with each row made into another, or the first failure.
    ///
    /// # Errors
    /// What `change` returns.
    pub fn try_map<U, E>(self, change: impl FnMut(T) -> Result<U, E>) -> Result<Listing<U>, E> {
        Ok(Listing {
            items: self.items.into_iter().map(change).collect::<Result<_, E>>()?,
            total: self.total,
            page: self.page,
            limit: self.limit,
            next_cursor: self.next_cursor,
            prev_cursor: self.prev_cursor,
        })
    }
}

impl<T> Listing<T> {
    /// A list without any row.
    pub(crate) fn empty(request: &PageRequest) -> Self {
        let page = Page {
            items: Vec::new(),
            next: None,
            prev: None,
            has_next: false,
            has_prev: false,
        };
        Self::of(page, request, (request.count != CountMode::None).then_some(0))
    }

    fn of(page: Page<T>, request: &PageRequest, total: Option<i64>) -> Self {
        Self {
            items: page.items,
            total,
            page: match request.at {
                PageAt::Number(number) => Some(number),
                PageAt::Cursor(_) => None,
            },
            limit: request.limit,
            next_cursor: page.next.map(Cursor::into_string),
            prev_cursor: page.prev.map(Cursor::into_string),
        }
    }
}

/// Knows where pages far into lists begin.
pub trait FarPages {
    /// The boundaries by which the page after the first `skip` rows is found. `None` where they are not known, or where the
    /// page is so near that they are not needed: the rows before it are counted off then.
    fn boundaries(&self, listing: ListingKey, skip: u64) -> Option<Arc<Boundaries>>;
}

/// Nothing is known of any list.
impl FarPages for () {
    fn boundaries(&self, _: ListingKey, _: u64) -> Option<Arc<Boundaries>> {
        None
    }
}

/// What is done with a list.
#[derive(Clone, Copy)]
pub enum ListTask<'a> {
    /// The page that is asked for is read.
    Page(&'a dyn FarPages),
    /// Nothing is read, and the answer is empty: the list's boundaries are sampled.
    Sample {
        /// Of this list alone. A use case may try several, such as a search and a more forgiving one.
        listing: ListingKey,
        /// A boundary comes after so many rows.
        every: u64,
        /// Takes them.
        found: &'a dyn Fn(Boundaries),
    },
}

/// How lists are read.
#[derive(Clone, Copy)]
pub struct Paging<'a> {
    /// Makes their cursors and reads them.
    pub cursors: &'a CursorCodec,
    /// What is done with the list.
    pub task: ListTask<'a>,
}

impl std::fmt::Debug for Paging<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Paging").finish_non_exhaustive()
    }
}

/// Reads the page that was asked for, and counts the list where that was asked for: a statement each. `base` gives the
/// filtered query.
///
/// # Errors
/// `InvalidCursor`; those of the database.
#[track_caller]
pub(crate) fn read_page<Q, QS, R>(
    connection: &mut AnyConnection,
    paging: &Paging<'_>,
    request: &PageRequest,
    pager: &SqlPager<'_, R, QS, MultiBackend>,
    base: impl Fn() -> Q,
) -> DbResult<Listing<R>>
where
    Q: KeysetQuery<'static, AnyConnection, QS, MultiBackend, R>
        + DeferredQuery<'static, AnyConnection, QS, MultiBackend, R>
        + CountableQuery<'static, AnyConnection, QS, MultiBackend>,
    QS: 'static,
    R: 'static,
{
    let far = match paging.task {
        ListTask::Page(far) => far,
        ListTask::Sample { listing, every, found } => {
            if listing == pager.listing() {
                found(pager.sample(connection, every, base).map_err(page_error)?);
            }
            return Ok(Listing::empty(request));
        }
    };
    let call = Call::begin();
    let page = match &request.at {
        PageAt::Number(0 | 1) => pager.page(connection, At::Start, &base),
        PageAt::Number(number) => {
            let number = u64::from(*number);
            let skip = (number - 1).saturating_mul(u64::from(request.limit));
            match far.boundaries(pager.listing(), skip) {
                Some(boundaries) => pager.jump(connection, number, &boundaries, &base),
                None => pager.numbered(connection, number, &base),
            }
        }
        PageAt::Cursor(cursor) => pager.page(connection, At::Cursor(cursor), &base),
    }
    .map_err(page_error)?;
    call.end(page.items.len());
    let total = count_list(connection, request, pager, base)?;
    Ok(Listing::of(page, request, total))
}

/// Reads the page that was asked for if its rows are among the next `reach` ones of the `wide` query; `None` where they are
/// not, and for pages by a number far from the start. Nothing is counted.
///
/// # Errors
/// `InvalidCursor`; those of the database.
#[track_caller]
pub(crate) fn read_near<Q, QS, R>(
    connection: &mut AnyConnection,
    request: &PageRequest,
    pager: &SqlPager<'_, R, QS, MultiBackend>,
    reach: u64,
    wide: impl Fn() -> Q,
    base: impl Fn() -> Q,
) -> DbResult<Option<Listing<R>>>
where
    Q: KeysetQuery<'static, AnyConnection, QS, MultiBackend, R>
        + DeferredQuery<'static, AnyConnection, QS, MultiBackend, R>,
    QS: 'static,
    R: 'static,
{
    let Some(at) = at_a_key(request) else { return Ok(None) };
    let call = Call::begin();
    let page = pager.page_near(connection, at, reach, wide, base).map_err(page_error)?;
    call.end(page.as_ref().map_or(0, |page| page.items.len()));
    Ok(page.map(|page| Listing::of(page, request, None)))
}

/// Reads the page that was asked for by a deferred join; `None` for pages by a number far from the start. Nothing is counted.
///
/// # Errors
/// `InvalidCursor`; those of the database.
#[track_caller]
pub(crate) fn read_deferred<Q, QS, R>(
    connection: &mut AnyConnection,
    request: &PageRequest,
    pager: &SqlPager<'_, R, QS, MultiBackend>,
    base: impl Fn() -> Q,
) -> DbResult<Option<Listing<R>>>
where
    Q: KeysetQuery<'static, AnyConnection, QS, MultiBackend, R>
        + DeferredQuery<'static, AnyConnection, QS, MultiBackend, R>,
    QS: 'static,
    R: 'static,
{
    let Some(at) = at_a_key(request) else { return Ok(None) };
    let call = Call::begin();
    let page = pager.page_deferred(connection, at, base).map_err(page_error)?;
    call.end(page.items.len());
    Ok(Some(Listing::of(page, request, None)))
}

/// Where the page begins, unless rows have to be counted off to get there.
fn at_a_key(request: &PageRequest) -> Option<At<'_>> {
    match &request.at {
        PageAt::Number(0 | 1) => Some(At::Start),
        PageAt::Number(_) => None,
        PageAt::Cursor(cursor) => Some(At::Cursor(cursor)),
    }
}

/// Counts the list as the request says.
///
/// # Errors
/// Those of the database.
#[track_caller]
pub(crate) fn count_list<Q, QS, R>(
    connection: &mut AnyConnection,
    request: &PageRequest,
    pager: &SqlPager<'_, R, QS, MultiBackend>,
    base: impl Fn() -> Q,
) -> DbResult<Option<i64>>
where
    Q: CountableQuery<'static, AnyConnection, QS, MultiBackend>,
    QS: 'static,
    R: 'static,
{
    let how = match request.count {
        CountMode::Exact => Count::Exact,
        CountMode::Estimated => Count::Estimated { whole_table: None },
        CountMode::None => Count::None,
    };
    let dialect = match connection.kind() {
        DatabaseKind::Postgres => Dialect::Postgres,
        DatabaseKind::Sqlite => Dialect::Sqlite,
    };
    let call = Call::begin();
    let total = pager.count(connection, dialect, how, base)?;
    call.end(1);
    Ok(total.map(|total| i64::try_from(Total::value(total)).unwrap_or(i64::MAX)))
}

fn page_error(error: PageError) -> DbError {
    match error {
        PageError::Database(error) => error.into(),
        PageError::Cursor(error) => {
            let mut reason = error.to_string();
            if let Some(first) = reason.get_mut(0..1) {
                first.make_ascii_uppercase();
            }
            Error::new(ErrorKind::InvalidCursor, format!("{reason}.")).into()
        }
        other => Error::internal(other).into(),
    }
}
