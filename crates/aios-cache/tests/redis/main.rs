//! The engine on real servers: one node, a Cluster of three, Sentinels; and what happens when they are killed, frozen, filled,
//! restarted and replaced.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests fail by panicking, their helpers too"
)]

mod cluster;
mod conformance;
mod failures;
mod node;
mod operations;
mod sentinel;
#[path = "../support/mod.rs"]
mod support;
mod tls;

use std::time::Duration;

use aios_cache::engine::redis::RedisEngine;
use aios_cache::engine::{Engine, EngineError, Invalidation, Lease, LeaseRequest, LeaseToken, Stored, Write};
use bytes::Bytes;

/// Longer than any test takes.
const KEEP: Duration = Duration::from_secs(600);

/// An engine that waits for slow machines. The first check is done.
async fn engine(url: &str, prefix: &str) -> RedisEngine {
    let engine = unchecked(url, prefix);
    engine.check().await.unwrap();
    engine
}

fn unchecked(url: &str, prefix: &str) -> RedisEngine {
    let patient = Duration::from_secs(20);
    let builder = RedisEngine::from_url(url).unwrap().prefix(prefix);
    builder
        .connect_timeout(patient)
        .response_timeout(patient)
        .build()
        .unwrap()
}

async fn lease(engine: &RedisEngine, key: &str) -> Lease {
    let leases = engine
        .lease(&[LeaseRequest { key, refresh: false }], KEEP)
        .await
        .unwrap();
    leases.into_iter().next().unwrap()
}

async fn new_lease(engine: &RedisEngine, key: &str) -> LeaseToken {
    match lease(engine, key).await {
        Lease::New(token) => token,
        other => panic!("{key:?}: {other:?}"),
    }
}

async fn write(engine: &RedisEngine, key: &str, bytes: &str, lease: LeaseToken) -> bool {
    let write = Write {
        key,
        bytes: Bytes::copy_from_slice(bytes.as_bytes()),
        keep: KEEP,
        lease,
    };
    engine.write(&[write]).await.unwrap()[0]
}

/// Puts an entry there, as a load does.
async fn put(engine: &RedisEngine, key: &str, bytes: &str) {
    let token = new_lease(engine, key).await;
    assert!(write(engine, key, bytes, token).await, "{key:?}");
}

async fn read(engine: &RedisEngine, key: &str) -> Option<String> {
    let found = engine.read(&[key]).await.unwrap();
    found.into_iter().next().unwrap().map(|stored| text(&stored))
}

fn text(stored: &Stored) -> String {
    String::from_utf8(stored.bytes.to_vec()).unwrap()
}

async fn invalidate(engine: &RedisEngine, keys: &[&str], tags: &[&str]) -> Result<u64, EngineError> {
    engine.invalidate(Invalidation { keys, tags, origin: 7 }).await
}
