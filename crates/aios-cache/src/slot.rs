//! The place of one value: read, loaded, refreshed, replaced, invalidated.

use std::any::Any;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::entry::{Cached, Condition, Entry, Origin};
use crate::error::{Failure, LoadError};
use crate::event::Event;
use crate::fence;
use crate::flight::{Flight, Progress};
use crate::key::{CacheKey, with_key};
use crate::load::{Batch, Known, Lead, Load};
use crate::loaded::Loaded;
use crate::names::user_tag;
use crate::namespace::{Inner, Namespace};
use crate::policy::Policy;
use crate::tags::TagState;
use crate::targets::{Outcome, Targets};
use crate::time::{Nanos, nanos};

/// Names the tags of a value, when it is loaded.
pub trait TagNames {
    /// The names.
    fn names(self) -> Vec<String>;
}

/// A value bears no tags but its namespace's.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTags;

impl TagNames for NoTags {
    fn names(self) -> Vec<String> {
        Vec::new()
    }
}

impl<F, I, T> TagNames for F
where
    F: FnOnce() -> I,
    I: IntoIterator<Item = T>,
    T: Into<String>,
{
    fn names(self) -> Vec<String> {
        self().into_iter().map(Into::into).collect()
    }
}

/// The place of one value in a namespace; made by [`Namespace::at`].
#[must_use = "a slot does nothing by itself"]
pub struct Slot<'a, V, K: ?Sized, T = NoTags> {
    pub(crate) namespace: &'a Namespace<V>,
    pub(crate) key: &'a K,
    pub(crate) policy: Option<&'a Policy>,
    pub(crate) tags: T,
}

impl<'a, V, K: ?Sized> Slot<'a, V, K, NoTags> {
    pub(crate) fn new(namespace: &'a Namespace<V>, key: &'a K) -> Self {
        Self {
            namespace,
            key,
            policy: None,
            tags: NoTags,
        }
    }
}

/// What memory has for a call.
enum Found<V> {
    Hit(Cached<V>),
    /// To be served at once, and refreshed.
    Refresh(Box<str>, Cached<V>, Mode),
    Nothing(Box<str>),
}

type Step<V> = fence::Step<Flight<V>, Cached<V>>;

impl<'a, V, K, T> Slot<'a, V, K, T>
where
    V: Send + Sync + 'static,
    K: CacheKey + ?Sized,
    T: TagNames,
{
    /// Another policy than the namespace's, for this call.
    pub fn policy(mut self, policy: &'a Policy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// The tags that the value bears; asked for only when it is loaded. Tags are one set for all namespaces.
    pub fn tags<I, S, F>(self, tags: F) -> Slot<'a, V, K, F>
    where
        F: FnOnce() -> I,
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        Slot {
            namespace: self.namespace,
            key: self.key,
            policy: self.policy,
            tags,
        }
    }

    /// The value from memory or the shared tier, else from `loader`, which runs once for all who ask meanwhile, in a task
    /// that goes on when its callers go away.
    ///
    /// # Errors
    /// The loader's, where there is no old value that the policy lets stand in; [`LoadError::Panicked`];
    /// [`LoadError::TimedOut`] under a policy with a hard time-out. Troubles of the shared tier are none.
    #[inline]
    pub fn get_or_load<F, Fut, L, E>(self, loader: F) -> impl Future<Output = Result<Cached<V>, LoadError<E>>>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<L, E>> + Send + 'static,
        L: Into<Loaded<V>>,
        E: Send + Sync + 'static,
    {
        // Not `async` itself: a hit goes through one future less.
        self.get_or_load_with(|| loader)
    }

    /// As [`get_or_load`](Self::get_or_load), with a loader that is made only where one is needed: what has to be cloned for
    /// it is not cloned for a hit.
    ///
    /// # Errors
    /// As there.
    pub async fn get_or_load_with<M, F, Fut, L, E>(self, loader: M) -> Result<Cached<V>, LoadError<E>>
    where
        M: FnOnce() -> F,
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<L, E>> + Send + 'static,
        L: Into<Loaded<V>>,
        E: Send + Sync + 'static,
    {
        let inner = &self.namespace.inner;
        if !inner.hub.is_enabled {
            return inner.load_uncached(loader()).await;
        }
        let policy = self.policy.unwrap_or(&inner.policy);
        match with_key(self.key, |key| inner.find(key, policy)) {
            Found::Hit(hit) => Ok(hit),
            Found::Refresh(key, stale, mode) => {
                let tags = inner.tag_states(self.tags);
                let known = mode.known();
                inner.refresh_beside(&key, &tags, policy, known, &stale, loader()).await;
                Ok(stale)
            }
            Found::Nothing(key) => {
                let tags = inner.tag_states(self.tags);
                inner.load(&key, &tags, policy, Mode::IfMissing, loader()).await
            }
        }
    }

    /// The value from memory or the shared tier, fresh or stale; loads nothing.
    pub async fn get(self) -> Option<Cached<V>> {
        let inner = &self.namespace.inner;
        let now = inner.hub.now();
        let key = match with_key(self.key, |key| match inner.serve(key, now) {
            Some(hit) => Ok(hit),
            None => Err(inner.shares().then(|| Box::<str>::from(key))),
        }) {
            Ok(hit) => return Some(hit),
            Err(key) => key,
        };
        let found = match key {
            Some(key) => inner.read_shared(&key).await,
            None => None,
        };
        let counter = if found.is_some() {
            &inner.counters.shared_hits
        } else {
            &inner.counters.misses
        };
        counter.increment();
        found
    }

    /// The value from this process's memory where it is fresh, at once and without a future: for callers that answer a hit
    /// in another place than a miss. Counts as a hit; where there is none nothing is counted, since whoever goes on to
    /// [`get_or_load`](Self::get_or_load) is counted there. It refreshes nothing early.
    #[inline]
    pub fn hit(self) -> Option<Cached<V>> {
        let inner = &self.namespace.inner;
        let now = inner.hub.now();
        let entry = with_key(self.key, |key| {
            let (entry, condition) = inner.in_memory(key, now)?;
            if condition != Condition::Fresh {
                return None;
            }
            inner.hit_in_memory(key, false);
            Some(entry)
        })?;
        inner.counters.memory_hits.increment();
        Some(cached(entry, Origin::Memory, false, now))
    }

    /// The value from this process's memory, fresh or stale; counts as no use.
    pub fn peek(self) -> Option<Cached<V>> {
        let inner = &self.namespace.inner;
        let now = inner.hub.now();
        let (entry, condition) = with_key(self.key, |key| inner.in_memory(key, now))?;
        let is_stale = condition != Condition::Fresh;
        (condition != Condition::LastResort).then(|| cached(entry, Origin::Memory, is_stale, now))
    }

    /// Loads now, whatever is there; who asks meanwhile is served what is there.
    ///
    /// # Errors
    /// As [`get_or_load`](Self::get_or_load).
    pub async fn refresh<F, Fut, L, E>(self, loader: F) -> Result<Cached<V>, LoadError<E>>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<L, E>> + Send + 'static,
        L: Into<Loaded<V>>,
        E: Send + Sync + 'static,
    {
        let inner = &self.namespace.inner;
        if !inner.hub.is_enabled {
            return inner.load_uncached(loader).await;
        }
        let policy = self.policy.unwrap_or(&inner.policy);
        let tags = inner.tag_states(self.tags);
        let key = with_key(self.key, |key| Box::<str>::from(key));
        inner.load(&key, &tags, policy, Mode::Always, loader).await
    }

    /// Puts a value there, instead of whatever is there on any node. Loads under way do not overwrite it; an invalidation
    /// that comes meanwhile makes it stale.
    pub async fn insert(self, value: impl Into<Loaded<V>>) {
        let inner = &self.namespace.inner;
        if !inner.hub.is_enabled {
            return;
        }
        let policy = self.policy.unwrap_or(&inner.policy);
        let tags = inner.tag_states(self.tags);
        let key = with_key(self.key, |key| Box::<str>::from(key));
        let targets = Targets::new().key(self.namespace, self.key);
        // Deferred is as good here: this node serves nothing older, and remembers.
        let _ = inner.hub.invalidate(targets).await;
        inner.put(&key, &tags, policy, value.into()).await;
    }

    /// Makes it stale, on every node.
    pub async fn invalidate(self) -> Outcome {
        let targets = Targets::new().key(self.namespace, self.key);
        self.namespace.inner.hub.invalidate(targets).await
    }

    /// Its key as text, as events and the shared tier have it.
    pub fn key(&self) -> String {
        with_key(self.key, str::to_owned)
    }
}

impl<V: Send + Sync + 'static> Namespace<V> {
    /// [`Slot::get_or_load`], without tags.
    ///
    /// # Errors
    /// As there.
    #[inline]
    pub fn get_or_load<'a, K, F, Fut, L, E>(
        &'a self,
        key: &'a K,
        loader: F,
    ) -> impl Future<Output = Result<Cached<V>, LoadError<E>>>
    where
        K: CacheKey + ?Sized,
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<L, E>> + Send + 'static,
        L: Into<Loaded<V>>,
        E: Send + Sync + 'static,
    {
        // As there.
        self.at(key).get_or_load_with(|| loader)
    }
}

/// Whether to load where there is a value already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Not where memory or the shared tier has one that is fresh.
    IfMissing,
    /// Unless a load is under way.
    Always,
}

impl Mode {
    /// What a load in this mode knows of the shared tier.
    fn known(self) -> Known {
        match self {
            Self::IfMissing => Known::Nothing,
            Self::Always => Known::Useless,
        }
    }
}

fn cached<V>(entry: Arc<Entry<V>>, origin: Origin, is_stale: bool, at: Nanos) -> Cached<V> {
    Cached {
        entry,
        origin,
        is_stale,
        at,
    }
}

impl<V: Send + Sync + 'static> Inner<V> {
    fn find(&self, key: &str, policy: &Policy) -> Found<V> {
        let now = self.hub.now();
        let Some((entry, condition)) = self.in_memory(key, now) else {
            return Found::Nothing(key.into());
        };
        match condition {
            Condition::Fresh => {
                let is_early = policy.early_refresh.is_some_and(|beta| entry.is_due_early(now, beta));
                self.counters.memory_hits.increment();
                self.hit_in_memory(key, false);
                let hit = cached(entry, Origin::Memory, false, now);
                if is_early {
                    self.counters.early_refreshes.increment();
                    Found::Refresh(key.into(), hit, Mode::Always)
                } else {
                    Found::Hit(hit)
                }
            }
            Condition::Stale => {
                self.counters.stale_served.increment();
                self.hit_in_memory(key, true);
                let is_pausing = entry.is_pausing(now);
                let stale = cached(entry, Origin::Memory, true, now);
                if is_pausing {
                    Found::Hit(stale)
                } else {
                    // Another node may have refreshed it in the shared tier.
                    Found::Refresh(key.into(), stale, Mode::IfMissing)
                }
            }
            Condition::LastResort if entry.is_pausing(now) => {
                self.counters.stale_on_error.increment();
                self.hit_in_memory(key, true);
                Found::Hit(cached(entry, Origin::Memory, true, now))
            }
            Condition::LastResort | Condition::Gone => Found::Nothing(key.into()),
        }
    }

    #[inline]
    fn hit_in_memory(&self, key: &str, is_stale: bool) {
        if !self.hub.listeners.is_empty() {
            self.tell_hit(key, Origin::Memory, is_stale);
        }
    }

    /// A value in memory that may be served without a load.
    fn serve(&self, key: &str, now: Nanos) -> Option<Cached<V>> {
        let (entry, condition) = self.in_memory(key, now)?;
        let is_stale = match condition {
            Condition::Fresh => false,
            Condition::Stale => true,
            Condition::LastResort | Condition::Gone => return None,
        };
        let counter = if is_stale {
            &self.counters.stale_served
        } else {
            &self.counters.memory_hits
        };
        counter.increment();
        self.hit_in_memory(key, is_stale);
        Some(cached(entry, Origin::Memory, is_stale, now))
    }

    pub(crate) fn tag_states(&self, tags: impl TagNames) -> Vec<Arc<TagState>> {
        let mut names: Vec<String> = tags.names().iter().map(|tag| user_tag(tag)).collect();
        names.sort_unstable();
        names.dedup();
        names.iter().map(|name| self.hub.tags.get(name)).collect()
    }

    /// A flight that begins now: what it must not have missed is noted here.
    pub(crate) fn new_flight(&self, tags: &[Arc<TagState>]) -> Arc<Flight<V>> {
        Arc::new(Flight {
            progress: watch::Sender::new(Progress::Loading),
            generation: self.generation.load(std::sync::atomic::Ordering::Acquire),
            tags: tags.iter().map(TagState::mark).collect(),
            table: self.hub.tags.mark(),
            number: self.notices(),
        })
    }

    /// The number of the last notice of another node that was applied here.
    fn notices(&self) -> u64 {
        self.hub.link.as_ref().map_or(0, crate::link::Link::number)
    }

    fn next_step(&self, key: &str, tags: &[Arc<TagState>], mode: Mode) -> Step<V> {
        self.step(key, tags, mode, |_| true)
    }

    /// `can_be_joined`: what else must hold of a flight that is joined.
    fn step(
        &self,
        key: &str,
        tags: &[Arc<TagState>],
        mode: Mode,
        can_be_joined: impl FnOnce(&Flight<V>) -> bool,
    ) -> Step<V> {
        let generation = || self.generation.load(std::sync::atomic::Ordering::Acquire);
        self.flights.join_or_lead(
            key,
            |flight| flight.can_be_joined(generation()) && can_be_joined(flight),
            || {
                let hit = (mode == Mode::IfMissing).then(|| self.serve(key, self.hub.now()));
                hit.flatten()
            },
            || self.new_flight(tags),
        )
    }

    /// A hit in memory, and whether it wants to be refreshed.
    pub(crate) fn find_hit(&self, key: &str, policy: &Policy) -> Option<(Cached<V>, bool)> {
        match self.find(key, policy) {
            Found::Hit(hit) => Some((hit, false)),
            Found::Refresh(_, hit, _) => Some((hit, true)),
            Found::Nothing(_) => None,
        }
    }

    /// Leads a flight for a key (true), or joins the one under way; a value that has come meanwhile is handed out.
    pub(crate) fn lead_or_join(
        &self,
        key: &str,
        tags: &[Arc<TagState>],
        is_refresh: bool,
    ) -> Result<Cached<V>, (Arc<Flight<V>>, bool)> {
        let mode = if is_refresh { Mode::Always } else { Mode::IfMissing };
        // A caller with many keys has one loader for all of them, and can't load again what turns out to be overtaken.
        let saw_everything = |flight: &Flight<V>| flight.saw_everything(&self.hub.tags, self.notices());
        match self.step(key, tags, mode, saw_everything) {
            Step::Found(hit) => Ok(hit),
            Step::Join(flight) => {
                self.counters.coalesced.increment();
                Err((flight, false))
            }
            Step::Lead(flight) => {
                if !is_refresh {
                    self.missed(key);
                }
                Err((flight, true))
            }
        }
    }

    fn missed(&self, key: &str) {
        self.counters.misses.increment();
        self.hub.tell_event(&Event::Miss {
            namespace: &self.name,
            key,
        });
    }

    /// Loads, or waits for whoever does.
    async fn load<F, Fut, L, E>(
        self: &Arc<Self>,
        key: &str,
        tags: &[Arc<TagState>],
        policy: &Policy,
        mode: Mode,
        loader: F,
    ) -> Result<Cached<V>, LoadError<E>>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<L, E>> + Send + 'static,
        L: Into<Loaded<V>>,
        E: Send + Sync + 'static,
    {
        let mut known = mode.known();
        // A look takes as long as the shared tier does; a caller with little time has the task's answer or an old value.
        if mode == Mode::IfMissing && self.shares() && !policy.has_timeouts() {
            match self.take_shared(key).await {
                Ok(hit) => {
                    if hit.is_stale {
                        self.refresh_beside(key, tags, policy, Known::Stale, &hit, loader).await;
                    }
                    return Ok(hit);
                }
                Err(found) => known = found,
            }
        }
        let mut loader = Some(loader);
        loop {
            let is_led;
            let flight = match self.next_step(key, tags, mode) {
                Step::Found(hit) => return Ok(hit),
                Step::Join(flight) => {
                    self.counters.coalesced.increment();
                    is_led = false;
                    flight
                }
                Step::Lead(flight) => {
                    is_led = true;
                    if let Some(loader) = loader.take() {
                        self.missed(key);
                        self.start(key, Arc::clone(&flight), policy, known, boxed(loader)).await;
                    }
                    flight
                }
            };
            if mode == Mode::IfMissing {
                // What was known is of another time when this caller tries again.
                known = Known::Nothing;
            }
            let failure = match self.wait(key, flight, policy).await {
                // The loader named a tag that was invalidated, perhaps before this caller came.
                Some(Ok(cached)) if !is_led && cached.is_overtaken() => continue,
                Some(Ok(cached)) => return Ok(cached),
                Some(Err(failure)) => failure,
                None => {
                    self.counters.load_timeouts.increment();
                    return Err(LoadError::TimedOut);
                }
            };
            match failure {
                Failure::Loader(error) => match error.downcast::<E>() {
                    Ok(error) => return Err(LoadError::Failed(error)),
                    // Whoever loaded has another type of error: this caller finds out for itself.
                    Err(_) if loader.is_some() => {}
                    Err(_) => return Err(LoadError::Panicked),
                },
                Failure::Abandoned | Failure::Absent if loader.is_some() => {}
                Failure::Panicked | Failure::Abandoned | Failure::Absent => return Err(LoadError::Panicked),
            }
        }
    }

    async fn start(self: &Arc<Self>, key: &str, flight: Arc<Flight<V>>, policy: &Policy, known: Known, load: Load<V>) {
        let batch = Batch {
            namespace: Arc::clone(self),
            policy: policy.clone(),
            leads: vec![Lead {
                key: key.into(),
                flight,
            }],
            known,
            load,
        };
        batch.start().await;
    }

    /// Refreshes what is being served, where nobody does yet; nobody waits for it. What was found stale in the shared tier
    /// and may not be in memory is handed to whoever comes meanwhile.
    async fn refresh_beside<F, Fut, L, E>(
        self: &Arc<Self>,
        key: &str,
        tags: &[Arc<TagState>],
        policy: &Policy,
        known: Known,
        served: &Cached<V>,
        loader: F,
    ) where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<L, E>> + Send + 'static,
        L: Into<Loaded<V>>,
        E: Send + Sync + 'static,
    {
        if let Step::Lead(flight) = self.next_step(key, tags, Mode::Always) {
            if known == Known::Stale {
                flight.answer(Ok(served.clone()));
            }
            self.start(key, flight, policy, known, boxed(loader)).await;
        }
    }

    /// The answer of a flight, or an old value once the policy's patience is over; `None` after its hard time-out.
    async fn wait(&self, key: &str, flight: Arc<Flight<V>>, policy: &Policy) -> Option<Result<Cached<V>, Failure>> {
        let mut waited = Duration::ZERO;
        if let Some(soft) = policy
            .soft_timeout
            .filter(|soft| policy.hard_timeout.is_none_or(|hard| *soft < hard))
        {
            match timeout(soft, Arc::clone(&flight).wait()).await {
                Ok(answer) => return Some(answer),
                Err(_) => waited = soft,
            }
            if let Some(old) = self.last_resort(key, policy) {
                return Some(Ok(old));
            }
        }
        let Some(hard) = policy.hard_timeout else {
            return Some(flight.wait().await);
        };
        match timeout(hard.saturating_sub(waited), flight.wait()).await {
            Ok(answer) => Some(answer),
            Err(_) => self.last_resort(key, policy).map(Ok),
        }
    }

    fn last_resort(&self, key: &str, policy: &Policy) -> Option<Cached<V>> {
        let now = self.hub.now();
        let (entry, _) = self.in_memory(key, now)?;
        self.counters.stale_on_error.increment();
        // Who comes next need not wait as long.
        entry.pause_until(now.saturating_add(nanos(policy.retry_pause)));
        Some(cached(entry, Origin::Memory, true, now))
    }

    /// The cache is switched off.
    async fn load_uncached<F, Fut, L, E>(&self, loader: F) -> Result<Cached<V>, LoadError<E>>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<L, E>>,
        L: Into<Loaded<V>>,
    {
        self.counters.misses.increment();
        let value = loader().await.map_err(|error| LoadError::Failed(Arc::new(error)))?;
        self.counters.loads.increment();
        Ok(self.uncached(value.into()))
    }

    pub(crate) fn uncached(&self, loaded: Loaded<V>) -> Cached<V> {
        let now = self.hub.now();
        let negative = loaded.negative || self.is_negative.as_ref().is_some_and(|is| is(&loaded.value));
        cached(
            Arc::new(Entry::unkept(loaded.value, negative, now)),
            Origin::Loader,
            false,
            now,
        )
    }

    async fn put(self: &Arc<Self>, key: &str, tags: &[Arc<TagState>], policy: &Policy, loaded: Loaded<V>) {
        let flight = self.flights.lead(key, || self.new_flight(tags));
        let load: Load<V> = Box::new(move |_| Box::pin(std::future::ready(Ok(vec![Some(loaded)]))));
        self.start(key, Arc::clone(&flight), policy, Known::Useless, load).await;
        // The load can't fail; if its runtime is shut down, nobody will miss the value.
        let _ = flight.wait().await;
    }
}

fn boxed<V, F, Fut, L, E>(loader: F) -> Load<V>
where
    V: Send + Sync + 'static,
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = Result<L, E>> + Send + 'static,
    L: Into<Loaded<V>>,
    E: Send + Sync + 'static,
{
    Box::new(move |_| {
        Box::pin(async move {
            match loader().await {
                Ok(value) => Ok(vec![Some(value.into())]),
                Err(error) => Err(Arc::new(error) as Arc<dyn Any + Send + Sync>),
            }
        })
    })
}
