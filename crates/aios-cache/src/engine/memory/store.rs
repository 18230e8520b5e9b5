//! What a [`MemoryEngine`](super::MemoryEngine) keeps, and the rules it keeps it by. All of it stands behind one lock.

use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use quick_cache::Weighter;
use quick_cache::unsync::Cache;
use tokio::sync::mpsc;

use crate::engine::{EVERYTHING, Invalidation, Lease, LeaseRequest, LeaseToken, Notice, Status, Stored, Write};
use crate::time::{Nanos, nanos};

/// What an item costs beside its key and its value: the tables' own bookkeeping, about.
const OVERHEAD: usize = 96;

/// Leases and versions get this part of the room that entries have, each, and no less than [`SMALLEST_SIDE`].
const SIDE_PART: u64 = 8;

/// Room for about a thousand leases or versions, however small the store is.
const SMALLEST_SIDE: u64 = 128 * 1024;

/// Numbers start below this, so that they fit 53 bits for as long as any process runs.
const FIRST_NUMBERS: u64 = 1 << 52;

/// How far a check may move the number of a store that was replaced. Far enough that no number which was given out after
/// the copy was made, and forgotten with the restart, comes back.
const JUMP: u64 = 1 << 32;

/// Something that is kept until a moment.
#[derive(Debug, Clone)]
struct Kept<T> {
    value: T,
    until: Nanos,
}

impl<T> Kept<T> {
    fn new(value: T, now: Nanos, keep: Duration) -> Self {
        let until = now.saturating_add(nanos(keep));
        Self { value, until }
    }

    fn live(&self, now: Nanos) -> bool {
        now < self.until
    }
}

impl Kept<Bytes> {
    fn stored(&self, now: Nanos) -> Stored {
        Stored {
            bytes: self.value.clone(),
            remaining: Duration::from_nanos(self.until.saturating_sub(now)),
        }
    }
}

/// Weighs items by their bytes.
#[derive(Debug, Clone)]
struct ByBytes;

impl Weighter<String, Kept<Bytes>> for ByBytes {
    fn weight(&self, key: &String, kept: &Kept<Bytes>) -> u64 {
        (OVERHEAD + key.len() + kept.value.len()) as u64
    }
}

impl Weighter<String, Kept<u64>> for ByBytes {
    fn weight(&self, key: &String, _: &Kept<u64>) -> u64 {
        (OVERHEAD + key.len()) as u64
    }
}

/// The content of a store at some moment.
#[cfg(any(test, feature = "testing"))]
#[derive(Debug, Clone)]
pub(super) struct Content {
    number: u64,
    entries: Vec<(String, Kept<Bytes>)>,
    leases: Vec<(String, Kept<u64>)>,
    versions: Vec<(String, Kept<u64>)>,
}

/// Entries, leases and versions, each within its room. Whatever is pushed out is safe to lose: without an entry it is
/// loaded, without its lease a load writes nothing, and without its version a tag gets a later one, so that entries
/// read as stale.
pub(super) struct Store {
    /// How many notices may wait for a subscriber.
    backlog: usize,
    rng: Rng,
    /// Names this run of the store: another one after each restart.
    pub(super) identity: u64,
    /// The run whose content was last made trustworthy by a check, or was empty from the start.
    trusted: u64,
    /// Of the last notice.
    number: u64,
    entries: Cache<String, Kept<Bytes>, ByBytes>,
    leases: Cache<String, Kept<LeaseToken>, ByBytes>,
    versions: Cache<String, Kept<u64>, ByBytes>,
    subscribers: Vec<mpsc::Sender<Notice>>,
}

impl Store {
    pub(super) fn new(capacity: u64, backlog: usize, mut rng: Rng) -> Self {
        let side = (capacity / SIDE_PART).max(SMALLEST_SIDE);
        Self {
            backlog,
            identity: 0,
            trusted: 0,
            number: rng.u64(1..FIRST_NUMBERS),
            entries: Cache::with_weighter(items(capacity), capacity, ByBytes),
            leases: Cache::with_weighter(items(side), side, ByBytes),
            versions: Cache::with_weighter(items(side), side, ByBytes),
            subscribers: Vec::new(),
            rng,
        }
    }

    pub(super) fn read(&self, key: &str, now: Nanos) -> Option<Stored> {
        let kept = self.entries.get(key)?;
        kept.live(now).then(|| kept.stored(now))
    }

    pub(super) fn lease(&mut self, request: LeaseRequest<'_>, keep: Duration, now: Nanos) -> Lease {
        if !request.refresh
            && let Some(found) = self.read(request.key, now)
        {
            return Lease::Found(found);
        }
        // Joining a lease does not prolong it: callers that wait for a dead loader would keep its lease alive.
        if let Some(lease) = self.leases.get(request.key).filter(|lease| lease.live(now)) {
            return Lease::Shared(lease.value);
        }
        // By chance, not counted: a store that came back from a copy must not hand out a lost lease's token again.
        let token = self.rng.u64(1..);
        self.leases.insert(request.key.to_owned(), Kept::new(token, now, keep));
        Lease::New(token)
    }

    pub(super) fn write(&mut self, write: &Write<'_>, now: Nanos) -> bool {
        if !self.end_lease(write.key, write.lease, now) {
            return false;
        }
        let entry = Kept::new(write.bytes.clone(), now, write.keep);
        self.entries.remove(write.key);
        self.entries.insert(write.key.to_owned(), entry);
        // What is larger than the whole store was not taken.
        self.entries.contains_key(write.key)
    }

    /// Ends this lease, and tells whether it was there.
    pub(super) fn end_lease(&mut self, key: &str, token: LeaseToken, now: Nanos) -> bool {
        let held = self
            .leases
            .peek(key)
            .is_some_and(|lease| lease.value == token && lease.live(now));
        if held {
            self.leases.remove(key);
        }
        held
    }

    pub(super) fn invalidate(&mut self, what: Invalidation<'_>) -> u64 {
        for key in what.keys {
            self.entries.remove(*key);
            self.leases.remove(*key);
        }
        self.number += 1;
        for tag in what.tags {
            // A tag that nobody asked for has no version to replace: who asks later gets this number or a later one.
            if let Some(mut version) = self.versions.get_mut(*tag) {
                version.value = self.number;
            }
        }
        self.tell(&what);
        self.number
    }

    pub(super) fn version(&mut self, tag: &str, keep: Duration, now: Nanos) -> u64 {
        let until = now.saturating_add(nanos(keep));
        if let Some(mut version) = self.versions.get_mut(tag)
            && version.live(now)
        {
            version.until = version.until.max(until);
            return version.value;
        }
        let version = Kept {
            value: self.number,
            until,
        };
        self.versions.insert(tag.to_owned(), version);
        self.number
    }

    pub(super) fn check(&mut self) -> Status {
        let replaced = self.trusted != self.identity;
        if replaced {
            self.trusted = self.identity;
            // `invalidate` adds the last step.
            self.number += self.rng.u64(0..JUMP);
            self.invalidate(Invalidation {
                tags: &[EVERYTHING],
                ..Invalidation::default()
            });
        }
        Status {
            number: self.number,
            replaced,
        }
    }

    pub(super) fn subscribe(&mut self) -> mpsc::Receiver<Notice> {
        let (sender, receiver) = mpsc::channel(self.backlog);
        self.subscribers.push(sender);
        receiver
    }

    /// Tells every subscription. One that does not keep up is dropped, so that it fails: it must not go on with a gap.
    fn tell(&mut self, what: &Invalidation<'_>) {
        if self.subscribers.is_empty() {
            return;
        }
        let notice = Notice {
            number: self.number,
            origin: what.origin,
            keys: what.keys.iter().map(|&key| key.to_owned()).collect(),
            tags: what.tags.iter().map(|&tag| tag.to_owned()).collect(),
        };
        self.subscribers
            .retain(|subscriber| subscriber.try_send(notice.clone()).is_ok());
    }
}

/// What tests do to a store.
#[cfg(any(test, feature = "testing"))]
impl Store {
    pub(super) fn live_entries(&self, now: Nanos) -> usize {
        self.entries.iter().filter(|(_, kept)| kept.live(now)).count()
    }

    pub(super) fn drop_subscribers(&mut self) {
        self.subscribers.clear();
    }

    pub(super) fn lose_tag(&mut self, tag: &str) -> bool {
        self.versions.remove(tag).is_some()
    }

    pub(super) fn tamper(&mut self, key: &str, bytes: Bytes) -> bool {
        let Some((key, Kept { until, .. })) = self.entries.remove(key) else {
            return false;
        };
        self.entries.insert(key, Kept { value: bytes, until });
        true
    }

    pub(super) fn content(&self) -> Content {
        Content {
            number: self.number,
            entries: owned(&self.entries),
            leases: owned(&self.leases),
            versions: owned(&self.versions),
        }
    }

    /// Another run of the store, with this content or with none. It has no subscribers, as after any restart.
    pub(super) fn restart(&mut self, content: Option<Content>) {
        let mut next = Self::new(self.entries.capacity(), self.backlog, self.rng.fork());
        next.identity = self.identity + 1;
        next.trusted = self.trusted;
        if let Some(content) = content {
            next.number = content.number;
            content
                .entries
                .into_iter()
                .for_each(|(key, kept)| next.entries.insert(key, kept));
            content
                .leases
                .into_iter()
                .for_each(|(key, kept)| next.leases.insert(key, kept));
            content
                .versions
                .into_iter()
                .for_each(|(tag, kept)| next.versions.insert(tag, kept));
        }
        *self = next;
    }
}

#[cfg(any(test, feature = "testing"))]
fn owned<V: Clone>(cache: &Cache<String, V, ByBytes>) -> Vec<(String, V)>
where
    ByBytes: Weighter<String, V>,
{
    cache.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// How many items the tables are laid out for at first; they grow.
fn items(capacity: u64) -> usize {
    usize::try_from(capacity / 1024).unwrap_or(usize::MAX).clamp(16, 65_536)
}
