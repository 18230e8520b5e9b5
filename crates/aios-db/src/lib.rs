//! The database layer: schema, stores, pools and migrations, on PostgreSQL and SQLite.
//!
//! [`Database`] runs functions on connections, off the event loop; the functions stand in the store modules, one a resource,
//! and are named by what they do: `agents::agent_insert`. They take a connection, so that a use case may put several into one
//! transaction. Nothing above this crate sees diesel.

pub mod advice;
pub mod bulk;
pub mod catalog;
mod connection;
mod error;
mod executor;
pub mod loaders;
pub mod migrations;
mod paging;
mod pool;
mod printed;
pub mod profile;
mod rank;
mod raw;
pub mod recording;
#[allow(missing_docs, reason = "generated from the tables, which the migrations describe")]
pub mod schema;
pub mod scratch;
mod search;
pub mod sql_types;
pub mod store;
mod tokens;

pub use connection::{Access, AnyConnection, DatabaseKind, DatabaseUrl, DatabaseUrlError, MultiBackend, connect};
pub use error::{DbError, DbResult};
pub use paging::{CountMode, FarPages, ListTask, Listing, PageAt, PageRequest, Paging};
pub use pool::{Database, DatabaseConfig, Interest, PoolStatus, Wanted, in_transaction};

/// Tells the metrics recorder what this crate's metrics mean. Call it once, after the recorder is installed.
pub fn describe_metrics() {
    profile::describe_metrics();
    pool::metrics::describe();
}
