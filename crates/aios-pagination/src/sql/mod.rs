//! Pages of diesel queries, on any backend: PostgreSQL, SQLite, or a `MultiConnection` of both.

mod count;
mod fragment;
mod numbered;
mod order;
mod pager;
mod query;

pub use count::{Count, CountableQuery, Dialect, Total};
pub use fragment::{Counts, Fragment, Ordering, Seek, Selected};
pub use order::{KeyExpression, SqlOrder, SqlOrderBuilder, Strategy};
pub use pager::SqlPager;
pub use query::{Deferred, DeferredQuery, KeysetQuery, Part, Range, UnionAll};
