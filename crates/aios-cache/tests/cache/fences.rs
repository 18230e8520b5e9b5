//! Invalidation against loads under way.

use std::sync::Arc;

use aios_cache::{Loaded, Namespace, Outcome, Policy, Targets};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::{Broken, Source, memory, numbers, seconds, settle};

/// Begins a load of 1 that waits for the gate.
async fn slow_load(numbers: &Namespace<u64>, tags: &'static [&'static str]) -> (JoinHandle<u64>, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let (numbers, waited) = (numbers.clone(), Arc::clone(&gate));
    let task = tokio::spawn(async move {
        let load = async move || {
            waited.acquire().await.unwrap().forget();
            Ok::<_, Broken>(1)
        };
        let value = numbers.at("a").tags(|| tags.iter().copied()).get_or_load(load).await;
        *value.unwrap()
    });
    settle().await;
    (task, gate)
}

/// Whatever is invalidated while a value is loaded: the load leaves nothing behind, and who comes after it loads anew.
async fn overtaken_by(targets: impl Fn(&Namespace<u64>) -> Targets) {
    let (cache, _) = memory();
    let numbers = numbers(&cache, Policy::new(seconds(60)).stale(seconds(60)));
    let (old, gate) = slow_load(&numbers, &["t", "u"]).await;
    assert_eq!(cache.invalidate(targets(&numbers)).await, Outcome::Everywhere);
    let source = Source::default();
    assert_eq!(*numbers.get_or_load("a", source.loader()).await.unwrap(), 1);
    assert_eq!(
        source.asked(),
        1,
        "nobody waits for a load that began before the invalidation"
    );
    let _ = numbers.at("a").invalidate().await;
    gate.add_permits(1);
    assert_eq!(old.await.unwrap(), 1);
    assert!(numbers.at("a").get().await.is_none());
    assert_eq!(numbers.stats().overtaken, 1);
}

#[tokio::test]
async fn a_load_is_overtaken_by_its_key() {
    overtaken_by(|numbers| Targets::new().key(numbers, "a")).await;
}

#[tokio::test]
async fn a_load_is_overtaken_by_a_tag() {
    overtaken_by(|_| Targets::new().tag("u")).await;
}

#[tokio::test]
async fn a_load_is_overtaken_by_its_namespace() {
    overtaken_by(|numbers| Targets::new().namespace(numbers.name())).await;
}

#[tokio::test]
async fn a_load_is_overtaken_by_everything() {
    overtaken_by(|_| Targets::all()).await;
}

#[tokio::test]
async fn a_load_survives_what_does_not_concern_it() {
    let (cache, _) = memory();
    let numbers = numbers(&cache, Policy::new(seconds(60)));
    let (load, gate) = slow_load(&numbers, &["t"]).await;
    let others = Targets::new().tag("other").key(&numbers, "b").namespace("elsewhere");
    assert_eq!(cache.invalidate(others).await, Outcome::Everywhere);
    gate.add_permits(1);
    load.await.unwrap();
    assert_eq!(*numbers.at("a").peek().unwrap(), 1);
}

#[tokio::test]
async fn a_tag_that_the_loader_names_is_fenced_too() {
    let (cache, _) = memory();
    let numbers = numbers(&cache, Policy::new(seconds(60)));
    for (invalidated, stays) in [("late", false), ("other", true)] {
        let gate = Arc::new(Semaphore::new(0));
        let (loading, waited) = (numbers.clone(), Arc::clone(&gate));
        let load = tokio::spawn(async move {
            let load = async move || {
                waited.acquire().await.unwrap().forget();
                Ok::<_, Broken>(Loaded::new(1).tags(["late"]))
            };
            loading.get_or_load(invalidated, load).await.map(|value| *value)
        });
        settle().await;
        let _ = cache.invalidate(Targets::new().tag(invalidated)).await;
        gate.add_permits(1);
        load.await.unwrap().unwrap();
        assert_eq!(numbers.at(invalidated).peek().is_some(), stays);
    }
    let _ = cache.invalidate(Targets::new().tag("late")).await;
    assert!(numbers.at("other").peek().is_none());
}

/// Begins a load of 1 that waits for the gate; its loader names the tag `late`.
async fn slow_load_that_names_a_tag(numbers: &Namespace<u64>) -> (JoinHandle<u64>, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let (numbers, waited) = (numbers.clone(), Arc::clone(&gate));
    let task = tokio::spawn(async move {
        let load = async move || {
            waited.acquire().await.unwrap().forget();
            Ok::<_, Broken>(Loaded::new(1).tags(["late"]))
        };
        *numbers.get_or_load("a", load).await.unwrap()
    });
    settle().await;
    (task, gate)
}

#[tokio::test]
async fn whoever_joins_after_a_late_tag_was_invalidated_loads_anew() {
    let (cache, _) = memory();
    let numbers = numbers(&cache, Policy::new(seconds(60)));
    let (first, gate) = slow_load_that_names_a_tag(&numbers).await;
    assert_eq!(cache.invalidate(Targets::new().tag("late")).await, Outcome::Everywhere);
    let joined = tokio::spawn({
        let numbers = numbers.clone();
        async move {
            let load = async || Ok::<_, Broken>(Loaded::new(2).tags(["late"]));
            *numbers.get_or_load("a", load).await.unwrap()
        }
    });
    settle().await;
    gate.add_permits(1);
    assert_eq!(first.await.unwrap(), 1, "it came before the invalidation");
    assert_eq!(joined.await.unwrap(), 2, "it came after");
    assert_eq!(*numbers.at("a").peek().unwrap(), 2);
}

#[tokio::test]
async fn whoever_wants_many_joins_no_load_that_an_invalidation_may_have_overtaken() {
    for (invalidated, expected, loads) in [("late", 2, 2), ("other", 2, 2), ("", 1, 1)] {
        let (cache, _) = memory();
        let numbers = numbers(&cache, Policy::new(seconds(60)));
        let (first, gate) = slow_load_that_names_a_tag(&numbers).await;
        if !invalidated.is_empty() {
            let outcome = cache.invalidate(Targets::new().tag(invalidated)).await;
            assert_eq!(outcome, Outcome::Everywhere);
        }
        let many = tokio::spawn({
            let numbers = numbers.clone();
            async move {
                let load = async |missing: Vec<&'static str>| {
                    Ok::<_, Broken>(missing.into_iter().map(|key| (key, 2)).collect())
                };
                *numbers.get_many_or_load(["a"], load).await.unwrap()["a"]
            }
        });
        settle().await;
        gate.add_permits(1);
        assert_eq!(
            (first.await.unwrap(), many.await.unwrap()),
            (1, expected),
            "{invalidated}"
        );
        assert_eq!(numbers.stats().loads, loads);
    }
}

#[tokio::test]
async fn a_tag_reaches_its_bearers_in_every_namespace_and_no_others() {
    let (cache, _) = memory();
    let (one, two) = (
        cache.namespace::<u64>("one").build().unwrap(),
        cache.namespace::<u64>("two").build().unwrap(),
    );
    let source = Source::default();
    for namespace in [&one, &two] {
        namespace
            .at("tagged")
            .tags(|| ["t"])
            .get_or_load(source.loader())
            .await
            .unwrap();
        namespace
            .at("plain")
            .tags(|| ["u"])
            .get_or_load(source.loader())
            .await
            .unwrap();
    }
    let _ = cache.invalidate(Targets::new().tag("t")).await;
    for namespace in [&one, &two] {
        assert!(namespace.at("tagged").get().await.is_none());
        assert!(namespace.at("plain").get().await.is_some());
    }
    let _ = one.invalidate_all().await;
    assert!(one.at("plain").get().await.is_none() && two.at("plain").get().await.is_some());
}

#[tokio::test]
async fn keys_that_could_be_mixed_up_are_not() {
    let (cache, _) = memory();
    let numbers = numbers(&cache, Policy::new(seconds(60)));
    numbers
        .get_or_load(&("a:b", "c"), async || Ok::<_, Broken>(1))
        .await
        .unwrap();
    numbers
        .get_or_load(&("a", "b:c"), async || Ok::<_, Broken>(2))
        .await
        .unwrap();
    numbers.get_or_load("a:b:c", async || Ok::<_, Broken>(3)).await.unwrap();
    let _ = numbers.at(&("a", "b:c")).invalidate().await;
    assert_eq!(*numbers.at(&("a:b", "c")).peek().unwrap(), 1);
    assert!(numbers.at(&("a", "b:c")).peek().is_none());
    assert_eq!(*numbers.at("a:b:c").peek().unwrap(), 3);
}

/// Many threads load and invalidate; whoever reads after an invalidation returned sees nothing older.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_reader_sees_what_was_invalidated_before_it_began() {
    use std::sync::atomic::{AtomicU64, Ordering};

    let (cache, _) = memory();
    let numbers = numbers(&cache, Policy::new(seconds(60)).stale(seconds(60)));
    let truth = Arc::new(AtomicU64::new(0));
    let published = Arc::new(AtomicU64::new(0));
    let writer = {
        let (cache, numbers, truth, published) = (cache.clone(), numbers.clone(), truth.clone(), published.clone());
        tokio::spawn(async move {
            for number in 1..=2_000_u64 {
                truth.store(number, Ordering::SeqCst);
                let targets = if number % 2 == 0 {
                    Targets::new().tag("t")
                } else {
                    Targets::new().key(&numbers, "a")
                };
                let _ = cache.invalidate(targets).await;
                published.store(number, Ordering::SeqCst);
            }
        })
    };
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (numbers, truth, published) = (numbers.clone(), truth.clone(), published.clone());
            tokio::spawn(async move {
                while published.load(Ordering::SeqCst) < 2_000 {
                    let before = published.load(Ordering::SeqCst);
                    let truth = truth.clone();
                    let load = async move || {
                        let value = truth.load(Ordering::SeqCst);
                        tokio::task::yield_now().await;
                        Ok::<_, Broken>(value)
                    };
                    let value = numbers.at("a").tags(|| ["t"]).get_or_load(load).await.unwrap();
                    assert!(*value >= before, "saw {} after {before} was invalidated", *value);
                }
            })
        })
        .collect();
    writer.await.unwrap();
    for reader in readers {
        reader.await.unwrap();
    }
}
