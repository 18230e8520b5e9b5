//! What is asked of a list and what it answers, whichever list it is.

use aios_domain::{Error, ErrorKind};

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
        Self { at: PageAt::Number(1), limit, count: CountMode::Exact }
    }
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq)]
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
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Listing<U> {
        Listing {
            items: self.items.into_iter().map(change).collect(),
            total: self.total,
            page: self.page,
            limit: self.limit,
            next_cursor: self.next_cursor,
            prev_cursor: self.prev_cursor,
        }
    }
}

/// The answer to a cursor that is not good here. `reason` is the pagination library's own sentence.
pub(crate) fn invalid_cursor(reason: &impl ToString) -> Error {
    let reason = reason.to_string();
    Error::new(ErrorKind::InvalidCursor, format!("The cursor is not valid: {reason}. Start again without a cursor."))
}
