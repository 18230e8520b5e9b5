//! How a cached function loads: once for all, on its own policy, with errors and panics handed on.

use std::sync::Arc;
use std::time::Duration;

use aios_cache::time::ManualClock;
use aios_cache::{Cache, Loaded, Namespace, cached};
use tokio::sync::Semaphore;

use crate::{Calls, Failure};

const HOUR: Duration = Duration::from_secs(3600);

#[derive(Clone)]
struct Source {
    values: Namespace<String>,
    maybe: Namespace<Option<u32>>,
    calls: Calls,
    /// Each load takes a permit.
    gate: Arc<Semaphore>,
}

/// A source that may be asked so often, and the clock of its cache.
fn source(permits: usize) -> (Source, ManualClock) {
    let clock = ManualClock::new();
    let cache = Cache::builder().clock(clock.clone()).build();
    let source = Source {
        values: cache.namespace("values").ttl(Duration::from_secs(10)).build().unwrap(),
        maybe: cache.namespace("maybe").build().unwrap(),
        calls: Calls::default(),
        gate: Arc::new(Semaphore::new(permits)),
    };
    (source, clock)
}

impl Source {
    async fn ask(&self, id: u32) -> Result<String, Failure> {
        let count = self.calls.count();
        self.gate.acquire().await.unwrap().forget();
        if id == 0 {
            Err(Failure::Source("zero".to_owned()))
        } else {
            Ok(format!("{id}, load {count}"))
        }
    }

    #[cached(in = self.values)]
    async fn value(&self, id: u32) -> Result<String, Failure> {
        self.ask(id).await
    }

    #[cached(in = self.values, ttl = "5m", stale = HOUR)]
    async fn longer(&self, id: u32) -> Result<String, Failure> {
        self.ask(id).await
    }

    #[cached(in = self.values, hard_timeout = "5ms")]
    async fn impatient(&self, id: u32) -> Result<String, Failure> {
        self.ask(id).await
    }

    #[cached(in = self.values)]
    #[allow(clippy::panic)]
    async fn panics(&self) -> Result<String, Failure> {
        panic!("as it should")
    }

    #[cached(in = self.maybe, negative_ttl = "10s", ttl = "5m")]
    async fn maybe(&self, id: u32) -> Result<Option<u32>, Failure> {
        self.calls.count();
        Ok((id > 0).then_some(id))
    }

    /// Knows for how long it holds, and under which tag.
    #[cached(in = self.values, loaded)]
    async fn knowing(&self, id: u32) -> Result<String, Failure> {
        let loaded = Loaded::new(self.ask(id).await?).ttl(HOUR).tags(["knowing"]);
        Ok(if id == 9 { loaded.do_not_store() } else { loaded })
    }
}

#[tokio::test]
async fn callers_at_one_time_share_one_load() {
    let (source, _) = source(0);
    let ask = |_| {
        let source = source.clone();
        tokio::spawn(async move { source.value(7).await })
    };
    let callers: Vec<_> = (0..100).map(ask).collect();
    while source.values.stats().coalesced < 99 {
        tokio::task::yield_now().await;
    }
    source.gate.add_permits(1);
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap(), "7, load 1");
    }
    assert_eq!(source.calls.so_far(), 1);
}

#[tokio::test]
async fn a_function_has_its_namespace_s_policy_or_its_own() {
    let (source, clock) = source(9);
    source.value(1).await.unwrap();
    source.longer(1).await.unwrap();
    clock.advance(Duration::from_secs(11));
    assert_eq!(source.value(1).await.unwrap(), "1, load 3");
    assert_eq!(source.longer(1).await.unwrap(), "1, load 2");
    clock.advance(Duration::from_secs(300));
    assert!(source.longer_cached(1).peek().unwrap().is_stale());
    clock.advance(HOUR);
    assert!(source.longer_cached(1).peek().is_none());
}

#[tokio::test]
async fn a_handle_loads_on_the_function_s_policy() {
    let (source, clock) = source(9);
    source.longer_cached(1).refresh().await.unwrap();
    clock.advance(Duration::from_secs(11));
    assert!(!source.longer_cached(1).peek().unwrap().is_stale());
}

#[tokio::test]
async fn errors_and_panics_are_handed_on_and_not_kept() {
    let (source, _) = source(9);
    assert_eq!(source.value(0).await, Err(Failure::Source("zero".to_owned())));
    assert_eq!(source.value(0).await, Err(Failure::Source("zero".to_owned())));
    assert_eq!(source.calls.so_far(), 2);
    assert_eq!(source.panics().await, Err(Failure::Panicked));
}

#[tokio::test]
async fn a_load_that_takes_too_long_goes_on() {
    let (source, _) = source(0);
    assert_eq!(source.impatient(1).await, Err(Failure::TimedOut));
    source.gate.add_permits(1);
    while source.impatient_cached(1).peek().is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(source.impatient(1).await.unwrap(), "1, load 1");
}

#[tokio::test]
async fn a_negative_result_has_a_time_of_its_own() {
    let (source, clock) = source(9);
    assert_eq!((source.maybe(0).await, source.maybe(1).await), (Ok(None), Ok(Some(1))));
    clock.advance(Duration::from_secs(11));
    assert_eq!((source.maybe(0).await, source.maybe(1).await), (Ok(None), Ok(Some(1))));
    assert_eq!(source.calls.so_far(), 3);
}

#[tokio::test]
async fn a_body_may_know_better() {
    let (source, clock) = source(9);
    assert_eq!(source.knowing(1).await.unwrap(), "1, load 1");
    clock.advance(Duration::from_secs(3599));
    assert_eq!(source.knowing(1).await.unwrap(), "1, load 1");
    assert_eq!(source.knowing(9).await.unwrap(), "9, load 2");
    assert_eq!(source.knowing(9).await.unwrap(), "9, load 3");
}

#[tokio::test]
async fn a_cache_that_is_switched_off_loads_each_time() {
    let cache = Cache::builder().enabled(false).build();
    let (mut source, _) = source(9);
    source.values = cache.namespace("values").build().unwrap();
    assert_eq!(source.value(1).await.unwrap(), "1, load 1");
    assert_eq!(source.value(1).await.unwrap(), "1, load 2");
}
