//! What the tests of several crates share: databases, servers, agents.
//!
//! A development dependency only: nothing here is part of the product, and everything fails by panicking, as tests do.
#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "this is test code, which fails by panicking"
)]

mod agents;
mod both;
mod database;
mod postgres;
// The process is the one of the cache's own tests, whose server can't be had without a client for Redis.
#[path = "../../aios-cache/tests/support/process.rs"]
mod process;
mod redis;
mod varnish;

pub use agents::{plain_agent, plain_draft};
pub use both::block_on;
pub use database::TestDatabase;
pub use postgres::{Frozen, PostgresServer};
pub use redis::{RedisServer, eventually};
pub use varnish::VarnishServer;
