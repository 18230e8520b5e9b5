//! Several nodes over one shared tier: the same bodies on an engine in memory, on Redis, and on a Cluster of three; then
//! with Redis killed, frozen, full, read-only, restarted midway.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are not tests to the lint"
)]

#[path = "../support/mod.rs"]
mod support;

mod failures;
mod sharing;
mod versions;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aios_cache::engine::redis::RedisEngine;
use aios_cache::engine::{Engine, MemoryEngine};
use aios_cache::serializer::Postcard;
use aios_cache::{Cache, CacheBuilder, Namespace, Policy};
use support::{RedisCluster, RedisServer};
use tokio::sync::Semaphore;

/// What goes wrong in a source.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Broken;

/// The store that a test's nodes share.
enum Store {
    Memory(MemoryEngine),
    Redis(RedisServer),
    Cluster(RedisCluster),
}

impl Store {
    fn engine(&self) -> Arc<dyn Engine> {
        match self {
            Self::Memory(engine) => Arc::new(engine.clone()),
            Self::Redis(server) => redis(&server.url()),
            Self::Cluster(cluster) => redis(&cluster.url()),
        }
    }

    async fn node(&self) -> Node {
        Node::over(self.engine()).await
    }
}

fn redis(url: &str) -> Arc<dyn Engine> {
    Arc::new(RedisEngine::from_url(url).unwrap().prefix("test").build().unwrap())
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// One process of a service, as far as it is its cache.
#[derive(Clone)]
struct Node {
    cache: Cache,
    numbers: Namespace<u64>,
}

impl Node {
    /// Its times are short, so that a test that waits for one of them waits for an event soon to come.
    fn settings() -> CacheBuilder {
        Cache::builder()
            .heartbeat(Duration::from_millis(50))
            .engine_timeout(Duration::from_millis(500))
            .isolated_ttl(seconds(3600))
    }

    async fn over(engine: Arc<dyn Engine>) -> Self {
        let node = Self::of(Self::settings().shared_engine(engine).build());
        node.cache.linked().await;
        node
    }

    fn of(cache: Cache) -> Self {
        let policy = Policy::new(seconds(600))
            .stale(seconds(60))
            .stale_if_error(seconds(600));
        let numbers = cache
            .namespace("numbers")
            .policy(policy)
            .serializer(Postcard)
            .build()
            .unwrap();
        Self { cache, numbers }
    }

    /// Reads `a`, which bears the tag `t`.
    async fn read(&self, source: &Source) -> u64 {
        self.read_key("a", source).await
    }

    async fn read_key(&self, key: &str, source: &Source) -> u64 {
        let source = source.clone();
        let value = self
            .numbers
            .at(key)
            .tags(|| ["t"])
            .get_or_load(async move || Ok::<_, Broken>(source.load()))
            .await;
        *value.unwrap()
    }

    fn remembers(&self, key: &str) -> bool {
        self.numbers.at(key).peek().is_some()
    }
}

/// What is true, and how often it was asked for.
#[derive(Debug, Clone, Default)]
struct Source {
    truth: Arc<AtomicU64>,
    asked: Arc<AtomicU64>,
}

impl Source {
    fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    fn set(&self, value: u64) {
        self.truth.store(value, Ordering::SeqCst);
    }

    fn load(&self) -> u64 {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.truth.load(Ordering::SeqCst)
    }
}

/// A load that has begun and is held until the test lets it go on.
#[derive(Clone)]
struct Held {
    begun: Arc<Semaphore>,
    gate: Arc<Semaphore>,
}

impl Held {
    fn new() -> Self {
        Self {
            begun: Arc::new(Semaphore::new(0)),
            gate: Arc::new(Semaphore::new(0)),
        }
    }

    /// What the loader does first.
    async fn pass(&self) {
        self.begun.add_permits(1);
        self.gate.acquire().await.unwrap().forget();
    }

    async fn has_begun(&self) {
        self.begun.acquire().await.unwrap().forget();
    }

    fn let_go(&self) {
        self.gate.add_permits(1);
    }
}

/// Waits for what other tasks or processes do, which comes soon or not at all.
async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + seconds(20);
    while !condition() {
        assert!(tokio::time::Instant::now() < deadline, "{what} did not come about");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn run(body: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(body);
}

/// Makes each function three tests: on an engine in memory, on Redis, on a Cluster of three.
macro_rules! on_every_store {
    ($($(#[$meta:meta])* async fn $name:ident($store:ident: &Store) $body:block)*) => {
        $(
            mod $name {
                use super::*;

                $(#[$meta])*
                async fn body($store: &Store) $body

                #[test]
                fn memory() {
                    run(body(&Store::Memory(MemoryEngine::new())));
                }

                #[test]
                fn redis() {
                    run(body(&Store::Redis(RedisServer::start())));
                }

                #[test]
                fn cluster() {
                    run(body(&Store::Cluster(RedisCluster::start(3))));
                }
            }
        )*
    };
}
pub(crate) use on_every_store;
