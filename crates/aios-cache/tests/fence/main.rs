//! The fence in this process under a model checker: the very source files of the fence and of the tags, run through every
//! schedule of a few threads and every value that the memory model lets a thread see.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "modules of the library that are used in part; helpers of tests are not tests to the lint"
)]

#[path = "../../src/fence.rs"]
mod fence;
mod sync;
#[path = "../../src/tags.rs"]
mod tags;

use std::sync::Arc;

use fence::{Fence, Step};
use loom::thread;
use sync::{AtomicU64, Mutex, Ordering};
use tags::{TableMark, TagMark, TagTable, Version};

const KEY: &str = "k";
const TAG: &str = "t";
/// The source before and after the change.
const OLD: u64 = 0;
const NEW: u64 = 1;

/// A load as the cache notes it: what it must not have missed, and what it brought.
struct Flight {
    generation: u64,
    tags: Vec<TagMark>,
    table: TableMark,
    /// And what must be current for those who joined it to have that.
    brought: Mutex<Option<(u64, Vec<TagMark>)>>,
}

struct Entry {
    value: u64,
    generation: u64,
    tags: Vec<TagMark>,
}

/// A node as far as it is the fence, with a memory of one place.
struct Node {
    table: TagTable,
    fence: Fence<Flight>,
    generation: AtomicU64,
    memory: Mutex<Option<Entry>>,
    source: AtomicU64,
}

impl Node {
    fn new() -> Arc<Self> {
        let node = Self {
            table: TagTable::default(),
            fence: Fence::new(),
            generation: AtomicU64::new(0),
            memory: Mutex::default(),
            source: AtomicU64::new(OLD),
        };
        // Known before, as the tag of an entry that was read before.
        node.table.get(TAG);
        Arc::new(node)
    }

    fn is_current(&self, flight: &Flight) -> bool {
        flight.generation == self.generation.load(Ordering::Acquire) && flight.tags.iter().all(TagMark::is_current)
    }

    fn find(&self) -> Option<u64> {
        let memory = self.memory.lock();
        let entry = memory.as_ref()?;
        let is_good =
            entry.generation == self.generation.load(Ordering::Acquire) && entry.tags.iter().all(TagMark::is_current);
        is_good.then_some(entry.value)
    }

    /// As a caller does who names the tag, or leaves that to the loader.
    fn step(&self, names_tag: bool) -> Step<Flight, u64> {
        let begin = || {
            Arc::new(Flight {
                generation: self.generation.load(Ordering::Acquire),
                tags: names_tag.then(|| self.table.get(TAG).mark()).into_iter().collect(),
                table: self.table.mark(),
                brought: Mutex::default(),
            })
        };
        self.fence
            .join_or_lead(KEY, |flight| self.is_current(flight), || self.find(), begin)
    }

    /// Reads through the cache, as far as this thread does the work itself.
    fn read(&self, names_tag: bool) {
        if let Step::Lead(flight) = self.step(names_tag) {
            let value = self.source.load(Ordering::SeqCst);
            let late = if names_tag {
                Some(Vec::new())
            } else {
                self.table.mark_unless_bumped(TAG, flight.table).map(|mark| vec![mark])
            };
            let late = late.unwrap_or_else(|| vec![self.table.get(TAG).overtaken()]);
            let tags: Vec<TagMark> = flight.tags.iter().cloned().chain(late).collect();
            let entry = Entry {
                value,
                generation: flight.generation,
                tags: tags.clone(),
            };
            let is_good = || self.is_current(&flight) && tags.iter().all(TagMark::is_current);
            self.fence
                .settle(KEY, &flight, true, is_good, || *self.memory.lock() = Some(entry));
            *flight.brought.lock() = Some((value, tags));
        }
    }

    /// What a read that begins now may see. A flight that it would join is handed out.
    fn look(&self, names_tag: bool) -> Option<Arc<Flight>> {
        match self.step(names_tag) {
            Step::Found(value) => {
                assert_eq!(value, NEW, "memory serves the old value");
                None
            }
            Step::Join(flight) => Some(flight),
            Step::Lead(flight) => {
                self.fence.forget(KEY, &flight);
                None
            }
        }
    }

    fn change(&self) {
        self.source.store(NEW, Ordering::SeqCst);
    }
}

/// `readers` read while the source changes and is invalidated; what comes after that sees the new value.
fn nothing_old_after(readers: usize, names_tag: bool, invalidate: fn(&Node)) {
    let mut model = loom::model::Builder::new();
    // Schedules in which threads are interrupted thrice at most, with three threads twice: more take minutes.
    model.preemption_bound = Some(if readers > 1 { 2 } else { 3 });
    model.check(move || {
        let node = Node::new();
        let readers: Vec<_> = (0..readers)
            .map(|_| {
                let node = Arc::clone(&node);
                thread::spawn(move || node.read(names_tag))
            })
            .collect();
        node.change();
        invalidate(&node);
        let joined = node.look(names_tag);
        for reader in readers {
            reader.join().unwrap();
        }
        if let Some(flight) = joined {
            let brought = flight.brought.lock().take();
            let for_all = brought.filter(|(_, tags)| tags.iter().all(TagMark::is_current));
            assert!(
                for_all.is_none_or(|(value, _)| value == NEW),
                "a flight from before was joined"
            );
        }
        node.look(names_tag);
    });
}

fn invalidate_tag(node: &Node) {
    drop(node.table.begin(TAG));
}

#[test]
fn a_key() {
    let detach = |node: &Node| drop(node.fence.detach(KEY, || node.memory.lock().take()));
    nothing_old_after(2, true, detach);
}

#[test]
fn a_tag() {
    nothing_old_after(1, true, invalidate_tag);
}

#[test]
fn a_tag_with_two_readers() {
    nothing_old_after(2, true, invalidate_tag);
}

#[test]
fn a_tag_that_the_loader_names() {
    nothing_old_after(1, false, invalidate_tag);
}

#[test]
fn a_tag_that_is_dropped_and_made_anew_meanwhile() {
    nothing_old_after(1, false, |node| {
        invalidate_tag(node);
        node.table.prune();
        node.table.prune();
    });
}

#[test]
fn a_namespace() {
    nothing_old_after(2, true, |node| {
        node.generation.fetch_add(1, Ordering::AcqRel);
        node.memory.lock().take();
    });
}

#[test]
fn a_tag_by_the_notice_of_another_node() {
    nothing_old_after(1, true, |node| node.table.noticed(TAG, 7));
}

/// What a look finds in the shared tier while the key is invalidated: there first, and then here.
#[test]
fn a_look_into_the_shared_tier() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let node = Node::new();
        let reader = {
            let node = Arc::clone(&node);
            thread::spawn(move || {
                let Some(look) = node.fence.look(KEY) else { return };
                let entry = Entry {
                    value: node.source.load(Ordering::SeqCst),
                    generation: node.generation.load(Ordering::Acquire),
                    tags: Vec::new(),
                };
                look.settle(|| true, || *node.memory.lock() = Some(entry));
            })
        };
        node.change();
        drop(node.fence.detach(KEY, || node.memory.lock().take()));
        node.look(true);
        // A flight that has brought the new value is not undone by a look from before.
        node.read(true);
        reader.join().unwrap();
        node.look(true);
    });
}

/// An entry of the shared tier that is judged while its tag is invalidated here.
#[test]
fn an_entry_from_the_shared_tier() {
    loom::model(|| {
        let node = Node::new();
        let tag = node.table.get(TAG);
        node.table.learn(&tag, 1, node.table.epoch());
        let reader = {
            let (node, tag) = (Arc::clone(&node), Arc::clone(&tag));
            thread::spawn(move || {
                let Step::Lead(flight) = node.step(true) else { return };
                // What the shared tier had, with the version that it was written with.
                let Some(mark) = tag.mark_if(1) else { return };
                let entry = Entry {
                    value: OLD,
                    generation: flight.generation,
                    tags: vec![mark.clone()],
                };
                let is_good = || node.is_current(&flight) && mark.is_current();
                node.fence
                    .settle(KEY, &flight, true, is_good, || *node.memory.lock() = Some(entry));
            })
        };
        let mut moving = node.table.begin(TAG);
        moving.confirmed(2);
        drop(moving);
        assert_eq!(node.find(), None, "the old entry is served");
        reader.join().unwrap();
        assert_eq!(node.find(), None, "the old entry is served");
        assert_eq!(tag.version(), Version::Confirmed(2));
    });
}

/// Versions are forgotten while an answer from before is on its way.
#[test]
fn nothing_is_learnt_from_before_versions_were_forgotten() {
    loom::model(|| {
        let table = Arc::new(TagTable::default());
        let tag = table.get(TAG);
        let asking = {
            let (table, tag) = (Arc::clone(&table), Arc::clone(&tag));
            thread::spawn(move || {
                let epoch = table.epoch();
                table.learn(&tag, 5, epoch);
                epoch
            })
        };
        table.forget_versions();
        let epoch = asking.join().unwrap();
        // What was asked for after that may be forgotten, too: it will be asked for again.
        assert!(epoch > 0 || tag.version() == Version::Unknown);
    });
}

/// An answer and a notice overtake each other.
#[test]
fn a_version_never_goes_back() {
    loom::model(|| {
        let table = Arc::new(TagTable::default());
        let tag = table.get(TAG);
        let asking = {
            let (table, tag) = (Arc::clone(&table), Arc::clone(&tag));
            thread::spawn(move || {
                table.learn(&tag, 5, table.epoch());
                tag.mark_if(5)
            })
        };
        table.noticed(TAG, 6);
        let mark = asking.join().unwrap();
        assert_eq!(tag.version(), Version::Confirmed(6));
        assert!(
            mark.is_none_or(|mark| !mark.is_current()),
            "an entry of version 5 is served"
        );
    });
}
