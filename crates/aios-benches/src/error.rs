//! How a measurement fails: with a sentence for the person who started it.

use std::fmt::Display;

/// Why something could not be measured, and what to do about it.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct BenchError(String);

/// What measuring gives back.
pub type Result<T, E = BenchError> = std::result::Result<T, E>;

impl BenchError {
    /// A failure that is told in one sentence.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }

    /// For `map_err`: `what` could not be done, and the cause.
    pub fn because<E: Display>(what: impl Display) -> impl FnOnce(E) -> Self {
        move |cause| Self(format!("{what}: {cause}"))
    }
}
