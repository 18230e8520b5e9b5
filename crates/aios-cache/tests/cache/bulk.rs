//! Many values at once.

use std::collections::HashMap;
use std::sync::Arc;

use aios_cache::{Policy, Targets};
use parking_lot::Mutex;

use super::{Broken, memory, numbers, seconds, settle};

type Asked = Arc<Mutex<Vec<Vec<u64>>>>;

#[tokio::test]
async fn only_what_is_missing_is_loaded_and_once() {
    let (cache, _) = memory();
    let numbers = numbers(&cache, Policy::new(seconds(60)));
    let asked = Asked::default();
    let load = |asked: &Asked| {
        let asked = Arc::clone(asked);
        move |keys: Vec<u64>| async move {
            asked.lock().push(keys.clone());
            Ok::<HashMap<u64, u64>, Broken>(
                keys.into_iter()
                    .filter(|key| key % 10 != 0)
                    .map(|key| (key, key * key))
                    .collect(),
            )
        }
    };
    let first = numbers.get_many_or_load([1, 2, 2, 10], load(&asked)).await.unwrap();
    assert_eq!((*first[&1], *first[&2], first.len()), (1, 4, 2));
    let second = numbers
        .many([2, 3, 1])
        .tags(|key| [format!("n:{key}")])
        .get_or_load(load(&asked))
        .await
        .unwrap();
    assert_eq!((*second[&3], second.len()), (9, 3));
    assert_eq!(*asked.lock(), [vec![1, 2, 10], vec![3]]);
    let _ = cache.invalidate(Targets::new().tag("n:3")).await;
    assert!(numbers.at(&3_u64).peek().is_none() && numbers.at(&2_u64).peek().is_some());
    let none = numbers.get_many_or_load(Vec::<u64>::new(), load(&asked)).await.unwrap();
    assert!(none.is_empty() && asked.lock().len() == 2);
}

#[tokio::test]
async fn stale_ones_are_served_and_refreshed_together() {
    let (cache, clock) = memory();
    let numbers = numbers(&cache, Policy::new(seconds(60)).stale(seconds(60)));
    let asked = Asked::default();
    let load = |asked: &Asked| {
        let asked = Arc::clone(asked);
        move |keys: Vec<u64>| async move {
            asked.lock().push(keys.clone());
            Ok::<HashMap<u64, u64>, Broken>(keys.into_iter().map(|key| (key, key)).collect())
        }
    };
    numbers.get_many_or_load([1, 2], load(&asked)).await.unwrap();
    clock.advance(seconds(70));
    let found = numbers.get_many_or_load([1, 2], load(&asked)).await.unwrap();
    assert!(found.values().all(aios_cache::Cached::is_stale));
    settle().await;
    assert_eq!(*asked.lock(), [vec![1, 2], vec![1, 2]]);
    assert!(!numbers.at(&1_u64).peek().unwrap().is_stale());
}

#[tokio::test]
async fn single_callers_and_callers_of_many_share_their_loads() {
    let (cache, _) = memory();
    let numbers = numbers(&cache, Policy::new(seconds(60)));
    let single = numbers.get_or_load(&1_u64, async || {
        tokio::task::yield_now().await;
        Ok::<_, Broken>(100)
    });
    let many = numbers.get_many_or_load([1_u64, 2], |keys: Vec<u64>| async move {
        assert_eq!(keys, [2]);
        Ok::<HashMap<u64, u64>, Broken>(HashMap::from([(2, 200)]))
    });
    let (single, many) = tokio::join!(single, many);
    assert_eq!((*single.unwrap(), *many.unwrap()[&1]), (100, 100));
}

#[tokio::test]
async fn a_single_caller_who_waited_for_a_key_that_many_did_not_find_loads_it() {
    let (cache, _) = memory();
    let numbers = numbers(&cache, Policy::new(seconds(60)));
    let many = numbers.get_many_or_load([1_u64], |_| async move {
        tokio::task::yield_now().await;
        Ok::<HashMap<u64, u64>, Broken>(HashMap::new())
    });
    let single = numbers.get_or_load(&1_u64, async || Ok::<_, Broken>(5));
    let (many, single) = tokio::join!(many, single);
    assert!(many.unwrap().is_empty());
    assert_eq!(*single.unwrap(), 5);
}
