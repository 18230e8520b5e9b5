//! The text of a statement with its values: put in, or as what a prepared statement is run with.

use std::fmt::{self, Write as _};

use super::{Bind, Statement};
use crate::connection::DatabaseKind;
use crate::printed::parts;

/// What frames a transaction, or asks whether a connection lives.
const FRAMES: [&str; 7] = ["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SET ", "PRAGMA"];

impl Statement {
    /// Reads `SELECT … -- binds: [1, "x"]`. `None` for the frame of a transaction, and where it can't be read.
    pub(super) fn read(shown: &dyn fmt::Display) -> Option<Self> {
        let (sql, binds) = parts(shown);
        let sql = sql.trim();
        if FRAMES.iter().any(|frame| sql.starts_with(frame)) {
            return None;
        }
        Some(Self {
            sql: sql.to_owned(),
            binds: Bind::read_all(binds.as_deref().unwrap_or("[]"))?,
        })
    }

    /// SQL and its values as diesel prints them; `None` where it has places for values that are not known.
    pub(crate) fn of(sql: &str, binds: Option<&str>) -> Option<Self> {
        let mut needed = 0;
        places(sql, DatabaseKind::Sqlite, |piece| {
            if let Piece::Place(place) = piece {
                needed = needed.max(place + 1);
            }
        });
        let binds = Bind::read_all(binds.unwrap_or("[]"))?;
        (binds.len() >= needed).then(|| Self {
            sql: sql.to_owned(),
            binds,
        })
    }

    /// The statement with its values written into it.
    pub fn with_values(&self, kind: DatabaseKind) -> String {
        self.with_each(kind, |bind| bind.literal(kind))
    }

    /// The statement as a script of pgbench, and the variables that it needs. `number` tells them from another statement's.
    /// NULL can't be a variable and stands in the text.
    pub fn for_pgbench(&self, number: usize) -> (String, Vec<(String, String)>) {
        let name = |place: usize| format!("v{number}_{place}");
        let variables = self.binds.iter().enumerate();
        let variables = variables
            .filter(|(_, bind)| **bind != Bind::Null)
            .map(|(place, bind)| (name(place), bind.plain()));
        let variables: Vec<_> = variables.collect();
        let mut text = String::with_capacity(self.sql.len());
        places(&self.sql, DatabaseKind::Postgres, |piece| match piece {
            Piece::Text(sql) => text.push_str(sql),
            Piece::Place(place) => match self.binds.get(place) {
                // With its type, as diesel sends it: PostgreSQL would take `date + $1` for something else.
                Some(bind) if *bind != Bind::Null => {
                    let _ = write!(text, "CAST(:{} AS {})", name(place), bind.type_name());
                }
                _ => text.push_str("NULL"),
            },
        });
        (text, variables)
    }

    /// PostgreSQL's `PREPARE` of the statement.
    pub(crate) fn prepare(&self, name: &str) -> String {
        let types: Vec<&str> = self.binds.iter().map(Bind::type_name).collect();
        let types = if types.is_empty() {
            String::new()
        } else {
            format!("({})", types.join(", "))
        };
        format!("PREPARE {name} {types} AS {}", self.sql)
    }

    /// PostgreSQL's `EXECUTE` of what was prepared.
    pub(crate) fn execute(&self, name: &str) -> String {
        let values: Vec<String> = self
            .binds
            .iter()
            .map(|bind| bind.literal(DatabaseKind::Postgres))
            .collect();
        if values.is_empty() {
            format!("EXECUTE {name}")
        } else {
            format!("EXECUTE {name} ({})", values.join(", "))
        }
    }

    fn with_each(&self, kind: DatabaseKind, value: impl Fn(&Bind) -> String) -> String {
        let mut text = String::with_capacity(self.sql.len());
        places(&self.sql, kind, |piece| match piece {
            Piece::Text(sql) => text.push_str(sql),
            Piece::Place(place) => text.push_str(&self.binds.get(place).map_or_else(|| "NULL".to_owned(), &value)),
        });
        text
    }
}

enum Piece<'a> {
    Text(&'a str),
    /// Where the value with this number stands, counted from 0.
    Place(usize),
}

/// Takes SQL apart at the places of its values. SQLite numbers `$1` by where it comes first, whatever it is called.
fn places(sql: &str, kind: DatabaseKind, mut each: impl FnMut(Piece<'_>)) {
    let mut names: Vec<&str> = Vec::new();
    let mut unnamed = 0;
    let mut rest = sql;
    while let Some(at) = rest.find(['\'', '"', '`', '?', '$']) {
        let (before, from) = rest.split_at(at);
        each(Piece::Text(before));
        let mark = from.get(..1).unwrap_or_default();
        let tail = from.get(1..).unwrap_or_default();
        match mark {
            "?" => {
                each(Piece::Place(unnamed + names.len()));
                unnamed += 1;
                rest = tail;
            }
            "$" => {
                let digits = tail
                    .find(|character: char| !character.is_ascii_digit())
                    .unwrap_or(tail.len());
                let (number, after) = tail.split_at(digits);
                let known = names.iter().position(|name| *name == number);
                let place = known.unwrap_or(names.len());
                if known.is_none() {
                    names.push(number);
                }
                let written = number.parse::<usize>().map_or(place, |number| number.saturating_sub(1));
                each(Piece::Place(match kind {
                    DatabaseKind::Postgres => written,
                    DatabaseKind::Sqlite => place,
                }));
                rest = after;
            }
            quote => {
                let end = tail.find(quote).map_or(from.len(), |end| end + 2);
                let (quoted, after) = from.split_at(end);
                each(Piece::Text(quoted));
                rest = after;
            }
        }
    }
    each(Piece::Text(rest));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(sql: &str, binds: Vec<Bind>) -> Statement {
        Statement {
            sql: sql.to_owned(),
            binds,
        }
    }

    #[test]
    fn values_stand_where_they_were_bound() {
        let (one, two) = (Bind::Integer(1), Bind::Text("it's".to_owned()));
        let asked = statement("SELECT \"a$1\", '?' , ?, ? FROM `b?`", vec![one.clone(), two.clone()]);
        assert_eq!(
            asked.with_values(DatabaseKind::Sqlite),
            "SELECT \"a$1\", '?' , 1, 'it''s' FROM `b?`"
        );
        let numbered = statement("SELECT $2, $1, $2", vec![one, two]);
        assert_eq!(
            numbered.with_values(DatabaseKind::Postgres),
            "SELECT 'it''s', 1, 'it''s'"
        );
        assert_eq!(numbered.with_values(DatabaseKind::Sqlite), "SELECT 1, 'it''s', 1");
    }

    #[test]
    fn values_are_variables_of_pgbench() {
        let (sql, variables) = statement("SELECT $1, $2", vec![Bind::Null, Bind::Integer(5)]).for_pgbench(3);
        assert_eq!(sql, "SELECT NULL, CAST(:v3_1 AS bigint)");
        assert_eq!(variables, [("v3_1".to_owned(), "5".to_owned())]);
    }

    #[test]
    fn frames_of_transactions_are_no_statements() {
        assert_eq!(Statement::read(&"BEGIN"), None);
        let read = Statement::read(&"SELECT 1 WHERE $1 -- binds: [true]").unwrap();
        assert_eq!(
            (read.sql.as_str(), read.binds),
            ("SELECT 1 WHERE $1", vec![Bind::Bool(true)])
        );
    }
}
