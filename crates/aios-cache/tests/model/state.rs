//! All that nodes, store and source remember at one moment.

pub(crate) const NODES: usize = 2;
/// How many loads a node can have under way.
pub(crate) const LOADS: usize = 2;
/// The number of the last notice when a scenario begins.
pub(crate) const FIRST: Number = 1000;
/// How far a check moves the number of a store that was replaced.
pub(crate) const JUMP: Number = 100;

/// How often the source was changed when a value was read from it.
pub(crate) type Value = u8;
pub(crate) type Number = u16;
/// The versions of the tag and of the tag that everything bears.
pub(crate) type Versions = (Number, Number);
/// Those of them that were asked for.
pub(crate) type Asked = (Option<Number>, Option<Number>);

/// What is invalidated after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum What {
    Key,
    Tag,
    /// Something that is nothing to the key.
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Stored {
    pub(crate) value: Value,
    pub(crate) versions: Versions,
}

/// What the store keeps, and a copy of it has.
#[derive(Debug, Clone, Hash)]
pub(crate) struct Data {
    pub(crate) number: Number,
    pub(crate) entry: Option<Stored>,
    pub(crate) lease: Option<u8>,
    pub(crate) tag: Option<Number>,
    pub(crate) everything: Option<Number>,
}

#[derive(Debug, Clone, Hash)]
pub(crate) struct Store {
    pub(crate) data: Data,
    pub(crate) copy: Option<Data>,
    /// Which run of the store this is, and which one was last checked.
    pub(crate) run: u8,
    pub(crate) trusted: u8,
}

#[derive(Debug, Clone, Copy, Hash)]
pub(crate) struct Notice {
    pub(crate) number: Number,
    pub(crate) origin: Option<u8>,
    pub(crate) key: bool,
    pub(crate) tag: bool,
    pub(crate) everything: bool,
}

/// The link task of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Link {
    Away,
    Subscribed,
    Checked(Number),
    Repeating {
        number: Number,
        key: bool,
        tag: bool,
        is_deleted: bool,
    },
    Session,
}

/// What a node has in memory for the key.
#[derive(Debug, Clone, Copy, Hash)]
pub(crate) struct Entry {
    pub(crate) value: Value,
    /// From before the link was closed.
    pub(crate) is_in_grace: bool,
    /// Loaded while it was closed.
    pub(crate) is_isolated: bool,
    /// The load that wrote it, while it is under way.
    pub(crate) of: Option<usize>,
}

#[derive(Debug, Clone, Hash)]
pub(crate) struct Node {
    /// Another one after a crash.
    pub(crate) name: u8,
    pub(crate) is_cut: bool,
    /// The store delivers to its subscription; it has been told that it does not any more; what is on its way.
    pub(crate) is_heard: bool,
    pub(crate) is_broken: bool,
    pub(crate) queue: Vec<Notice>,
    pub(crate) link: Link,
    pub(crate) is_up: bool,
    /// The run of the store that it checked last.
    pub(crate) checked: u8,
    pub(crate) number: Number,
    pub(crate) awaited: Option<(Number, Value)>,
    pub(crate) pending_key: bool,
    pub(crate) pending_tag: bool,
    pub(crate) tag: Option<Number>,
    pub(crate) moving: u8,
    pub(crate) everything: Option<Number>,
    pub(crate) memory: Option<Entry>,
    /// No read that begins now may see less.
    pub(crate) floor: Value,
    /// What it may still miss, until the bound.
    pub(crate) due: Value,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// For an entry, or for a lease where there is none; for a lease in any case.
    Ask {
        refresh: bool,
    },
    Found(Stored),
    FoundVersions(Stored, Asked),
    Note,
    Noted(Asked),
    Source,
    Late,
    LateVersion(Asked),
    Settle {
        was_linked: bool,
    },
    Write(Versions),
}

#[derive(Debug, Clone, Hash)]
pub(crate) struct Load {
    pub(crate) step: Step,
    pub(crate) is_attached: bool,
    /// The namespace's and the tag's generation are still those at its start; versions were not forgotten since.
    pub(crate) is_generation: bool,
    pub(crate) is_tag: bool,
    pub(crate) is_epoch: bool,
    /// Versions were not forgotten since it asked for some.
    pub(crate) is_asked_epoch: bool,
    /// It began while the link was closed.
    pub(crate) is_isolated: bool,
    pub(crate) number: Number,
    pub(crate) lease: Option<u8>,
    pub(crate) versions: Option<Versions>,
    pub(crate) value: Value,
    /// Whoever may have joined it has to see at least this.
    pub(crate) must: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Progress {
    Waiting,
    Committed,
    Begun,
    Deleted,
    Sent(Number),
    Deferred { is_repeating: bool },
    Done,
}

#[derive(Debug, Clone, Hash)]
pub(crate) struct Write {
    pub(crate) node: usize,
    pub(crate) what: What,
    pub(crate) progress: Progress,
    pub(crate) commit: Value,
    pub(crate) is_epoch: bool,
}

/// What may still go wrong.
#[derive(Debug, Clone, Hash)]
pub(crate) struct Budget {
    pub(crate) loads: [u8; NODES],
    pub(crate) cuts: u8,
    pub(crate) lost_notices: u8,
    pub(crate) lost_tags: u8,
    pub(crate) empty_restarts: u8,
    pub(crate) old_restarts: u8,
    pub(crate) crashes: u8,
    pub(crate) late_calls: u8,
}

#[derive(Debug, Clone, Hash)]
pub(crate) struct State {
    pub(crate) source: Value,
    pub(crate) store: Store,
    pub(crate) nodes: [Node; NODES],
    pub(crate) loads: [[Option<Load>; LOADS]; NODES],
    pub(crate) writes: Vec<Write>,
    /// Invalidations that their node gave up, and that the store may still get.
    pub(crate) late_calls: Vec<(u8, What)>,
    /// What is invalidated everywhere.
    pub(crate) everywhere: Value,
    pub(crate) budget: Budget,
    pub(crate) broken: Option<String>,
}

impl Node {
    /// With the entry in memory, and the link in use.
    pub(crate) fn warm(name: u8) -> Self {
        let entry = Entry {
            value: 0,
            is_in_grace: false,
            is_isolated: false,
            of: None,
        };
        Self {
            link: Link::Session,
            is_up: true,
            is_heard: true,
            tag: Some(FIRST),
            everything: Some(FIRST),
            memory: Some(entry),
            ..Self::new(name)
        }
    }

    /// Just started.
    pub(crate) fn new(name: u8) -> Self {
        Self {
            name,
            is_cut: false,
            is_heard: false,
            is_broken: false,
            queue: Vec::new(),
            link: Link::Away,
            is_up: false,
            checked: 0,
            number: FIRST,
            awaited: None,
            pending_key: false,
            pending_tag: false,
            tag: None,
            moving: 0,
            everything: None,
            memory: None,
            floor: 0,
            due: 0,
        }
    }
}

impl Load {
    /// Whether its next step is a call to the store.
    pub(crate) fn calls(&self) -> bool {
        matches!(
            self.step,
            Step::Ask { .. } | Step::Found(_) | Step::Note | Step::Late | Step::Write(_)
        )
    }
}
