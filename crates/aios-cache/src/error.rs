//! What can go wrong for a caller: the load. The cache's own troubles are counted, never returned.

use std::any::Any;
use std::sync::Arc;

use crate::names::NamespaceNameError;

/// Why there is no value.
#[derive(Debug, thiserror::Error)]
pub enum LoadError<E> {
    /// The loader failed; every caller that waited for it gets the same error.
    #[error("the load failed: {0}")]
    Failed(Arc<E>),
    /// The loader panicked, or its runtime was shut down under it.
    #[error("the load panicked")]
    Panicked,
    /// The loader takes longer than the policy's hard time-out. It goes on, and what it brings is stored.
    #[error("the load takes too long")]
    TimedOut,
}

impl<E> LoadError<E> {
    /// The loader's own error, where it is one.
    pub fn failed(&self) -> Option<&E> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Panicked | Self::TimedOut => None,
        }
    }

    /// The loader's own error by value where nobody else was given it, else what `copy` makes of it; `or` for the rest.
    ///
    /// ```
    /// use aios_cache::LoadError;
    /// use std::sync::Arc;
    ///
    /// let error = LoadError::Failed(Arc::new("no such agent".to_owned()));
    /// assert_eq!(error.into_error(String::clone, |other| other.to_string()), "no such agent");
    /// ```
    pub fn into_error(self, copy: impl FnOnce(&E) -> E, or: impl FnOnce(LoadError<E>) -> E) -> E {
        match self {
            Self::Failed(error) => Arc::try_unwrap(error).unwrap_or_else(|shared| copy(&shared)),
            other => or(other),
        }
    }
}

impl<E> Clone for LoadError<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Failed(error) => Self::Failed(Arc::clone(error)),
            Self::Panicked => Self::Panicked,
            Self::TimedOut => Self::TimedOut,
        }
    }
}

/// How a flight ended badly. Callers of one key may have loaders with different errors.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    Loader(Arc<dyn Any + Send + Sync>),
    Panicked,
    /// Its runtime was shut down under it.
    Abandoned,
    /// A loader of many brought nothing for this key.
    Absent,
}

/// Why a namespace was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NamespaceError {
    /// The name does not do.
    #[error(transparent)]
    Name(#[from] NamespaceNameError),
    /// Another one has that name.
    #[error("there is a namespace {0:?} already: clone that one, or choose another name")]
    Taken(String),
}
