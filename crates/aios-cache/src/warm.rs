//! Warm-up: named loaders that are run at the start and on demand, some at a time, whatever becomes of each.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::task::{Id, JoinSet};

use crate::call::CachedCall;

/// A list of loaders that fill caches before anybody asks.
///
/// What a loader returns is dropped: it is meant to go through a cache. None of them stops the others, be it that it fails
/// or panics. It can be run as often as one likes, from a clone in another task too.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use aios_cache::{Cache, Warmup};
///
/// let squares = Cache::builder().build().namespace::<u64>("squares").build()?;
/// let square = async |squares: aios_cache::Namespace<u64>| {
///     squares.get_or_load(&12_u64, async || Ok::<_, std::io::Error>(12 * 12)).await
/// };
/// let warmup = Warmup::new()
///     .add_with("square of 12", &squares, square)
///     .add("a mistake", || async { Err::<(), _>("no such table") });
///
/// let report = warmup.run_with(2, |step| println!("{}/{} {}", step.done, step.total, step.name)).await;
/// assert_eq!((report.loaded, report.failed.len()), (1, 1));
/// assert_eq!(report.to_string(), "1 of 2 loaded; a mistake: no such table");
/// assert!(squares.at(&12_u64).peek().is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Warmup {
    steps: Vec<Step>,
}

#[derive(Clone)]
struct Step {
    name: Arc<str>,
    load: Arc<dyn Fn() -> Loading + Send + Sync>,
}

type Loading = Pin<Box<dyn Future<Output = Result<(), WarmupError>> + Send>>;

/// Why a loader of a [`Warmup`] brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum WarmupError {
    /// It failed.
    #[error("{0}")]
    Failed(Box<dyn std::error::Error + Send + Sync>),
    /// It panicked.
    #[error("it panicked")]
    Panicked,
}

/// A loader is done.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct WarmupStep<'a> {
    /// Its name.
    pub name: &'a str,
    /// What went wrong.
    pub error: Option<&'a WarmupError>,
    /// How many are done, this one among them.
    pub done: usize,
    /// How many there are.
    pub total: usize,
}

/// What became of a [`Warmup`].
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct WarmupReport {
    /// How many loaders succeeded.
    pub loaded: usize,
    /// The others by name, in the order in which they ended.
    pub failed: Vec<(Arc<str>, WarmupError)>,
}

impl fmt::Display for WarmupReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} loaded", self.loaded, self.loaded + self.failed.len())?;
        self.failed
            .iter()
            .try_for_each(|(name, error)| write!(f, "; {name}: {error}"))
    }
}

impl Warmup {
    /// Nothing to load yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more loader. It is called once in each run.
    #[must_use]
    pub fn add<F, Fut, T, E>(mut self, name: impl Into<Arc<str>>, load: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        // Called within the task, where a panic of its own is caught, too.
        let load = Arc::new(load);
        self.steps.push(Step {
            name: name.into(),
            load: Arc::new(move || {
                let load = Arc::clone(&load);
                Box::pin(async move {
                    match load().await {
                        Ok(_) => Ok(()),
                        Err(error) => Err(WarmupError::Failed(error.into())),
                    }
                })
            }),
        });
        self
    }

    /// One more loader, which is given a clone of `state` each time.
    #[must_use]
    pub fn add_with<S, F, Fut, T, E>(self, name: impl Into<Arc<str>>, state: &S, load: F) -> Self
    where
        S: Clone + Send + Sync + 'static,
        F: Fn(S) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let state = state.clone();
        self.add(name, move || load(state.clone()))
    }

    /// One more value of a `#[cached]` function, under the name of its namespace and key. It is loaded where no tier has it
    /// fresh.
    #[must_use]
    pub fn add_call<V, E>(self, call: &CachedCall<V, E>) -> Self
    where
        V: Send + Sync + 'static,
        E: std::error::Error + Send + Sync + 'static,
    {
        let name = format!("{}:{}", call.namespace(), call.key());
        self.add_with(name, call, async |call: CachedCall<V, E>| call.get().await)
    }

    /// How many loaders there are.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there is nothing to load.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Runs all loaders, at most `parallel` at a time (and one at least), in the order in which they were added.
    ///
    /// If the caller goes away, loaders that run are cancelled and others do not begin; loads that the cache has begun go on.
    pub async fn run(&self, parallel: usize) -> WarmupReport {
        self.run_with(parallel, |_| {}).await
    }

    /// As [`run`](Self::run); `progress` is told of each loader as it ends.
    pub async fn run_with(&self, parallel: usize, mut progress: impl FnMut(WarmupStep<'_>) + Send) -> WarmupReport {
        let mut report = WarmupReport::default();
        let mut steps = self.steps.iter();
        let mut tasks = JoinSet::new();
        let mut names: HashMap<Id, &Arc<str>> = HashMap::new();
        loop {
            while tasks.len() < parallel.max(1)
                && let Some(step) = steps.next()
            {
                let load = Arc::clone(&step.load);
                let task = tasks.spawn(async move { load().await });
                names.insert(task.id(), &step.name);
            }
            let (id, result) = match tasks.join_next_with_id().await {
                None => break,
                Some(Ok(ended)) => ended,
                Some(Err(error)) => (error.id(), Err(WarmupError::Panicked)),
            };
            let Some(name) = names.remove(&id) else { continue };
            progress(WarmupStep {
                name,
                error: result.as_ref().err(),
                done: report.loaded + report.failed.len() + 1,
                total: self.len(),
            });
            report.take(name, result);
        }
        tracing::info!(
            loaded = report.loaded,
            failed = report.failed.len(),
            "the cache was warmed up"
        );
        report
    }
}

impl WarmupReport {
    fn take(&mut self, name: &Arc<str>, result: Result<(), WarmupError>) {
        match result {
            Ok(()) => self.loaded += 1,
            Err(error) => {
                tracing::warn!(%name, %error, "the cache could not be warmed up with a value");
                self.failed.push((Arc::clone(name), error));
            }
        }
    }
}

impl fmt::Debug for Warmup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.steps.iter().map(|step| &step.name))
            .finish()
    }
}
