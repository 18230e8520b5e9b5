//! Invalidations that somebody else left behind: by a crash between commit and invalidation, by a program without a cache,
//! by another server.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use aios_cache::engine::chaos::{ChaosEngine, Fault, Rule};
use aios_cache::engine::{Engine, EngineError, MemoryEngine};
use aios_cache::time::ManualClock;
use aios_cache::{Cache, LinkState};
use aios_db::store::outbox::{Invalidation, invalidation_list};
use aios_domain::{AgentChanges, AgentId, AgentSort, Version};
use aios_marketplace::{Marketplace, PageRequest, Precondition};
use aios_test_support::{TestDatabase, on_both_databases};

use crate::support::{all, published, uncached, user, with_cache};

/// A server with a memory of its own, whose relay lives by a clock that the test moves.
fn server(database: &TestDatabase) -> (Marketplace, ManualClock) {
    let clock = ManualClock::new();
    let marketplace = with_cache(database, &Cache::builder().build()).relay_clock(clock.clone());
    (marketplace, clock)
}

/// A server that shares its cache with the others of this engine.
async fn sharing(database: &TestDatabase, engine: impl Engine) -> (Marketplace, ManualClock) {
    let cache = Cache::builder().engine(engine).build();
    cache.linked().await;
    let clock = ManualClock::new();
    (with_cache(database, &cache).relay_clock(clock.clone()), clock)
}

async fn listed(marketplace: &Marketplace) -> usize {
    let listed = marketplace
        .agent_list(all(AgentSort::Recent), PageRequest::first(100))
        .await
        .unwrap();
    listed.items.len()
}

/// Waits until something is so that happens beside the test, and fails after a minute.
async fn until(mut condition: impl AsyncFnMut() -> bool) {
    for _ in 0..6_000 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("still not so");
}

async fn version(marketplace: &Marketplace, agent: AgentId) -> Version {
    marketplace
        .agent_get(agent, None)
        .await
        .unwrap()
        .agent
        .summary
        .version
        .clone()
}

fn outbox(database: &TestDatabase) -> Vec<Invalidation> {
    invalidation_list(&mut database.connection(), None, 1_000).unwrap()
}

on_both_databases! {
    async fn what_a_server_made_stale_before_it_died_is_relayed_by_another(database: &TestDatabase) {
        let (server, _clock) = server(database);
        server.relay_invalidations().await.unwrap();
        assert_eq!(listed(&server).await, 0);
        // It commits, and never gets to invalidate anything: to the others it looks like a server without a cache.
        published(&uncached(database), &user(), "Left behind").await;
        let left = outbox(database);
        assert_eq!(left.len(), 1);
        assert!(left[0].tags.contains(&"agents".to_owned()), "{left:?}");
        assert_eq!(listed(&server).await, 0, "nobody told this one yet");
        server.relay_invalidations().await.unwrap();
        assert_eq!(listed(&server).await, 1);
    }

    async fn what_was_left_behind_is_relayed_at_the_next_start(database: &TestDatabase) {
        published(&uncached(database), &user(), "Left behind").await;
        let (server, clock) = server(database);
        server.relay_invalidations().await.unwrap();
        clock.advance(Duration::from_secs(30));
        server.relay_invalidations().await.unwrap();
        assert!(outbox(database).is_empty());
    }

    async fn servers_without_redis_hear_of_each_other_through_the_outbox(database: &TestDatabase) {
        let ((one, clock), (other, other_clock)) = (server(database), server(database));
        for server in [&one, &other] {
            server.relay_invalidations().await.unwrap();
            assert_eq!(listed(server).await, 0);
        }
        published(&one, &user(), "First").await;
        assert_eq!(listed(&one).await, 1, "who wrote it sees it at once");
        // It stays long enough for everybody to see it, and is applied once by each.
        one.relay_invalidations().await.unwrap();
        assert_eq!(outbox(database).len(), 1);
        other.relay_invalidations().await.unwrap();
        assert_eq!(listed(&other).await, 1);
        for server in [&one, &other] {
            server.relay_invalidations().await.unwrap();
            let before = server.database().statement_count();
            listed(server).await;
            assert_eq!(server.database().statement_count(), before, "applied once");
        }
        clock.advance(Duration::from_secs(30));
        one.relay_invalidations().await.unwrap();
        assert!(outbox(database).is_empty());
        other_clock.advance(Duration::from_secs(1));
        other.relay_invalidations().await.unwrap();
        assert_eq!(listed(&other).await, 1);
    }

    async fn a_server_that_did_not_look_for_a_while_begins_anew(database: &TestDatabase) {
        let ((one, clock), (other, other_clock)) = (server(database), server(database));
        for server in [&one, &other] {
            server.relay_invalidations().await.unwrap();
            listed(server).await;
        }
        published(&one, &user(), "Missed").await;
        clock.advance(Duration::from_secs(30));
        one.relay_invalidations().await.unwrap();
        assert!(outbox(database).is_empty(), "it came and went while the other was away");
        assert_eq!(listed(&other).await, 0);
        other_clock.advance(Duration::from_secs(16));
        other.relay_invalidations().await.unwrap();
        assert_eq!(listed(&other).await, 1);
    }

    async fn with_a_shared_tier_a_row_is_left_to_who_wrote_it_for_two_seconds(database: &TestDatabase) {
        let engine = MemoryEngine::new();
        let (server, clock) = sharing(database, engine.clone()).await;
        let (other, _) = sharing(database, engine).await;
        for server in [&server, &other] {
            server.relay_invalidations().await.unwrap();
            assert_eq!(listed(server).await, 0);
        }
        published(&uncached(database), &user(), "Left behind").await;
        server.relay_invalidations().await.unwrap();
        assert_eq!(outbox(database).len(), 1, "whoever wrote it may still be at it");
        clock.advance(Duration::from_secs(2));
        server.relay_invalidations().await.unwrap();
        assert!(outbox(database).is_empty(), "it has reached everybody");
        assert_eq!(listed(&server).await, 1);
        until(async || listed(&other).await == 1).await;

        // Who applies what it wrote itself deletes it in the next round.
        published(&server, &user(), "Not left behind").await;
        until(async || listed(&other).await == 2).await;
        assert_eq!(outbox(database).len(), 1, "nobody had to relay it");
        server.relay_invalidations().await.unwrap();
        assert!(outbox(database).is_empty());
    }

    async fn what_the_last_server_left_behind_is_applied_before_the_next_answers(database: &TestDatabase) {
        let engine = MemoryEngine::new();
        let (first, _) = sharing(database, engine.clone()).await;
        assert_eq!(listed(&first).await, 0);
        drop(first);
        published(&uncached(database), &user(), "Left behind").await;
        let (next, _) = sharing(database, engine).await;
        assert_eq!(listed(&next).await, 0, "the shared tier has it as it was");
        next.relay_invalidations().await.unwrap();
        assert_eq!(listed(&next).await, 1);
    }

    async fn while_the_shared_tier_is_away_rows_are_applied_by_each_and_wait_for_it(database: &TestDatabase) {
        let chaos = ChaosEngine::new(MemoryEngine::new(), 2026);
        let (one, clock) = sharing(database, chaos.clone()).await;
        let (other, _) = sharing(database, chaos.clone()).await;
        for server in [&one, &other] {
            server.relay_invalidations().await.unwrap();
            assert_eq!(listed(server).await, 0);
        }
        chaos.add(Rule::new(Fault::Fail(EngineError::Unreachable("unplugged".to_owned()))));
        published(&one, &user(), "Meanwhile").await;
        assert_eq!(listed(&one).await, 1, "who wrote it sees it at once");
        until(async || other.health().await.shared_cache == LinkState::Down).await;
        other.relay_invalidations().await.unwrap();
        assert_eq!(listed(&other).await, 1, "the other hears of it through the outbox");
        one.relay_invalidations().await.unwrap();
        assert_eq!(outbox(database).len(), 1, "the shared tier does not know yet");

        chaos.heal();
        until(async || one.health().await.shared_cache == LinkState::Up).await;
        clock.advance(Duration::from_secs(2));
        one.relay_invalidations().await.unwrap();
        assert!(outbox(database).is_empty());
        assert_eq!((listed(&one).await, listed(&other).await), (1, 1));
    }

    async fn nobody_ever_sees_an_agent_go_back_to_what_it_was(database: &TestDatabase) {
        let engine = MemoryEngine::new();
        let servers = [sharing(database, engine.clone()).await.0, sharing(database, engine).await.0];
        let author = user();
        let agent = published(&servers[0], &author, "Edited").await.summary.id;
        let is_over = Rc::new(Cell::new(false));
        let mut readers = Vec::new();
        for place in 0..8 {
            let server = servers[place % 2].clone();
            let is_over = Rc::clone(&is_over);
            readers.push(tokio::task::spawn_local(async move {
                let mut last = version(&server, agent).await;
                while !is_over.get() {
                    let seen = version(&server, agent).await;
                    assert!(seen >= last, "{seen} after {last}");
                    last = seen;
                    tokio::task::yield_now().await;
                }
            }));
        }
        for edit in 2..100 {
            let server = &servers[edit % 2];
            let new = Version::new(format!("{edit}.0")).unwrap();
            let changes = AgentChanges { version: Some(new.clone()), ..AgentChanges::default() };
            server.agent_update(&author, agent, changes, Precondition::None).await.unwrap();
            assert_eq!(version(server, agent).await, new, "who wrote it sees it");
            if edit % 10 == 0 {
                servers[0].relay_invalidations().await.unwrap();
            }
        }
        is_over.set(true);
        for reader in readers {
            reader.await.unwrap();
        }
    }

    async fn more_than_a_page_of_rows_is_relayed_in_one_round(database: &TestDatabase) {
        let (server, clock) = server(database);
        server.relay_invalidations().await.unwrap();
        let rows = 2_100;
        let pool = database.pool();
        for _ in 0..rows / 700 {
            let insert = move |c: &mut aios_db::AnyConnection| {
                for _ in 0..700 {
                    let (id, now) = (aios_db::store::outbox::InvalidationId::new(), "2026-01-31T12:00:00Z".parse().unwrap());
                    aios_db::store::outbox::invalidation_insert(c, id, &["agents".to_owned()], now)?;
                }
                Ok(())
            };
            pool.write(move |c| aios_db::profile::in_parts(|| insert(c))).await.unwrap();
        }
        server.relay_invalidations().await.unwrap();
        clock.advance(Duration::from_secs(30));
        server.relay_invalidations().await.unwrap();
        assert!(outbox(database).is_empty());
    }

    async fn where_nobody_caches_rows_go_after_a_day(database: &TestDatabase) {
        let clock = crate::support::clock();
        let relay = ManualClock::new();
        let server = crate::support::uncached_at(database, clock.clone()).relay_clock(relay.clone());
        published(&server, &user(), "Not kept").await;
        server.relay_invalidations().await.unwrap();
        assert_eq!(outbox(database).len(), 1);
        clock.advance(chrono::TimeDelta::hours(25));
        relay.advance(Duration::from_secs(600));
        server.relay_invalidations().await.unwrap();
        assert!(outbox(database).is_empty());
    }

    async fn a_write_that_has_begun_is_carried_through_though_its_caller_goes_away(database: &TestDatabase) {
        let (server, _clock) = server(database);
        assert_eq!(listed(&server).await, 0);
        let begun = || {
            let pools = server.database().pools();
            let writer = pools.iter().find(|pool| pool.name != "read").unwrap();
            writer.done + u64::from(writer.used)
        };
        let before = begun();
        let author = user();
        {
            let publishing = server.agent_create(&author, crate::support::draft("Left alone"));
            let mut publishing = std::pin::pin!(publishing);
            // Polled once, and dropped when it runs on its thread: the caller has gone.
            let started = std::future::poll_fn(|context| std::task::Poll::Ready(publishing.as_mut().poll(context)));
            assert!(started.await.is_pending());
            while begun() == before {
                tokio::task::yield_now().await;
            }
        }
        while listed(&server).await == 0 {
            tokio::task::yield_now().await;
        }
    }

    async fn a_write_does_not_begin_for_a_caller_who_has_gone(database: &TestDatabase) {
        let (server, _clock) = server(database);
        let author = user();
        {
            let publishing = server.agent_create(&author, crate::support::draft("Too late"));
            let mut publishing = std::pin::pin!(publishing);
            let started = std::future::poll_fn(|context| std::task::Poll::Ready(publishing.as_mut().poll(context)));
            assert!(started.await.is_pending());
        }
        let abandoned = || server.database().pools().iter().map(|pool| pool.abandoned).sum::<u64>();
        while abandoned() == 0 {
            tokio::task::yield_now().await;
        }
        assert!(outbox(database).is_empty());
        assert_eq!(listed(&server).await, 0);
    }
}
