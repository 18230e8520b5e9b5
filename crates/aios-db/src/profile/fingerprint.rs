//! What makes two statements the same: their SQL without the values, with lists of any length taken for one.

use std::fmt::{self, Write};
use std::str::FromStr;

use serde::{Serialize, Serializer};
use xxhash_rust::xxh3::xxh3_64;

/// Names a form of SQL: a hash of its normalised text, the same in every process. Written as 16 hexadecimal digits.
///
/// ```
/// use aios_db::profile::Fingerprint;
///
/// let one = Fingerprint::of("SELECT name FROM tags WHERE id IN ($1, $2)");
/// assert_eq!(one, Fingerprint::of("SELECT name FROM tags WHERE id IN ($1, $2, $3)"));
/// assert_ne!(one, Fingerprint::of("SELECT id FROM tags WHERE id IN ($1, $2)"));
/// assert_eq!(one.to_string().parse(), Ok(one));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(u64);

/// What was given is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is 16 hexadecimal digits, as in the list of queries")]
pub struct NoFingerprint;

impl Fingerprint {
    /// Of all that has no place of its own.
    pub(crate) const OTHER: Self = Self(0);

    /// The fingerprint of this SQL, whatever the numbers of its parameters and the lengths of its lists.
    pub fn of(sql: &str) -> Self {
        Self::of_normalised(&normalised(sql))
    }

    pub(crate) fn of_normalised(text: &str) -> Self {
        Self(xxh3_64(text.as_bytes()))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Fingerprint {
    type Err = NoFingerprint;

    fn from_str(text: &str) -> Result<Self, NoFingerprint> {
        let is_hex = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = is_hex.then(|| u64::from_str_radix(text, 16).ok()).flatten();
        number.map(Self).ok_or(NoFingerprint)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// SQL with `?` for each parameter, one parameter for a list of them, one row for rows alike, and single spaces.
pub(crate) fn normalised(sql: &str) -> String {
    let mut text = Normal::default();
    let mut rest = sql.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\'' | '"' | '`' => {
                text.out.push(c);
                // A doubled quote ends one text and begins the next: copied all the same.
                for inner in rest.by_ref() {
                    text.out.push(inner);
                    if inner == c {
                        break;
                    }
                }
            }
            '$' | '?' => {
                while rest.next_if(char::is_ascii_digit).is_some() {}
                text.parameter();
            }
            c if c.is_whitespace() => text.space(),
            ',' => {
                text.out.push_str(", ");
                while rest.next_if(|c| c.is_whitespace()).is_some() {}
            }
            '(' => text.open(),
            ')' => text.close(),
            c => text.out.push(c),
        }
    }
    text.out.truncate(text.out.trim_end().len());
    text.out
}

/// The text so far.
#[derive(Default)]
struct Normal {
    out: String,
    /// Where the brackets that are open began, each with the last one that was closed inside it.
    open: Vec<(usize, Closed)>,
    closed: Closed,
}

/// Where a bracket began and ended.
type Closed = Option<(usize, usize)>;

impl Normal {
    fn parameter(&mut self) {
        if self.out.ends_with("?, ") {
            self.out.truncate(self.out.len() - ", ".len());
        } else {
            self.out.push('?');
        }
    }

    fn space(&mut self) {
        if !self.out.ends_with([' ', '(']) && !self.out.is_empty() {
            self.out.push(' ');
        }
    }

    fn open(&mut self) {
        self.open.push((self.out.len(), self.closed.take()));
        self.out.push('(');
    }

    fn close(&mut self) {
        self.out.truncate(self.out.trim_end().len());
        self.out.push(')');
        let Some((begin, before)) = self.open.pop() else {
            return;
        };
        self.closed = Some((begin, self.out.len()));
        let Some((start, end)) = before else { return };
        let is_next = self.out.get(end..begin) == Some(", ");
        if is_next && self.out.get(start..end) == self.out.get(begin..) {
            self.out.truncate(end);
            self.closed = Some((start, end));
        }
    }
}

/// What is learned of a query by looking at what it would print: a hash of its very SQL, and one of its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Looked {
    /// Of the SQL as it is: the key for what is known of it already.
    pub(crate) sql: u64,
    /// Of the first values, as they are written for people.
    pub(crate) binds: u64,
}

/// Values beyond so many bytes are not looked at: two long texts that begin alike and follow no other value are taken for
/// one. Writing a document out at length would cost more than running the statement.
const MOST_BINDS: usize = 256;

/// Looks at a query, in a few microseconds: diesel writes its SQL out, and nobody can stop it before that is done.
pub(crate) fn look(query: &dyn fmt::Display) -> Looked {
    let mut looking = Looking::default();
    // The writer fails as soon as it has enough, so that the rest is never formatted.
    let _ = write!(looking, "{query}");
    Looked {
        sql: looking.sql,
        binds: xxh3_64(looking.binds.get(..looking.length).unwrap_or_default()),
    }
}

struct Looking {
    sql: u64,
    has_sql: bool,
    binds: [u8; MOST_BINDS],
    length: usize,
}

impl Default for Looking {
    fn default() -> Self {
        Self {
            sql: 0,
            has_sql: false,
            binds: [0; MOST_BINDS],
            length: 0,
        }
    }
}

impl Write for Looking {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if !self.has_sql {
            // diesel writes the SQL in one piece.
            self.sql = xxh3_64(text.as_bytes());
            self.has_sql = true;
            return Ok(());
        }
        let room = self.binds.get_mut(self.length..).unwrap_or_default();
        let fits = room.len().min(text.len());
        if let (Some(room), Some(bytes)) = (room.get_mut(..fits), text.as_bytes().get(..fits)) {
            room.copy_from_slice(bytes);
        }
        self.length += fits;
        if fits < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::printed::{BINDS, parts};

    #[test]
    fn parameters_lists_rows_and_spaces_are_alike() {
        for (sql, text) in [
            (
                "SELECT a FROM t WHERE b = $1 AND c = $12",
                "SELECT a FROM t WHERE b = ? AND c = ?",
            ),
            (
                "SELECT a FROM t WHERE b IN ($1,$2,  $3)",
                "SELECT a FROM t WHERE b IN (?)",
            ),
            ("SELECT a FROM t WHERE b IN (?)", "SELECT a FROM t WHERE b IN (?)"),
            (
                "INSERT INTO t (a, b) VALUES (?, ?), (?, ?), (?, ?)",
                "INSERT INTO t (a, b) VALUES (?)",
            ),
            (
                "INSERT INTO t VALUES ($1, lower($2)), ($3, lower($4))",
                "INSERT INTO t VALUES (?, lower(?))",
            ),
            ("SELECT  a\n  FROM t ", "SELECT a FROM t"),
            ("SELECT 'a  ?, $1' FROM \"t ?\"", "SELECT 'a  ?, $1' FROM \"t ?\""),
            ("SELECT 'it''s', \"x\"", "SELECT 'it''s', \"x\""),
            ("SELECT count(*), count(*) FROM t", "SELECT count(*), count(*) FROM t"),
            ("SELECT (1), (2), (2)", "SELECT (1), (2)"),
            ("LIMIT $1 OFFSET $2", "LIMIT ? OFFSET ?"),
            (")(", ")("),
            ("", ""),
        ] {
            assert_eq!(normalised(sql), text, "{sql}");
        }
    }

    #[test]
    fn what_is_no_fingerprint_is_refused() {
        for text in ["", "0", "00000000000000zz", "+000000000000001", "00000000000000001"] {
            assert_eq!(text.parse::<Fingerprint>(), Err(NoFingerprint), "{text}");
        }
    }

    #[test]
    fn values_are_looked_at_as_far_as_they_are_kept() {
        let shown = |sql: &str, binds: &str| look(&format_args!("{sql}{BINDS}{binds}"));
        let one = look(&format_args!("{}{BINDS}{}", String::from("SELECT ?"), "[1]"));
        assert_eq!(one, shown("SELECT ?", "[1]"));
        assert_eq!(one.sql, shown("SELECT ?", "[2]").sql);
        assert_ne!(one.binds, shown("SELECT ?", "[2]").binds);
        let long = "x".repeat(1_000);
        assert_eq!(shown("S", &long), shown("S", &format!("{long}y")));
    }

    #[test]
    fn a_query_is_taken_apart() {
        let shown = format!("SELECT ?{BINDS}[\"a -- binds: b\"]");
        assert_eq!(
            parts(&shown),
            ("SELECT ?".to_owned(), Some("[\"a -- binds: b\"]".to_owned()))
        );
        assert_eq!(parts(&"BEGIN"), ("BEGIN".to_owned(), None));
    }

    proptest! {
        /// A list of any length, and any number of rows, has the fingerprint of one.
        #[test]
        fn lengths_make_no_difference(list in 1_usize..40, rows in 1_usize..20, first in 1_usize..100) {
            let numbers = (first..).take(list).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
            let values = vec![format!("({numbers})"); rows].join(", ");
            prop_assert_eq!(Fingerprint::of(&format!("INSERT INTO t VALUES {values}")), Fingerprint::of("INSERT INTO t VALUES (?)"));
        }

        /// Nothing makes it panic, and doing it again changes nothing.
        #[test]
        fn it_is_done_once(sql in "[ a$?0-9,()'\"é]{0,60}") {
            let once = normalised(&sql);
            prop_assert_eq!(normalised(&once), once);
        }
    }
}
