//! Many values at once: one look at the shared tier, one call of the loader for all that is missing.

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;

use tokio::time::timeout;

use crate::entry::Cached;
use crate::error::{Failure, LoadError};
use crate::flight::Flight;
use crate::key::{CacheKey, with_key};
use crate::load::{Batch, Known, Lead, Load};
use crate::loaded::Loaded;
use crate::namespace::{Inner, Namespace};
use crate::policy::Policy;
use crate::tags::TagState;

/// Many values of a namespace; made by [`Namespace::many`].
#[must_use = "it does nothing by itself"]
pub struct Many<'a, V, K, T> {
    namespace: &'a Namespace<V>,
    keys: Vec<K>,
    policy: Option<&'a Policy>,
    tags: T,
}

/// Names the tags of a value by its key.
pub trait TagNamesOf<K> {
    /// The names.
    fn names_of(&self, key: &K) -> Vec<String>;
}

/// Values bear no tags but their namespace's.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTagsOfAny;

impl<K> TagNamesOf<K> for NoTagsOfAny {
    fn names_of(&self, _: &K) -> Vec<String> {
        Vec::new()
    }
}

impl<K, F, I, S> TagNamesOf<K> for F
where
    F: Fn(&K) -> I,
    I: IntoIterator<Item = S>,
    S: Into<String>,
{
    fn names_of(&self, key: &K) -> Vec<String> {
        self(key).into_iter().map(Into::into).collect()
    }
}

impl<V: Send + Sync + 'static> Namespace<V> {
    /// The places of many values.
    pub fn many<K>(&self, keys: impl IntoIterator<Item = K>) -> Many<'_, V, K, NoTagsOfAny> {
        Many {
            namespace: self,
            keys: keys.into_iter().collect(),
            policy: None,
            tags: NoTagsOfAny,
        }
    }

    /// The values under these keys, from memory and the shared tier; `loader` is called at most once, with all the keys
    /// that are in neither and that nobody else is loading. What it does not return is not in the answer either.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use aios_cache::Cache;
    /// use std::collections::HashMap;
    ///
    /// let cache = Cache::builder().build();
    /// let squares = cache.namespace::<u64>("squares").build()?;
    /// let load = async |missing: Vec<u64>| {
    ///     Ok::<HashMap<u64, u64>, std::io::Error>(missing.into_iter().map(|n| (n, n * n)).collect())
    /// };
    /// let found = squares.get_many_or_load([3, 4, 3], load).await?;
    /// assert_eq!((*found[&3], *found[&4], found.len()), (9, 16, 2));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The loader's; [`LoadError::Panicked`]; [`LoadError::TimedOut`].
    pub async fn get_many_or_load<K, F, Fut, L, E>(
        &self,
        keys: impl IntoIterator<Item = K>,
        loader: F,
    ) -> Result<HashMap<K, Cached<V>>, LoadError<E>>
    where
        K: CacheKey + Clone + Eq + Hash + Send + 'static,
        F: FnOnce(Vec<K>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<HashMap<K, L>, E>> + Send + 'static,
        L: Into<Loaded<V>>,
        E: Send + Sync + 'static,
    {
        self.many(keys).get_or_load(loader).await
    }
}

/// A value that is not in memory.
struct Missing<V, K> {
    key: K,
    text: Box<str>,
    flight: Arc<Flight<V>>,
}

impl<'a, V, K, T> Many<'a, V, K, T>
where
    V: Send + Sync + 'static,
    K: CacheKey + Clone + Eq + Hash + Send + 'static,
    T: TagNamesOf<K>,
{
    /// Another policy than the namespace's, for this call. `across_nodes` does not count here.
    pub fn policy(mut self, policy: &'a Policy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// The tags that each value bears, by its key.
    pub fn tags<F, I, S>(self, tags: F) -> Many<'a, V, K, F>
    where
        F: Fn(&K) -> I,
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        Many {
            namespace: self.namespace,
            keys: self.keys,
            policy: self.policy,
            tags,
        }
    }

    /// As [`Namespace::get_many_or_load`]. Stale values are served, and refreshed with what is missing or beside the answer.
    ///
    /// # Errors
    /// As there.
    pub async fn get_or_load<F, Fut, L, E>(self, loader: F) -> Result<HashMap<K, Cached<V>>, LoadError<E>>
    where
        F: FnOnce(Vec<K>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<HashMap<K, L>, E>> + Send + 'static,
        L: Into<Loaded<V>>,
        E: Send + Sync + 'static,
    {
        let inner = &self.namespace.inner;
        if !inner.hub.is_enabled {
            return self.load_uncached(loader).await;
        }
        let policy = self.policy.unwrap_or(&inner.policy);
        let mut found: HashMap<K, Cached<V>> = HashMap::with_capacity(self.keys.len());
        let mut joined = Vec::new();
        let mut led: Vec<Missing<V, K>> = Vec::new();
        let mut seen = std::collections::HashSet::with_capacity(self.keys.len());
        for key in self.keys {
            if !seen.insert(key.clone()) {
                continue;
            }
            let tags = &self.tags;
            with_key(&key, |text| {
                let state = inner.find_of_many(text, policy, || tags.names_of(&key));
                if let Some(hit) = state.hit {
                    found.insert(key.clone(), hit);
                }
                let missing = state.flight.map(|flight| Missing {
                    key: key.clone(),
                    text: text.into(),
                    flight,
                });
                match missing {
                    Some(missing) if state.is_led => led.push(missing),
                    Some(missing) => joined.push(missing),
                    None => {}
                }
            });
        }
        let awaited: Vec<(K, Arc<Flight<V>>)> = led
            .iter()
            .chain(&joined)
            .filter(|missing| !found.contains_key(&missing.key))
            .map(|missing| (missing.key.clone(), Arc::clone(&missing.flight)))
            .collect();
        if !led.is_empty() {
            inner.start_many(led, policy, loader).await;
        }
        let gathered = gather(awaited, &mut found);
        match policy.hard_timeout {
            Some(limit) => timeout(limit, gathered).await.unwrap_or(Err(LoadError::TimedOut)),
            None => gathered.await,
        }?;
        Ok(found)
    }

    async fn load_uncached<F, Fut, L, E>(self, loader: F) -> Result<HashMap<K, Cached<V>>, LoadError<E>>
    where
        F: FnOnce(Vec<K>) -> Fut,
        Fut: Future<Output = Result<HashMap<K, L>, E>>,
        L: Into<Loaded<V>>,
    {
        let inner = &self.namespace.inner;
        let mut seen = std::collections::HashSet::new();
        let keys: Vec<K> = self.keys.into_iter().filter(|key| seen.insert(key.clone())).collect();
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let values = loader(keys).await.map_err(|error| LoadError::Failed(Arc::new(error)))?;
        Ok(values
            .into_iter()
            .map(|(key, value)| (key, inner.uncached(value.into())))
            .collect())
    }
}

/// Waits for what others load, and for what this call loads.
async fn gather<V, K, E>(
    awaited: Vec<(K, Arc<Flight<V>>)>,
    found: &mut HashMap<K, Cached<V>>,
) -> Result<(), LoadError<E>>
where
    K: Eq + Hash,
    E: Send + Sync + 'static,
{
    for (key, flight) in awaited {
        match flight.wait().await {
            Ok(cached) => {
                found.insert(key, cached);
            }
            Err(Failure::Absent) => {}
            Err(Failure::Loader(error)) => {
                return Err(error.downcast::<E>().map_or(LoadError::Panicked, LoadError::Failed));
            }
            Err(Failure::Panicked | Failure::Abandoned) => return Err(LoadError::Panicked),
        }
    }
    Ok(())
}

impl<V: Send + Sync + 'static> Inner<V> {
    async fn start_many<K, F, Fut, L, E>(self: &Arc<Self>, led: Vec<Missing<V, K>>, policy: &Policy, loader: F)
    where
        K: CacheKey + Clone + Eq + Hash + Send + 'static,
        F: FnOnce(Vec<K>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<HashMap<K, L>, E>> + Send + 'static,
        L: Into<Loaded<V>>,
        E: Send + Sync + 'static,
    {
        let keys: Vec<K> = led.iter().map(|missing| missing.key.clone()).collect();
        let load: Load<V> = Box::new(move |places| {
            Box::pin(async move {
                let wanted: Vec<K> = places.iter().filter_map(|&place| keys.get(place).cloned()).collect();
                match loader(wanted.clone()).await {
                    Ok(mut values) => Ok(wanted.iter().map(|key| values.remove(key).map(Into::into)).collect()),
                    Err(error) => Err(Arc::new(error) as Arc<dyn Any + Send + Sync>),
                }
            })
        });
        let to_lead = |missing: Missing<V, K>| Lead {
            key: missing.text,
            flight: missing.flight,
        };
        let batch = Batch {
            namespace: Arc::clone(self),
            policy: policy.clone(),
            leads: led.into_iter().map(to_lead).collect(),
            known: Known::Nothing,
            load,
        };
        batch.start().await;
    }

    fn find_of_many(&self, key: &str, policy: &Policy, names: impl Fn() -> Vec<String>) -> OneOfMany<V> {
        let hit = self.find_hit(key, policy);
        let (hit, wants_refresh) = match hit {
            Some((hit, wants_refresh)) => (Some(hit), wants_refresh),
            None => (None, true),
        };
        if !wants_refresh {
            return OneOfMany {
                hit,
                flight: None,
                is_led: false,
            };
        }
        let tags: Vec<Arc<TagState>> = self.tag_states(names);
        match self.lead_or_join(key, &tags, hit.is_some()) {
            Ok(hit) => OneOfMany {
                hit: Some(hit),
                flight: None,
                is_led: false,
            },
            Err((flight, is_led)) => OneOfMany {
                hit,
                flight: Some(flight),
                is_led,
            },
        }
    }
}

/// What memory has of one value.
struct OneOfMany<V> {
    hit: Option<Cached<V>>,
    flight: Option<Arc<Flight<V>>>,
    is_led: bool,
}
