//! The service from outside: HTTP over TCP to the real server, on both databases.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    dead_code,
    reason = "tests fail by panicking, their helpers too; the harness has more than every test needs"
)]

mod agents;
mod batches;
mod caching;
mod databases;
mod delivery;
mod described;
mod edge;
mod harness;
mod life_cycle;
mod limits;
mod openapi;
mod pages;
mod queries;
mod retention;
mod signing_in;
mod sizes;
mod transport;
