//! A server that is dead, hung, slow, full, read-only, restarted or replaced.

use std::time::Duration;

use aios_cache::engine::redis::RedisEngine;
use aios_cache::engine::{EVERYTHING, Engine, EngineError, LeaseRequest, Write};
use bytes::Bytes;

use super::support::RedisServer;
use super::{KEEP, engine, invalidate, new_lease, put, read, unchecked};

/// An engine that gives up soon.
fn impatient(server: &RedisServer) -> RedisEngine {
    let builder = RedisEngine::from_url(&server.url()).unwrap();
    builder.response_timeout(Duration::from_millis(50)).build().unwrap()
}

fn is_refused<T: std::fmt::Debug>(result: Result<T, EngineError>, word: &str) {
    match result {
        Err(EngineError::Refused(words)) => assert!(words.contains(word), "{words}"),
        other => panic!("{other:?}"),
    }
}

fn is_unreachable<T: std::fmt::Debug>(result: &Result<T, EngineError>) {
    assert!(matches!(result, Err(EngineError::Unreachable(_))), "{result:?}");
}

async fn each_operation_fails(engine: &RedisEngine, is_expected: impl Fn(&EngineError) -> bool) {
    let request = [LeaseRequest {
        key: "a",
        refresh: false,
    }];
    let write = [Write {
        key: "a",
        bytes: Bytes::new(),
        keep: KEEP,
        lease: 1,
    }];
    let errors = [
        engine.read(&["a"]).await.err(),
        engine.read(&["a", "b"]).await.err(),
        engine.lease(&request, KEEP).await.err(),
        engine.write(&write).await.err(),
        engine.release("a", 1).await.err(),
        engine.versions(&["t"], KEEP).await.err(),
        invalidate(engine, &["a"], &["t"]).await.err(),
        engine.check().await.err(),
    ];
    for (index, error) in errors.iter().enumerate() {
        assert!(error.as_ref().is_some_and(&is_expected), "{index}: {error:?}");
    }
}

#[tokio::test]
async fn a_server_that_was_never_there() {
    let mut server = RedisServer::start();
    server.kill();
    let engine = unchecked(&server.url(), "aios");
    each_operation_fails(&engine, |error| matches!(error, EngineError::Unreachable(_))).await;
    is_unreachable(&engine.subscribe().await.map(drop));
}

#[tokio::test]
async fn a_killed_server() {
    let mut server = RedisServer::start();
    let engine = engine(&server.url(), "aios").await;
    let mut subscription = engine.subscribe().await.unwrap();
    put(&engine, "a", "value").await;
    server.kill();
    each_operation_fails(&engine, |error| matches!(error, EngineError::Unreachable(_))).await;
    is_unreachable(&subscription.next().await);
    is_unreachable(&subscription.next().await);
}

#[tokio::test]
async fn a_frozen_server() {
    let server = RedisServer::start();
    let engine = impatient(&server);
    engine.check().await.unwrap();
    put(&engine, "a", "value").await;
    server.freeze();
    each_operation_fails(&engine, |error| *error == EngineError::TimedOut).await;
    assert_eq!(engine.subscribe().await.err(), Some(EngineError::TimedOut));
    server.thaw();
    // It may still be busy with what was asked of it while it slept.
    let found = loop {
        match engine.read(&["a"]).await {
            Ok(found) => break found,
            Err(EngineError::TimedOut) => {}
            Err(other) => panic!("{other:?}"),
        }
    };
    // The invalidation that timed out may have come through, or not.
    assert!(found[0].as_ref().is_none_or(|stored| stored.bytes == "value"));
    assert!(!engine.check().await.unwrap().replaced);
}

#[tokio::test]
async fn a_slow_server() {
    let server = RedisServer::start();
    let engine = impatient(&server);
    put(&engine, "a", "value").await;
    server.pause();
    assert_eq!(invalidate(&engine, &["a"], &[]).await, Err(EngineError::TimedOut));
    assert!(engine.read(&["a"]).await.unwrap()[0].is_some());
    server.resume();
    invalidate(&engine, &["a"], &[]).await.unwrap();
    assert!(engine.read(&["a"]).await.unwrap()[0].is_none());
}

#[tokio::test]
async fn a_full_server_refuses_values_and_takes_invalidations() {
    let server = RedisServer::start();
    let engine = engine(&server.url(), "aios").await;
    let mut subscription = engine.subscribe().await.unwrap();
    put(&engine, "a", "value").await;
    let version = engine.versions(&["t"], KEEP).await.unwrap()[0];
    let token = new_lease(&engine, "b").await;
    server.fill();
    assert_eq!(read(&engine, "a").await.as_deref(), Some("value"));
    assert_eq!(engine.versions(&["t"], KEEP).await.unwrap(), [version]);
    let request = [LeaseRequest {
        key: "c",
        refresh: false,
    }];
    is_refused(engine.lease(&request, KEEP).await, "OOM");
    let write = Write {
        key: "b",
        bytes: Bytes::from_static(b"value"),
        keep: KEEP,
        lease: token,
    };
    is_refused(engine.write(&[write]).await, "OOM");

    let number = invalidate(&engine, &["a"], &["t", "new"]).await.unwrap();
    assert_eq!(number, version + 1);
    assert_eq!(read(&engine, "a").await, None);
    assert_eq!(engine.versions(&["t", "new"], KEEP).await.unwrap(), [number, number]);
    assert_eq!(subscription.next().await.unwrap().number, number);
    server.run(&["DEL", "{aios}:id"]);
    assert!(engine.check().await.unwrap().replaced);
}

#[tokio::test]
async fn a_read_only_server() {
    let server = RedisServer::start();
    let builder = RedisEngine::from_url(&server.url()).unwrap().connections(1);
    let engine = builder.build().unwrap();
    put(&engine, "a", "value").await;
    server.make_read_only();
    // The connection that was made before still reads, until it is refused something.
    assert!(read(&engine, "a").await.is_some());
    is_refused(invalidate(&engine, &["a"], &["t"]).await, "READONLY");
    each_operation_fails(&engine, |error| !matches!(error, EngineError::Unreachable(_))).await;
}

#[tokio::test]
async fn a_server_without_enough_replicas() {
    let server = RedisServer::start();
    let engine = engine(&server.url(), "aios").await;
    server.run(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    is_refused(invalidate(&engine, &["a"], &["t"]).await, "NOREPLICAS");
    assert_eq!(read(&engine, "a").await, None);
}

/// Nothing was checked in between, and the first operation that is answered is told.
#[tokio::test]
async fn a_quick_restart_is_never_read_unnoticed() {
    let mut server = RedisServer::start();
    let engine = engine(&server.url(), "aios").await;
    let other = super::engine(&server.url(), "aios").await;
    put(&engine, "a", "old").await;
    let old = server.snapshot();
    invalidate(&engine, &["a"], &["t"]).await.unwrap();
    server.restart_from(&old);
    assert!(server.query::<String>(&["GET", "{aios:a}"]).ends_with(":old"));
    for _ in 0..20 {
        match engine.read(&["a"]).await {
            Err(EngineError::Replaced | EngineError::Unreachable(_)) => {}
            answered => panic!("{answered:?}"),
        }
    }
    assert_eq!(engine.read(&["a"]).await, Err(EngineError::Replaced));
    let status = engine.check().await.unwrap();
    assert!(status.replaced);
    assert_eq!(
        read(&engine, "a").await.as_deref(),
        Some("old"),
        "its versions say that it is stale"
    );
    assert_eq!(engine.versions(&[EVERYTHING], KEEP).await.unwrap(), [status.number]);

    // What one node has checked, another has not.
    let answered = loop {
        match other.read(&["a"]).await {
            Err(EngineError::Unreachable(_)) => {}
            answered => break answered,
        }
    };
    assert_eq!(answered, Err(EngineError::Replaced));
    let seen = other.check().await.unwrap();
    assert_eq!((seen.number, seen.replaced), (status.number, false));
    assert!(other.read(&["a"]).await.is_ok());
}

#[tokio::test]
async fn a_restart_with_nothing() {
    let mut server = RedisServer::start();
    let engine = engine(&server.url(), "aios").await;
    put(&engine, "a", "value").await;
    let token = new_lease(&engine, "b").await;
    let before = invalidate(&engine, &[], &["t"]).await.unwrap();
    server.restart_empty();
    let status = loop {
        match engine.check().await {
            Ok(status) => break status,
            Err(EngineError::Unreachable(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    };
    assert!(status.replaced);
    assert_ne!(status.number, before + 1, "numbers begin elsewhere");
    assert_eq!(read(&engine, "a").await, None);
    assert!(!super::write(&engine, "b", "loaded before", token).await);
    assert_ne!(engine.versions(&["t"], KEEP).await.unwrap(), [before]);
}

/// The versions of a tag are those of before its invalidation again; only the check makes them stale.
#[tokio::test]
async fn a_restart_with_old_versions() {
    let mut server = RedisServer::start();
    let engine = engine(&server.url(), "aios").await;
    let tags = ["t", EVERYTHING];
    let stored_with = engine.versions(&tags, KEEP).await.unwrap();
    let old = server.snapshot();
    invalidate(&engine, &[], &["t"]).await.unwrap();
    server.restart_from(&old);
    let mut subscription = engine.subscribe().await.unwrap();
    let status = loop {
        match engine.check().await {
            Ok(status) => break status,
            Err(EngineError::Unreachable(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    };
    assert!(status.replaced);
    let now = engine.versions(&tags, KEEP).await.unwrap();
    assert_eq!(
        now[0], stored_with[0],
        "the tag's own version looks as if nothing had happened"
    );
    assert_ne!(now[1], stored_with[1]);
    let notice = subscription.next().await.unwrap();
    assert_eq!(
        (notice.number, notice.tags),
        (status.number, vec![EVERYTHING.to_owned()])
    );
}

/// A connection that ends while nobody uses it is no failure.
#[tokio::test]
async fn a_connection_that_the_server_ends_is_made_again() {
    let server = RedisServer::start();
    let engine = engine(&server.url(), "aios").await;
    put(&engine, "a", "value").await;
    for _ in 0..8 {
        assert!(read(&engine, "a").await.is_some());
    }
    let mut subscription = engine.subscribe().await.unwrap();
    server.run(&["CLIENT", "KILL", "TYPE", "normal"]);
    server.run(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    is_unreachable(&subscription.next().await);
    for _ in 0..8 {
        // A call that is quicker than the news finds out by itself.
        match engine.read(&["a"]).await {
            Ok(found) => assert!(found[0].is_some()),
            Err(EngineError::Unreachable(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    for _ in 0..8 {
        assert!(read(&engine, "a").await.is_some());
    }
}
