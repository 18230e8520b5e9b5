//! The networks' APIs, recorded, and a real Varnish.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking, their helpers too"
)]

mod cloudflare;
mod cloudfront;
mod fastly;
mod recorded;
mod varnish;
