//! The engine that keeps nothing: a cache that is switched off, and a double for tests.

use std::time::Duration;

use super::{
    Engine, EngineError, EngineFuture, Invalidation, Lease, LeaseRequest, Notice, Status, Stored, Subscription, Write,
};

/// Keeps nothing, finds nothing, and never fails.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), aios_cache::engine::EngineError> {
/// use aios_cache::engine::{Engine, NoopEngine};
///
/// assert_eq!(NoopEngine.read(&["a"]).await?, [None]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoopEngine;

fn ready<'a, T: Send + 'a>(value: T) -> EngineFuture<'a, T> {
    Box::pin(std::future::ready(Ok(value)))
}

impl Engine for NoopEngine {
    fn read<'a>(&'a self, keys: &'a [&'a str]) -> EngineFuture<'a, Vec<Option<Stored>>> {
        ready(vec![None; keys.len()])
    }

    fn lease<'a>(&'a self, requests: &'a [LeaseRequest<'a>], _: Duration) -> EngineFuture<'a, Vec<Lease>> {
        ready(vec![Lease::New(1); requests.len()])
    }

    fn write<'a>(&'a self, writes: &'a [Write<'a>]) -> EngineFuture<'a, Vec<bool>> {
        ready(vec![false; writes.len()])
    }

    fn release<'a>(&'a self, _: &'a str, _: u64) -> EngineFuture<'a, ()> {
        ready(())
    }

    fn invalidate<'a>(&'a self, _: Invalidation<'a>) -> EngineFuture<'a, u64> {
        ready(0)
    }

    fn versions<'a>(&'a self, tags: &'a [&'a str], _: Duration) -> EngineFuture<'a, Vec<u64>> {
        ready(vec![0; tags.len()])
    }

    fn check(&self) -> EngineFuture<'_, Status> {
        ready(Status {
            number: 0,
            replaced: false,
        })
    }

    fn subscribe(&self) -> EngineFuture<'_, Box<dyn Subscription>> {
        ready(Box::new(Silence))
    }
}

/// Nothing is ever told.
struct Silence;

impl Subscription for Silence {
    fn next(&mut self) -> EngineFuture<'_, Notice> {
        Box::pin(std::future::pending::<Result<Notice, EngineError>>())
    }
}
