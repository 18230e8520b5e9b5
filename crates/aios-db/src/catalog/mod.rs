//! What a database's own catalogue says stands in it: for proving that a migration's way back leads back, and for writing
//! [`schema`](crate::schema). No part of a running service.

mod postgres;
mod sqlite;

use diesel::QueryableByName;
use diesel::sql_types::{Bool, Nullable, Text};

use crate::connection::AnyConnection;
use crate::error::DbResult;

/// Tables that belong to the migrations themselves begin so.
const BOOKKEEPING: &str = "\\_\\_%";

/// A table that holds data of ours, as opposed to an index's own tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns, in the table's order.
    pub columns: Vec<Column>,
    /// The columns of its primary key, in the key's order.
    pub primary_key: Vec<String>,
    /// The columns of its unique indexes, the partial ones aside.
    pub unique: Vec<Vec<String>>,
    /// What it refers to, ordered by its own columns.
    pub foreign_keys: Vec<ForeignKey>,
}

/// A column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type in the words of the database, such as `timestamptz`'s full name or `INTEGER`.
    pub declared_type: String,
    /// Whether it may be NULL.
    pub nullable: bool,
}

/// A reference from one table to another.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ForeignKey {
    /// The columns that refer.
    pub columns: Vec<String>,
    /// The table that is referred to.
    pub table: String,
    /// Its columns.
    pub target: Vec<String>,
}

/// An index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Its table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// What makes it, where it is more than a key's.
    pub definition: Option<String>,
    /// It keeps rows from having the same values.
    pub is_unique: bool,
    /// It belongs to a primary key.
    pub is_primary: bool,
}

impl Index {
    /// Why it is there without any query that reads it.
    pub fn reason(&self) -> Option<&'static str> {
        match (self.is_primary, self.is_unique) {
            (true, _) => Some("primary key"),
            (false, true) => Some("keeps rows unique"),
            (false, false) => None,
        }
    }
}

/// The indexes of these tables, ordered by table and name.
///
/// # Errors
/// When the database can't be asked.
pub fn indexes(connection: &mut AnyConnection) -> DbResult<Vec<Index>> {
    match connection {
        AnyConnection::Postgres(connection) => postgres::indexes(connection),
        AnyConnection::Sqlite(connection) => sqlite::indexes(connection),
    }
}

/// A row of either catalogue about an index.
#[derive(QueryableByName)]
struct IndexRow {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    index_name: String,
    #[diesel(sql_type = Nullable<Text>)]
    definition: Option<String>,
    #[diesel(sql_type = Bool)]
    is_unique: bool,
    #[diesel(sql_type = Bool)]
    is_primary: bool,
}

impl From<IndexRow> for Index {
    fn from(row: IndexRow) -> Self {
        Self {
            table: row.table_name,
            name: row.index_name,
            definition: row.definition,
            is_unique: row.is_unique,
            is_primary: row.is_primary,
        }
    }
}

/// The tables, ordered by their names.
///
/// # Errors
/// When the database can't be asked.
pub fn tables(connection: &mut AnyConnection) -> DbResult<Vec<Table>> {
    match connection {
        AnyConnection::Postgres(connection) => postgres::tables(connection),
        AnyConnection::Sqlite(connection) => sqlite::tables(connection),
    }
}

/// Everything that migrations make, an object or part of one a line, in a fixed order: tables, columns with types and defaults,
/// constraints, indexes, triggers, functions, types, views. Equal descriptions are equal schemas. Extensions and what they
/// bring are left out, since a migration that needs one leaves it for others that may need it by now.
///
/// # Errors
/// When the database can't be asked.
pub fn describe(connection: &mut AnyConnection) -> DbResult<Vec<String>> {
    match connection {
        AnyConnection::Postgres(connection) => postgres::describe(connection),
        AnyConnection::Sqlite(connection) => sqlite::describe(connection),
    }
}

/// One line of an answer.
#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}
