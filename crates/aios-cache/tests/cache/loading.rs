//! Who loads, who waits, and what they get when it goes wrong.

use std::sync::Arc;

use aios_cache::{Cache, LoadError, Loaded, Origin, Policy};
use tokio::sync::{Notify, Semaphore};

use super::{Broken, Source, memory, numbers, seconds, settle};

#[tokio::test]
async fn a_value_is_loaded_once_and_then_comes_from_memory() {
    let (cache, _) = memory();
    let numbers = numbers(&cache, Policy::new(seconds(60)));
    let source = Source::default();
    let first = numbers.get_or_load("a", source.loader()).await.unwrap();
    let second = numbers.get_or_load("a", source.loader()).await.unwrap();
    assert_eq!((*first, first.origin()), (1, Origin::Loader));
    assert_eq!((*second, second.origin()), (1, Origin::Memory));
    assert_eq!(*numbers.get_or_load("b", source.loader()).await.unwrap(), 2);
    let stats = numbers.stats();
    assert_eq!(
        (stats.memory_hits, stats.misses, stats.loads, stats.entries),
        (1, 2, 2, 2)
    );
}

async fn callers_call_once(callers: u64) {
    let (cache, _) = memory();
    let numbers = numbers(&cache, Policy::new(seconds(60)));
    let source = Source::default();
    let gate = Arc::new(Semaphore::new(0));
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (numbers, source, gate) = (numbers.clone(), source.clone(), Arc::clone(&gate));
            tokio::spawn(async move {
                let load = async move || {
                    gate.acquire().await.unwrap().forget();
                    source.load().await
                };
                *numbers.get_or_load("cold", load).await.unwrap()
            })
        })
        .collect();
    settle().await;
    gate.add_permits(1);
    for task in tasks {
        assert_eq!(task.await.unwrap(), 1);
    }
    assert_eq!(source.asked(), 1);
    let stats = numbers.stats();
    assert_eq!(stats.loads, 1);
    assert_eq!(stats.coalesced + stats.memory_hits, callers - 1);
}

#[tokio::test]
async fn ten_a_hundred_and_a_thousand_callers_load_once() {
    for callers in [10, 100, 1_000] {
        callers_call_once(callers).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_callers_on_several_threads_load_once() {
    callers_call_once(1_000).await;
}

#[tokio::test]
async fn a_caller_who_goes_away_takes_nothing_with_it() {
    let (cache, _) = memory();
    let numbers = numbers(&cache, Policy::new(seconds(60)));
    let source = Source::default();
    let gate = Arc::new(Semaphore::new(0));
    let (loading, waited) = (source.clone(), Arc::clone(&gate));
    let load = async move || {
        waited.acquire().await.unwrap().forget();
        loading.load().await
    };
    let mut first = Box::pin(numbers.get_or_load("a", load));
    assert!(futures_poll(&mut first).await.is_none());
    let waiting = tokio::spawn({
        let (numbers, source) = (numbers.clone(), source.clone());
        async move { *numbers.get_or_load("a", source.loader()).await.unwrap() }
    });
    settle().await;
    drop(first);
    gate.add_permits(1);
    assert_eq!(waiting.await.unwrap(), 1);
    assert_eq!(source.asked(), 1);
}

/// Polls once.
async fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[test]
fn where_the_loading_runtime_is_shut_down_a_waiter_takes_over() {
    let (cache, _) = memory();
    let numbers = numbers(&cache, Policy::new(seconds(60)));
    let source = Source::default();
    let doomed = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let started = Arc::new(Notify::new());
    let begun = Arc::clone(&started);
    let dying = numbers.clone();
    doomed.spawn(async move {
        let load = async move || {
            begun.notify_one();
            std::future::pending::<Result<u64, Broken>>().await
        };
        dying.get_or_load("a", load).await.map(|value| *value)
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        started.notified().await;
        let waiting = tokio::spawn({
            let (numbers, source) = (numbers.clone(), source.clone());
            async move { *numbers.get_or_load("a", source.loader()).await.unwrap() }
        });
        settle().await;
        doomed.shutdown_background();
        assert_eq!(waiting.await.unwrap(), 1);
    });
}

#[tokio::test]
async fn every_waiter_gets_the_error_and_nothing_is_kept() {
    let (cache, _) = memory();
    let numbers = numbers(&cache, Policy::new(seconds(60)));
    let source = Source::default();
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let (numbers, source) = (numbers.clone(), source.clone());
            tokio::spawn(async move { numbers.get_or_load("a", source.failing()).await })
        })
        .collect();
    for task in tasks {
        assert!(matches!(task.await.unwrap(), Err(LoadError::Failed(error)) if *error == Broken));
    }
    assert_eq!(source.asked(), 1);
    assert_eq!(*numbers.get_or_load("a", source.loader()).await.unwrap(), 2);
}

#[tokio::test]
async fn a_loader_that_panics_fails_its_waiters_and_blocks_nobody() {
    let (cache, _) = memory();
    let numbers = numbers(&cache, Policy::new(seconds(60)));
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let numbers = numbers.clone();
            tokio::spawn(async move {
                let load = async || -> Result<u64, Broken> { panic!("of the test") };
                numbers.get_or_load("a", load).await
            })
        })
        .collect();
    for task in tasks {
        assert!(matches!(task.await.unwrap(), Err(LoadError::Panicked)));
    }
    let source = Source::default();
    assert_eq!(*numbers.get_or_load("a", source.loader()).await.unwrap(), 1);
    assert_eq!(numbers.stats().loading, 0);
}

#[tokio::test]
async fn a_waiter_with_another_error_type_finds_out_for_itself() {
    let (cache, _) = memory();
    let numbers = numbers(&cache, Policy::new(seconds(60)));
    let source = Source::default();
    let failing = numbers.get_or_load("a", source.failing());
    let other = numbers.get_or_load("a", async || Err::<u64, String>("mine".to_owned()));
    let (first, second) = tokio::join!(failing, other);
    assert_eq!(first.unwrap_err().failed(), Some(&Broken));
    assert_eq!(second.unwrap_err().failed().map(String::as_str), Some("mine"));
}

#[tokio::test]
async fn the_loader_decides() {
    let (cache, clock) = memory();
    let numbers = numbers(&cache, Policy::new(seconds(60)));
    let load = async || Ok::<_, Broken>(Loaded::new(1).do_not_store());
    assert_eq!(*numbers.get_or_load("a", load).await.unwrap(), 1);
    assert!(numbers.at("a").peek().is_none());

    let load = async || Ok::<_, Broken>(Loaded::new(2).ttl(seconds(5)).tags(["late"]));
    assert_eq!(*numbers.get_or_load("a", load).await.unwrap(), 2);
    clock.advance(seconds(4));
    assert_eq!(*numbers.at("a").peek().unwrap(), 2);
    clock.advance(seconds(1));
    assert!(numbers.at("a").peek().is_none());
}

#[tokio::test]
async fn a_cache_that_is_switched_off_loads_every_time() {
    let cache = Cache::builder().enabled(false).build();
    let numbers = numbers(&cache, Policy::new(seconds(60)));
    let source = Source::default();
    for expected in 1..=3 {
        assert_eq!(*numbers.get_or_load("a", source.loader()).await.unwrap(), expected);
    }
    numbers.at("a").insert(9_u64).await;
    assert!(numbers.at("a").get().await.is_none());
    assert_eq!(
        numbers.at("a").refresh(source.failing()).await.unwrap_err().failed(),
        Some(&Broken)
    );
}

#[tokio::test]
async fn what_is_inserted_replaces_what_is_there_and_what_is_being_loaded() {
    let (cache, _) = memory();
    let numbers = numbers(&cache, Policy::new(seconds(60)));
    let gate = Arc::new(Semaphore::new(0));
    let waited = Arc::clone(&gate);
    let slow = tokio::spawn({
        let numbers = numbers.clone();
        async move {
            let load = async move || {
                waited.acquire().await.unwrap().forget();
                Ok::<_, Broken>(1)
            };
            *numbers.get_or_load("a", load).await.unwrap()
        }
    });
    settle().await;
    numbers.at("a").insert(2_u64).await;
    gate.add_permits(1);
    assert_eq!(slow.await.unwrap(), 1);
    assert_eq!(*numbers.at("a").get().await.unwrap(), 2);
}

#[test]
fn two_namespaces_do_not_share_a_name() {
    let cache = Cache::builder().build();
    let first = cache.namespace::<u64>("a").build().unwrap();
    let error = cache.namespace::<u64>("a").build().unwrap_err();
    assert!(error.to_string().contains("already"), "{error}");
    drop(first);
    cache.namespace::<u64>("a").build().unwrap();
    assert!(
        cache
            .namespace::<u64>("A b")
            .build()
            .unwrap_err()
            .to_string()
            .contains("small letters")
    );
}

#[tokio::test]
async fn memory_is_bounded_by_bytes() {
    let cache = Cache::builder().build();
    let texts = cache
        .namespace::<String>("texts")
        .capacity(100_000)
        .weigh(String::len)
        .build()
        .unwrap();
    for number in 0..1_000_u64 {
        texts
            .get_or_load(&number, async || Ok::<_, Broken>("x".repeat(1_000)))
            .await
            .unwrap();
    }
    let stats = texts.stats();
    assert!(stats.bytes <= 100_000 && stats.bytes > 50_000, "{stats:?}");
    assert!(stats.evictions >= 890, "{stats:?}");
}
