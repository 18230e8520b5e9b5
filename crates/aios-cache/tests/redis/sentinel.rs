//! A master that is replaced by its replica.

use aios_cache::engine::{EVERYTHING, Engine, EngineError, Status};

use super::support::SentinelSet;
use super::{KEEP, engine, invalidate, put, read, unchecked};

/// The check that finds the new master, tried until there is one.
async fn check(engine: &impl Engine) -> Status {
    loop {
        match engine.check().await {
            Ok(status) => return status,
            Err(EngineError::Unreachable(_) | EngineError::Refused(_) | EngineError::TimedOut) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_planned_failover_is_noticed() {
    let set = SentinelSet::start(3);
    let engine = engine(&set.url(), "aios").await;
    put(&engine, "a", "value").await;
    let before = invalidate(&engine, &[], &["t"]).await.unwrap();
    let mut subscription = engine.subscribe().await.unwrap();
    set.fail_over();
    // The old master ends its clients' connections when it becomes a replica.
    subscription.next().await.unwrap_err();
    let answered = loop {
        match engine.read(&["a"]).await {
            Err(EngineError::Unreachable(_) | EngineError::Refused(_)) => {}
            answered => break answered,
        }
    };
    assert_eq!(answered, Err(EngineError::Replaced));
    let status = check(&engine).await;
    assert!(status.replaced);
    assert!(status.number > before);
    assert_eq!(engine.versions(&[EVERYTHING], KEEP).await.unwrap(), [status.number]);
    assert_eq!(read(&engine, "a").await.as_deref(), Some("value"));
    put(&engine, "b", "written to the new master").await;
    let held: String = set.servers[1].query(&["GET", "{aios:b}"]);
    assert!(held.ends_with(":written to the new master"), "{held}");
    let mut subscription = engine.subscribe().await.unwrap();
    let number = invalidate(&engine, &["a"], &["t"]).await.unwrap();
    assert_eq!(subscription.next().await.unwrap().number, number);
}

#[tokio::test]
async fn a_killed_master_is_replaced() {
    let mut set = SentinelSet::start(3);
    let engine = engine(&set.url(), "aios").await;
    put(&engine, "a", "value").await;
    set.servers[0].kill();
    assert!(engine.read(&["a"]).await.is_err());
    set.wait_for_master(1);
    let status = check(&engine).await;
    assert!(status.replaced);
    assert_eq!(
        check(&engine).await,
        Status {
            replaced: false,
            ..status
        }
    );
    put(&engine, "c", "value").await;
}

/// Whoever holds on to a master that the Sentinels have given up is led away from it by the next check.
#[tokio::test]
async fn a_master_that_was_given_up_is_left() {
    let set = SentinelSet::start(3);
    let engine = engine(&set.url(), "aios").await;
    put(&engine, "a", "value").await;
    set.servers[0].freeze();
    set.wait_for_master(1);
    let status = check(&engine).await;
    assert!(status.replaced);
    set.servers[0].thaw();
    for number in 0..20 {
        put(&engine, &format!("key {number}"), "value").await;
    }
    let held: i64 = set.servers[1].query(&["DBSIZE"]);
    assert!(held > 20, "{held}");
}

#[tokio::test]
async fn a_service_that_no_sentinel_knows_is_named() {
    let set = SentinelSet::start(1);
    let engine = unchecked(&set.url().replace("/main", "/other"), "aios");
    let error = engine.read(&["a"]).await.unwrap_err().to_string();
    assert!(error.contains("\"other\""), "{error}");
}
