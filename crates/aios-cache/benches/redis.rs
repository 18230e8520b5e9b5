//! The shared tier in a real Redis beside what the bare client takes for it, and what calls cost while Redis is down.
//!
//! `cargo bench -p aios-cache --bench redis`; starts a server of its own.
//!
//! The aim: a hit within 1.15 times the raw round trip; under 5 µs more a call with Redis down.
#![expect(missing_docs, reason = "criterion's macros make functions of their own")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark may fail"
)]
#![expect(clippy::print_stdout, reason = "that is where criterion prints")]

mod support;
#[path = "../tests/support/mod.rs"]
mod testing;

use std::collections::HashMap;
use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aios_cache::engine::redis::{RedisBuilder, RedisEngine};
use aios_cache::engine::{Engine, MemoryEngine};
use aios_cache::serializer::{Json, Postcard, Serializer};
use aios_cache::{Cache, Namespace, Targets};
use criterion::{Criterion, criterion_group, criterion_main};
use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::{Client, cmd};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use support::{Contest, is_asked_for};
use testing::RedisServer;
use tokio::runtime::{Builder, Runtime};

/// What is cached; a few hundred bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Agent {
    id: u64,
    name: String,
    description: String,
    rating: f64,
    tags: Vec<String>,
}

fn agent(id: u64) -> Agent {
    Agent {
        id,
        name: format!("Agent {id}"),
        description: "Reads the mail and answers it, with care. ".repeat(5),
        rating: 4.5,
        tags: vec!["mail".to_owned(), "office".to_owned()],
    }
}

async fn load() -> Result<Agent, Infallible> {
    Ok(agent(1))
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn two_threads() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// A cache on this server, with as many connections as there are unless told otherwise.
fn cache(runtime: &Runtime, server: &RedisServer) -> Cache {
    cache_with(runtime, server, |engine| engine)
}

fn cache_with(runtime: &Runtime, server: &RedisServer, set: impl FnOnce(RedisBuilder) -> RedisBuilder) -> Cache {
    runtime.block_on(async {
        let engine = set(RedisEngine::from_url(&server.url()).expect("a good URL"));
        let engine = engine.build().expect("good settings");
        let cache = Cache::builder()
            .engine(engine)
            .isolated_ttl(Duration::from_secs(3_600))
            .build();
        cache.linked().await;
        cache
    })
}

fn raw(runtime: &Runtime, server: &RedisServer) -> MultiplexedConnection {
    let client = Client::open(server.url()).expect("a good URL");
    runtime
        .block_on(client.get_multiplexed_async_connection())
        .expect("the server runs")
}

/// Does something asynchronous so many times, one after the other, in a task as services do.
fn timed<F, Fut>(runtime: &Runtime, count: u64, call: F) -> Duration
where
    F: Fn() -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send,
{
    let calls = async move {
        let start = Instant::now();
        for _ in 0..count {
            call().await;
        }
        start.elapsed()
    };
    runtime.block_on(runtime.spawn(calls)).expect("no panic")
}

/// Waits until what was loaded is in the shared tier, which is a little after its callers have it.
async fn written<V: Send + Sync + 'static>(namespace: &Namespace<V>) {
    while namespace.stats().loading > 0 {
        tokio::task::yield_now().await;
    }
}

/// A namespace without a memory tier.
fn shared_alone<V: Send + Sync + 'static>(cache: &Cache, name: &str, serializer: impl Serializer<V>) -> Namespace<V> {
    let namespace = cache.namespace(name).without_memory().serializer(serializer);
    namespace.build().expect("a good name")
}

/// With a value under `key`.
fn filled(runtime: &Runtime, namespace: Namespace<Agent>) -> Namespace<Agent> {
    runtime.block_on(async {
        assert!(namespace.get_or_load("key", load).await.is_ok());
        written(&namespace).await;
    });
    namespace
}

/// One GET, and what is done with its answer.
fn enter_get<'a>(contest: &mut Contest<'a>, name: &'a str, runtime: &'a Runtime, stored: &Stored, work: fn(Vec<u8>)) {
    let (connection, key) = stored.clone();
    contest.enter(name, move |count| {
        let (connection, key) = (connection.clone(), key.clone());
        timed(runtime, count, move || {
            let (mut connection, key) = (connection.clone(), key.clone());
            async move {
                let bytes: Vec<u8> = cmd("GET").arg(key).query_async(&mut connection).await.expect("it runs");
                work(bytes);
            }
        })
    });
}

/// A connection, and the key of an entry.
type Stored = (MultiplexedConnection, String);

/// A hit in the shared tier, the memory tier being off.
fn hits(criterion: &mut Criterion) {
    type Threads = fn() -> Runtime;
    let ways: [(&str, Threads); 2] = [("L2 hit, one thread", one_thread), ("L2 hit, two threads", two_threads)];
    for (name, runtime) in ways.into_iter().filter(|(name, _)| is_asked_for(name)) {
        hits_on(criterion, name, &runtime());
    }
}

fn hits_on(criterion: &mut Criterion, name: &str, runtime: &Runtime) {
    let server = RedisServer::start();
    let cache = cache(runtime, &server);
    let postcard = &filled(runtime, shared_alone(&cache, "postcard", Postcard));
    let json = &filled(runtime, shared_alone(&cache, "json", Json));
    let near = runtime.block_on(async { Cache::builder().engine(MemoryEngine::new()).build() });
    runtime.block_on(near.linked());
    let near = &filled(runtime, shared_alone(&near, "postcard", Postcard));
    let engine = RedisEngine::from_url(&server.url()).expect("a good URL");
    let engine = Arc::new(engine.build().expect("good settings"));
    runtime.block_on(engine.check()).expect("the server runs");
    let stored: Vec<String> = server.query(&["KEYS", "*postcard:key}"]);
    let stored = (raw(runtime, &server), stored[0].clone());

    let mut contest = Contest::new(name);
    enter_get(&mut contest, "raw GET", runtime, &stored, |bytes| {
        assert!(!bytes.is_empty());
    });
    // What a microsecond more costs on this machine, where processors that wait for one another fall asleep.
    enter_get(&mut contest, "raw GET, and 1 µs of work", runtime, &stored, |_| {
        let done = Instant::now() + Duration::from_micros(1);
        while Instant::now() < done {
            std::hint::spin_loop();
        }
    });
    contest.enter("aios engine, read", |count| {
        let engine = Arc::clone(&engine);
        timed(runtime, count, move || {
            let engine = Arc::clone(&engine);
            async move {
                let found = engine.read(&["postcard:key"]).await.expect("it runs");
                assert!(black_box(found)[0].is_some());
            }
        })
    });
    for (name, namespace) in [
        ("aios get, an engine in this process", near),
        ("aios get, postcard", postcard),
        ("aios get, JSON", json),
    ] {
        contest.enter(name, move |count| {
            let namespace = namespace.clone();
            timed(runtime, count, move || {
                let namespace = namespace.clone();
                async move { assert!(black_box(namespace.at("key").get().await).is_some()) }
            })
        });
    }
    contest.enter("aios get_or_load, postcard", |count| {
        let namespace = postcard.clone();
        timed(runtime, count, move || {
            let namespace = namespace.clone();
            async move {
                let failing = async || Err::<Agent, ()>(());
                assert!(black_box(namespace.get_or_load("key", failing).await).is_ok());
            }
        })
    });
    contest.run(criterion);
}

const AT_ONCE: u64 = 16;

/// Sixteen hits in the shared tier at once, of as many keys; per sixteen.
fn concurrent_hits(criterion: &mut Criterion) {
    if !is_asked_for("L2 hits, 16 at once") {
        return;
    }
    let (runtime, server) = (&two_threads(), RedisServer::start());
    let cache = cache(runtime, &server);
    let namespace = &shared_alone::<Agent>(&cache, "agents", Postcard);
    runtime.block_on(async {
        for key in 0..AT_ONCE {
            assert!(namespace.get_or_load(&key, load).await.is_ok());
        }
        written(namespace).await;
    });
    let narrow = cache_with(runtime, &server, |engine| engine.connections(1));
    let narrow = shared_alone::<Agent>(&narrow, "agents", Postcard);
    let stored: Vec<String> = server.query(&["KEYS", "*agents:1}"]);
    let connection = raw(runtime, &server);
    let mut contest = Contest::new("L2 hits, 16 at once");
    contest.enter("raw GET", |count| {
        let (connection, key) = (connection.clone(), stored[0].clone());
        timed(runtime, count, move || {
            let calls = (0..AT_ONCE).map(|_| {
                let (mut connection, key) = (connection.clone(), key.clone());
                async move {
                    let bytes: Vec<u8> = cmd("GET").arg(key).query_async(&mut connection).await.expect("it runs");
                    assert!(!bytes.is_empty());
                }
            });
            let calls = join_all(calls.collect::<Vec<_>>());
            async move { drop(calls.await) }
        })
    });
    for (name, namespace) in [("aios get", namespace), ("aios get, one connection", &narrow)] {
        contest.enter(name, |count| {
            let namespace = namespace.clone();
            timed(runtime, count, move || {
                let calls = (0..AT_ONCE).map(|key| {
                    let namespace = namespace.clone();
                    async move { assert!(namespace.at(&key).get().await.is_some()) }
                });
                let calls = join_all(calls.collect::<Vec<_>>());
                async move { drop(calls.await) }
            })
        });
    }
    contest.enter("aios get_or_load", |count| {
        let namespace = namespace.clone();
        timed(runtime, count, move || {
            let calls = (0..AT_ONCE).map(|key| {
                let namespace = namespace.clone();
                async move { assert!(namespace.get_or_load(&key, load).await.is_ok()) }
            });
            let calls = join_all(calls.collect::<Vec<_>>());
            async move { drop(calls.await) }
        })
    });
    contest.run(criterion);
}

/// A hundred values from the shared tier at once; per hundred.
fn bulk(criterion: &mut Criterion) {
    if !is_asked_for("100 L2 hits") {
        return;
    }
    let (runtime, server) = (&one_thread(), RedisServer::start());
    let cache = cache(runtime, &server);
    let namespace = &shared_alone::<Agent>(&cache, "agents", Postcard);
    let values = |keys: Vec<u64>| async {
        Ok::<_, Infallible>(keys.into_iter().map(|key| (key, agent(key))).collect::<HashMap<_, _>>())
    };
    runtime.block_on(async {
        assert!(namespace.get_many_or_load(0..100, values).await.is_ok());
        written(namespace).await;
    });
    let stored: Vec<String> = server.query(&["KEYS", "*agents:*}"]);
    assert_eq!(stored.len(), 100, "{stored:?}");
    let connection = raw(runtime, &server);
    let mut contest = Contest::new("100 L2 hits");
    contest.enter("raw MGET", |count| {
        let (connection, keys) = (connection.clone(), stored.clone());
        timed(runtime, count, move || {
            let (mut connection, keys) = (connection.clone(), keys.clone());
            async move {
                let found: Vec<Vec<u8>> = cmd("MGET")
                    .arg(&keys)
                    .query_async(&mut connection)
                    .await
                    .expect("it runs");
                assert_eq!(found.len(), 100);
            }
        })
    });
    contest.enter("aios get_many_or_load", |count| {
        let namespace = namespace.clone();
        timed(runtime, count, move || {
            let namespace = namespace.clone();
            async move {
                let found = namespace.get_many_or_load(0..100, values).await.expect("nothing fails");
                assert_eq!(found.len(), 100);
            }
        })
    });
    contest.run(criterion);
}

/// Invalidating a tag that so many values in the shared tier bear.
fn tags(criterion: &mut Criterion) {
    if !is_asked_for("invalidate a tag, everywhere") {
        return;
    }
    let (runtime, server) = (&one_thread(), RedisServer::start());
    let cache = &cache(runtime, &server);
    let namespace = &shared_alone::<u64>(cache, "numbers", Postcard);
    let connection = raw(runtime, &server);
    let bear = |tag: &'static str, count: u64| {
        runtime.block_on(async {
            for first in (0..count).step_by(500) {
                let keys = (first..count.min(first + 500)).map(|key| (tag.to_owned(), key));
                let values = |keys: Vec<(String, u64)>| async {
                    Ok::<_, Infallible>(keys.into_iter().map(|key| (key, 1_u64)).collect::<HashMap<_, _>>())
                };
                assert!(namespace.many(keys).tags(|_| [tag]).get_or_load(values).await.is_ok());
                written(namespace).await;
            }
        });
    };
    bear("one", 1);
    bear("many", 1_000_000);
    let keys: u64 = server.query(&["DBSIZE"]);
    assert!(keys > 1_000_000, "{keys}");
    let mut contest = Contest::new("invalidate a tag, everywhere");
    contest.enter("raw INCR", |count| {
        let connection = connection.clone();
        timed(runtime, count, move || {
            let mut connection = connection.clone();
            async move {
                let _: i64 = cmd("INCR")
                    .arg("raw")
                    .query_async(&mut connection)
                    .await
                    .expect("it runs");
            }
        })
    });
    for (name, tag) in [("1 bearer", "one"), ("1,000,000 bearers", "many")] {
        contest.enter(name, move |count| {
            let cache = cache.clone();
            timed(runtime, count, move || {
                let cache = cache.clone();
                async move {
                    let _ = black_box(cache.invalidate(Targets::new().tag(tag)).await);
                }
            })
        });
    }
    contest.run(criterion);
}

/// What a call costs while Redis is down, beside the same with no shared tier at all.
fn down(criterion: &mut Criterion) {
    if ![
        "Redis down: hit in memory",
        "Redis down: miss with load",
        "Redis down: invalidate a tag",
    ]
    .into_iter()
    .any(is_asked_for)
    {
        return;
    }
    let runtime = &one_thread();
    let mut server = RedisServer::start();
    let down = &cache(runtime, &server);
    let alone = &runtime.block_on(async { Cache::builder().build() });
    let namespaces: &[(&str, &Cache, Namespace<Agent>)] =
        &[("no Redis", alone), ("Redis down", down)].map(|(name, cache)| {
            let namespace = cache
                .namespace::<Agent>("agents")
                .serializer(Postcard)
                .capacity(16 << 20);
            (name, cache, namespace.build().expect("a good name"))
        });
    server.kill();
    runtime.block_on(async {
        while down.stats().is_linked {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        for (_, _, namespace) in namespaces {
            assert!(namespace.get_or_load("key", load).await.is_ok());
        }
    });
    let mut contest = Contest::new("Redis down: hit in memory");
    for (name, _, namespace) in namespaces {
        contest.enter(name, move |count| {
            let namespace = namespace.clone();
            timed(runtime, count, move || {
                let namespace = namespace.clone();
                async move { assert!(namespace.get_or_load("key", load).await.is_ok()) }
            })
        });
    }
    contest.run(criterion);
    let mut contest = Contest::new("Redis down: miss with load");
    for (name, _, namespace) in namespaces {
        contest.enter(name, move |count| {
            let namespace = namespace.clone();
            timed(runtime, count, move || {
                let (namespace, key) = (namespace.clone(), fastrand::u64(..));
                async move { assert!(namespace.get_or_load(&key, load).await.is_ok()) }
            })
        });
    }
    contest.run(criterion);
    let mut contest = Contest::new("Redis down: invalidate a tag");
    for (name, cache, _) in namespaces {
        contest.enter(name, move |count| {
            let cache = (*cache).clone();
            timed(runtime, count, move || {
                let cache = cache.clone();
                async move {
                    let _ = black_box(cache.invalidate(Targets::new().tag("agents")).await);
                }
            })
        });
    }
    contest.run(criterion);
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(30);
    targets = hits, concurrent_hits, bulk, tags, down
}
criterion_main!(benches);
