//! What nodes share, and how an invalidation on one reaches the others.

#[allow(clippy::wildcard_imports, reason = "the tests of one file, parted by subject")]
use super::*;
use aios_cache::{Loaded, Origin, Outcome, Targets};

on_every_store! {
    async fn what_one_node_loads_another_finds(store: &Store) {
        let (one, two) = (store.node().await, store.node().await);
        let source = Source::default();
        source.set(7);
        assert_eq!(one.read(&source).await, 7);
        eventually("the write", || one.numbers.stats().loading == 0).await;
        let mut found = None;
        for _ in 0..200 {
            found = two.numbers.at("a").get().await;
            if found.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let found = found.expect("the other node's value");
        assert_eq!((*found, found.origin(), found.is_stale()), (7, Origin::Shared, false));
        assert!(found.fresh_for() > seconds(590) && found.fresh_for() <= seconds(600));
        assert_eq!(two.read(&source).await, 7);
        assert!(two.remembers("a"));
        assert_eq!(source.asked(), 1);
    }

    async fn an_invalidation_is_seen_by_every_node(store: &Store) {
        let nodes = [store.node().await, store.node().await, store.node().await];
        let source = Source::default();
        for round in 1..=12_u64 {
            for node in &nodes {
                node.read(&source).await;
            }
            source.set(round);
            let by = &nodes[usize::try_from(round % 3).unwrap()];
            let targets = match round % 4 {
                0 => Targets::new().tag("t"),
                1 => Targets::new().key(&by.numbers, "a"),
                2 => Targets::new().namespace("numbers"),
                _ => Targets::all(),
            };
            assert_eq!(by.cache.invalidate(targets).await, Outcome::Everywhere);
            assert_eq!(by.read(&source).await, round, "at once where it was invalidated");
            for node in &nodes {
                for _ in 0..400 {
                    if node.read(&source).await == round {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                assert_eq!(node.read(&source).await, round, "soon everywhere");
            }
        }
        assert_eq!(nodes[0].cache.stats().invalidations_deferred, 0);
    }

    async fn a_load_that_another_node_overtakes_leaves_nothing_behind(store: &Store) {
        let (one, two) = (store.node().await, store.node().await);
        for tag in [true, false] {
            let held = Held::new();
            let loading = tokio::spawn({
                let (one, held) = (one.clone(), held.clone());
                async move {
                    let load = async move || {
                        held.pass().await;
                        Ok::<_, Broken>(1)
                    };
                    *one.numbers.at("a").tags(|| ["t"]).get_or_load(load).await.unwrap()
                }
            });
            held.has_begun().await;
            let targets = if tag { Targets::new().tag("t") } else { Targets::new().key(&two.numbers, "a") };
            assert_eq!(two.cache.invalidate(targets).await, Outcome::Everywhere);
            held.let_go();
            assert_eq!(loading.await.unwrap(), 1);
            eventually("the end of the load", || one.numbers.stats().loading == 0).await;
            eventually("the notice", || !one.remembers("a")).await;
            assert!(two.numbers.at("a").get().await.is_none());
            assert!(one.numbers.at("a").get().await.is_none());
        }
    }

    async fn a_tag_that_a_loader_names_late_is_fenced_across_nodes(store: &Store) {
        let (one, two) = (store.node().await, store.node().await);
        let held = Held::new();
        let loading = tokio::spawn({
            let (one, held) = (one.clone(), held.clone());
            async move {
                let load = async move || {
                    held.pass().await;
                    Ok::<_, Broken>(Loaded::new(1).tags(["late"]))
                };
                one.numbers.get_or_load("a", load).await.map(|value| *value)
            }
        });
        held.has_begun().await;
        assert_eq!(two.cache.invalidate(Targets::new().tag("late")).await, Outcome::Everywhere);
        held.let_go();
        loading.await.unwrap().unwrap();
        assert!(one.numbers.at("a").get().await.is_none() && two.numbers.at("a").get().await.is_none());

        let load = async || Ok::<_, Broken>(Loaded::new(2).tags(["late"]));
        eventually("the notice", || one.cache.stats().notices >= 1).await;
        one.numbers.get_or_load("b", load).await.unwrap();
        assert!(one.remembers("b"));
        assert_eq!(two.cache.invalidate(Targets::new().tag("late")).await, Outcome::Everywhere);
        assert!(two.numbers.at("b").get().await.is_none());
        eventually("the notice", || !one.remembers("b")).await;
    }

    async fn an_old_value_that_a_load_answers_with_is_not_handed_on_after_an_invalidation(store: &Store) {
        let (one, two) = (store.node().await, store.node().await);
        let short = Policy::new(Duration::from_millis(1)).stale(seconds(600));
        let old = async || Ok::<_, Broken>(Loaded::new(1).tags(["late"]));
        one.numbers.at("a").policy(&short).get_or_load(old).await.unwrap();
        eventually("the write", || one.numbers.stats().loading == 0).await;
        tokio::time::sleep(Duration::from_millis(5)).await;

        // The other node finds it stale, answers with it, and goes on loading, until the test lets it.
        let held = Held::new();
        let load = {
            let held = held.clone();
            async move || {
                held.pass().await;
                Ok::<_, Broken>(Loaded::new(1).tags(["late"]))
            }
        };
        let answer = two.numbers.at("a").policy(&short).get_or_load(load).await.unwrap();
        assert!(*answer == 1 && answer.is_stale());
        held.has_begun().await;
        assert_eq!(two.cache.invalidate(Targets::new().tag("late")).await, Outcome::Everywhere);
        let new = async || Ok::<_, Broken>(Loaded::new(2).tags(["late"]));
        assert_eq!(*two.numbers.get_or_load("a", new).await.unwrap(), 2);
        held.let_go();
    }

    async fn values_that_stay_in_memory_hear_of_invalidations_too(store: &Store) {
        let (one, two) = (store.node().await, store.node().await);
        let local = one.cache.namespace::<u64>("local").build().unwrap();
        for (tag, named_late) in [("early", false), ("late", true)] {
            let held = Held::new();
            let loading = tokio::spawn({
                let (local, held) = (local.clone(), held.clone());
                async move {
                    let load = async move || {
                        held.pass().await;
                        let late = named_late.then_some(tag);
                        Ok::<_, Broken>(Loaded::new(1).tags(late))
                    };
                    let early = (!named_late).then_some(tag);
                    local.at(tag).tags(|| early).get_or_load(load).await.map(|value| *value)
                }
            });
            held.has_begun().await;
            assert_eq!(two.cache.invalidate(Targets::new().tag(tag)).await, Outcome::Everywhere);
            held.let_go();
            loading.await.unwrap().unwrap();
            eventually("the notice", || local.at(tag).peek().is_none()).await;
            local.at(tag).tags(|| [tag]).get_or_load(async || Ok::<_, Broken>(2)).await.unwrap();
            assert_eq!(two.cache.invalidate(Targets::new().key(&two.numbers, "x").tag(tag)).await, Outcome::Everywhere);
            eventually("the notice", || local.at(tag).peek().is_none()).await;
        }
    }

    async fn nodes_that_wait_for_each_other_load_once(store: &Store) {
        let mut nodes = Vec::new();
        for _ in 0..4 {
            nodes.push(store.node().await);
        }
        let source = Source::default();
        let policy = Policy::new(seconds(600)).across_nodes(true);
        let tasks: Vec<_> = nodes
            .iter()
            .flat_map(|node| std::iter::repeat_n(node.clone(), 25))
            .map(|node| {
                let (source, policy) = (source.clone(), policy.clone());
                tokio::spawn(async move {
                    let load = async move || {
                        tokio::time::sleep(Duration::from_millis(30)).await;
                        Ok::<_, Broken>(source.load())
                    };
                    node.numbers.at("a").policy(&policy).get_or_load(load).await.map(|value| *value)
                })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap().unwrap(), 0);
        }
        assert_eq!(source.asked(), 1);
    }

    async fn many_values_take_one_round_trip_and_one_load(store: &Store) {
        let (one, two) = (store.node().await, store.node().await);
        let load = |keys: Vec<u64>| async move {
            Ok::<_, Broken>(keys.into_iter().map(|key| (key, key * key)).collect::<std::collections::HashMap<_, _>>())
        };
        let first = one.numbers.many(0..100_u64).tags(|key| [format!("n:{key}")]).get_or_load(load).await.unwrap();
        assert_eq!(first.len(), 100);
        eventually("the writes", || one.numbers.stats().loading == 0).await;
        let _ = one.cache.invalidate(Targets::new().tag("n:5").key(&one.numbers, &6_u64)).await;
        let asked = Arc::new(AtomicU64::new(0));
        let counted = {
            let asked = Arc::clone(&asked);
            move |keys: Vec<u64>| {
                asked.fetch_add(u64::try_from(keys.len()).unwrap(), Ordering::SeqCst);
                load(keys)
            }
        };
        let second = two.numbers.many(0..100_u64).tags(|key| [format!("n:{key}")]).get_or_load(counted).await.unwrap();
        assert_eq!(*second[&99], 99 * 99);
        assert_eq!(asked.load(Ordering::SeqCst), 2, "all but the two that were invalidated come from the shared tier");
    }

    async fn a_value_that_is_inserted_is_the_value_everywhere(store: &Store) {
        let (one, two) = (store.node().await, store.node().await);
        let source = Source::default();
        two.read(&source).await;
        one.numbers.at("a").insert(5_u64).await;
        assert_eq!(one.numbers.at("a").get().await.map(|value| *value), Some(5));
        for _ in 0..400 {
            if two.numbers.at("a").get().await.is_some_and(|value| *value == 5) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(two.numbers.at("a").get().await.map(|value| *value), Some(5));
    }

    /// Nodes read and invalidate at random; a read that begins after an invalidation returned, on the node that invalidated,
    /// sees nothing older; and when all is quiet every node sees the truth.
    async fn nothing_old_survives_a_storm(store: &Store) {
        let mut nodes = Vec::new();
        for _ in 0..3 {
            nodes.push(store.node().await);
        }
        let source = Source::default();
        let next = Arc::new(AtomicU64::new(0));
        let write = Arc::new(tokio::sync::Mutex::new(()));
        let tasks: Vec<_> = (0..6_u64)
            .map(|task| {
                let node = nodes[usize::try_from(task % 3).unwrap()].clone();
                let (source, next, write) = (source.clone(), Arc::clone(&next), Arc::clone(&write));
                tokio::spawn(async move {
                    for step in 0..60_u64 {
                        if (step + task) % 5 == 0 {
                            let guard = write.lock().await;
                            let value = next.fetch_add(1, Ordering::SeqCst) + 1;
                            source.set(value);
                            drop(guard);
                            let targets = if step % 2 == 0 {
                                Targets::new().tag("t")
                            } else {
                                Targets::new().key(&node.numbers, "a")
                            };
                            let _ = node.cache.invalidate(targets).await;
                            let seen = node.read(&source).await;
                            assert!(seen >= value, "saw {seen} after {value} was invalidated here");
                        } else {
                            node.read(&source).await;
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let truth = next.load(Ordering::SeqCst);
        for node in &nodes {
            for _ in 0..400 {
                if node.read(&source).await == truth {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            assert_eq!(node.read(&source).await, truth);
            assert_eq!(node.cache.stats().distrusted, 1, "no notice was missed");
        }
    }
}
