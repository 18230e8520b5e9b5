//! The memory tier: hits beside moka, quick_cache and `cached`, misses, invalidation by tag, bulk.
//!
//! `cargo bench -p aios-cache --bench memory`
//!
//! The aim: a hit within 1.3 times moka's bare `get`; an invalidation by tag that costs the same for one bearer and for a
//! million.
#![expect(missing_docs, reason = "criterion's macros make functions of their own")]
#![expect(clippy::expect_used, reason = "a benchmark may fail")]
#![expect(clippy::print_stdout, reason = "that is where criterion prints")]

mod support;

use std::collections::HashMap;
use std::convert::Infallible;
use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use aios_cache::{Cache, Namespace, Policy, Targets};
use cached::{ConcurrentCached, ShardedLruTtlCache};
use criterion::{Criterion, criterion_group, criterion_main};
use futures_util::FutureExt;
use support::{Contest, is_asked_for};
use tokio::runtime::Runtime;

const ENTRIES: usize = 10_000;
const TTL: Duration = Duration::from_secs(3_600);

/// What is cached.
#[derive(Debug, Clone)]
#[expect(dead_code, reason = "nobody looks into them")]
struct Agent {
    name: String,
    description: String,
    rating: f64,
    installs: u64,
}

fn agent(number: usize) -> Agent {
    Agent {
        name: format!("Agent {number}"),
        description: "Reads the mail and answers it, with care. ".repeat(5),
        rating: 4.5,
        installs: 1_234,
    }
}

/// Keys as long as a UUID.
fn keys(count: usize) -> Vec<String> {
    let mut random = fastrand::Rng::with_seed(1);
    let mut key = || {
        let digits = format!("{:032x}", random.u128(..));
        let (head, tail) = digits.split_at(8);
        let (a, tail) = tail.split_at(4);
        let (b, tail) = tail.split_at(4);
        let (c, tail) = tail.split_at(4);
        format!("{head}-{a}-{b}-{c}-{tail}")
    };
    (0..count).map(|_| key()).collect()
}

/// Which keys are asked for, as often as Zipf says (exponent 1): the first one key in ten calls.
fn calls(keys: &[String]) -> Vec<&String> {
    let mut sum = 0.0;
    let sums: Vec<f64> = (1..=u32::try_from(keys.len()).expect("few"))
        .map(|rank| {
            sum += 1.0 / f64::from(rank);
            sum
        })
        .collect();
    let mut random = fastrand::Rng::with_seed(2);
    let mut call = || {
        let at = random.f64() * sum;
        keys.get(sums.partition_point(|&sum| sum < at)).expect("below the sum")
    };
    (0..1 << 16).map(|_| call()).collect()
}

/// So many of the calls, from the beginning again and again.
fn timed(calls: &[&String], count: u64, mut call: impl FnMut(&String)) -> Duration {
    let mut calls = calls.iter().cycle();
    let start = Instant::now();
    for _ in 0..count {
        if let Some(key) = calls.next() {
            call(key);
        }
    }
    start.elapsed()
}

/// As [`timed`], with all threads doing so many calls; the time until the last is done.
fn timed_on(threads: usize, calls: &[&String], count: u64, call: impl Fn(&String) + Sync) -> Duration {
    let barrier = Barrier::new(threads + 1);
    thread::scope(|scope| {
        for thread in 0..threads {
            let (barrier, call) = (&barrier, &call);
            scope.spawn(move || {
                let (tail, head) = calls.split_at(thread * 1_009 % calls.len());
                let mut calls = head.iter().chain(tail).cycle();
                barrier.wait();
                for _ in 0..count {
                    if let Some(key) = calls.next() {
                        call(key);
                    }
                }
                barrier.wait();
            });
        }
        barrier.wait();
        let start = Instant::now();
        barrier.wait();
        start.elapsed()
    })
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

#[expect(clippy::unused_async, reason = "loaders are asynchronous")]
async fn load(number: usize) -> Result<Agent, Infallible> {
    Ok(agent(number))
}

/// All the caches, with all keys in them.
struct Caches {
    moka: moka::sync::Cache<String, Arc<Agent>>,
    moka_ttl: moka::sync::Cache<String, Arc<Agent>>,
    moka_future: moka::future::Cache<String, Arc<Agent>>,
    quick: quick_cache::sync::Cache<String, Arc<Agent>>,
    cached: ShardedLruTtlCache<String, Arc<Agent>>,
    ours: Namespace<Agent>,
    early: Namespace<Agent>,
    tagged: Namespace<Agent>,
}

fn caches(runtime: &Runtime, keys: &[String]) -> Caches {
    let room = 2 * u64::try_from(ENTRIES).expect("few");
    let cache = Cache::builder().build();
    let namespace = |name, policy: Policy| {
        let builder = cache.namespace(name).policy(policy).capacity(64 << 20);
        builder.build().expect("a good name")
    };
    let policy = || Policy::new(TTL).stale(TTL);
    let caches = Caches {
        moka: moka::sync::Cache::new(room),
        moka_ttl: moka::sync::Cache::builder()
            .max_capacity(room)
            .time_to_live(TTL)
            .build(),
        moka_future: moka::future::Cache::new(room),
        quick: quick_cache::sync::Cache::new(2 * ENTRIES),
        cached: ShardedLruTtlCache::builder()
            .max_size(2 * ENTRIES)
            .ttl(TTL)
            .build()
            .expect("all is set"),
        ours: namespace("agents", policy()),
        early: namespace("early", policy().early_refresh(1.0)),
        tagged: namespace("tagged", policy()),
    };
    runtime.block_on(async {
        for (number, key) in keys.iter().enumerate() {
            let value = Arc::new(agent(number));
            caches.moka.insert(key.clone(), Arc::clone(&value));
            caches.moka_ttl.insert(key.clone(), Arc::clone(&value));
            caches.moka_future.insert(key.clone(), Arc::clone(&value)).await;
            caches.quick.insert(key.clone(), Arc::clone(&value));
            let _ = caches.cached.cache_set(key.clone(), value);
            caches.ours.at(key).insert(agent(number)).await;
            caches.early.at(key).insert(agent(number)).await;
            let tags = || ["agents".to_owned(), format!("agent:{key}")];
            caches.tagged.at(key).tags(tags).insert(agent(number)).await;
        }
        caches.moka.run_pending_tasks();
        caches.moka_ttl.run_pending_tasks();
        caches.moka_future.run_pending_tasks().await;
    });
    caches
}

/// A hit, on one thread.
fn hits(criterion: &mut Criterion) {
    if !is_asked_for("hit") {
        return;
    }
    let keys = keys(ENTRIES);
    let calls = calls(&keys);
    let runtime = runtime();
    let caches = &caches(&runtime, &keys);
    let (calls, runtime) = (&calls, &runtime);
    let mut contest = Contest::new("hit");
    contest.enter("moka get", |count| {
        timed(calls, count, |key| drop(black_box(caches.moka.get(key.as_str()))))
    });
    contest.enter("moka get, with a TTL", |count| {
        timed(calls, count, |key| drop(black_box(caches.moka_ttl.get(key.as_str()))))
    });
    contest.enter("moka future get", |count| {
        runtime.block_on(async {
            let start = Instant::now();
            for key in calls.iter().cycle().take(usize::try_from(count).expect("few")) {
                black_box(caches.moka_future.get(key.as_str()).await);
            }
            start.elapsed()
        })
    });
    contest.enter("quick_cache get", |count| {
        timed(calls, count, |key| drop(black_box(caches.quick.get(key.as_str()))))
    });
    contest.enter("cached sharded LRU with a TTL, get", |count| {
        timed(calls, count, |key| drop(black_box(caches.cached.cache_get(key))))
    });
    contest.enter("aios peek", |count| {
        timed(calls, count, |key| drop(black_box(caches.ours.at(key.as_str()).peek())))
    });
    for (name, namespace) in [
        ("aios get", &caches.ours),
        ("aios get, 2 tags", &caches.tagged),
        ("aios get, early refresh", &caches.early),
    ] {
        contest.enter(name, |count| {
            runtime.block_on(async {
                let start = Instant::now();
                for key in calls.iter().cycle().take(usize::try_from(count).expect("few")) {
                    black_box(namespace.at(key.as_str()).get().await);
                }
                start.elapsed()
            })
        });
    }
    for (name, namespace) in [
        ("aios get_or_load", &caches.ours),
        ("aios get_or_load, 2 tags", &caches.tagged),
        ("aios get_or_load, early refresh", &caches.early),
    ] {
        contest.enter(name, |count| {
            runtime.block_on(async {
                let start = Instant::now();
                for key in calls.iter().cycle().take(usize::try_from(count).expect("few")) {
                    let _ = black_box(namespace.get_or_load(key.as_str(), || load(0)).await);
                }
                start.elapsed()
            })
        });
    }
    contest.run(criterion);
}

/// A hit, on several threads at once.
fn concurrent_hits(criterion: &mut Criterion) {
    if !["hit, 2 threads", "hit, 4 threads"].into_iter().any(is_asked_for) {
        return;
    }
    let keys = keys(ENTRIES);
    let calls = &calls(&keys)[..];
    let caches = &caches(&runtime(), &keys);
    for (name, threads) in [("hit, 2 threads", 2), ("hit, 4 threads", 4)] {
        let mut contest = Contest::new(name);
        contest.enter("moka get", |count| {
            timed_on(threads, calls, count, |key| {
                drop(black_box(caches.moka.get(key.as_str())));
            })
        });
        contest.enter("moka future get", |count| {
            timed_on(threads, calls, count, |key| {
                drop(black_box(caches.moka_future.get(key.as_str()).now_or_never()));
            })
        });
        contest.enter("quick_cache get", |count| {
            timed_on(threads, calls, count, |key| {
                drop(black_box(caches.quick.get(key.as_str())));
            })
        });
        contest.enter("cached sharded LRU with a TTL, get", |count| {
            timed_on(threads, calls, count, |key| {
                drop(black_box(caches.cached.cache_get(key)));
            })
        });
        contest.enter("aios get", |count| {
            timed_on(threads, calls, count, |key| {
                drop(black_box(caches.ours.at(key.as_str()).get().now_or_never()));
            })
        });
        contest.enter("aios get_or_load, 2 tags", |count| {
            timed_on(threads, calls, count, |key| {
                drop(black_box(
                    caches.tagged.get_or_load(key.as_str(), || load(0)).now_or_never(),
                ));
            })
        });
        contest.run(criterion);
    }
}

/// A key that is not there, loaded by something that is done at once. Ours loads in a task of its own.
fn misses(criterion: &mut Criterion) {
    if !is_asked_for("miss with load") {
        return;
    }
    let runtime = &runtime();
    let room = 2 * u64::try_from(ENTRIES).expect("few");
    let moka: &moka::future::Cache<String, Arc<Agent>> = &moka::future::Cache::new(room);
    let cache = Cache::builder().build();
    let ours: &Namespace<Agent> = &cache
        .namespace("agents")
        .capacity(8 << 20)
        .build()
        .expect("a good name");
    let mut number: u64 = 0;
    let mut fresh = move |count| -> Vec<String> {
        let first = number;
        number += count;
        (first..number).map(|number| format!("{number:036}")).collect()
    };
    let mut also_fresh = fresh;
    let mut tagged_fresh = fresh;
    let mut contest = Contest::new("miss with load");
    contest.enter("moka future get_with", move |count| {
        let keys = fresh(count);
        runtime.block_on(async {
            let start = Instant::now();
            for key in keys {
                black_box(moka.get_with(key, async { Arc::new(agent(1)) }).await);
            }
            start.elapsed()
        })
    });
    contest.enter("aios get_or_load", move |count| {
        let keys = also_fresh(count);
        runtime.block_on(async {
            let start = Instant::now();
            for key in &keys {
                let _ = black_box(ours.get_or_load(key, || load(1)).await);
            }
            start.elapsed()
        })
    });
    contest.enter("aios get_or_load, 2 tags", move |count| {
        let keys: Vec<String> = tagged_fresh(count).iter().map(|key| format!("tagged {key}")).collect();
        runtime.block_on(async {
            let start = Instant::now();
            for key in &keys {
                let slot = ours.at(key).tags(|| ["agents", "featured"]);
                let _ = black_box(slot.get_or_load(|| load(1)).await);
            }
            start.elapsed()
        })
    });
    contest.run(criterion);
}

/// A namespace in which so many values bear the tag `all`.
fn bearers(runtime: &Runtime, cache: &Cache, name: &str, count: usize) -> Namespace<u64> {
    let namespace = cache.namespace(name).capacity(1 << 30).build().expect("a good name");
    runtime.block_on(async {
        for first in (0..count).step_by(1_000) {
            let numbers = first..count.min(first + 1_000);
            let values = |numbers: Vec<usize>| async {
                Ok::<_, Infallible>(
                    numbers
                        .into_iter()
                        .map(|number| (number, 1_u64))
                        .collect::<HashMap<_, _>>(),
                )
            };
            let many = namespace.many(numbers).tags(|_| ["all"]);
            assert!(many.get_or_load(values).await.is_ok());
        }
    });
    let entries = namespace.stats().entries;
    assert_eq!(entries, u64::try_from(count).expect("few"), "all of them are resident");
    namespace
}

/// Invalidating a tag.
fn tags(criterion: &mut Criterion) {
    if !is_asked_for("invalidate a tag") {
        return;
    }
    let runtime = &runtime();
    let kept: Vec<(&str, Cache, Namespace<u64>)> = [("1 bearer", 1), ("1,000,000 bearers", 1_000_000)]
        .into_iter()
        .map(|(name, count)| {
            let cache = Cache::builder().build();
            let namespace = bearers(runtime, &cache, "numbers", count);
            (name, cache, namespace)
        })
        .collect();
    let mut contest = Contest::new("invalidate a tag");
    for (name, cache, _) in &kept {
        contest.enter(name, move |count| {
            runtime.block_on(async {
                let start = Instant::now();
                for _ in 0..count {
                    let _ = black_box(cache.invalidate(Targets::new().tag("all")).await);
                }
                start.elapsed()
            })
        });
    }
    contest.run(criterion);
}

/// A hundred values at once; per hundred.
fn bulk(criterion: &mut Criterion) {
    if !["100 hits", "100 misses"].into_iter().any(is_asked_for) {
        return;
    }
    let runtime = &runtime();
    let keys: &Vec<String> = &keys(ENTRIES);
    let caches = &caches(runtime, keys);
    let hundreds: &Vec<&[String]> = &keys.chunks(100).collect();
    let values = |numbers: Vec<String>| async {
        Ok::<_, Infallible>(
            numbers
                .into_iter()
                .map(|key| (key, agent(1)))
                .collect::<HashMap<_, _>>(),
        )
    };
    let mut contest = Contest::new("100 hits");
    contest.enter("100 times moka get", |count| {
        let start = Instant::now();
        for keys in hundreds.iter().cycle().take(usize::try_from(count).expect("few")) {
            let found: HashMap<&str, _> = keys
                .iter()
                .filter_map(|key| Some((key.as_str(), caches.moka.get(key)?)))
                .collect();
            black_box(found);
        }
        start.elapsed()
    });
    contest.enter("aios get_many_or_load", |count| {
        runtime.block_on(async {
            let start = Instant::now();
            for keys in hundreds.iter().cycle().take(usize::try_from(count).expect("few")) {
                let _ = black_box(caches.ours.get_many_or_load(keys.iter().cloned(), values).await);
            }
            start.elapsed()
        })
    });
    contest.run(criterion);

    let cache = Cache::builder().build();
    let empty: &Namespace<Agent> = &cache
        .namespace("agents")
        .capacity(8 << 20)
        .build()
        .expect("a good name");
    let mut number: u64 = 0;
    let mut fresh = move || -> Vec<String> {
        number += 100;
        (number..number + 100).map(|number| format!("{number:036}")).collect()
    };
    let mut one_by_one = fresh;
    let mut contest = Contest::new("100 misses");
    contest.enter("100 times aios get_or_load", move |count| {
        runtime.block_on(async {
            let start = Instant::now();
            for _ in 0..count {
                for key in one_by_one() {
                    let _ = black_box(empty.get_or_load(&format!("one {key}"), || load(1)).await);
                }
            }
            start.elapsed()
        })
    });
    contest.enter("aios get_many_or_load", move |count| {
        runtime.block_on(async {
            let start = Instant::now();
            for _ in 0..count {
                let _ = black_box(empty.get_many_or_load(fresh(), values).await);
            }
            start.elapsed()
        })
    });
    contest.run(criterion);
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(30);
    targets = hits, concurrent_hits, misses, tags, bulk
}
criterion_main!(benches);
