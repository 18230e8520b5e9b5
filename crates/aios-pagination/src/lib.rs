//! Keyset and numbered pagination for any Rust service.
//!
//! A listing is read page by page at the cost of its first page, however deep ([`figures`]): the database is told the last
//! row's sort keys and goes on from there in an index, instead of counting rows it throws away. Pages that follow each other
//! neither repeat nor lose a row, whatever is inserted and deleted in between.
//!
//! # In ten minutes
//!
//! ```toml
//! aios-pagination = { version = "0.1", features = ["diesel", "http"] }
//! ```
//!
//! Declare the order of a listing once. It drives ORDER BY, the predicate, the values taken from a row, and the cursor:
//!
//! ```
//! # #[cfg(feature = "diesel")] {
//! use aios_pagination::sql::SqlOrder;
//! use aios_pagination::{At, CursorCodec, Fingerprint};
//! use diesel::prelude::*;
//! use diesel::sqlite::Sqlite;
//! # use diesel::connection::SimpleConnection as _;
//!
//! diesel::table! {
//!     agents (id) {
//!         id -> BigInt,
//!         installs -> BigInt,
//!         name -> Text,
//!     }
//! }
//!
//! #[derive(Queryable)]
//! struct Agent {
//!     id: i64,
//!     installs: i64,
//!     name: String,
//! }
//!
//! fn popular() -> SqlOrder<Agent, agents::table, Sqlite> {
//!     SqlOrder::named("popular")
//!         .desc(agents::installs, |agent: &Agent| agent.installs)
//!         .unique_desc(agents::id, |agent| agent.id)
//! }
//!
//! let conn = &mut SqliteConnection::establish(":memory:")?;
//! # conn.batch_execute("CREATE TABLE agents (id BIGINT PRIMARY KEY NOT NULL, installs BIGINT NOT NULL, name TEXT NOT NULL);
//! #     CREATE INDEX popular ON agents (installs DESC, id DESC);
//! #     WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 100)
//! #     INSERT INTO agents SELECT n, n % 7, 'agent ' || n FROM s")?;
//! let codec = CursorCodec::unsigned(); // or signed: see below
//! let order = popular();
//! let search = "agent%";
//! let pager = order
//!     .pager(&codec)
//!     .filters(Fingerprint::new("agents").with("search", search))
//!     .limit(20);
//! let query = || agents::table.filter(agents::name.like(search)).into_boxed();
//!
//! let first = pager.page(conn, At::Start, query)?;
//! assert_eq!((first.items.len(), first.has_next, first.has_prev), (20, true, false));
//!
//! // The client sends the cursor back, as it was handed out.
//! let sent: Option<String> = first.next.map(String::from);
//! let second = pager.page(conn, At::from(sent.as_deref()), query)?;
//! assert!(second.has_prev && second.items[0].installs <= first.items[19].installs);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Then give the listing an index that fits its order: [`choosing_an_order`] says which, and how a test can see that it is used.
//!
//! # Orders
//!
//! An order has one or more keys, each ascending or descending, the last unique. Only `unique_asc` and `unique_desc` end a
//! declaration, so there is no order without a tie-breaker. A key that may be `NULL` says where its `NULL`s stand
//! ([`Nulls`]); this is the same on PostgreSQL and SQLite, whose own defaults differ.
//!
//! [`Order`] sorts and pages rows in memory; [`sql::SqlOrder`] adds each key's SQL. A key may be a column, a column of a
//! join or an alias, a function such as `lower(name)`, or `sql::<Double>("…")` with binds, as a search's relevance is. Its
//! value is always the one the database gave: for a computed key, select the expression along and load it. Text is
//! compared by the database alone, so its collation counts and the client's does not.
//!
//! Types of your own are keys when they are [`CursorValue`]s: a newtype takes a few lines. With diesel they bind as any SQL
//! type `ST` for which they are `ToSql<ST, Backend>`; a `MultiConnection`'s backend is a backend like others.
//!
//! # Pages
//!
//! [`At`] says which page, [`Page`] is the answer. `has_next` and `has_prev` are read from the database, and a cursor is
//! there exactly where there are rows: the page's statement begins with the cursor's own row and ends with one row more than
//! the page has. A page that is empty because its rows were deleted has a `prev` that leads back to what is left.
//!
//! The closure given to a pager builds the query with its filters, boxed or not; it is called once for each range that is
//! read. Its ORDER BY is replaced; it must have no LIMIT or OFFSET. How the ranges are asked for ([`sql::Strategy`]) follows from the
//! order: one row value where all keys run one way, else a UNION ALL of ranges.
//!
//! # Cursors
//!
//! A cursor holds the keys of a row, exactly, and the direction to read on; so it stays good when that row is deleted. It
//! is text without characters that a URL would need encoded, some 60 to 110 of them for three keys, and carries a version,
//! fingerprints of order and filters, and a signature or checksum.
//!
//! ```
//! # #[cfg(feature = "sign")] {
//! use aios_pagination::CursorCodec;
//! use std::time::Duration;
//!
//! let codec = CursorCodec::signed(b"32 bytes from the service's own secrets")
//!     .also_accept(b"the secret before this one")
//!     .expires_after(Duration::from_secs(7 * 86_400));
//! # }
//! ```
//!
//! Sign cursors where a client must not choose its own position; nothing in them is secret, so keep secret columns out of
//! orders. To rotate: add the new secret to `also_accept` on all nodes, then make it the current one and accept the old,
//! then drop the old when its cursors have had their time.
//!
//! A token that is no cursor of this listing is a [`CursorError`] that says why: too long, cut short, altered, signed with
//! a key of no use, of another version, from another sort, from other filters, expired. Answer each with 400 (or 410 for
//! the last) and its text; [`CursorError::code`] is for programs. It never becomes page one, and never SQL.
//!
//! The filters' [`Fingerprint`] names whatever decides which rows the listing has: tenant, filters, search text. Leave the
//! limit out, it may change from page to page.
//!
//! # Numbered pages
//!
//! `numbered` skips rows in the index and fetches the page's rows alone (a deferred join). The cost still grows with the
//! number; with sampled [`Boundaries`] it does not: `sample` them beside the requests, keep them by the pager's `listing()`
//! (they serialise; the name prints as a cache's key), and `jump` skips at most one boundary's distance however far the
//! page is. [`Boundaries`] says how stale they can be.
//!
//! ```
//! # #[cfg(feature = "diesel")] {
//! # use aios_pagination::sql::SqlOrder;
//! # use aios_pagination::{Boundaries, CursorCodec, ListingKey};
//! # use diesel::connection::SimpleConnection as _;
//! # use diesel::prelude::*;
//! # use diesel::sqlite::Sqlite;
//! # use std::collections::HashMap;
//! # diesel::table! { numbers (id) { id -> BigInt, } }
//! # let conn = &mut SqliteConnection::establish(":memory:")?;
//! # conn.batch_execute("CREATE TABLE numbers (id BIGINT PRIMARY KEY NOT NULL);
//! #     WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 5000) INSERT INTO numbers SELECT n FROM s")?;
//! # let codec = CursorCodec::unsigned();
//! # let order: SqlOrder<i64, numbers::table, Sqlite> = SqlOrder::named("numbers").unique_asc(numbers::id, |id: &i64| *id);
//! let pager = order.pager(&codec).limit(20);
//! let query = || numbers::table.select(numbers::id).into_boxed();
//! let mut kept: HashMap<ListingKey, Boundaries> = HashMap::new(); // or a cache
//! kept.insert(pager.listing(), pager.sample(conn, 1_000, query)?);
//!
//! let far = match kept.get(&pager.listing()) {
//!     Some(boundaries) => pager.jump(conn, 200, boundaries, query)?,
//!     None => pager.numbered(conn, 200, query)?,
//! };
//! assert_eq!(far.items.first(), Some(&3981));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Counts are a choice, [`sql::Count`]: exact, capped, estimated, none.
//!
//! # All rows
//!
//! `SqlPager::rows` iterates over a listing and holds one page at a time; `rows` (feature `stream`) makes a stream of
//! any function that fetches a page. `SqlPager::split` and [`Boundaries::spans`] cut a listing into [`Span`]s for parallel readers,
//! each read by `pager.within(&span)`.
//!
//! # Without a database
//!
//! [`Pager`] pages a sorted slice by binary search, [`MapPager`] a `BTreeMap` by its keys, with the same cursors. They are
//! useful by themselves, and the oracle of this crate's tests:
//!
//! ```
//! use aios_pagination::{At, CursorCodec, Nulls, Order};
//!
//! let order = Order::named("rated")
//!     .desc_nulls(Nulls::Last, |row: &(u32, Option<f64>)| row.1)
//!     .unique_asc(|row| row.0);
//! let mut rows = vec![(1, None), (2, Some(4.5)), (3, Some(5.0)), (4, None)];
//! rows.sort_by(|a, b| order.compare(a, b));
//! let codec = CursorCodec::unsigned();
//! let last = order.pager(&codec).limit(3).page(&rows, At::End)?;
//! assert_eq!(last.items, [&(2, Some(4.5)), &(1, None), &(4, None)]);
//! # Ok::<(), aios_pagination::PageError>(())
//! ```
//!
//! # Over HTTP
//!
//! Feature `http`, without any framework's types: `http::PageQuery` reads `limit`, `page` and `cursor` from decoded query
//! parameters and names every one that is wrong; `http::Links` writes the `Link` header; `http::PageMeta` is for the body;
//! `http::relay` has Relay's arguments and connection shape.
//!
//! ```
//! # #[cfg(feature = "http")] {
//! use aios_pagination::http::{Limits, Links, PageMeta, PageQuery};
//! use aios_pagination::{CursorCodec, Order};
//!
//! let order = Order::named("numbers").unique_asc(|number: &u64| *number);
//! let codec = CursorCodec::unsigned();
//! let numbers: Vec<u64> = (0..100).collect();
//!
//! let sent = [("limit", "30"), ("colour", "red")];
//! let query = PageQuery::from_pairs(sent, Limits::default()).expect("else 422 with each error");
//! let at = query.at().expect("else the page of that number");
//! let page = order.pager(&codec).limit(query.limit).page(&numbers, at)?;
//! let link = Links::new("/numbers", sent).cursors(&page, query.limit).to_value();
//! let meta = PageMeta::of(&page, query.limit, None);
//! assert!(link.unwrap().contains("colour=red&limit=30&cursor="));
//! assert_eq!(meta.next_cursor, page.next);
//! # }
//! # Ok::<(), aios_pagination::PageError>(())
//! ```
//!
//! # What holds, and what does not
//!
//! - Rows that stay as they are come exactly once on a walk from end to end, in either direction, whatever else is
//!   inserted or deleted meanwhile. A row whose own keys change moves, and may come twice or not at all.
//! - The tie-breaker must be unique among the query's rows. A join that multiplies rows needs a key of the joined side.
//! - A float `NaN` sorts above all numbers in PostgreSQL and in memory; SQLite stores it as `NULL`.
//! - A page's rows are read in one statement, so they are of one moment; two pages are of two. Where the cursor's own row
//!   is gone, a second statement asks whether there are others behind it.
//! - A key's text may make a cursor too long ([`KeysTooLong`]): sort by a shorter expression then.
//!
//! # Features
//!
//! | feature | for | brings in |
//! | --- | --- | --- |
//! | `sign` (default) | signed cursors | `hmac`, `sha2` |
//! | `diesel` | pages of diesel queries on any backend | `diesel` |
//! | `http` | query parameters, `Link`, metadata, Relay | nothing |
//! | `stream` | streams of rows | `futures-core` |
//! | `serde` | pages, cursors, boundaries and metadata serialise | `serde` |
//! | `uuid`, `chrono` | their types as keys | themselves |

mod boundaries;
#[doc = include_str!("../docs/choosing-an-order.md")]
pub mod choosing_an_order {}
mod cursor;
#[doc = include_str!("../docs/figures.md")]
pub mod figures {}
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

pub use boundaries::{Boundaries, ListingKey, Span};
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
