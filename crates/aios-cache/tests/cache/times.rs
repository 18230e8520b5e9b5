//! Fresh, stale, last resort, gone; time-outs; chance.

use std::sync::Arc;

use aios_cache::{LoadError, Loaded, Policy};
use tokio::sync::Semaphore;

use super::{Broken, Source, memory, numbers, seconds, settle};

#[tokio::test]
async fn a_value_is_gone_after_its_time() {
    let (cache, clock) = memory();
    let numbers = numbers(&cache, Policy::new(seconds(60)));
    let source = Source::default();
    numbers.get_or_load("a", source.loader()).await.unwrap();
    clock.advance(seconds(59));
    let value = numbers.get_or_load("a", source.loader()).await.unwrap();
    assert_eq!((*value, value.age(), value.fresh_for()), (1, seconds(59), seconds(1)));
    clock.advance(seconds(1));
    assert_eq!(*numbers.get_or_load("a", source.loader()).await.unwrap(), 2);
    clock.advance(seconds(60));
    cache.sweep();
    assert_eq!(numbers.stats().entries, 0);
}

#[tokio::test]
async fn a_hit_is_a_fresh_value_and_nothing_else() {
    let (cache, clock) = memory();
    let numbers = numbers(&cache, Policy::new(seconds(60)).stale(seconds(30)));
    let source = Source::default();
    assert!(numbers.at("a").hit().is_none());
    numbers
        .at("a")
        .tags(|| ["t"])
        .get_or_load(source.loader())
        .await
        .unwrap();
    let hit = numbers.at("a").hit().unwrap();
    assert_eq!((*hit, hit.is_stale(), hit.fresh_for()), (1, false, seconds(60)));
    let stats = numbers.stats();
    assert_eq!((stats.memory_hits, stats.misses), (1, 1));
    clock.advance(seconds(60));
    assert!(numbers.at("a").hit().is_none(), "it is stale");
    numbers.at("a").tags(|| ["t"]).refresh(source.loader()).await.unwrap();
    assert!(numbers.at("a").hit().is_some());
    let _ = cache.invalidate(aios_cache::Targets::new().tag("t")).await;
    assert!(numbers.at("a").hit().is_none(), "it was invalidated");
}

#[tokio::test]
async fn a_stale_value_is_served_and_refreshed_once_beside() {
    let (cache, clock) = memory();
    let numbers = numbers(&cache, Policy::new(seconds(60)).stale(seconds(30)));
    let source = Source::default();
    numbers.get_or_load("a", source.loader()).await.unwrap();
    clock.advance(seconds(70));
    for _ in 0..10 {
        let value = numbers.get_or_load("a", source.loader()).await.unwrap();
        assert_eq!((*value, value.is_stale()), (1, true));
    }
    settle().await;
    assert_eq!(source.asked(), 2);
    let value = numbers.get_or_load("a", source.loader()).await.unwrap();
    assert_eq!((*value, value.is_stale()), (2, false));
    clock.advance(seconds(90));
    assert_eq!(
        *numbers.get_or_load("a", source.loader()).await.unwrap(),
        3,
        "beyond both times it is loaded anew"
    );
}

#[tokio::test]
async fn an_old_value_stands_in_for_a_load_that_fails_and_the_next_try_waits() {
    let (cache, clock) = memory();
    let policy = Policy::new(seconds(60))
        .stale_if_error(seconds(600))
        .retry_pause(seconds(10));
    let numbers = numbers(&cache, policy);
    let source = Source::default();
    numbers.get_or_load("a", source.loader()).await.unwrap();
    clock.advance(seconds(100));
    for _ in 0..5 {
        let value = numbers.get_or_load("a", source.failing()).await.unwrap();
        assert_eq!((*value, value.is_stale()), (1, true));
    }
    assert_eq!(source.asked(), 2, "one try, then a pause");
    clock.advance(seconds(10));
    assert_eq!(*numbers.get_or_load("a", source.loader()).await.unwrap(), 3);
    clock.advance(seconds(661));
    let error = numbers.get_or_load("a", source.failing()).await.unwrap_err();
    assert_eq!(error.failed(), Some(&Broken), "beyond the limit the error is told");
}

#[tokio::test]
async fn what_was_invalidated_never_stands_in() {
    let (cache, clock) = memory();
    let numbers = numbers(
        &cache,
        Policy::new(seconds(60)).stale(seconds(60)).stale_if_error(seconds(600)),
    );
    let source = Source::default();
    numbers.get_or_load("a", source.loader()).await.unwrap();
    clock.advance(seconds(100));
    let _ = numbers.at("a").invalidate().await;
    assert!(numbers.get_or_load("a", source.failing()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn after_the_soft_time_out_an_old_value_is_served_and_the_load_goes_on() {
    let (cache, clock) = memory();
    let policy = Policy::new(seconds(60))
        .stale_if_error(seconds(600))
        .soft_timeout(seconds(1));
    let numbers = numbers(&cache, policy);
    let source = Source::default();
    numbers.get_or_load("a", source.loader()).await.unwrap();
    clock.advance(seconds(100));
    let gate = Arc::new(Semaphore::new(0));
    let (loading, waited) = (source.clone(), Arc::clone(&gate));
    let load = async move || {
        waited.acquire().await.unwrap().forget();
        loading.load().await
    };
    let value = numbers.get_or_load("a", load).await.unwrap();
    assert_eq!((*value, value.is_stale()), (1, true));
    gate.add_permits(1);
    settle().await;
    assert_eq!(*numbers.at("a").get().await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn after_the_hard_time_out_callers_are_told_and_the_load_goes_on() {
    let (cache, _) = memory();
    let policy = Policy::new(seconds(60))
        .soft_timeout(seconds(1))
        .hard_timeout(seconds(3));
    let numbers = numbers(&cache, policy);
    let gate = Arc::new(Semaphore::new(0));
    let waited = Arc::clone(&gate);
    let load = async move || {
        waited.acquire().await.unwrap().forget();
        Ok::<_, Broken>(7)
    };
    let started = tokio::time::Instant::now();
    assert!(matches!(numbers.get_or_load("a", load).await, Err(LoadError::TimedOut)));
    assert_eq!(started.elapsed().as_secs(), 3);
    gate.add_permits(1);
    settle().await;
    assert_eq!(*numbers.at("a").peek().unwrap(), 7);
}

#[tokio::test]
async fn that_there_is_none_is_remembered_for_its_own_time() {
    let (cache, clock) = memory();
    let people = cache
        .namespace::<Option<u64>>("people")
        .ttl(seconds(600))
        .negative_ttl(seconds(5))
        .negative(Option::is_none)
        .build()
        .unwrap();
    let none = people.get_or_load("x", async || Ok::<_, Broken>(None)).await.unwrap();
    assert!(none.is_negative());
    clock.advance(seconds(4));
    assert!(people.at("x").get().await.is_some_and(|none| none.is_none()));
    clock.advance(seconds(1));
    assert!(people.at("x").get().await.is_none());
    people
        .get_or_load("y", async || Ok::<_, Broken>(Loaded::absent(None)))
        .await
        .unwrap();
    people
        .get_or_load("z", async || Ok::<_, Broken>(Some(1)))
        .await
        .unwrap();
    clock.advance(seconds(6));
    assert!(people.at("y").peek().is_none() && people.at("z").peek().is_some());
}

#[tokio::test]
async fn jitter_spreads_the_ends() {
    let (cache, clock) = memory();
    let numbers = numbers(&cache, Policy::new(seconds(100)).jitter(0.5));
    let source = Source::default();
    for key in 0..200_u32 {
        numbers.get_or_load(&key, source.loader()).await.unwrap();
    }
    let alive = || (0..200_u32).filter(|key| numbers.at(key).peek().is_some()).count();
    clock.advance(seconds(50));
    assert_eq!(alive(), 200);
    clock.advance(seconds(25));
    assert!((60..140).contains(&alive()), "about half: {}", alive());
    clock.advance(seconds(25));
    assert_eq!(alive(), 0);
}

#[tokio::test]
async fn values_near_their_end_are_refreshed_early_by_chance() {
    let (cache, clock) = memory();
    let numbers = numbers(&cache, Policy::new(seconds(100)).early_refresh(1.0));
    let slow = |clock: &aios_cache::time::ManualClock| {
        let clock = clock.clone();
        async move || {
            // It takes ten seconds.
            clock.advance(seconds(10));
            Ok::<_, Broken>(0)
        }
    };
    let mut early = 0;
    for key in 0..200_u32 {
        numbers.get_or_load(&key, slow(&clock)).await.unwrap();
        clock.advance(seconds(90));
        // With a load of 10 s and 10 s left the chance is 1/e.
        let value = numbers.get_or_load(&key, slow(&clock)).await.unwrap();
        assert!(!value.is_stale());
        early = numbers.stats().early_refreshes;
        settle().await;
    }
    assert!((40..110).contains(&early), "about 74: {early}");
}
