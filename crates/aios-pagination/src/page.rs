//! Pages: what is asked for, what is answered, and how rows read in one direction become one.

use crate::cursor::{Cursor, CursorCodec, CursorError, Direction, Expected, KeysTooLong, Position};
use crate::fingerprint::Fingerprint;
use crate::order::Order;

/// Rows a page has unless told otherwise.
pub(crate) const DEFAULT_LIMIT: u32 = 20;

/// Which page is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum At<'a> {
    /// The first page.
    #[default]
    Start,
    /// The last page, full where the listing has as many rows.
    End,
    /// The page a cursor leads to, in the direction it was made for.
    Cursor(&'a str),
    /// The page just after a cursor's row, whichever direction it was made for (Relay's `after`).
    After(&'a str),
    /// The page just before a cursor's row, whichever direction it was made for (Relay's `before`).
    Before(&'a str),
}

/// The page a client's optional cursor asks for: none asks for the first.
impl<'a> From<Option<&'a str>> for At<'a> {
    fn from(cursor: Option<&'a str>) -> Self {
        cursor.map_or(Self::Start, Self::Cursor)
    }
}

/// One page of a listing, in the listing's order whichever way it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Leads to the rows after these; present exactly where there are some.
    pub next: Option<Cursor>,
    /// Leads to the rows before these; present exactly where there are some. On a page that is empty because its rows
    /// were deleted, it leads back to what is left.
    pub prev: Option<Cursor>,
    /// Whether rows follow: read, not guessed.
    pub has_next: bool,
    /// Whether rows precede: read, not guessed.
    pub has_prev: bool,
}

impl<T> Page<T> {
    /// The page with each item made into another.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(change).collect(),
            next: self.next,
            prev: self.prev,
            has_next: self.has_next,
            has_prev: self.has_prev,
        }
    }
}

/// How many rows a listing has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Total {
    /// As many.
    Exact(u64),
    /// As many or more.
    AtLeast(u64),
    /// About as many.
    About(u64),
}

impl Total {
    /// The number, however it is known.
    pub fn value(self) -> u64 {
        match self {
            Self::Exact(rows) | Self::AtLeast(rows) | Self::About(rows) => rows,
        }
    }
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// The client's cursor is refused: the client's fault.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// A row of this page can't be named by a cursor: the order's fault.
    #[error(transparent)]
    KeysTooLong(#[from] KeysTooLong),
    /// Boundaries of another listing: the caller's fault.
    #[error(
        "these boundaries were sampled of a listing in another order or with other filters; sample this one"
    )]
    OtherBoundaries,
    /// The database's answer.
    #[cfg(feature = "diesel")]
    #[error(transparent)]
    Database(#[from] diesel::result::Error),
}

/// A listing as its cursors know it: order, filters, and who makes the tokens.
pub(crate) struct Listing<'a, R> {
    pub(crate) order: &'a Order<R>,
    pub(crate) codec: &'a CursorCodec,
    pub(crate) filters: Fingerprint,
}

impl<R> Clone for Listing<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Listing<'_, R> {}

impl<R> Listing<'_, R> {
    pub(crate) fn expected(&self) -> Expected<'_> {
        Expected::new(self.order, self.filters)
    }

    /// What to read for a request.
    pub(crate) fn resolve(&self, at: At<'_>) -> Result<Read, CursorError> {
        resolve(at, self.codec, self.expected())
    }

    pub(crate) fn cursor_at(&self, row: &R, direction: Direction) -> Result<Cursor, KeysTooLong> {
        let position = Position::new(direction, self.order.values(row));
        self.codec.encode(&position, self.expected())
    }

    /// Makes the page of what was read.
    #[cfg(feature = "diesel")]
    pub(crate) fn assemble(
        &self,
        read: &Read,
        found: Found<R>,
        limit: u32,
    ) -> Result<Page<R>, KeysTooLong> {
        self.assemble_with(read, found, limit, |row, direction| {
            self.cursor_at(row, direction)
        })
    }

    /// As [`Self::assemble`], for items that are not the order's rows but stand for them.
    pub(crate) fn assemble_with<T>(
        &self,
        read: &Read,
        found: Found<T>,
        limit: u32,
        cursor_at: impl Fn(&T, Direction) -> Result<Cursor, KeysTooLong>,
    ) -> Result<Page<T>, KeysTooLong> {
        assemble(read, found, limit, cursor_at, |position| {
            self.codec.encode(position, self.expected())
        })
    }
}

/// A page to be read: from where, and which way.
pub(crate) struct Read {
    pub(crate) direction: Direction,
    pub(crate) from: Option<Position>,
}

/// What reading gave.
pub(crate) struct Found<T> {
    /// Up to one row more than the limit, in the direction of reading.
    pub(crate) rows: Vec<T>,
    /// Whether the other side of the position has a row.
    pub(crate) behind: bool,
}

pub(crate) fn resolve(
    at: At<'_>,
    codec: &CursorCodec,
    of: Expected<'_>,
) -> Result<Read, CursorError> {
    let turned = |token, direction| -> Result<Read, CursorError> {
        let position = codec.decode(token, of)?;
        Ok(Read {
            direction,
            from: Some(Position::new(direction, position.into_values())),
        })
    };
    match at {
        At::Start => Ok(Read {
            direction: Direction::Forward,
            from: None,
        }),
        At::End => Ok(Read {
            direction: Direction::Backward,
            from: None,
        }),
        At::Cursor(token) => {
            let position = codec.decode(token, of)?;
            Ok(Read {
                direction: position.direction(),
                from: Some(position),
            })
        }
        At::After(token) => turned(token, Direction::Forward),
        At::Before(token) => turned(token, Direction::Backward),
    }
}

pub(crate) fn assemble<T>(
    read: &Read,
    found: Found<T>,
    limit: u32,
    cursor_at: impl Fn(&T, Direction) -> Result<Cursor, KeysTooLong>,
    encode: impl Fn(&Position) -> Result<Cursor, KeysTooLong>,
) -> Result<Page<T>, KeysTooLong> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let Found {
        rows: mut items,
        behind,
    } = found;
    let beyond = items.len() > limit;
    items.truncate(limit);
    let (has_next, has_prev) = match read.direction {
        Direction::Forward => (beyond, behind),
        Direction::Backward => {
            items.reverse();
            (behind, beyond)
        }
    };
    // Where nothing is left on this side, the position itself leads back.
    let edge = |row: Option<&T>, direction| match (row, &read.from) {
        (Some(row), _) => cursor_at(row, direction).map(Some),
        (None, Some(from)) => encode(&from.complement()).map(Some),
        (None, None) => Ok(None),
    };
    let next = if has_next {
        edge(items.last(), Direction::Forward)?
    } else {
        None
    };
    let prev = if has_prev {
        edge(items.first(), Direction::Backward)?
    } else {
        None
    };
    Ok(Page {
        items,
        next,
        prev,
        has_next,
        has_prev,
    })
}
