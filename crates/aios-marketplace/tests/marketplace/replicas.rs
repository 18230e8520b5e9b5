//! Caches over a replica that lags: nothing older than what was written is read into them, on any server.

use aios_cache::Cache;
use aios_cache::engine::MemoryEngine;
use aios_db::{Database, DatabaseConfig};
use aios_domain::{AgentChanges, AgentId, AgentSort, Caller, JsonObject, Version};
use aios_marketplace::{CacheSettings, Marketplace, PageRequest, Precondition};
use aios_test_support::{PostgresServer, TestDatabase, block_on};

use crate::support::{SECRET, all, clock, published, user};

/// A server of the marketplace that reads from a replica, and shares its cache with the others of this engine.
async fn node(database: &TestDatabase, replica: &PostgresServer, engine: &MemoryEngine) -> Marketplace {
    let database = Database::new(&DatabaseConfig {
        replicas: vec![replica.url()],
        ..DatabaseConfig::new(database.url().clone())
    });
    let cache = Cache::builder().engine(engine.clone()).build();
    cache.linked().await;
    Marketplace::new(database, clock(), SECRET, &cache, &CacheSettings::default()).unwrap()
}

/// How many operations ended at the primary and at the replica.
fn done(node: &Marketplace) -> (u64, u64) {
    let pools = node.database().pools();
    let of = |name| pools.iter().find(|pool| pool.name == name).unwrap().done;
    (of("primary"), of("replica-1"))
}

/// Waits until reads of this server are answered by the replica.
async fn until_the_replica_is_read_from(node: &Marketplace) {
    for _ in 0..6_000 {
        let before = done(node);
        node.database().read(|_| Ok(())).await.unwrap();
        if done(node) == (before.0, before.1 + 1) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the replica is still not read from");
}

fn version(number: u32) -> Version {
    Version::new(format!("{number}.0.0")).unwrap()
}

async fn write(node: &Marketplace, author: &Caller, agent: AgentId, number: u32) {
    let changes = AgentChanges {
        version: Some(version(number)),
        ..AgentChanges::default()
    };
    node.agent_update(author, agent, changes, Precondition::None)
        .await
        .unwrap();
}

/// The agent's version, alone and in the list.
async fn read(node: &Marketplace, agent: AgentId) -> [Version; 2] {
    let alone = node.agent_get(agent, None).await.unwrap();
    let listed = node
        .agent_list(all(AgentSort::Recent), PageRequest::first(10))
        .await
        .unwrap();
    let listed = listed.items.iter().find(|listed| listed.id == Some(agent)).unwrap();
    [alone.agent.summary.version.clone(), listed.version.clone().unwrap()]
}

#[test]
fn no_cache_gets_an_old_value_from_a_replica_that_lags() {
    let server = PostgresServer::start();
    let database = server.database();
    let replica = server.replica();
    block_on(async {
        let engine = MemoryEngine::new();
        let one = node(&database, &replica, &engine).await;
        let other = node(&database, &replica, &engine).await;
        let author = user();
        let agent = published(&one, &author, "Watched").await.summary.id;
        for node in [&one, &other] {
            until_the_replica_is_read_from(node).await;
            read(node, agent).await;
        }

        // The replica stands still, without a word; whatever is invalidated is loaded again at once, by both.
        replica.sql("SELECT pg_wal_replay_pause()");
        for number in 1..=10 {
            write(&one, &author, agent, number).await;
            assert_eq!(read(&one, agent).await, [version(number), version(number)]);
            // The notice takes as long as a message; what is shared can't be old any more.
            let mut heard = read(&other, agent).await;
            while heard != [version(number), version(number)] {
                heard = read(&other, agent).await;
            }
        }
        // What is a user's own, and of nobody else's interest, as well.
        let reader = user();
        one.agent_install(&reader, agent, JsonObject::default()).await.unwrap();
        let mine = one.my_agents(&reader, PageRequest::first(10)).await.unwrap();
        assert_eq!(mine.items.len(), 1);

        // It goes on, and no older value was left anywhere.
        replica.sql("SELECT pg_wal_replay_resume()");
        for node in [&one, &other] {
            until_the_replica_is_read_from(node).await;
            assert_eq!(read(node, agent).await, [version(10), version(10)]);
        }
        // Now it is the replica that answers what both ask after a write.
        for number in 11..=30 {
            write(&other, &author, agent, number).await;
            assert_eq!(read(&other, agent).await, [version(number), version(number)]);
        }
        until_the_replica_is_read_from(&one).await;
    });
}
