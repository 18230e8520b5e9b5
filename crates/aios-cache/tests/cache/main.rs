//! The cache from outside: loading, times, tags, many values, on memory alone.
#![expect(clippy::unwrap_used, reason = "helpers of tests are not tests to the lint")]

mod bulk;
mod fences;
mod gather;
mod loading;
mod manual;
mod seen;
mod times;
mod warm;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aios_cache::time::ManualClock;
use aios_cache::{Cache, Namespace, Policy};

/// What goes wrong in a source.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Broken;

/// A cache on memory alone whose clock is moved by hand.
fn memory() -> (Cache, ManualClock) {
    let clock = ManualClock::new();
    (Cache::builder().clock(clock.clone()).build(), clock)
}

fn numbers(cache: &Cache, policy: Policy) -> Namespace<u64> {
    cache.namespace("numbers").policy(policy).build().unwrap()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A source that counts how often it is asked, and answers with that count.
#[derive(Debug, Clone, Default)]
struct Source(Arc<AtomicU64>);

impl Source {
    fn asked(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn load(&self) -> impl Future<Output = Result<u64, Broken>> + Send + 'static + use<> {
        let count = Arc::clone(&self.0);
        async move { Ok(count.fetch_add(1, Ordering::SeqCst) + 1) }
    }

    fn loader(
        &self,
    ) -> impl FnOnce() -> std::pin::Pin<Box<dyn Future<Output = Result<u64, Broken>> + Send>> + Send + use<> {
        let source = self.clone();
        move || Box::pin(source.load())
    }

    fn failing(
        &self,
    ) -> impl FnOnce() -> std::pin::Pin<Box<dyn Future<Output = Result<u64, Broken>> + Send>> + Send + use<> {
        let source = self.clone();
        move || {
            Box::pin(async move {
                source.load().await?;
                Err(Broken)
            })
        }
    }
}

/// Lets other tasks run until nothing is left to do.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}
