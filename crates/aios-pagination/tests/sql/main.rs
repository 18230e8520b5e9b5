//! Pages of diesel queries on SQLite and PostgreSQL, through a `MultiConnection` as services have one.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test's helpers fail as the test does"
)]
#![expect(unreachable_pub, reason = "diesel's macros make what they are given public")]

mod database;
mod listing;
mod near;
mod walk;

mod backends;
mod boundaries;
mod bugs;
mod count;
mod keyset;
mod numbered;
mod plans;
mod properties;
