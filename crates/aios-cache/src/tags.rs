//! Tags as this node knows them: a generation each, bumped by every event that may have made its bearers stale, and the
//! version that the shared tier has confirmed.

use std::collections::HashMap;
use std::sync::Arc;

use crate::sync::{AtomicU64, Mutex, Ordering};

/// One tag. Entries in memory point to it and remember its generation, so a look at an entry costs one comparison a tag.
#[derive(Debug)]
pub(crate) struct TagState {
    name: Box<str>,
    generation: AtomicU64,
    shared: Mutex<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// The version in the shared tier, as far as this node was told.
    confirmed: Option<u64>,
    /// Invalidations by this node that are under way: meanwhile nobody knows the version.
    in_flight: u32,
    /// When the generation was bumped last, in ticks of the table.
    bumped: u64,
}

/// A tag as it was when a load began.
#[derive(Debug, Clone)]
pub(crate) struct TagMark {
    pub(crate) state: Arc<TagState>,
    pub(crate) generation: u64,
}

impl TagMark {
    /// Whether nothing has happened to the tag since.
    #[inline]
    pub(crate) fn is_current(&self) -> bool {
        // Acquire: who sees the entry that an invalidation left in place must see the bump that came before.
        self.state.generation.load(Ordering::Acquire) == self.generation
    }
}

impl TagState {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The tag as it is now.
    pub(crate) fn mark(self: &Arc<Self>) -> TagMark {
        TagMark {
            state: Arc::clone(self),
            generation: self.generation.load(Ordering::Acquire),
        }
    }

    /// A mark of something that was invalidated already.
    pub(crate) fn overtaken(self: &Arc<Self>) -> TagMark {
        TagMark {
            state: Arc::clone(self),
            // Generations are counted up from small numbers.
            generation: u64::MAX,
        }
    }

    /// The confirmed version, where it is known and no invalidation is under way.
    pub(crate) fn version(&self) -> Version {
        let shared = self.shared.lock();
        match (shared.in_flight, shared.confirmed) {
            (0, Some(version)) => Version::Confirmed(version),
            (0, None) => Version::Unknown,
            _ => Version::Moving,
        }
    }

    /// Whether the shared tier has to be asked before an entry with this version can be judged. Versions expire there: an entry
    /// may bear one that the tag was given later, without an invalidation of which this node would have heard.
    pub(crate) fn is_behind(&self, version: u64) -> bool {
        let shared = self.shared.lock();
        shared.in_flight == 0 && shared.confirmed.is_none_or(|confirmed| confirmed < version)
    }

    /// The tag as it is now, if `version` is the confirmed one.
    pub(crate) fn mark_if(self: &Arc<Self>, version: u64) -> Option<TagMark> {
        let shared = self.shared.lock();
        (shared.in_flight == 0 && shared.confirmed == Some(version)).then(|| self.mark())
    }
}

/// What is known of a tag's version in the shared tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    Confirmed(u64),
    /// It has to be asked for.
    Unknown,
    /// This node is just invalidating the tag.
    Moving,
}

const SHARDS: usize = 16;

/// All tags that this node has heard of lately.
#[derive(Debug)]
pub(crate) struct TagTable {
    shards: [Mutex<HashMap<Box<str>, Arc<TagState>>>; SHARDS],
    /// Counts bumps of generations, and tags that were made.
    ticks: AtomicU64,
    /// Counts bumps alone.
    bumps: AtomicU64,
    /// Counts how often versions were forgotten; what was asked for before that is not believed after.
    epoch: AtomicU64,
    /// How often tags that nobody uses were dropped, and at which tick the last time.
    prunes: AtomicU64,
    pruned_at: AtomicU64,
}

/// The table as it was when a load began, for tags that the loader names afterwards.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TableMark {
    ticks: u64,
    bumps: u64,
    prunes: u64,
    epoch: u64,
}

impl Default for TagTable {
    fn default() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            ticks: AtomicU64::new(1),
            bumps: AtomicU64::new(0),
            epoch: AtomicU64::new(0),
            prunes: AtomicU64::new(0),
            pruned_at: AtomicU64::new(0),
        }
    }
}

impl TagTable {
    fn shard(&self, name: &str) -> &Mutex<HashMap<Box<str>, Arc<TagState>>> {
        // FNV-1a: the names are short, and who chooses them gains nothing by collisions of sixteen locks.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let index = usize::try_from(hash >> 60).unwrap_or(0);
        self.shards
            .get(index)
            .unwrap_or_else(|| unreachable_shard(&self.shards))
    }

    /// The tag of this name; it is made where it is not known. Whoever will ask for its version does this first, so that no
    /// notice about it can be missed in between.
    pub(crate) fn get(&self, name: &str) -> Arc<TagState> {
        let mut shard = self.shard(name).lock();
        if let Some(state) = shard.get(name) {
            return Arc::clone(state);
        }
        let state = Arc::new(TagState {
            name: name.into(),
            // A tag that was dropped and is made again must not look like its former self to anybody.
            generation: AtomicU64::new(self.ticks.fetch_add(1, Ordering::Relaxed)),
            shared: Mutex::default(),
        });
        shard.insert(name.into(), Arc::clone(&state));
        state
    }

    fn bump(&self, state: &TagState, shared: &mut Shared) {
        shared.bumped = self.ticks.fetch_add(1, Ordering::SeqCst) + 1;
        self.bumps.fetch_add(1, Ordering::SeqCst);
        state.generation.fetch_add(1, Ordering::Release);
    }

    /// An invalidation by this node begins: whatever bears the tag is stale here from now on.
    pub(crate) fn begin(&self, name: &str) -> Moving<'_> {
        let state = self.get(name);
        let mut shared = state.shared.lock();
        shared.in_flight += 1;
        self.bump(&state, &mut shared);
        drop(shared);
        Moving {
            table: self,
            state,
            epoch: self.epoch(),
            version: None,
        }
    }

    /// Another node has invalidated the tag. An unknown tag needs nothing: its version will be asked for.
    pub(crate) fn noticed(&self, name: &str, version: u64) {
        let state = self.shard(name).lock().get(name).map(Arc::clone);
        let Some(state) = state else { return };
        let mut shared = state.shared.lock();
        if shared.confirmed.is_none_or(|confirmed| confirmed < version) {
            shared.confirmed = Some(version);
            self.bump(&state, &mut shared);
        }
    }

    /// The shared tier said, when asked in `epoch`, that this is the version.
    pub(crate) fn learn(&self, state: &TagState, version: u64, epoch: u64) {
        let mut shared = state.shared.lock();
        if self.epoch() != epoch {
            return;
        }
        match shared.confirmed {
            None => shared.confirmed = Some(version),
            Some(confirmed) if confirmed < version => {
                shared.confirmed = Some(version);
                self.bump(state, &mut shared);
            }
            Some(_) => {}
        }
    }

    /// Counts how often versions were forgotten.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// Whatever was known of versions is not believed any more. What bears tags in memory has to be distrusted by other
    /// means: their generations stay.
    pub(crate) fn forget_versions(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        for shard in &self.shards {
            for state in shard.lock().values() {
                state.shared.lock().confirmed = None;
            }
        }
    }

    /// The table as it is now.
    pub(crate) fn mark(&self) -> TableMark {
        TableMark {
            ticks: self.ticks.load(Ordering::SeqCst),
            bumps: self.bumps.load(Ordering::SeqCst),
            prunes: self.prunes.load(Ordering::SeqCst),
            epoch: self.epoch(),
        }
    }

    /// Whether any tag was made stale since, or versions were forgotten.
    pub(crate) fn was_bumped_since(&self, since: TableMark) -> bool {
        self.bumps.load(Ordering::SeqCst) != since.bumps || self.epoch() != since.epoch
    }

    /// The tag, if this node has seen nothing happen to it since `since`. For tags that were not known when a load began.
    pub(crate) fn mark_unless_bumped(&self, name: &str, since: TableMark) -> Option<TagMark> {
        let state = self.get(name);
        let mark = state.mark();
        let shared = state.shared.lock();
        let is_known = self.prunes.load(Ordering::SeqCst) < since.prunes + 2 && self.epoch() == since.epoch;
        (is_known && shared.in_flight == 0 && shared.bumped <= since.ticks).then_some(mark)
    }

    /// Drops tags that no entry bears and to which nothing has happened since the last time.
    pub(crate) fn prune(&self) {
        let before = self.pruned_at.swap(self.ticks.load(Ordering::SeqCst), Ordering::SeqCst);
        for shard in &self.shards {
            shard.lock().retain(|_, state| {
                let shared = state.shared.lock();
                // The generation is a tick at first: a tag that was just made is kept, too.
                let is_new = state.generation.load(Ordering::Relaxed) >= before || shared.bumped >= before;
                Arc::strong_count(state) > 1 || shared.in_flight > 0 || is_new
            });
        }
        self.prunes.fetch_add(1, Ordering::SeqCst);
    }

    /// How many tags are known.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }
}

/// There are sixteen shards and four bits choose one.
#[cold]
fn unreachable_shard<T>(shards: &[T; SHARDS]) -> &T {
    let [first, ..] = shards;
    first
}

/// An invalidation of a tag that is under way on this node; when it is dropped, the tag's bearers are stale once more, for
/// those that were read from the shared tier meanwhile.
#[derive(Debug)]
pub(crate) struct Moving<'a> {
    table: &'a TagTable,
    state: Arc<TagState>,
    epoch: u64,
    version: Option<u64>,
}

impl Moving<'_> {
    /// The shared tier gave the tag this version.
    pub(crate) fn confirmed(&mut self, version: u64) {
        self.version = Some(version);
    }
}

impl Drop for Moving<'_> {
    fn drop(&mut self) {
        let mut shared = self.state.shared.lock();
        shared.in_flight -= 1;
        if let Some(version) = self.version
            && self.table.epoch() == self.epoch
        {
            shared.confirmed = shared.confirmed.max(Some(version));
        }
        self.table.bump(&self.state, &mut shared);
    }
}
