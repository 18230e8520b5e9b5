//! Keyset and numbered pagination for any Rust service.

mod boundaries;
mod cursor;
mod fingerprint;
#[cfg(feature = "http")]
pub mod http;
mod memory;
mod order;
mod page;
#[cfg(any(test, feature = "diesel"))]
mod plan;
#[cfg(feature = "stream")]
mod stream;
mod value;

pub use boundaries::{Boundaries, Span};
pub use cursor::{Cursor, CursorCodec, CursorError, Direction, Expected, KeysTooLong, Position};
pub use fingerprint::{Fingerprint, FingerprintPart};
pub use memory::{MapKey, MapPager, Pager};
pub use order::{KeyShape, Nulls, Order, OrderBuilder, Sort};
pub use page::{At, Page, PageError, Total};
#[cfg(feature = "stream")]
pub use stream::{Rows, rows};
pub use value::{CursorValue, Kind, Value};
#[cfg(feature = "diesel")]
pub mod sql;
