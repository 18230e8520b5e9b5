//! Cursors: positions in a listing, and the opaque tokens they travel as.

mod codec;
#[cfg(feature = "sign")]
mod sign;
pub(crate) mod wire;

use std::fmt;

pub use codec::{CursorCodec, Expected};

use crate::value::Value;

/// Which way a page is read from its cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Towards the end of the listing.
    Forward,
    /// Towards its beginning; the page's items still come in the listing's order.
    Backward,
}

impl Direction {
    /// The other way.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::Forward => Self::Backward,
            Self::Backward => Self::Forward,
        }
    }
}

/// A place in a listing: the values of all keys there, and how to read on from it.
///
/// It holds values, not a row's id, so it stays good when the row it was taken from is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    direction: Direction,
    inclusive: bool,
    values: Vec<Value>,
}

impl Position {
    /// Just after (forward) or just before (backward) the row with these values.
    pub fn new(direction: Direction, values: Vec<Value>) -> Self {
        Self {
            direction,
            inclusive: false,
            values,
        }
    }

    /// The same place, the row with exactly these values being part of what is read.
    #[must_use]
    pub fn inclusive(mut self) -> Self {
        self.inclusive = true;
        self
    }

    /// Which way to read.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// Whether the row with exactly these values is part of what is read.
    pub fn is_inclusive(&self) -> bool {
        self.inclusive
    }

    /// The values of the keys, in the order's sequence.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The values, owned.
    pub fn into_values(self) -> Vec<Value> {
        self.values
    }

    /// Everything this position does not read: the other way, and the row itself where this one leaves it out.
    #[must_use]
    pub fn complement(&self) -> Self {
        Self {
            direction: self.direction.reversed(),
            inclusive: !self.inclusive,
            values: self.values.clone(),
        }
    }
}

/// An opaque, URL-safe token for a [`Position`]: letters, digits, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(transparent)
)]
pub struct Cursor(String);

impl Cursor {
    /// The token.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The token, owned.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Cursor {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<Cursor> for String {
    fn from(cursor: Cursor) -> Self {
        cursor.0
    }
}

/// Why a token is no cursor of the listing it was sent to. Each is the sender's to mend: answer with a client error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CursorError {
    /// Longer than the codec takes; nothing of it was read.
    #[error(
        "the cursor has {length} characters, at most {max} are taken; send it as it was handed out"
    )]
    TooLong {
        /// Characters received.
        length: usize,
        /// Characters the codec takes.
        max: usize,
    },
    /// Not the alphabet or the frame of a cursor.
    #[error(
        "this is not a cursor; send one exactly as it was handed out, or none for the first page"
    )]
    NotACursor,
    /// Its end is missing.
    #[error("the cursor is cut short; send it exactly as it was handed out")]
    Truncated,
    /// The signature or the checksum does not fit what it stands over.
    #[error("the cursor was altered; send it exactly as it was handed out")]
    Altered,
    /// Unsigned where signatures are demanded, or signed where no key is known.
    #[error("the cursor is not signed with a key of this service; start again from the first page")]
    NotSignedHere,
    /// Signed with a key that is not, or no longer, known.
    #[error(
        "the cursor was signed with a key that is no longer in use; start again from the first page"
    )]
    UnknownKey,
    /// Of another version of the format.
    #[error(
        "the cursor is of format version {0}, this service reads version 1; start again from the first page"
    )]
    UnknownVersion(u8),
    /// Made for another sort.
    #[error("the cursor was made for another sort; start again from the first page")]
    OtherOrder,
    /// Made for other filters.
    #[error("the cursor was made for other filters; start again from the first page")]
    OtherFilters,
    /// Past its time.
    #[error("the cursor has expired; start again from the first page")]
    Expired,
}

impl CursorError {
    /// A short, stable name for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "too-long",
            Self::NotACursor => "not-a-cursor",
            Self::Truncated => "truncated",
            Self::Altered => "altered",
            Self::NotSignedHere => "not-signed-here",
            Self::UnknownKey => "unknown-key",
            Self::UnknownVersion(_) => "unknown-version",
            Self::OtherOrder => "other-order",
            Self::OtherFilters => "other-filters",
            Self::Expired => "expired",
        }
    }
}

/// A row's keys are too long for a cursor; the listing can't go on from that row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the sort keys of a row need a cursor of {length} characters, at most {max} are allowed; \
     sort by a shorter expression, such as the first 200 characters of the text, or allow longer cursors"
)]
pub struct KeysTooLong {
    /// Characters the cursor would have.
    pub length: usize,
    /// Characters the codec allows.
    pub max: usize,
}
