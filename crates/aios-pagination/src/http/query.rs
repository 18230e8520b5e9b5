//! The page a client asks for in its query parameters: `limit`, and either `page` or `cursor`.

use std::fmt;

use crate::page::At;

/// How many rows a page may have, and how far pages are numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows where the client names no limit.
    pub default: u32,
    /// The most a client may ask for.
    pub max: u32,
    /// The highest page number.
    pub max_page: u64,
}

impl Limits {
    /// Pages of `default` rows unless the client says otherwise, and of `max` at most; of any number.
    #[must_use]
    pub fn new(default: u32, max: u32) -> Self {
        Self {
            default,
            max,
            max_page: u64::MAX,
        }
    }

    /// With pages numbered up to this one.
    #[must_use]
    pub fn up_to_page(self, max_page: u64) -> Self {
        Self { max_page, ..self }
    }
}

impl Default for Limits {
    /// 20, and at most 100.
    fn default() -> Self {
        Self::new(20, 100)
    }
}

/// The page a client asks for.
///
/// ```
/// use aios_pagination::http::{Limits, PageQuery, Place};
///
/// let pairs = [("category", "writing"), ("limit", "50"), ("cursor", "AQAA")];
/// let query = PageQuery::from_pairs(pairs, Limits::default()).unwrap();
/// assert_eq!(query.limit, 50);
/// assert_eq!(query.place, Place::Cursor("AQAA".into()));
///
/// let refused = PageQuery::from_pairs([("limit", "0"), ("page", "x")], Limits::default()).unwrap_err();
/// assert_eq!(refused[0].to_string(), "limit must be between 1 and 100");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageQuery {
    /// Rows a page.
    pub limit: u32,
    /// Which page.
    pub place: Place,
}

/// Which page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The first, neither a number nor a cursor being given.
    First,
    /// Where a cursor leads.
    Cursor(String),
    /// By number, from 1.
    Number(u64),
}

/// A parameter that says nothing that can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterError {
    /// The parameter's name.
    pub parameter: &'static str,
    /// What it must be: `must be between 1 and 100`.
    pub message: String,
}

impl fmt::Display for ParameterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.parameter, self.message)
    }
}

impl std::error::Error for ParameterError {}

impl PageQuery {
    /// Reads decoded pairs; other parameters are not looked at, and of several of one name the last counts.
    ///
    /// Every parameter that is wrong is named, not the first alone.
    pub fn from_pairs<K: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (K, V)>,
        limits: Limits,
    ) -> Result<Self, Vec<ParameterError>> {
        let [mut limit, mut page, mut cursor] = [const { None::<V> }; 3];
        for (name, value) in pairs {
            match name.as_ref() {
                "limit" => limit = Some(value),
                "page" => page = Some(value),
                "cursor" => cursor = Some(value),
                _ => {}
            }
        }
        let [limit, page, cursor] = [&limit, &page, &cursor].map(|sent| sent.as_ref().map(AsRef::as_ref));
        Self::of(limit, page, cursor, limits)
    }

    /// Reads the three parameters, each where it was sent, for those who have taken them from the query themselves.
    ///
    /// Every parameter that is wrong is named, not the first alone.
    pub fn of(
        limit: Option<&str>,
        page: Option<&str>,
        cursor: Option<&str>,
        limits: Limits,
    ) -> Result<Self, Vec<ParameterError>> {
        match (read_limit(limit, limits), read_place(page, cursor, limits)) {
            (Ok(limit), Ok(place)) => Ok(Self { limit, place }),
            (limit, place) => Err([limit.err(), place.err()].into_iter().flatten().collect()),
        }
    }

    /// The pairs that ask for this page, to be encoded.
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = vec![("limit", self.limit.to_string())];
        match &self.place {
            Place::First => {}
            Place::Cursor(cursor) => pairs.push(("cursor", cursor.clone())),
            Place::Number(number) => pairs.push(("page", number.to_string())),
        }
        pairs
    }

    /// What to ask a pager for, where no page number is given.
    pub fn at(&self) -> Option<At<'_>> {
        match &self.place {
            Place::First => Some(At::Start),
            Place::Cursor(cursor) => Some(At::Cursor(cursor)),
            Place::Number(_) => None,
        }
    }
}

fn read_limit(sent: Option<&str>, limits: Limits) -> Result<u32, ParameterError> {
    let Some(sent) = sent else {
        return Ok(limits.default);
    };
    sent.parse()
        .ok()
        .filter(|limit| (1..=limits.max).contains(limit))
        .ok_or_else(|| refusal("limit", format!("must be between 1 and {}", limits.max)))
}

fn read_place(page: Option<&str>, cursor: Option<&str>, limits: Limits) -> Result<Place, ParameterError> {
    match (page, cursor) {
        (None, None) => Ok(Place::First),
        (None, Some(cursor)) => Ok(Place::Cursor(cursor.to_owned())),
        (Some(_), Some(_)) => Err(refusal("cursor", "must not be given together with page")),
        (Some(page), None) => match page.parse() {
            Ok(number) if (1..=limits.max_page).contains(&number) => Ok(Place::Number(number)),
            _ if limits.max_page == u64::MAX => Err(refusal("page", "must be a whole number from 1")),
            _ => Err(refusal("page", format!("must be between 1 and {}", limits.max_page))),
        },
    }
}

fn refusal(parameter: &'static str, message: impl Into<String>) -> ParameterError {
    ParameterError {
        parameter,
        message: message.into(),
    }
}
