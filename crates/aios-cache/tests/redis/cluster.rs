//! A Cluster of three masters.

use aios_cache::engine::{EVERYTHING, Engine, EngineError, LeaseRequest};

use super::support::RedisCluster;
use super::{KEEP, engine, invalidate, operations, put, read};

/// All operations on one Cluster, each under its own prefix, since a Cluster takes seconds to start.
macro_rules! on_a_cluster {
    ($($operation:ident)*) => {
        #[tokio::test]
        async fn what_holds_everywhere() {
            let cluster = RedisCluster::start(3);
            $(
                eprintln!("{}", stringify!($operation));
                operations::$operation(&cluster.url(), stringify!($operation)).await;
            )*
        }
    };
}

on_a_cluster! {
    a_lease_ends_by_itself_or_when_it_is_given_up
    many_are_leased_written_and_read_together
    keys_are_any_text
    notices_come_in_order_without_gaps
    an_entry_is_gone_before_its_notice_comes
    prefixes_see_nothing_of_one_another
    the_first_check_makes_everything_stale_and_tells
}

/// Keys of which each node has one.
fn a_key_each(cluster: &RedisCluster) -> [String; 3] {
    [0, 1, 2].map(|node| {
        let mut keys = (0..).map(|number| format!("key {number}"));
        keys.find(|key| cluster.owner(&format!("{{aios:{key}}}")) == node)
            .unwrap()
    })
}

#[tokio::test]
async fn every_node_passes_notices_on() {
    let cluster = RedisCluster::start(3);
    let mut subscriptions = Vec::new();
    for node in &cluster.nodes {
        let url = format!("redis+cluster://127.0.0.1:{}", node.port());
        subscriptions.push(engine(&url, "aios").await.subscribe().await.unwrap());
    }
    let engine = engine(&cluster.url(), "aios").await;
    for _ in 0..100 {
        let number = invalidate(&engine, &["a"], &["t"]).await.unwrap();
        for subscription in &mut subscriptions {
            assert_eq!(subscription.next().await.unwrap().number, number);
        }
    }
}

/// Any of the masters may be restarted from an old file, in a moment that no heartbeat sees.
#[tokio::test]
async fn a_master_with_old_data_is_never_read_unnoticed() {
    let mut cluster = RedisCluster::start(3);
    let keys = a_key_each(&cluster);
    let engine = engine(&cluster.url(), "aios").await;
    for (node, key) in keys.iter().enumerate() {
        put(&engine, key, "old").await;
        let old = cluster.nodes[node].snapshot();
        invalidate(&engine, &[key], &[]).await.unwrap();
        cluster.nodes[node].restart_from(&old);
        cluster.wait();
        let held: String = cluster.nodes[node].query(&["GET", &format!("{{aios:{key}}}")]);
        assert!(held.ends_with(":old"), "it is back, and nobody may see it");

        let before = loop {
            match engine.read(&[key]).await {
                Err(EngineError::Replaced) => break engine.check().await,
                // The first call may be the one that finds the connection broken.
                Err(EngineError::Unreachable(_)) => {}
                other => panic!("{key}: {other:?}"),
            }
        };
        let status = before.unwrap();
        assert!(status.replaced);
        assert_eq!(engine.versions(&[EVERYTHING], KEEP).await.unwrap(), [status.number]);
        invalidate(&engine, &[key], &[]).await.unwrap();
        assert_eq!(read(&engine, key).await, None);
    }
}

#[tokio::test]
async fn a_dead_master_is_a_failure_and_the_others_come_back_with_it() {
    let mut cluster = RedisCluster::start(3);
    let engine = engine(&cluster.url(), "aios").await;
    let keys = a_key_each(&cluster);
    put(&engine, &keys[2], "value").await;
    cluster.nodes[2].kill();
    assert!(engine.read(&[&keys[2]]).await.is_err());
    assert!(engine.check().await.is_err());
    cluster.nodes[2].restart_empty();
    cluster.wait();
    let status = loop {
        match engine.check().await {
            Ok(status) => break status,
            Err(EngineError::Unreachable(_) | EngineError::Refused(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    };
    assert!(status.replaced);
    assert_eq!(read(&engine, &keys[2]).await, None);
    put(&engine, &keys[2], "again").await;
}

/// A slot that moves to another master takes its entries along.
#[tokio::test]
async fn a_slot_may_move() {
    let cluster = RedisCluster::start(3);
    let engine = engine(&cluster.url(), "aios").await;
    put(&engine, "a", "value").await;
    let name = "{aios:a}";
    let slot = cluster.nodes[0].query::<u16>(&["CLUSTER", "KEYSLOT", name]).to_string();
    let source = cluster.owner(name);
    let target = (source + 1) % 3;
    let id = |node: usize| cluster.nodes[node].query::<String>(&["CLUSTER", "MYID"]);
    let port = cluster.nodes[target].port().to_string();
    cluster.nodes[target].run(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &id(source)]);
    cluster.nodes[source].run(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &id(target)]);
    cluster.nodes[source].run(&["MIGRATE", "127.0.0.1", &port, name, "0", "5000"]);
    assert_eq!(read(&engine, "a").await.as_deref(), Some("value"), "while it moves");
    // Entry and lease can't be reached together meanwhile. That is no reason to give up the others.
    let refused = engine
        .lease(
            &[LeaseRequest {
                key: "a",
                refresh: true,
            }],
            KEEP,
        )
        .await;
    assert!(
        matches!(&refused, Err(EngineError::Refused(words)) if words.contains("TRYAGAIN")),
        "{refused:?}"
    );
    invalidate(&engine, &["a"], &[]).await.unwrap();
    assert_eq!(read(&engine, "a").await, None);
    for node in &cluster.nodes {
        node.run(&["CLUSTER", "SETSLOT", &slot, "NODE", &id(target)]);
    }
    put(&engine, "a", "again").await;
    assert_eq!(read(&engine, "a").await.as_deref(), Some("again"), "when it has moved");
    let held: String = cluster.nodes[target].query(&["GET", name]);
    assert!(held.ends_with(":again"), "{held}");
    invalidate(&engine, &["a"], &[]).await.unwrap();
    assert_eq!(read(&engine, "a").await, None);
}
