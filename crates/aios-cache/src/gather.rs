//! Single loads gathered into bulk loads: what is asked for while others load becomes one load.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Gathers loads of single values into loads of many.
///
/// A cache loads each missing key once; many different keys that are missing at the same time are still many loads. A
/// gatherer makes few of them, without a timer and without delay where there is no crowd: the first load starts at
/// once, and what is asked for while as many loads run as may becomes the next one.
///
/// A load begins after every `load` call whose key it bears, so that what an [invalidation](crate#invalidation) made
/// stale before the call is not read. It runs in a task of its own: a caller that goes away takes nothing with it, and
/// a key that nobody waits for any more is not loaded.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use aios_cache::gather::{GatherError, Gatherer};
/// use std::collections::HashMap;
///
/// // SELECT id, name FROM agents WHERE id IN (…)
/// async fn names(ids: Vec<u64>) -> Result<HashMap<u64, String>, String> {
///     Ok(ids.into_iter().filter(|id| *id != 0).map(|id| (id, format!("agent {id}"))).collect())
/// }
///
/// let gatherer = Gatherer::new(names).max_batch(100).max_loads(4);
/// assert_eq!(gatherer.load(7).await?.as_deref(), Some("agent 7"));
/// assert_eq!(gatherer.load(0).await?, None);
/// # Ok(())
/// # }
/// ```
pub struct Gatherer<K, V, E>(Arc<Shared<K, V, E>>);

/// Why there is no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GatherError<E> {
    /// The load failed; everybody whose key was in it is told so.
    #[error("the load failed: {0}")]
    Failed(E),
    /// The load panicked.
    #[error("the load panicked")]
    Panicked,
    /// The runtime that was to load is being shut down.
    #[error("the load was given up")]
    Abandoned,
}

type Loading<K, V, E> = Pin<Box<dyn Future<Output = Result<HashMap<K, V>, E>> + Send>>;
type Loader<K, V, E> = Box<dyn Fn(Vec<K>) -> Loading<K, V, E> + Send + Sync>;
type Answer<V, E> = oneshot::Sender<Result<Option<V>, GatherError<E>>>;

struct Shared<K, V, E> {
    loader: Loader<K, V, E>,
    max_batch: usize,
    max_loads: usize,
    state: Mutex<State<K, V, E>>,
}

struct State<K, V, E> {
    /// In the order in which they were asked for.
    waiting: Vec<(K, Answer<V, E>)>,
    /// How many tasks load.
    loads: usize,
}

impl<K, V, E> Gatherer<K, V, E>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// What is asked for is loaded by `loader`, which is given keys that differ and leaves out those it finds nothing for. At
    /// most 100 keys a load, and one load at a time.
    pub fn new<F>(loader: impl Fn(Vec<K>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<HashMap<K, V>, E>> + Send + 'static,
    {
        Self(Arc::new(Shared {
            loader: Box::new(move |keys| Box::pin(loader(keys))),
            max_batch: 100,
            max_loads: 1,
            state: Mutex::new(State {
                waiting: Vec::new(),
                loads: 0,
            }),
        }))
    }

    /// The same with at most `keys` keys a load, at least one. Called before the first load.
    #[must_use]
    pub fn max_batch(self, keys: usize) -> Self {
        self.with(|shared| shared.max_batch = keys.max(1))
    }

    /// The same with at most `loads` loads at a time, at least one: the more there are, the less one that is slow holds up the
    /// others, and the less is gathered. Called before the first load.
    #[must_use]
    pub fn max_loads(self, loads: usize) -> Self {
        self.with(|shared| shared.max_loads = loads.max(1))
    }

    fn with(mut self, change: impl FnOnce(&mut Shared<K, V, E>)) -> Self {
        // A handle that others share already is left as it is.
        if let Some(shared) = Arc::get_mut(&mut self.0) {
            change(shared);
        }
        self
    }

    /// Loads the value of this key, or joins others in loading theirs. `None` where the loader finds nothing for it.
    ///
    /// # Errors
    /// [`GatherError::Failed`] with the loader's own, as for all whose keys were in the same load.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn load(&self, key: K) -> Result<Option<V>, GatherError<E>> {
        if let Ok(answer) = self.ask(key.clone()).await {
            return answer;
        }
        // The load ran on a runtime that was shut down, as that of one of several threads. This one is the caller's own.
        self.ask(key).await.unwrap_or(Err(GatherError::Abandoned))
    }

    fn ask(&self, key: K) -> oneshot::Receiver<Result<Option<V>, GatherError<E>>> {
        let (answer, answered) = oneshot::channel();
        let mut state = self.0.state.lock();
        state.waiting.push((key, answer));
        if state.loads < self.0.max_loads {
            state.loads += 1;
            drop(state);
            let running = Running {
                shared: Arc::clone(&self.0),
                is_counted: true,
            };
            tokio::spawn(running.run());
        }
        answered
    }
}

/// One of the tasks that load. Whatever ends it, it is counted no more.
struct Running<K, V, E> {
    shared: Arc<Shared<K, V, E>>,
    is_counted: bool,
}

impl<K, V, E> Running<K, V, E>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    async fn run(mut self) {
        while let Some(batch) = self.next_batch() {
            let (shared, keys) = (Arc::clone(&self.shared), batch.keys().cloned().collect());
            // A task of its own, so that a panic is an answer like any other.
            let loaded = tokio::spawn(async move { (shared.loader)(keys).await }).await;
            let mut found = match loaded {
                Ok(Ok(found)) => found,
                Ok(Err(error)) => {
                    tell(batch, &GatherError::Failed(error));
                    continue;
                }
                Err(gone) if gone.is_panic() => {
                    tell(batch, &GatherError::Panicked);
                    continue;
                }
                // Who waits finds nobody to answer, and asks again elsewhere.
                Err(_cancelled) => return,
            };
            for (key, answers) in batch {
                let value = found.remove(&key);
                for answer in answers {
                    // Nobody listens any more where the caller went away meanwhile.
                    let _ = answer.send(Ok(value.clone()));
                }
            }
        }
    }

    /// The keys of the next load and who waits for each. `None` where nobody waits; then this task is counted no more, under
    /// the same lock, so that whoever asks next finds it gone.
    fn next_batch(&mut self) -> Option<HashMap<K, Vec<Answer<V, E>>>> {
        let max_batch = self.shared.max_batch;
        let mut state = self.shared.state.lock();
        state.waiting.retain(|(_, answer)| !answer.is_closed());
        let mut batch: HashMap<K, Vec<Answer<V, E>>> = HashMap::new();
        let taken = state.waiting.iter().take_while(|(key, _)| {
            let fits = batch.len() < max_batch || batch.contains_key(key);
            if fits {
                batch.entry(key.clone()).or_default();
            }
            fits
        });
        let taken = taken.count();
        for (key, answer) in state.waiting.drain(..taken) {
            batch.entry(key).or_default().push(answer);
        }
        if batch.is_empty() {
            state.loads -= 1;
            self.is_counted = false;
            return None;
        }
        Some(batch)
    }
}

fn tell<K, V, E: Clone>(batch: HashMap<K, Vec<Answer<V, E>>>, error: &GatherError<E>) {
    for answer in batch.into_values().flatten() {
        let _ = answer.send(Err(error.clone()));
    }
}

impl<K, V, E> Drop for Running<K, V, E> {
    fn drop(&mut self) {
        if !self.is_counted {
            return;
        }
        let mut state = self.shared.state.lock();
        state.loads -= 1;
        // It ended before its time. Where it was the last, those who wait would wait for ever.
        let left = if state.loads == 0 {
            std::mem::take(&mut state.waiting)
        } else {
            Vec::new()
        };
        drop(state);
        drop(left);
    }
}

impl<K, V, E> Clone for Gatherer<K, V, E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V, E> fmt::Debug for Gatherer<K, V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.state.lock();
        f.debug_struct("Gatherer")
            .field("waiting", &state.waiting.len())
            .field("loads", &state.loads)
            .finish_non_exhaustive()
    }
}
