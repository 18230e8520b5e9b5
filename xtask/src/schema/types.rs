//! PostgreSQL's types, SQLite's storage for them, and the SQL types by which diesel knows both.

/// A column's type on both databases.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ColumnType {
    /// In PostgreSQL's words, as `format_type` writes them.
    pub(crate) postgres: &'static str,
    /// In the words of SQLite's STRICT tables.
    pub(crate) sqlite: &'static str,
    /// Its SQL type in Rust.
    pub(crate) rust: &'static str,
    /// Whether that one is of `aios_db::sql_types` or of diesel.
    pub(crate) is_ours: bool,
}

const fn ours(postgres: &'static str, sqlite: &'static str, rust: &'static str) -> ColumnType {
    ColumnType {
        postgres,
        sqlite,
        rust,
        is_ours: true,
    }
}

const fn diesels(postgres: &'static str, sqlite: &'static str, rust: &'static str) -> ColumnType {
    ColumnType {
        postgres,
        sqlite,
        rust,
        is_ours: false,
    }
}

const TYPES: [ColumnType; 11] = [
    ours("uuid", "BLOB", "Uuid"),
    ours("timestamp with time zone", "INTEGER", "TimestampUtc"),
    ours("text[]", "TEXT", "TextList"),
    ours("jsonb", "TEXT", "JsonDocument"),
    diesels("text", "TEXT", "Text"),
    diesels("bigint", "INTEGER", "BigInt"),
    diesels("integer", "INTEGER", "Integer"),
    diesels("smallint", "INTEGER", "SmallInt"),
    diesels("double precision", "REAL", "Double"),
    diesels("boolean", "INTEGER", "Bool"),
    diesels("bytea", "BLOB", "Binary"),
];

/// The type that PostgreSQL calls so.
pub(crate) fn by_postgres_name(name: &str) -> Option<&'static ColumnType> {
    TYPES.iter().find(|column_type| column_type.postgres == name)
}
