//! The database layer: schema, stores, pools and migrations, on PostgreSQL and SQLite.

mod connection;
#[allow(missing_docs, reason = "generated from the tables, which the migrations describe")]
pub mod schema;
pub mod sql_types;

pub use connection::{Access, AnyConnection, DatabaseKind, DatabaseUrl, DatabaseUrlError, MultiBackend, connect};
