//! The shared tier fails: nobody gets an error, nothing stale comes back.

#[allow(clippy::wildcard_imports, reason = "the tests of one file, parted by subject")]
use super::*;
use aios_cache::{LinkState, Outcome, Targets};

fn down(node: &Node) -> bool {
    node.cache.link_state() == LinkState::Down
}

fn up(node: &Node) -> bool {
    node.cache.link_state() == LinkState::Up
}

async fn two_nodes(server: &RedisServer) -> (Node, Node) {
    (
        Node::over(redis(&server.url())).await,
        Node::over(redis(&server.url())).await,
    )
}

/// Both nodes have 1 in memory and Redis has it, too.
async fn warm(one: &Node, two: &Node, source: &Source) {
    source.set(1);
    assert_eq!(one.read(source).await, 1);
    eventually("the write", || one.numbers.stats().loading == 0).await;
    assert_eq!(two.read(source).await, 1);
    eventually("the write", || two.numbers.stats().loading == 0).await;
}

/// The body of each failure: `fail` breaks the server, `mend` brings it back, however it comes back.
fn survives(fail: impl Fn(&mut RedisServer), mend: impl Fn(&mut RedisServer)) {
    run(async {
        let mut server = RedisServer::start();
        let (one, two) = two_nodes(&server).await;
        let source = Source::default();
        warm(&one, &two, &source).await;

        fail(&mut server);
        source.set(2);
        // The first invalidation finds out; it is remembered, and this node serves nothing older.
        assert_eq!(one.cache.invalidate(Targets::new().tag("t")).await, Outcome::Deferred);
        assert_eq!(one.read(&source).await, 2);
        assert!(down(&one));
        for key in ["x", "y", "z"] {
            assert_eq!(one.read_key(key, &source).await, 2);
            assert!(one.remembers(key), "memory goes on");
        }
        source.set(3);
        for _ in 0..3 {
            assert_eq!(one.cache.invalidate(Targets::new().tag("t")).await, Outcome::Deferred);
        }
        assert_eq!(one.cache.stats().pending, 1, "the last one a target");
        assert_eq!(one.read(&source).await, 3);

        mend(&mut server);
        eventually("the link", || up(&one) && up(&two) && one.cache.stats().pending == 0).await;
        for node in [&one, &two] {
            for _ in 0..400 {
                if node.read(&source).await == 3 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            assert_eq!(node.read(&source).await, 3, "nothing stale comes back");
        }
        source.set(4);
        assert_eq!(two.cache.invalidate(Targets::new().tag("t")).await, Outcome::Everywhere);
        assert_eq!(two.read(&source).await, 4);
    });
}

#[test]
fn redis_is_killed_and_started_again_empty() {
    survives(RedisServer::kill, RedisServer::restart_empty);
}

#[test]
fn redis_is_frozen_and_thawed() {
    survives(|server| server.freeze(), |server| server.thaw());
}

#[test]
fn redis_becomes_read_only_and_writable_again() {
    survives(
        |server| server.make_read_only(),
        |server| server.run(&["REPLICAOF", "NO", "ONE"]),
    );
}

/// It comes back from a file with the entries and the tags' versions of before the invalidation.
#[test]
fn redis_is_restored_from_an_old_file() {
    run(async {
        let mut server = RedisServer::start();
        let (one, two) = two_nodes(&server).await;
        let source = Source::default();
        warm(&one, &two, &source).await;
        let old = server.snapshot();
        source.set(2);
        assert_eq!(
            one.cache
                .invalidate(Targets::new().tag("t").key(&one.numbers, "a"))
                .await,
            Outcome::Everywhere
        );
        assert_eq!(one.read(&source).await, 2);
        server.restart_from(&old);
        for _ in 0..20 {
            assert_eq!(one.read(&source).await, 2);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        eventually("the link", || up(&one) && up(&two)).await;
        let fresh = Node::over(redis(&server.url())).await;
        for node in [&one, &two, &fresh] {
            assert_eq!(node.read(&source).await, 2);
        }
    });
}

/// A full Redis still invalidates, and what it has is still read.
#[test]
fn redis_is_full() {
    run(async {
        let server = RedisServer::start();
        let (one, two) = two_nodes(&server).await;
        let source = Source::default();
        warm(&one, &two, &source).await;
        server.fill();
        for value in 2..5 {
            source.set(value);
            assert_eq!(one.cache.invalidate(Targets::new().tag("t")).await, Outcome::Everywhere);
            assert_eq!(one.read(&source).await, value);
            assert!(one.remembers("a"));
            for _ in 0..400 {
                if two.read(&source).await == value {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            assert_eq!(two.read(&source).await, value);
        }
        assert!(up(&one) && up(&two));
    });
}

/// A node that can't hear the others serves what it has for the stated time and not longer.
#[test]
fn a_node_that_is_cut_off_serves_its_memory_for_the_stated_time() {
    run(async {
        let mut server = RedisServer::start();
        let clock = aios_cache::time::ManualClock::new();
        let node = Node::of(
            Node::settings()
                .isolated_ttl(seconds(5))
                .clock(clock.clone())
                .shared_engine(redis(&server.url()))
                .build(),
        );
        node.cache.linked().await;
        let source = Source::default();
        source.set(1);
        assert_eq!(node.read(&source).await, 1);
        server.kill();
        eventually("the end of the link", || down(&node)).await;
        // Somebody else invalidates, and can't tell.
        source.set(2);
        clock.advance(seconds(4));
        assert_eq!(node.read(&source).await, 1);
        clock.advance(seconds(1));
        assert_eq!(node.read(&source).await, 2);
        source.set(3);
        clock.advance(seconds(5));
        assert_eq!(
            node.read(&source).await,
            3,
            "what is loaded meanwhile lives no longer either"
        );
        source.set(4);
        server.restart_empty();
        eventually("the link", || up(&node)).await;
        assert_eq!(
            node.read(&source).await,
            4,
            "what was loaded while it was cut off is distrusted"
        );
    });
}

/// A payload that is no entry is a miss, and counted.
#[test]
fn rubbish_in_the_shared_tier_is_a_miss() {
    run(async {
        let server = RedisServer::start();
        let (one, two) = two_nodes(&server).await;
        let source = Source::default();
        source.set(1);
        one.read(&source).await;
        eventually("the write", || one.numbers.stats().loading == 0).await;
        let good: Vec<u8> = server.query(&["GET", "{test:numbers:a}"]);
        assert!(!good.is_empty());
        server.run(&["SET", "{test:numbers:a}", "rubbish", "PX", "600000"]);
        assert_eq!(two.read(&source).await, 1);
        assert_eq!((source.asked(), two.numbers.stats().rejected), (2, 1));
    });
}

/// A cache starts, and works, without its shared tier.
#[test]
fn redis_is_not_there_at_the_start() {
    run(async {
        let mut server = RedisServer::start();
        let url = server.url();
        server.kill();
        let node = Node::of(Node::settings().shared_engine(redis(&url)).build());
        let source = Source::default();
        assert_eq!(node.read(&source).await, 0);
        assert!(node.remembers("a") && down(&node));
        assert_eq!(node.cache.invalidate(Targets::new().tag("t")).await, Outcome::Deferred);
        server.restart_empty();
        node.cache.linked().await;
        assert_eq!(node.cache.stats().pending, 0);
    });
}
