//! The database layer against real databases.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking, their helpers too"
)]

mod agents_many;
mod analytics;
mod bulk;
mod catalog;
mod edge_purges;
mod fields;
mod loaders;
mod migration_runs;
mod migrations;
mod outbox;
mod pool;
mod profile;
mod search_tiers;
mod search_walk;
mod search_words;
mod servers;
mod totals;
