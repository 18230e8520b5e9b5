//! Redis and Valkey servers that a test starts, freezes, fills, kills and restarts.
//!
//! The program is the one that AIOS_TEST_REDIS_SERVER names, else `redis-server` or `valkey-server` on PATH. Servers are gone when
//! their value is dropped, and when the test's process is killed.
#![allow(dead_code, unused_imports, reason = "each test binary uses a part of it")]

mod cluster;
mod process;
mod sentinel;
mod server;

pub(crate) use cluster::RedisCluster;
pub(crate) use sentinel::SentinelSet;
pub(crate) use server::{RedisServer, free_port};

use std::thread;
use std::time::{Duration, Instant};

/// Waits until something is so, and fails after a minute, which no healthy machine needs.
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "still not so: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
