//! A load, from the shared tier to the loader and back: the one way by which values get into memory.
//!
//! It runs in a task of its own, so that a caller who goes away takes nothing with it. Everything that could make its
//! result stale is noted before it begins and looked at again before the result is stored: the namespace's generation and
//! the tags' generations for memory, the lease and the tags' versions for the shared tier.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use metrics::histogram;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::engine::{Lease, LeaseRequest, LeaseToken, Stored, Write};
use crate::entry::{Cached, Condition, Entry, Origin};
use crate::envelope::{self, Envelope};
use crate::error::Failure;
use crate::event::Event;
use crate::flight::Flight;
use crate::link::{Call, Link};
use crate::loaded::Loaded;
use crate::names::user_tag;
use crate::namespace::{Inner, Sealed};
use crate::policy::Policy;
use crate::tags::{TagMark, TagState, Version};
use crate::targets::full_key;
use crate::time::{Nanos, nanos};

pub(crate) type Loading<V> =
    Pin<Box<dyn Future<Output = Result<Vec<Option<Loaded<V>>>, Arc<dyn Any + Send + Sync>>> + Send>>;
/// Loads the values at these places of the batch, in this order.
pub(crate) type Load<V> = Box<dyn FnOnce(Vec<usize>) -> Loading<V> + Send>;

/// One value to load.
pub(crate) struct Lead<V> {
    pub(crate) key: Box<str>,
    pub(crate) flight: Arc<Flight<V>>,
}

/// Values to load together.
pub(crate) struct Batch<V> {
    pub(crate) namespace: Arc<Inner<V>>,
    pub(crate) policy: Policy,
    pub(crate) leads: Vec<Lead<V>>,
    pub(crate) known: Known,
    pub(crate) load: Load<V>,
}

/// What is known of the shared tier before a batch runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing: it is asked.
    Nothing,
    /// It has no entry.
    Missing,
    /// Whatever it has, it does not count.
    Useless,
    /// It has an entry that is stale, and that is the answer already.
    Stale,
}

/// What became of one value of a batch so far.
struct Item<V> {
    lead: Lead<V>,
    is_done: bool,
    /// Those who wait have got a stale value.
    is_answered: bool,
    lease: Option<LeaseToken>,
    /// An entry is in the shared tier, but is not good enough.
    is_there: bool,
    /// The versions of its tags from before the load, own tags first; `None` where one is not known.
    versions: Option<Vec<u64>>,
}

/// What was found in the shared tier.
struct There<'a> {
    key: &'a str,
    /// The namespace's generation before it was asked for.
    generation: u64,
    stored: &'a Stored,
}

/// An entry on its way to the shared tier.
struct ToWrite<V> {
    place: usize,
    key: String,
    bytes: Bytes,
    keep: Duration,
    lease: LeaseToken,
    entry: Arc<Entry<V>>,
}

/// The batch's items; those that are not done when it is dropped are given up.
struct Items<V> {
    namespace: Arc<Inner<V>>,
    items: Vec<Item<V>>,
}

impl<V> Items<V> {
    fn new(namespace: Arc<Inner<V>>, items: Vec<Item<V>>) -> Self {
        namespace.loading.fetch_add(items.len(), Ordering::Relaxed);
        Self { namespace, items }
    }
}

impl<V> Drop for Items<V> {
    fn drop(&mut self) {
        self.namespace.loading.fetch_sub(self.items.len(), Ordering::Relaxed);
        let is_panic = std::thread::panicking();
        for item in self.items.iter().filter(|item| !item.is_done) {
            self.namespace.forget(&item.lead);
            let failure = if is_panic {
                Failure::Panicked
            } else {
                Failure::Abandoned
            };
            item.lead.flight.answer(Err(failure));
            if is_panic {
                self.namespace.counters.load_panics.increment();
            }
        }
    }
}

impl<V: Send + Sync + 'static> Batch<V> {
    /// Runs it in a task of its own; where there is no runtime, here.
    pub(crate) async fn start(self) {
        let Self {
            namespace,
            policy,
            leads,
            known,
            load,
        } = self;
        let new = |lead| Item {
            lead,
            is_done: false,
            is_answered: known == Known::Stale,
            lease: None,
            is_there: matches!(known, Known::Useless | Known::Stale),
            versions: None,
        };
        let span = tracing::debug_span!("cache_load", namespace = %namespace.name, values = leads.len());
        // Made here and not in the task: a runtime that is shutting down drops tasks that it never ran.
        let batch = Items::new(namespace, leads.into_iter().map(new).collect());
        let running = batch.run(policy, known, load).instrument(span);
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(running)),
            Err(_) => running.await,
        }
    }
}

impl<V: Send + Sync + 'static> Items<V> {
    async fn run(mut self, policy: Policy, known: Known, load: Load<V>) {
        let namespace = Arc::clone(&self.namespace);
        let items = &mut self.items;
        if namespace.shares() {
            if known == Known::Nothing {
                namespace.consult(items).await;
            }
            namespace.take_leases(items, &policy).await;
            namespace.note_versions(items, &policy).await;
        }
        let places: Vec<usize> = places_to_load(items);
        if places.is_empty() {
            return;
        }
        let started = namespace.hub.now();
        let result = load(places.clone()).await;
        let took = namespace.hub.now().saturating_sub(started);
        histogram!("cache_load_seconds", "namespace" => Arc::clone(&namespace.name)).record(Duration::from_nanos(took));
        match result {
            Ok(values) => {
                namespace.tell_loaded(values.len(), took);
                namespace.store_all(items, places, values, &policy, took).await;
            }
            Err(error) => namespace.load_failed(items, &error, &policy, took).await,
        }
    }
}

fn places_to_load<V>(items: &[Item<V>]) -> Vec<usize> {
    (0..)
        .zip(items)
        .filter(|(_, item)| !item.is_done)
        .map(|(place, _)| place)
        .collect()
}

/// Entries that are read together often bear the same tags.
fn once_each(mut states: Vec<Arc<TagState>>) -> Vec<Arc<TagState>> {
    states.sort_unstable_by(|a, b| a.name().cmp(b.name()));
    states.dedup_by(|a, b| Arc::ptr_eq(a, b));
    states
}

impl<V> Inner<V> {
    /// The flight is over without a result.
    fn forget(&self, lead: &Lead<V>) {
        self.flights.forget(&lead.key, &lead.flight);
    }
}

impl<V: Send + Sync + 'static> Inner<V> {
    /// Whether values go to the shared tier at all.
    pub(crate) fn shares(&self) -> bool {
        self.serializer.is_some() && self.hub.link.is_some()
    }

    fn answer_with(&self, entry: &Arc<Entry<V>>, origin: Origin, is_stale: bool) -> Cached<V> {
        Cached {
            entry: Arc::clone(entry),
            origin,
            is_stale,
            at: self.hub.now(),
        }
    }

    /// Puts an entry into memory, if its flight is still the key's and nothing was invalidated since it began. Where the
    /// flight is over, it goes. Whether it was put there.
    fn settle(&self, lead: &Lead<V>, entry: &Arc<Entry<V>>, is_over: bool, store: bool) -> bool {
        let is_good = || {
            let generation = self.generation.load(Ordering::Acquire);
            lead.flight.is_current(generation) && entry.tags_are_current()
        };
        let put = || {
            if store && let Some(memory) = &self.memory {
                memory.insert(&lead.key, Arc::clone(entry));
            }
        };
        self.flights.settle(&lead.key, &lead.flight, is_over, is_good, put)
    }

    /// Looks into the shared tier for all items at once. What is fresh there is done; what is stale is an answer already.
    async fn consult(&self, items: &mut [Item<V>]) {
        let keys: Vec<String> = items.iter().map(|item| full_key(&self.name, &item.lead.key)).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let Some(found) = self.hub.call(Call::Read, |engine| engine.read(&keys)).await else {
            return;
        };
        let found = (0..).zip(found).filter_map(|(place, stored)| Some((place, stored?)));
        self.take_all_from_shared(items, found.collect()).await;
    }

    /// What stood in the shared tier for the items at these places.
    async fn take_all_from_shared(&self, items: &mut [Item<V>], found: Vec<(usize, Stored)>) {
        let (places, there): (Vec<usize>, Vec<There<'_>>) = found
            .iter()
            .filter_map(|(place, stored)| {
                let lead = &items.get(*place)?.lead;
                let there = There {
                    key: &lead.key,
                    generation: lead.flight.generation,
                    stored,
                };
                Some((*place, there))
            })
            .unzip();
        let entries = self.revive(&there).await;
        for (place, entry) in places.into_iter().zip(entries) {
            if let Some(item) = items.get_mut(place) {
                self.take_from_shared(item, entry);
            }
        }
    }

    /// An entry of the shared tier, or `None` where it does not count: what that means for its item.
    fn take_from_shared(&self, item: &mut Item<V>, entry: Option<Arc<Entry<V>>>) {
        item.is_there = true;
        let Some(entry) = entry else { return };
        let condition = entry.condition(self.hub.now());
        let is_fresh = condition == Condition::Fresh;
        self.settle(&item.lead, &entry, is_fresh, condition != Condition::Gone);
        if is_fresh || condition == Condition::Stale {
            self.counters.shared_hits.increment();
            self.tell_hit(&item.lead.key, Origin::Shared, !is_fresh);
            let answer = self.answer_with(&entry, Origin::Shared, !is_fresh);
            item.lead.flight.answer(Ok(answer));
            item.is_answered = true;
        }
        item.is_done = is_fresh;
    }

    /// Makes entries of what the shared tier had; `None` for what does not count.
    async fn revive(&self, there: &[There<'_>]) -> Vec<Option<Arc<Entry<V>>>> {
        let opened: Vec<_> = there.iter().map(|there| self.open(there)).collect();
        let borne = opened
            .iter()
            .flatten()
            .flat_map(|(envelope, states)| states.iter().zip(&envelope.tags));
        let unknown = borne.filter(|(state, (_, version))| state.is_behind(*version));
        let unknown = once_each(unknown.map(|(state, _)| Arc::clone(state)).collect());
        self.learn(&unknown, Duration::ZERO).await;
        let entries = there.iter().zip(&opened).map(|(there, opened)| {
            let (envelope, states) = opened.as_ref()?;
            self.entry_from(there, envelope, states).map(Arc::new)
        });
        entries.collect()
    }

    /// What was stored, and the states of its tags.
    fn open<'a>(&self, there: &'a There<'_>) -> Option<(Envelope<'a>, Vec<Arc<TagState>>)> {
        match envelope::open(&there.stored.bytes, &self.format) {
            Ok(envelope) => {
                let states = envelope.tags.iter().map(|(tag, _)| self.tag_state(tag)).collect();
                Some((envelope, states))
            }
            Err(rejected) => {
                self.rejected(there.key, rejected.name());
                None
            }
        }
    }

    /// The state of a tag. Every entry bears this namespace's own, so these are at hand.
    fn tag_state(&self, name: &str) -> Arc<TagState> {
        match self.own_tags.iter().find(|own| own.name() == name) {
            Some(own) => Arc::clone(own),
            None => self.hub.tags.get(name),
        }
    }

    fn rejected(&self, key: &str, reason: &'static str) {
        self.counters.rejected.increment();
        metrics::counter!("cache_rejections_total", "namespace" => Arc::clone(&self.name), "reason" => reason)
            .increment(1);
        tracing::debug!(namespace = %self.name, key, reason, "a payload in the cache's shared tier is taken for a miss");
        self.hub.tell_event(&Event::Rejected {
            namespace: &self.name,
            key,
            reason,
        });
    }

    /// The entry in an envelope, if its tags have the versions that it was written with.
    fn entry_from(&self, there: &There<'_>, envelope: &Envelope<'_>, states: &[Arc<TagState>]) -> Option<Entry<V>> {
        let mut marks = Vec::with_capacity(states.len());
        for (state, (_, version)) in states.iter().zip(&envelope.tags) {
            let mark = state.mark_if(*version)?;
            // The namespace's generation stands for those that every entry bears.
            if !self.own_tags.iter().any(|own| Arc::ptr_eq(own, state)) {
                marks.push(mark);
            }
        }
        let Ok(value) = self.serializer.as_ref()?.deserialize(&envelope.payload) else {
            self.rejected(there.key, "serializer");
            return None;
        };
        let now = self.hub.now();
        let age = envelope.keep.saturating_sub(there.stored.remaining);
        let left = |whole: Duration| now.saturating_add(nanos(whole.saturating_sub(age)));
        let weight = self.weigh(&value).unwrap_or(envelope.payload.len());
        Some(Entry {
            generation: there.generation,
            fresh_until: left(envelope.fresh),
            stale_until: left(envelope.stale),
            keep_until: left(envelope.keep),
            made_at: now.saturating_sub(nanos(age)),
            load: nanos(envelope.load),
            tags: marks.into(),
            negative: envelope.negative,
            weight: weight_of(weight),
            retry_at: AtomicU64::new(0),
            value,
        })
    }

    fn weigh(&self, value: &V) -> Option<usize> {
        self.weigh.as_ref().map(|weigh| weigh(value))
    }

    /// Asks the shared tier for the versions of these tags. `keep`: for how long they will be needed.
    async fn learn(&self, unknown: &[Arc<TagState>], keep: Duration) {
        if unknown.is_empty() {
            return;
        }
        let epoch = self.hub.tags.epoch();
        let names: Vec<&str> = unknown.iter().map(|state| state.name()).collect();
        let keep = Link::version_keep(keep);
        let asked = self
            .hub
            .call(Call::Versions, |engine| engine.versions(&names, keep))
            .await;
        for (state, version) in unknown.iter().zip(asked.unwrap_or_default()) {
            self.hub.tags.learn(state, version, epoch);
        }
    }

    /// Takes the leases by which what is loaded may be written; an entry that came into the shared tier meanwhile is taken.
    async fn take_leases(&self, items: &mut [Item<V>], policy: &Policy) {
        let Some(link) = &self.hub.link else { return };
        let wanted = places_to_load(items);
        if wanted.is_empty() {
            return;
        }
        let keep = link.settings.lease;
        // Another node's load is waited for where there is no value at all; beside a stale one nobody waits.
        let mut may_wait = policy.across_nodes && items.len() == 1 && items.iter().all(|item| !item.is_there);
        let deadline = Instant::now() + policy.hard_timeout.unwrap_or(keep).min(keep);
        let mut pause = Duration::from_millis(2);
        loop {
            let requests: Vec<(String, bool)> = wanted
                .iter()
                .filter_map(|&place| items.get(place))
                .map(|item| (full_key(&self.name, &item.lead.key), item.is_there))
                .collect();
            let requests: Vec<LeaseRequest<'_>> = requests
                .iter()
                .map(|(key, refresh)| LeaseRequest { key, refresh: *refresh })
                .collect();
            let leases = self.hub.call(Call::Lease, |engine| engine.lease(&requests, keep)).await;
            let mut found = Vec::new();
            let mut is_shared = false;
            for (&place, lease) in wanted.iter().zip(leases.unwrap_or_default()) {
                let Some(item) = items.get_mut(place) else { continue };
                match lease {
                    Lease::New(token) => item.lease = Some(token),
                    // Another node is just refreshing it; this one has a value meanwhile.
                    Lease::Shared(_) if policy.across_nodes && item.is_answered => {
                        self.forget(&item.lead);
                        item.is_done = true;
                    }
                    Lease::Shared(token) => {
                        item.lease = Some(token);
                        is_shared = true;
                    }
                    Lease::Found(stored) => found.push((place, stored)),
                }
            }
            self.take_all_from_shared(items, found).await;
            may_wait = may_wait && is_shared && Instant::now() < deadline;
            if !may_wait {
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }

    /// Notes the versions of the tags of what is about to be loaded.
    async fn note_versions(&self, items: &mut [Item<V>], policy: &Policy) {
        let mut unknown: Vec<Arc<TagState>> = Vec::new();
        let is_unknown = |state: &&Arc<TagState>| state.version() == Version::Unknown;
        for item in items.iter().filter(|item| !item.is_done) {
            unknown.extend(self.all_tags(&item.lead).filter(is_unknown).cloned());
        }
        let unknown = once_each(unknown);
        self.learn(&unknown, policy.keep()).await;
        for item in items.iter_mut().filter(|item| !item.is_done) {
            let version = |state: &Arc<TagState>| match state.version() {
                Version::Confirmed(version) => Some(version),
                Version::Unknown | Version::Moving => None,
            };
            item.versions = self.all_tags(&item.lead).map(version).collect();
        }
    }

    /// The tags that an entry bears of which is known before the load: the own ones, then the named ones.
    fn all_tags<'a>(&'a self, lead: &'a Lead<V>) -> impl Iterator<Item = &'a Arc<TagState>> {
        self.own_tags
            .iter()
            .chain(lead.flight.tags.iter().map(|mark| &mark.state))
    }

    fn tell_loaded(&self, values: usize, took: Nanos) {
        self.hub.tell_event(&Event::Loaded {
            namespace: &self.name,
            values,
            took: Duration::from_nanos(took),
        });
    }

    pub(crate) fn tell_hit(&self, key: &str, origin: Origin, is_stale: bool) {
        self.hub.tell_event(&Event::Hit {
            namespace: &self.name,
            key,
            origin,
            is_stale,
        });
    }

    /// The load failed: old values where there are some, else the error for everybody who waits.
    async fn load_failed(
        &self,
        items: &mut [Item<V>],
        error: &Arc<dyn Any + Send + Sync>,
        policy: &Policy,
        took: Nanos,
    ) {
        self.hub.tell_event(&Event::LoadFailed {
            namespace: &self.name,
            took: Duration::from_nanos(took),
        });
        for item in items.iter_mut().filter(|item| !item.is_done) {
            self.counters.load_errors.increment();
            self.forget(&item.lead);
            item.is_done = true;
            let now = self.hub.now();
            let old = self.in_memory(&item.lead.key, now);
            let answer = match old {
                Some((entry, _)) => {
                    entry.pause_until(now.saturating_add(nanos(policy.retry_pause)));
                    self.counters.stale_on_error.increment();
                    Ok(self.answer_with(&entry, Origin::Memory, true))
                }
                None => Err(Failure::Loader(Arc::clone(error))),
            };
            item.lead.flight.answer(answer);
        }
        self.release(items).await;
    }

    /// Gives up the leases that were not used.
    async fn release(&self, items: &mut [Item<V>]) {
        for item in items {
            if let Some(lease) = item.lease.take() {
                let key = full_key(&self.name, &item.lead.key);
                self.hub.call(Call::Release, |engine| engine.release(&key, lease)).await;
            }
        }
    }

    /// Stores what was loaded, in memory first, and answers; then in the shared tier.
    async fn store_all(
        &self,
        items: &mut [Item<V>],
        places: Vec<usize>,
        values: Vec<Option<Loaded<V>>>,
        policy: &Policy,
        took: Nanos,
    ) {
        let mut writes: Vec<ToWrite<V>> = Vec::new();
        let mut values = values.into_iter();
        for place in places {
            let Some(item) = items.get_mut(place) else { continue };
            let Some(loaded) = values.next().flatten() else {
                self.forget(&item.lead);
                item.is_done = true;
                item.lead.flight.answer(Err(Failure::Absent));
                continue;
            };
            self.counters.loads.increment();
            let late = self.late_tags(&item.lead, &loaded.tags, policy).await;
            let store = loaded.store && late.is_some();
            // Whoever was here before the invalidation may have the value; those who joined later see that they may not.
            let [own, _] = &self.own_tags;
            let late = late.unwrap_or_else(|| vec![(own.overtaken(), None)]);
            let (entry, sealed) = self.entry_of(item, loaded, late, policy, took, store);
            let is_good = self.settle(&item.lead, &entry, true, store);
            item.is_done = true;
            item.lead
                .flight
                .answer(Ok(self.answer_with(&entry, Origin::Loader, false)));
            if !is_good || !store {
                self.not_stored(&item.lead.key, is_good);
                continue;
            }
            if let (Some((bytes, keep)), Some(lease)) = (sealed, item.lease) {
                item.lease = None;
                writes.push(ToWrite {
                    place,
                    key: full_key(&self.name, &item.lead.key),
                    bytes,
                    keep,
                    lease,
                    entry,
                });
            }
        }
        self.write_all(items, &writes).await;
        self.release(items).await;
    }

    fn not_stored(&self, key: &str, is_good: bool) {
        if !is_good {
            self.counters.overtaken.increment();
            self.hub.tell_event(&Event::Overtaken {
                namespace: &self.name,
                key,
            });
        }
    }

    async fn write_all(&self, items: &[Item<V>], entries: &[ToWrite<V>]) {
        if entries.is_empty() {
            return;
        }
        let writes: Vec<Write<'_>> = entries
            .iter()
            .map(|entry| Write {
                key: &entry.key,
                bytes: entry.bytes.clone(),
                keep: entry.keep,
                lease: entry.lease,
            })
            .collect();
        let written = self.hub.call(Call::Write, |engine| engine.write(&writes)).await;
        for (sent, written) in entries.iter().zip(written.unwrap_or_default()) {
            if !written && let Some(item) = items.get(sent.place) {
                self.counters.write_refused.increment();
                self.drop_refused(&item.lead.key, &sent.entry);
            }
        }
    }

    /// The shared tier refused an entry: its key was invalidated on another node, or that node was first. Either way what is
    /// there counts.
    fn drop_refused(&self, key: &str, entry: &Arc<Entry<V>>) {
        self.flights.holding(key, || {
            if let Some(memory) = &self.memory
                && memory.peek(key).is_some_and(|there| Arc::ptr_eq(&there, entry))
            {
                memory.remove(key);
            }
        });
    }

    /// Marks of the tags that the loader named, with their versions; `None` where one may have been invalidated since the
    /// load began.
    async fn late_tags(&self, lead: &Lead<V>, tags: &[String], policy: &Policy) -> Option<Vec<(TagMark, Option<u64>)>> {
        if tags.is_empty() {
            return Some(Vec::new());
        }
        let mut names: Vec<String> = tags.iter().map(|tag| user_tag(tag)).collect();
        names.sort_unstable();
        names.dedup();
        names.retain(|name| lead.flight.tags.iter().all(|mark| mark.state.name() != name));
        let states: Vec<Arc<TagState>> = names.iter().map(|name| self.hub.tags.get(name)).collect();
        // Also where values stay in memory: other nodes invalidate tags all the same.
        let is_linked = self.hub.link.as_ref().is_some_and(Link::is_up);
        if is_linked {
            let unknown: Vec<_> = states
                .iter()
                .filter(|state| state.version() == Version::Unknown)
                .cloned()
                .collect();
            self.learn(&unknown, policy.keep()).await;
        }
        let marked = names.iter().zip(&states).map(|(name, state)| {
            let version = match state.version() {
                Version::Confirmed(version) if version <= lead.flight.number => Some(version),
                _ if !is_linked => None,
                _ => return None,
            };
            Some((self.hub.tags.mark_unless_bumped(name, lead.flight.table)?, version))
        });
        marked.collect()
    }

    /// The entry of a loaded value, and its bytes for the shared tier.
    fn entry_of(
        &self,
        item: &Item<V>,
        loaded: Loaded<V>,
        late: Vec<(TagMark, Option<u64>)>,
        policy: &Policy,
        took: Nanos,
        store: bool,
    ) -> (Arc<Entry<V>>, Option<(Bytes, Duration)>) {
        let negative = loaded.negative || self.is_negative.as_ref().is_some_and(|is| is(&loaded.value));
        let times = Times::of(policy, loaded.ttl, negative);
        let versions = item.versions.as_ref().filter(|_| item.lease.is_some() && store);
        let tags = versions.and_then(|versions| {
            let known = self
                .all_tags(&item.lead)
                .map(|state| state.name())
                .zip(versions.iter().copied());
            let late = late
                .iter()
                .map(|(mark, version)| Some((mark.state.name(), (*version)?)));
            known.map(Some).chain(late).collect::<Option<Vec<(&str, u64)>>>()
        });
        let sealed = if store {
            self.seal(&loaded.value, tags, times, negative, took)
        } else {
            Sealed { bytes: None, weight: 1 }
        };
        let now = self.hub.now();
        let limit = self.most_isolated();
        let until = |length: Duration| now.saturating_add(nanos(length).min(limit));
        let marks = item
            .lead
            .flight
            .tags
            .iter()
            .cloned()
            .chain(late.into_iter().map(|(mark, _)| mark));
        let entry = Entry {
            generation: item.lead.flight.generation,
            fresh_until: until(times.fresh),
            stale_until: until(times.stale),
            keep_until: until(times.keep),
            made_at: now,
            load: took,
            tags: marks.collect(),
            negative,
            weight: sealed.weight,
            retry_at: AtomicU64::new(0),
            value: loaded.value,
        };
        (Arc::new(entry), sealed.bytes.map(|bytes| (bytes, times.keep)))
    }

    /// How long what is loaded now lives at most: while the shared tier is away, nobody tells this node what it misses.
    fn most_isolated(&self) -> Nanos {
        match &self.hub.link {
            Some(link) if !link.is_up() => nanos(link.settings.isolated_ttl),
            _ => Nanos::MAX,
        }
    }

    /// The bytes for the shared tier, where the value goes there, and its weight in memory.
    fn seal(&self, value: &V, tags: Option<Vec<(&str, u64)>>, times: Times, negative: bool, took: Nanos) -> Sealed {
        let weight = self.weigh(value);
        let serializer = match &self.serializer {
            Some(serializer) if tags.is_some() || weight.is_none() => serializer,
            _ => {
                return Sealed {
                    bytes: None,
                    weight: weight_of(weight.unwrap_or(size_of::<V>())),
                };
            }
        };
        let payload = match serializer.serialize(value) {
            Ok(payload) => payload,
            Err(error) => {
                self.counters.unserializable.increment();
                tracing::warn!(namespace = %self.name, %error, "a value can't be serialised; it stays in memory");
                return Sealed {
                    bytes: None,
                    weight: weight_of(weight.unwrap_or(size_of::<V>())),
                };
            }
        };
        let weight = weight_of(weight.unwrap_or(payload.len()));
        let bytes = tags.and_then(|tags| {
            let envelope = Envelope {
                serializer: serializer.id(),
                schema: self.format.schema,
                created_unix_ms: unix_ms(),
                keep: times.keep,
                fresh: times.fresh,
                stale: times.stale,
                load: Duration::from_nanos(took),
                negative,
                tags,
                payload: payload.into(),
            };
            // Too large for it: it stays in memory.
            envelope::seal(&envelope, &self.format).ok()
        });
        Sealed { bytes, weight }
    }

    /// What the shared tier has under a key, fresh or stale, without promoting it to memory.
    pub(crate) async fn read_shared(&self, key: &str) -> Option<Cached<V>> {
        match self.look_into_shared(key).await {
            Shared::Found(entry, condition) => {
                Some(self.answer_with(&entry, Origin::Shared, condition == Condition::Stale))
            }
            Shared::Nothing(_) => None,
        }
    }

    /// As [`read_shared`](Self::read_shared), for a caller who would load otherwise: what is found goes into memory. Nobody
    /// waits for it but the caller, so that it needs no task; where others are about the key already, nothing is done.
    pub(crate) async fn take_shared(&self, key: &str) -> Result<Cached<V>, Known> {
        let look = match &self.memory {
            Some(_) => Some(self.flights.look(key).ok_or(Known::Nothing)?),
            None => None,
        };
        let (entry, condition) = match self.look_into_shared(key).await {
            Shared::Found(entry, condition) => (entry, condition),
            Shared::Nothing(known) => return Err(known),
        };
        if let (Some(look), Some(memory)) = (look, &self.memory) {
            let is_good = || entry.generation == self.generation.load(Ordering::Acquire) && entry.tags_are_current();
            look.settle(is_good, || memory.insert(key, Arc::clone(&entry)));
        }
        let is_stale = condition == Condition::Stale;
        self.counters.shared_hits.increment();
        self.tell_hit(key, Origin::Shared, is_stale);
        Ok(self.answer_with(&entry, Origin::Shared, is_stale))
    }

    async fn look_into_shared(&self, key: &str) -> Shared<V> {
        let generation = self.generation.load(Ordering::Acquire);
        let full = full_key(&self.name, key);
        let keys = [full.as_str()];
        let Some(found) = self.hub.call(Call::Read, |engine| engine.read(&keys)).await else {
            return Shared::Nothing(Known::Nothing);
        };
        let Some(stored) = &found.into_iter().next().flatten() else {
            return Shared::Nothing(Known::Missing);
        };
        let there = There {
            key,
            generation,
            stored,
        };
        let Some(entry) = self.revive(&[there]).await.into_iter().next().flatten() else {
            return Shared::Nothing(Known::Useless);
        };
        let now = self.hub.now();
        let condition = entry.condition(now);
        let is_good = matches!(condition, Condition::Fresh | Condition::Stale) && self.trusts(&entry, now);
        if is_good {
            Shared::Found(entry, condition)
        } else {
            // A load finds it once more: it may be of use where the loader fails.
            Shared::Nothing(Known::Nothing)
        }
    }
}

/// What a look into the shared tier found.
enum Shared<V> {
    /// Fresh or stale.
    Found(Arc<Entry<V>>, Condition),
    Nothing(Known),
}

/// Bytes, never zero.
fn weight_of(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX >> 16).clamp(1, u64::MAX >> 16)
}

/// For people who look at an entry; nothing is decided by it.
fn unix_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0))
}

/// The lengths of an entry's lives, from when it is stored.
#[derive(Debug, Clone, Copy)]
struct Times {
    fresh: Duration,
    stale: Duration,
    keep: Duration,
}

impl Times {
    fn of(policy: &Policy, ttl: Option<Duration>, negative: bool) -> Self {
        let negative_ttl = policy.negative_ttl.filter(|_| negative);
        let whole = ttl.or(negative_ttl).unwrap_or(policy.ttl);
        let fresh = if policy.jitter > 0.0 {
            whole.mul_f32(1.0 - policy.jitter * fastrand::f32())
        } else {
            whole
        };
        if negative_ttl.is_some() {
            return Self {
                fresh,
                stale: fresh,
                keep: fresh,
            };
        }
        let stale = fresh.saturating_add(policy.stale);
        Self {
            fresh,
            stale,
            keep: stale.saturating_add(policy.stale_if_error),
        }
    }
}
