//! Use cases against real databases.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking, their helpers too"
)]

mod batches;
mod caching;
mod counters;
mod demo;
mod edge;
mod import;
mod outbox;
mod pages;
mod pruning;
mod random_writes;
mod replicas;
mod search;
mod statements;
mod stored;
mod support;
mod trending;
