//! Pages of diesel queries, on any backend: PostgreSQL, SQLite, or a `MultiConnection` of both.

mod count;
mod explain;
mod fragment;
mod near;
mod numbered;
mod order;
mod pager;
mod query;
mod rows;
mod sample;

pub use crate::page::Total;
pub use count::{Count, CountableQuery};
pub use explain::Dialect;
pub use fragment::{Counts, Fragment, Ordering, Seek, Selected};
pub use order::{KeyExpression, SqlOrder, SqlOrderBuilder, Strategy};
pub use pager::SqlPager;
pub use query::{Deferred, DeferredQuery, KeysetQuery, Part, Range, Sampled, UnionAll};
pub use rows::SqlRows;
