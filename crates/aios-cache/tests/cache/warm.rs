//! Warm-up: bounded in parallel, told of, and stopped by nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aios_cache::{CachedCall, Policy, Warmup, WarmupError};
use tokio::sync::Semaphore;

use crate::{Broken, Source, memory, numbers, seconds, settle};

/// Lets loaders through one by one, and knows how many are inside.
#[derive(Clone)]
struct Gate {
    permits: Arc<Semaphore>,
    inside: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Gate {
    fn shut() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(0)),
            inside: Arc::default(),
            most: Arc::default(),
        }
    }

    async fn pass(self) -> Result<(), Broken> {
        let inside = self.inside.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(inside, Ordering::SeqCst);
        self.permits.acquire().await.map_err(|_| Broken)?.forget();
        self.inside.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it is broken")
    }
}

impl std::error::Error for Broken {}

#[tokio::test]
async fn so_many_at_a_time_and_no_more() {
    for (parallel, most) in [(3, 3), (0, 1), (100, 10)] {
        let gate = Gate::shut();
        let warmup = (0..10).fold(Warmup::new(), |warmup, n| {
            warmup.add_with(n.to_string(), &gate, Gate::pass)
        });
        let running = tokio::spawn(async move { warmup.run(parallel).await });
        settle().await;
        assert_eq!(gate.inside.load(Ordering::SeqCst), most, "as many as may");
        gate.permits.add_permits(10);
        assert_eq!(running.await.unwrap().loaded, 10);
        assert_eq!(gate.most.load(Ordering::SeqCst), most);
    }
}

#[tokio::test]
async fn nothing_that_one_does_stops_the_others() {
    let warmup = Warmup::new()
        .add("fails", || async { Err::<(), _>(Broken) })
        .add("panics at once", || -> std::future::Ready<Result<(), Broken>> {
            panic!("as it should")
        })
        .add("panics later", async || -> Result<(), Broken> {
            panic!("as it should")
        })
        .add("succeeds", || async { Ok::<_, Broken>("a value") });
    let report = warmup.run(1).await;
    assert_eq!(report.loaded, 1);
    let failed: Vec<_> = report
        .failed
        .iter()
        .map(|(name, error)| format!("{name}: {error}"))
        .collect();
    assert_eq!(
        failed,
        [
            "fails: it is broken",
            "panics at once: it panicked",
            "panics later: it panicked"
        ]
    );
    assert!(matches!(report.failed[0].1, WarmupError::Failed(_)));
    assert!(report.to_string().starts_with("1 of 4 loaded; fails: it is broken; "));
}

#[tokio::test]
async fn progress_is_told_as_it_is_made() {
    let warmup = Warmup::new()
        .add("one", || async { Ok::<_, Broken>(()) })
        .add("two", || async { Err::<(), _>("no") })
        .add("three", || async { Ok::<_, Broken>(()) });
    let mut told = Vec::new();
    warmup
        .run_with(1, |step| {
            told.push(format!(
                "{}/{} {} {}",
                step.done,
                step.total,
                step.name,
                step.error.is_none()
            ));
        })
        .await;
    assert_eq!(told, ["1/3 one true", "2/3 two false", "3/3 three true"]);
    assert_eq!((warmup.len(), warmup.is_empty()), (3, false));
    assert_eq!(format!("{warmup:?}"), r#"["one", "two", "three"]"#);
}

#[tokio::test]
async fn it_runs_again_on_demand_and_loads_what_is_not_fresh() {
    let (cache, clock) = memory();
    let numbers = numbers(&cache, Policy::new(seconds(10)));
    let source = Source::default();
    let load = {
        let source = source.clone();
        move || source.load()
    };
    let warmup = Warmup::new().add_call(&CachedCall::new(numbers.at("a"), load));
    assert_eq!(format!("{warmup:?}"), r#"["numbers:a"]"#);
    for _ in 0..3 {
        assert_eq!(warmup.run(2).await.loaded, 1);
    }
    assert_eq!(
        (source.asked(), numbers.at("a").peek().map(|value| *value)),
        (1, Some(1))
    );
    clock.advance(seconds(10));
    warmup.run(2).await;
    assert_eq!(source.asked(), 2);
}

#[tokio::test]
async fn a_warm_up_whose_caller_goes_away_begins_nothing_more() {
    let gate = Gate::shut();
    let warmup = (0..3).fold(Warmup::new(), |warmup, n| {
        warmup.add_with(n.to_string(), &gate, Gate::pass)
    });
    let running = tokio::spawn(async move { warmup.run(1).await });
    settle().await;
    running.abort();
    gate.permits.add_permits(3);
    settle().await;
    assert_eq!(
        (gate.most.load(Ordering::SeqCst), gate.permits.available_permits()),
        (1, 3)
    );
}

#[tokio::test]
async fn nothing_to_do_is_done() {
    let report = Warmup::new().run(4).await;
    assert_eq!((report.loaded, report.to_string()), (0, "0 of 0 loaded".to_owned()));
}
