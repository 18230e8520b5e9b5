//! Loads of single keys become few loads of many, and everybody gets what was asked for.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use aios_cache::gather::{GatherError, Gatherer};
use futures_util::future::join_all;
use parking_lot::Mutex;
use proptest::prelude::*;
use tokio::sync::Semaphore;

/// A source that notes what it is asked for, and answers when it is let.
#[derive(Clone)]
struct Source {
    asked: Arc<Mutex<Vec<Vec<u32>>>>,
    may_answer: Arc<Semaphore>,
    running: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

/// Nothing is found for multiples of this.
const ABSENT: u32 = 7;
/// A load with a multiple of this fails.
const FAILING: u32 = 11;
/// A load with a multiple of this panics.
const PANICKING: u32 = 13;

impl Source {
    fn held() -> Self {
        Self {
            asked: Arc::default(),
            may_answer: Arc::new(Semaphore::new(0)),
            running: Arc::default(),
            most: Arc::default(),
        }
    }

    /// Lets so many loads answer, in the order in which they began.
    fn answer(&self, loads: usize) {
        self.may_answer.add_permits(loads);
    }

    fn asked(&self) -> Vec<Vec<u32>> {
        self.asked.lock().clone()
    }

    fn gatherer(&self) -> Gatherer<u32, u32, String> {
        let source = self.clone();
        Gatherer::new(move |mut keys: Vec<u32>| {
            let source = source.clone();
            keys.sort_unstable();
            source.asked.lock().push(keys.clone());
            async move {
                source
                    .most
                    .fetch_max(source.running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                source.may_answer.acquire().await.unwrap().forget();
                source.running.fetch_sub(1, Ordering::SeqCst);
                let any = |of: u32| keys.iter().any(|key| *key != 0 && key % of == 0);
                assert!(!any(PANICKING), "of the test");
                if any(FAILING) {
                    return Err(format!("{keys:?}"));
                }
                Ok(keys
                    .into_iter()
                    .filter(|key| key % ABSENT != 0)
                    .map(|key| (key, key * 2))
                    .collect())
            }
        })
    }
}

/// Lets everything that can go on go on.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

type Load = tokio::task::JoinHandle<Result<Option<u32>, GatherError<String>>>;

/// Asks for these keys, one after the other, before anything loads.
fn asked(gatherer: &Gatherer<u32, u32, String>, keys: impl IntoIterator<Item = u32>) -> Vec<Load> {
    let ask = |key| {
        let gatherer = gatherer.clone();
        tokio::spawn(async move { gatherer.load(key).await })
    };
    keys.into_iter().map(ask).collect()
}

async fn answers(loads: Vec<Load>) -> Vec<Result<Option<u32>, GatherError<String>>> {
    join_all(loads).await.into_iter().map(Result::unwrap).collect()
}

#[tokio::test]
async fn the_first_load_starts_at_once_and_the_others_become_one() {
    let source = Source::held();
    let gatherer = source.gatherer();
    let first = asked(&gatherer, [1]);
    settle().await;
    assert_eq!(source.asked(), [vec![1]]);
    let others = asked(&gatherer, 2..=6);
    settle().await;
    source.answer(2);
    assert_eq!(answers(first).await, [Ok(Some(2))]);
    assert_eq!(answers(others).await, [4, 6, 8, 10, 12].map(|value| Ok(Some(value))));
    assert_eq!(source.asked(), [vec![1], vec![2, 3, 4, 5, 6]]);
}

#[tokio::test]
async fn loads_are_bounded_in_keys_and_in_number() {
    let source = Source::held();
    let gatherer = source.gatherer().max_batch(4).max_loads(2);
    let mut loads = Vec::new();
    for key in [1, 2] {
        loads.extend(asked(&gatherer, [key]));
        settle().await;
    }
    assert_eq!(source.asked(), [vec![1], vec![2]], "two at a time");
    loads.extend(asked(&gatherer, [3, 4, 5, 6, 8, 9, 10]));
    settle().await;
    assert_eq!(source.asked().len(), 2);
    source.answer(4);
    assert!(answers(loads).await.iter().all(Result::is_ok));
    assert_eq!(source.asked()[2..], [vec![3, 4, 5, 6], vec![8, 9, 10]]);
    assert_eq!(source.most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_error_reaches_all_of_its_load_and_nobody_else() {
    let source = Source::held();
    source.answer(100);
    let gatherer = source.gatherer().max_batch(2);
    let failed = || Err(GatherError::Failed("[2, 11]".to_owned()));
    let answers = answers(asked(&gatherer, [11, 2, 1, 3, 7])).await;
    assert_eq!(answers, [failed(), failed(), Ok(Some(2)), Ok(Some(6)), Ok(None)]);
}

#[tokio::test]
async fn a_panic_is_told_and_ends_nothing_else() {
    let source = Source::held();
    source.answer(100);
    let gatherer = source.gatherer().max_batch(1);
    let answers = answers(asked(&gatherer, [13, 1, 2])).await;
    assert_eq!(answers, [Err(GatherError::Panicked), Ok(Some(2)), Ok(Some(4))]);
    assert_eq!(gatherer.load(3).await, Ok(Some(6)));
}

#[tokio::test]
async fn a_loader_that_panics_before_it_loads_is_no_different() {
    let gatherer: Gatherer<u32, u32, String> = Gatherer::new(|keys| {
        assert!(!keys.contains(&0), "of the test");
        async move { Ok(keys.into_iter().map(|key| (key, key)).collect()) }
    });
    assert_eq!(gatherer.load(0).await, Err(GatherError::Panicked));
    assert_eq!(gatherer.load(1).await, Ok(Some(1)));
}

#[tokio::test]
async fn who_goes_away_takes_nothing_along_and_is_not_loaded_for() {
    let source = Source::held();
    let gatherer = source.gatherer();
    let mut loads = [1, 2, 3].map(|key| Box::pin(gatherer.load(key)));
    for load in &mut loads {
        assert!(futures_util::poll!(load).is_pending());
        settle().await;
    }
    let [first, second, third] = loads;
    // One is being loaded, two waits.
    drop(first);
    drop(second);
    source.answer(2);
    assert_eq!(third.await, Ok(Some(6)));
    assert_eq!(source.asked(), [vec![1], vec![3]]);
}

#[tokio::test]
async fn the_same_key_is_loaded_once_for_all_who_wait_for_it() {
    let source = Source::held();
    source.answer(100);
    let answers = answers(asked(&source.gatherer(), [1, 2, 2, 2, 1])).await;
    assert_eq!(answers, [2, 4, 4, 4, 2].map(|value| Ok(Some(value))));
    assert_eq!(source.asked(), [vec![1, 2]]);
}

#[tokio::test]
async fn what_is_asked_for_after_a_load_began_is_not_answered_by_it() {
    let changed = Arc::new(AtomicBool::new(false));
    let (seen, gate) = (Arc::clone(&changed), Arc::new(Semaphore::new(0)));
    let held = Arc::clone(&gate);
    let gatherer: Gatherer<u32, bool, String> = Gatherer::new(move |keys| {
        let (seen, held) = (seen.load(Ordering::SeqCst), Arc::clone(&held));
        async move {
            held.acquire().await.unwrap().forget();
            Ok(keys.into_iter().map(|key| (key, seen)).collect())
        }
    });
    let mut before = Box::pin(gatherer.load(1));
    assert!(futures_util::poll!(&mut before).is_pending());
    settle().await;
    changed.store(true, Ordering::SeqCst);
    let mut after = Box::pin(gatherer.load(1));
    assert!(futures_util::poll!(&mut after).is_pending());
    gate.add_permits(2);
    assert_eq!((before.await, after.await), (Ok(Some(false)), Ok(Some(true))));
}

#[test]
fn a_runtime_that_is_shut_down_is_survived_by_those_who_wait_on_another() {
    let source = Source::held();
    let gatherer = source.gatherer();
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (first, second) = (runtime(), runtime());
    first.block_on(async {
        let mut load = Box::pin(gatherer.load(1));
        assert!(futures_util::poll!(&mut load).is_pending());
        settle().await;
    });
    let mut waiting = Box::pin(gatherer.load(2));
    second.block_on(async { assert!(futures_util::poll!(&mut waiting).is_pending()) });
    drop(first);
    source.answer(2);
    assert_eq!(second.block_on(waiting), Ok(Some(4)));
    assert_eq!(second.block_on(gatherer.load(3)), Ok(Some(6)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Keys are asked for, some who ask go away, loads answer, in any order: everybody else is answered as the source would.
    #[test]
    fn everybody_gets_an_answer_and_the_right_one(
        steps in proptest::collection::vec((0_u32..40, 0_u8..8), 1..60),
        (max_batch, max_loads) in (1_usize..6, 1_usize..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let source = Source::held();
        let gatherer = source.gatherer().max_batch(max_batch).max_loads(max_loads);
        runtime.block_on(async {
            let mut waiting: HashMap<usize, (u32, tokio::task::JoinHandle<_>)> = HashMap::new();
            for (place, &(key, action)) in steps.iter().enumerate() {
                match action {
                    0 => source.answer(1),
                    1 => settle().await,
                    2 => if let Some(gone) = waiting.keys().next().copied() {
                        waiting.remove(&gone).unwrap().1.abort();
                    },
                    _ => {
                        let gatherer = gatherer.clone();
                        waiting.insert(place, (key, tokio::spawn(async move { gatherer.load(key).await })));
                    }
                }
            }
            source.answer(1_000);
            for (key, answer) in waiting.into_values() {
                match answer.await.unwrap() {
                    Ok(found) => {
                        let alone = key == 0 || (key % FAILING != 0 && key % PANICKING != 0);
                        assert!(alone && found == (key % ABSENT != 0).then_some(key * 2), "{key}: {found:?}");
                    }
                    // It was in a load with one that fails or panics.
                    Err(GatherError::Failed(keys)) => assert!(keys.contains(&key.to_string()), "{key}: {keys}"),
                    Err(GatherError::Panicked) => {}
                    Err(GatherError::Abandoned) => panic!("{key} was given up"),
                }
            }
        });
        let asked = source.asked();
        prop_assert!(asked.iter().all(|keys| (1..=max_batch).contains(&keys.len())));
        prop_assert!(source.most.load(Ordering::SeqCst) <= max_loads);
    }
}
