//! The suite that every engine runs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use aios_cache::engine::Engine;
use aios_cache::engine::conformance::Fixture;

use super::support::{RedisCluster, RedisServer};
use super::unchecked;

mod node {
    use super::*;

    /// A server for one test.
    struct Node(Mutex<RedisServer>);

    impl Fixture for Node {
        async fn engine(&self) -> Arc<dyn Engine> {
            Arc::new(unchecked(&self.0.lock().unwrap().url(), "aios"))
        }

        async fn pass(&self, time: Duration) -> bool {
            self.0.lock().unwrap().pass(time);
            true
        }

        async fn restart(&self) -> bool {
            self.0.lock().unwrap().restart_full();
            true
        }
    }

    async fn node() -> Node {
        Node(Mutex::new(RedisServer::start()))
    }

    aios_cache::engine_conformance!(node);
}

mod cluster {
    use super::*;

    /// One for all rules, since a Cluster takes seconds to start. Restarts are tried elsewhere.
    static CLUSTER: LazyLock<RedisCluster> = LazyLock::new(|| RedisCluster::start(3));
    static PREFIXES: AtomicU64 = AtomicU64::new(0);

    /// A prefix for one rule.
    struct Prefix(String);

    impl Fixture for Prefix {
        async fn engine(&self) -> Arc<dyn Engine> {
            Arc::new(unchecked(&CLUSTER.url(), &self.0))
        }
    }

    async fn prefix() -> Prefix {
        Prefix(PREFIXES.fetch_add(1, Ordering::Relaxed).to_string())
    }

    aios_cache::engine_conformance!(prefix as one test);
}
