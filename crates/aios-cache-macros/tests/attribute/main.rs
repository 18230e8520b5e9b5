//! `#[cached]` from outside: what a function does, its handle, its key, and which functions it goes on.

#![expect(clippy::unwrap_used, reason = "helpers of tests are not tests to the lint")]

mod functions;
mod handle;
mod keys;
mod loading;
mod messages;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aios_cache::{Cache, LoadError};

/// The error of most tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    Source(String),
    Panicked,
    TimedOut,
}

impl From<LoadError<Failure>> for Failure {
    fn from(error: LoadError<Failure>) -> Self {
        error.into_error(Failure::clone, |other| match other {
            LoadError::TimedOut => Self::TimedOut,
            _ => Self::Panicked,
        })
    }
}

/// Counts how often a source was asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Calls(Arc<AtomicU32>);

impl Calls {
    /// One more; the first is 1.
    pub(crate) fn count(&self) -> u32 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(crate) fn so_far(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A cache with a memory tier alone.
pub(crate) fn cache() -> Cache {
    Cache::builder().build()
}
