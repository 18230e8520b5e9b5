//! The protocol between two nodes, one store and one source, in atomic steps: one key, which bears one tag.
//!
//! What is atomic here is atomic there too: one operation of the store, one change under a node's lock. A call to the store
//! is two steps, what the store does and what the node makes of the answer, wherever something could come between.
//! Generations are not counted but compared: whoever remembers one is told when it is over.

use std::fmt;

use super::explorer::Model;
use super::rules::Rules;
use super::scenario::Scenario;

pub(crate) const NODES: usize = 2;
/// How many loads a node can have under way.
const LOADS: usize = 2;
/// The number of the last notice when a scenario begins.
const FIRST: Number = 1000;
/// How far a check moves the number of a store that was replaced.
const JUMP: Number = 100;

/// How often the source was changed when a value was read from it.
pub(crate) type Value = u8;
type Number = u16;
/// The versions of the tag and of the tag that everything bears.
type Versions = (Number, Number);

/// What is invalidated after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum What {
    Key,
    Tag,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Stored {
    value: Value,
    versions: Versions,
}

/// What the store keeps, and a copy of it has.
#[derive(Debug, Clone, Hash)]
struct Data {
    number: Number,
    entry: Option<Stored>,
    lease: Option<u8>,
    tag: Option<Number>,
    everything: Option<Number>,
}

#[derive(Debug, Clone, Hash)]
struct Store {
    data: Data,
    copy: Option<Data>,
    /// Which run of the store this is, and which one was last checked.
    run: u8,
    trusted: u8,
}

#[derive(Debug, Clone, Copy, Hash)]
struct Notice {
    number: Number,
    origin: Option<u8>,
    key: bool,
    tag: bool,
    everything: bool,
}

/// The link task of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Link {
    Away,
    Subscribed,
    Checked(Number),
    Repeating { number: Number, key: bool, tag: bool, is_deleted: bool },
    Session,
}

/// What a node has in memory for the key.
#[derive(Debug, Clone, Copy, Hash)]
struct Entry {
    value: Value,
    /// From before the link was closed.
    is_in_grace: bool,
    /// Loaded while it was closed.
    is_isolated: bool,
    /// The load that wrote it, while it is under way.
    of: Option<usize>,
}

#[derive(Debug, Clone, Hash)]
struct Node {
    /// Another one after a crash.
    name: u8,
    is_cut: bool,
    /// The store delivers to its subscription; it has been told that it does not any more; what is on its way.
    is_heard: bool,
    is_broken: bool,
    queue: Vec<Notice>,
    link: Link,
    is_up: bool,
    /// The run of the store that it checked last.
    checked: u8,
    number: Number,
    awaited: Option<(Number, Value)>,
    pending_key: bool,
    pending_tag: bool,
    tag: Option<Number>,
    moving: u8,
    everything: Option<Number>,
    memory: Option<Entry>,
    /// No read that begins now may see less.
    floor: Value,
    /// What it may still miss, until the bound.
    due: Value,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Step {
    /// For an entry, or for a lease where there is none; for a lease in any case.
    Ask { refresh: bool },
    Found(Stored),
    FoundVersions(Stored, Versions),
    Note,
    Noted(Versions),
    Source,
    Late,
    LateVersion(Number),
    Settle { was_linked: bool },
    Write(Versions),
}

#[derive(Debug, Clone, Hash)]
struct Load {
    step: Step,
    is_attached: bool,
    /// The namespace's and the tag's generation are still those at its start; versions were not forgotten since.
    is_generation: bool,
    is_tag: bool,
    is_epoch: bool,
    /// Versions were not forgotten since it asked for some.
    is_asked_epoch: bool,
    /// It began while the link was closed.
    is_isolated: bool,
    number: Number,
    lease: Option<u8>,
    versions: Option<Versions>,
    value: Value,
    /// Whoever may have joined it has to see at least this.
    must: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Progress {
    Waiting,
    Committed,
    Begun,
    Deleted,
    Sent(Number),
    Deferred { is_repeating: bool },
    Done,
}

#[derive(Debug, Clone, Hash)]
struct Write {
    node: usize,
    what: What,
    progress: Progress,
    commit: Value,
    is_epoch: bool,
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
    source: Value,
    store: Store,
    nodes: [Node; NODES],
    loads: [[Option<Load>; LOADS]; NODES],
    writes: Vec<Write>,
    /// Invalidations that their node gave up, and that the store may still get.
    late_calls: Vec<(u8, What)>,
    /// What is invalidated everywhere.
    everywhere: Value,
    budget: Budget,
    broken: Option<String>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Action {
    Start { node: usize, refresh: bool },
    Load { node: usize, slot: usize, fails_quietly: bool },
    Write { write: usize, is_given_up: bool },
    Link(usize),
    Deliver(usize),
    Heartbeat(usize),
    Overdue(usize),
    Isolated(usize),
    Cut(usize),
    Heal(usize),
    Break(usize),
    LoseNotice(usize),
    LoseTag,
    Copy,
    RestartEmpty,
    RestartOld,
    Crash(usize),
    LateCall(usize),
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start { node, refresh: false } => write!(f, "node {node}: what is in memory is evicted, a load begins"),
            Self::Start { node, refresh: true } => write!(f, "node {node}: a refresh begins"),
            Self::Load { node, slot, fails_quietly: false } => write!(f, "node {node}: load {slot} goes on"),
            Self::Load { node, slot, .. } => write!(f, "node {node}: load {slot}'s call fails, the link stays"),
            Self::Write { write, is_given_up: false } => write!(f, "write {write} goes on"),
            Self::Write { write, .. } => write!(f, "write {write} gives its call up"),
            Self::Link(node) => write!(f, "node {node}: the link task goes on"),
            Self::Deliver(node) => write!(f, "node {node}: the next notice, or the subscription's end"),
            Self::Heartbeat(node) => write!(f, "node {node}: heartbeat"),
            Self::Overdue(node) => write!(f, "node {node}: an awaited notice did not come"),
            Self::Isolated(node) => write!(f, "node {node}: isolated_ttl passes"),
            Self::Cut(node) => write!(f, "node {node} is cut off"),
            Self::Heal(node) => write!(f, "node {node} can reach the store again"),
            Self::Break(node) => write!(f, "node {node} is told that its subscription is over"),
            Self::LoseNotice(node) => write!(f, "node {node}: a notice is lost on its way"),
            Self::LoseTag => write!(f, "the store loses the tag's version"),
            Self::Copy => write!(f, "the store is copied"),
            Self::RestartEmpty => write!(f, "the store restarts empty"),
            Self::RestartOld => write!(f, "the store restarts from its copy"),
            Self::Crash(node) => write!(f, "node {node} crashes and starts again"),
            Self::LateCall(call) => write!(f, "the store gets the given up call {call}"),
        }
    }
}

/// The protocol under the rules, in one scenario.
pub(crate) struct Protocol {
    pub(crate) rules: Rules,
    pub(crate) scenario: Scenario,
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let data = Data {
            number: FIRST,
            entry: Some(Stored { value: 0, versions: (FIRST, FIRST) }),
            lease: None,
            tag: Some(FIRST),
            everything: Some(FIRST),
        };
        let store = Store { data, copy: None, run: 0, trusted: 0 };
        let writes = self.scenario.writes.iter().map(|&(node, what)| Write {
            node,
            what,
            progress: Progress::Waiting,
            commit: 0,
            is_epoch: true,
        });
        State {
            source: 0,
            store,
            nodes: [Node::warm(0), Node::warm(1)],
            loads: Default::default(),
            writes: writes.collect(),
            late_calls: Vec::new(),
            everywhere: 0,
            budget: self.scenario.budget.clone(),
            broken: None,
        }
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for node in 0..NODES {
            Self::actions_of_node(state, node, actions);
            Self::faults_of_node(state, node, actions);
        }
        for (write, of) in state.writes.iter().enumerate() {
            let is_first = state.writes[..write].iter().all(|before| before.progress != Progress::Waiting);
            let is_over = matches!(of.progress, Progress::Deferred { .. } | Progress::Done);
            if is_over || (of.progress == Progress::Waiting && !is_first) {
                continue;
            }
            actions.push(Action::Write { write, is_given_up: false });
            let is_calling = matches!(of.progress, Progress::Begun | Progress::Deleted);
            if is_calling && state.budget.late_calls > 0 && state.nodes[of.node].is_up {
                actions.push(Action::Write { write, is_given_up: true });
            }
        }
        actions.extend((0..state.late_calls.len()).map(Action::LateCall));
        if state.budget.lost_tags > 0 && state.store.data.tag.is_some() {
            actions.push(Action::LoseTag);
        }
        if state.budget.empty_restarts > 0 {
            actions.push(Action::RestartEmpty);
        }
        if state.budget.old_restarts > 0 {
            actions.push(if state.store.copy.is_some() { Action::RestartOld } else { Action::Copy });
        }
    }

    fn step(&self, state: &State, action: Action) -> State {
        let mut next = Running { rules: &self.rules, scenario: &self.scenario, state: state.clone() };
        next.act(action);
        next.note_joiners();
        next.forget_dead_leases();
        next.state
    }

    fn violation(&self, state: &State) -> Option<String> {
        let in_memory = state.nodes.iter().enumerate().find_map(|(number, node)| {
            let entry = node.memory.filter(|entry| entry.value < node.floor)?;
            Some(format!("node {number} serves value {} from memory, where {} is due", entry.value, node.floor))
        });
        state.broken.clone().or(in_memory)
    }

    fn describe(&self, state: &State) -> String {
        let store = &state.store.data;
        let entry = store.entry.as_ref().map_or("-".to_owned(), |entry| format!("{}@{}", entry.value, entry.versions.0));
        let node = |node: &Node| {
            let memory = node.memory.map_or("-".to_owned(), |entry| entry.value.to_string());
            let link = if node.is_up { "up".to_owned() } else { format!("{:?}", node.link) };
            format!("{memory} tag {:?} n{} {link} floor {}", node.tag, node.number, node.floor)
        };
        let loads: Vec<String> = state.loads.iter().flatten().flatten().map(|load| format!("{:?}", load.step)).collect();
        format!(
            "source {} | store {entry} tag {:?} n{} lease {:?} | {} | {} | {}",
            state.source,
            store.tag,
            store.number,
            store.lease,
            node(&state.nodes[0]),
            node(&state.nodes[1]),
            loads.join(", ")
        )
    }
}

impl Protocol {
    fn actions_of_node(state: &State, number: usize, actions: &mut Vec<Action>) {
        let node = &state.nodes[number];
        let loads = &state.loads[number];
        let has_joinable = loads.iter().flatten().any(|load| load.is_attached);
        let has_slot = loads.iter().any(Option::is_none);
        if state.budget.loads[number] > 0 && has_slot && !has_joinable {
            actions.push(Action::Start { node: number, refresh: false });
            if node.memory.is_some() {
                actions.push(Action::Start { node: number, refresh: true });
            }
        }
        for (slot, load) in loads.iter().enumerate() {
            if let Some(load) = load {
                actions.push(Action::Load { node: number, slot, fails_quietly: false });
                if node.is_cut && node.is_up && load.calls() {
                    actions.push(Action::Load { node: number, slot, fails_quietly: true });
                }
            }
        }
        if node.link != Link::Session && !(node.is_cut && node.link == Link::Away) || !node.is_up && node.link == Link::Session {
            actions.push(Action::Link(number));
        }
        if node.link == Link::Session && node.is_up {
            if !node.queue.is_empty() || node.is_broken {
                actions.push(Action::Deliver(number));
            }
            actions.push(match node.awaited {
                None => Action::Heartbeat(number),
                Some(_) => Action::Overdue(number),
            });
        }
        if !node.is_up {
            actions.push(Action::Isolated(number));
        }
    }

    fn faults_of_node(state: &State, number: usize, actions: &mut Vec<Action>) {
        let (node, budget) = (&state.nodes[number], &state.budget);
        if node.is_cut {
            actions.push(Action::Heal(number));
        } else if budget.cuts > 0 {
            actions.push(Action::Cut(number));
        }
        if node.link == Link::Session && !node.is_heard && !node.is_broken {
            actions.push(Action::Break(number));
        }
        if budget.lost_notices > 0 && !node.queue.is_empty() {
            actions.push(Action::LoseNotice(number));
        }
        if budget.crashes > 0 {
            actions.push(Action::Crash(number));
        }
    }
}

impl Node {
    /// With the entry in memory, and the link in use.
    fn warm(name: u8) -> Self {
        let entry = Entry { value: 0, is_in_grace: false, is_isolated: false, of: None };
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
    fn new(name: u8) -> Self {
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
    fn calls(&self) -> bool {
        matches!(self.step, Step::Ask { .. } | Step::Found(_) | Step::Note | Step::Late | Step::Write(_))
    }
}

/// A state that changes.
struct Running<'a> {
    rules: &'a Rules,
    scenario: &'a Scenario,
    state: State,
}

impl Running<'_> {
    fn act(&mut self, action: Action) {
        match action {
            Action::Start { node, refresh } => self.start(node, refresh),
            Action::Load { node, slot, fails_quietly } => self.load(node, slot, fails_quietly),
            Action::Write { write, is_given_up } => self.write(write, is_given_up),
            Action::Link(node) => self.link(node),
            Action::Deliver(node) => self.deliver(node),
            Action::Heartbeat(node) => self.heartbeat(node),
            Action::Overdue(node) => self.end_session(node),
            Action::Isolated(node) => self.isolated(node),
            Action::Cut(node) => {
                self.state.budget.cuts -= 1;
                self.state.nodes[node].is_cut = true;
                self.state.nodes[node].is_heard = false;
            }
            Action::Heal(node) => self.state.nodes[node].is_cut = false,
            Action::Break(node) => self.state.nodes[node].is_broken = true,
            Action::LoseNotice(node) => {
                self.state.budget.lost_notices -= 1;
                self.state.nodes[node].queue.remove(0);
            }
            Action::LoseTag => {
                self.state.budget.lost_tags -= 1;
                self.state.store.data.tag = None;
            }
            Action::Copy => self.state.store.copy = Some(self.state.store.data.clone()),
            Action::RestartEmpty => self.restart_empty(),
            Action::RestartOld => self.restart_old(),
            Action::Crash(node) => self.crash(node),
            Action::LateCall(call) => {
                let (origin, what) = self.state.late_calls.remove(call);
                self.store_delete(what);
                self.store_bump(Some(origin), what);
            }
        }
    }

    /// Who comes now joins the load that can be joined, and may see no less than the floor.
    fn note_joiners(&mut self) {
        for (node, loads) in self.state.nodes.iter().zip(&mut self.state.loads) {
            for load in loads.iter_mut().flatten() {
                let knows_tag = !self.scenario.late_tag;
                let can_be_joined = load.is_generation && (load.is_tag || !knows_tag);
                if load.is_attached && !can_be_joined {
                    // Nobody joins it, it stores nothing: it is as good as detached.
                    load.is_attached = false;
                }
                if load.is_attached {
                    load.must = load.must.max(node.floor);
                }
            }
        }
    }

    /// A lease that no load can use any more is like any other such lease, and one that nobody has like none.
    fn forget_dead_leases(&mut self) {
        let store = &mut self.state.store;
        let is_held = |lease: Option<u8>| lease.is_some() && (lease == store.data.lease || store.copy.as_ref().is_some_and(|copy| copy.lease == lease));
        let mut held = Vec::new();
        for load in self.state.loads.iter_mut().flatten().flatten() {
            if load.lease.is_some() && !is_held(load.lease) {
                load.lease = Some(0);
            }
            held.extend(load.lease);
        }
        let in_use = |lease: Option<u8>| lease.filter(|lease| held.contains(lease));
        if store.copy.is_none() {
            store.data.lease = in_use(store.data.lease);
        }
    }

    // What the store does.

    fn store_delete(&mut self, what: What) {
        if what == What::Key {
            self.state.store.data.entry = None;
            if self.rules.invalidation_ends_lease {
                self.state.store.data.lease = None;
            }
        }
    }

    fn store_bump(&mut self, origin: Option<u8>, what: What) -> Number {
        self.bump(Notice {
            number: 0,
            origin,
            key: what == What::Key,
            tag: what == What::Tag,
            everything: false,
        })
    }

    fn bump(&mut self, mut notice: Notice) -> Number {
        let data = &mut self.state.store.data;
        data.number += 1;
        notice.number = data.number;
        if notice.tag {
            data.tag = Some(data.number);
        }
        if notice.everything {
            data.everything = Some(data.number);
        }
        for node in self.state.nodes.iter_mut().filter(|node| node.is_heard) {
            node.queue.push(notice);
        }
        notice.number
    }

    fn store_versions(&mut self) -> Versions {
        let data = &mut self.state.store.data;
        (*data.tag.get_or_insert(data.number), *data.everything.get_or_insert(data.number))
    }

    /// The number, and whether everything was made stale.
    fn store_check(&mut self, number: usize) -> (Number, bool) {
        let store = &mut self.state.store;
        let is_new_here = self.state.nodes[number].checked != store.run;
        self.state.nodes[number].checked = store.run;
        let is_replaced = store.trusted != store.run && self.rules.restart_is_noticed;
        store.trusted = store.run;
        if is_replaced {
            if self.rules.replaced_number_jumps {
                store.data.number += JUMP;
            }
            self.bump(Notice { number: 0, origin: None, key: false, tag: false, everything: true });
        }
        let is_told = is_replaced || (self.rules.each_node_is_told_of_restart && is_new_here);
        (self.state.store.data.number, is_told)
    }

    /// The smallest token that nobody remembers.
    fn new_token(&self) -> u8 {
        let store = &self.state.store;
        let loads = self.state.loads.iter().flatten().flatten().map(|load| load.lease);
        let used: Vec<u8> =
            loads.chain([store.data.lease, store.copy.as_ref().and_then(|copy| copy.lease)]).flatten().collect();
        (1..).find(|token| !used.contains(token)).unwrap()
    }

    fn restart_empty(&mut self) {
        self.state.budget.empty_restarts -= 1;
        // Numbers begin at random: below or above.
        let number = if self.scenario.restarts_higher { FIRST * 2 } else { FIRST / 2 };
        self.state.store.data = Data { number, entry: None, lease: None, tag: None, everything: None };
        self.restarted();
    }

    fn restart_old(&mut self) {
        self.state.budget.old_restarts -= 1;
        if let Some(copy) = self.state.store.copy.take() {
            self.state.store.data = copy;
        }
        self.restarted();
    }

    fn restarted(&mut self) {
        self.state.store.run += 1;
        self.state.nodes.iter_mut().for_each(|node| node.is_heard = false);
    }

    fn can_call(&self, number: usize) -> bool {
        let node = &self.state.nodes[number];
        let is_known = node.checked == self.state.store.run || !self.rules.restart_is_noticed;
        !node.is_cut && is_known
    }

    // What a node does under its locks.

    fn bump_tag(&mut self, number: usize) {
        self.state.nodes[number].memory = None;
        self.state.loads[number].iter_mut().flatten().for_each(|load| load.is_tag = false);
    }

    fn bump_generation(&mut self, number: usize) {
        self.state.loads[number].iter_mut().flatten().for_each(|load| load.is_generation = false);
    }

    fn detach(&mut self, number: usize) {
        self.state.nodes[number].memory = None;
        if self.rules.invalidation_detaches_load {
            self.state.loads[number].iter_mut().flatten().for_each(|load| load.is_attached = false);
        }
    }

    fn apply(&mut self, number: usize, what: What) {
        match what {
            What::Key => self.detach(number),
            What::Tag => self.bump_tag(number),
        }
    }

    fn close(&mut self, number: usize) {
        let node = &mut self.state.nodes[number];
        if !node.is_up {
            return;
        }
        node.is_up = false;
        if let Some(entry) = &mut node.memory {
            entry.is_in_grace = true;
        }
        self.bump_generation(number);
    }

    fn remember(&mut self, number: usize, what: What) {
        let node = &mut self.state.nodes[number];
        match what {
            What::Key => node.pending_key = true,
            What::Tag => node.pending_tag = true,
        }
    }

    fn raise_floor(&mut self, number: usize, floor: Value) {
        let node = &mut self.state.nodes[number];
        node.floor = node.floor.max(floor);
    }

    /// The bound is reached.
    fn all_is_due(&mut self, number: usize) {
        self.raise_floor(number, self.state.nodes[number].due);
    }

    // A write to the source, and its invalidation.

    fn write(&mut self, index: usize, is_given_up: bool) {
        let Write { node, what, progress, .. } = self.state.writes[index].clone();
        match progress {
            Progress::Waiting => {
                self.state.source += 1;
                self.state.writes[index].commit = self.state.source;
                self.state.writes[index].progress = Progress::Committed;
            }
            Progress::Committed => {
                if what == What::Tag {
                    self.state.nodes[node].moving += 1;
                }
                if self.rules.applies_before {
                    self.apply(node, what);
                }
                self.state.writes[index].is_epoch = true;
                self.state.writes[index].progress = Progress::Begun;
            }
            Progress::Begun if !self.state.nodes[node].is_up => {
                self.remember(node, what);
                self.returns(index, None);
            }
            Progress::Begun | Progress::Deleted if is_given_up => {
                self.state.budget.late_calls -= 1;
                let name = self.state.nodes[node].name;
                self.state.late_calls.push((name, what));
                self.fails(index);
            }
            Progress::Begun | Progress::Deleted if !self.can_call(node) => self.fails(index),
            Progress::Begun if what == What::Key => {
                self.store_delete(what);
                self.state.writes[index].progress = Progress::Deleted;
            }
            Progress::Begun | Progress::Deleted => {
                let name = self.state.nodes[node].name;
                let number = self.store_bump(Some(name), what);
                self.state.writes[index].progress = Progress::Sent(number);
            }
            Progress::Sent(number) => self.returns(index, Some(number)),
            Progress::Deferred { .. } | Progress::Done => {}
        }
    }

    fn fails(&mut self, index: usize) {
        let Write { node, what, .. } = self.state.writes[index];
        self.remember(node, what);
        if self.rules.failed_invalidation_closes {
            self.close(node);
        }
        self.returns(index, None);
    }

    /// An invalidation returns: everywhere, by this number, or remembered.
    fn returns(&mut self, index: usize, number: Option<Number>) {
        let Write { node: at, what, is_epoch, commit, .. } = self.state.writes[index];
        if what == What::Tag {
            let node = &mut self.state.nodes[at];
            node.moving -= 1;
            if number.is_some() && is_epoch {
                node.tag = node.tag.max(number);
            }
        }
        if self.rules.applies_after {
            self.apply(at, what);
        }
        self.raise_floor(at, commit);
        if number.is_some() {
            self.state.writes[index].progress = Progress::Done;
            self.is_everywhere(commit);
        } else {
            self.state.writes[index].progress = Progress::Deferred { is_repeating: false };
        }
    }

    /// The store has it: every node sees it within the bound from now on.
    fn is_everywhere(&mut self, commit: Value) {
        self.state.everywhere = self.state.everywhere.max(commit);
        for node in &mut self.state.nodes {
            node.due = node.due.max(commit);
        }
    }

    // A load.

    fn start(&mut self, number: usize, refresh: bool) {
        self.state.budget.loads[number] -= 1;
        let node = &mut self.state.nodes[number];
        if !refresh {
            node.memory = None;
        }
        let load = Load {
            step: Step::Ask { refresh },
            is_attached: true,
            is_generation: true,
            is_tag: true,
            is_epoch: true,
            is_asked_epoch: true,
            is_isolated: !node.is_up,
            number: if self.scenario.late_tag { node.number } else { 0 },
            lease: None,
            versions: None,
            value: 0,
            must: node.floor,
        };
        let slot = self.state.loads[number].iter_mut().find(|slot| slot.is_none()).unwrap();
        *slot = Some(load);
    }

    fn load(&mut self, number: usize, slot: usize, fails_quietly: bool) {
        let load = self.state.loads[number][slot].clone().unwrap();
        let is_up = self.state.nodes[number].is_up;
        let calls = load.calls() && is_up && self.needs_call(number, &load.step);
        if calls && !self.can_call(number) && !matches!(load.step, Step::Write(_)) {
            if !fails_quietly {
                self.close(number);
            }
            return self.without_answer(number, slot, &load.step);
        }
        match load.step {
            Step::Ask { refresh } if is_up => self.ask(number, slot, refresh),
            Step::Ask { .. } => self.go_on(number, slot, Step::Source),
            Step::Found(stored) if calls => {
                let versions = self.versions_for(number, slot);
                self.go_on(number, slot, Step::FoundVersions(stored, versions));
            }
            Step::Found(stored) => self.judge(number, slot, &stored),
            Step::FoundVersions(stored, versions) => {
                self.learn(number, slot, versions);
                self.judge(number, slot, &stored);
            }
            Step::Note if calls => {
                let versions = self.versions_for(number, slot);
                self.go_on(number, slot, Step::Noted(versions));
            }
            Step::Note => self.noted(number, slot),
            Step::Noted(versions) => {
                self.learn(number, slot, versions);
                self.noted(number, slot);
            }
            Step::Source => self.read_source(number, slot),
            Step::Late if calls => {
                let (version, _) = self.versions_for(number, slot);
                self.go_on(number, slot, Step::LateVersion(version));
            }
            Step::Late => self.go_on(number, slot, Step::Settle { was_linked: is_up }),
            Step::LateVersion(version) => {
                self.learn(number, slot, (version, 0));
                self.settle(number, slot, true);
            }
            Step::Settle { was_linked } => self.settle(number, slot, was_linked),
            Step::Write(versions) => self.write_entry(number, slot, versions, fails_quietly),
        }
    }

    fn loading(&mut self, number: usize, slot: usize) -> &mut Load {
        self.state.loads[number][slot].as_mut().unwrap()
    }

    fn go_on(&mut self, number: usize, slot: usize, step: Step) {
        self.loading(number, slot).step = step;
    }

    /// Whether this step, with the link in use, calls the store: versions that are known are not asked for.
    fn needs_call(&self, number: usize, step: &Step) -> bool {
        let node = &self.state.nodes[number];
        let is_tag_unknown = node.moving == 0 && node.tag.is_none();
        match step {
            Step::Found(_) | Step::Note => is_tag_unknown || node.everything.is_none(),
            Step::Late => is_tag_unknown,
            _ => true,
        }
    }

    /// A call failed: as the load goes on without.
    fn without_answer(&mut self, number: usize, slot: usize, step: &Step) {
        match step {
            Step::Found(_) => self.go_on(number, slot, Step::Ask { refresh: true }),
            Step::Late => self.go_on(number, slot, Step::Settle { was_linked: true }),
            _ => self.go_on(number, slot, if self.rules.versions_before_load { Step::Source } else { Step::Settle { was_linked: true } }),
        }
    }

    fn ask(&mut self, number: usize, slot: usize, refresh: bool) {
        if !refresh && let Some(found) = self.state.store.data.entry.clone() {
            return self.go_on(number, slot, Step::Found(found));
        }
        let token = self.state.store.data.lease.unwrap_or_else(|| self.new_token());
        self.state.store.data.lease = Some(token);
        self.loading(number, slot).lease = Some(token);
        let next = if self.rules.versions_before_load { Step::Note } else { Step::Source };
        self.go_on(number, slot, next);
    }

    fn versions_for(&mut self, number: usize, slot: usize) -> Versions {
        self.loading(number, slot).is_asked_epoch = true;
        self.store_versions()
    }

    fn learn(&mut self, number: usize, slot: usize, (tag, everything): Versions) {
        if !self.loading(number, slot).is_asked_epoch {
            return;
        }
        let node = &mut self.state.nodes[number];
        node.everything = node.everything.max(Some(everything));
        if node.tag.is_some_and(|known| known < tag) {
            self.bump_tag(number);
        }
        let node = &mut self.state.nodes[number];
        node.tag = node.tag.max(Some(tag));
    }

    /// The versions as this node knows them, where nothing is under way.
    fn known(&self, number: usize) -> Option<Versions> {
        let node = &self.state.nodes[number];
        let tag = node.tag.filter(|_| node.moving == 0 || !self.rules.moving_tags_have_no_version)?;
        Some((tag, node.everything?))
    }

    /// What the store had, if its versions are those that are known.
    fn judge(&mut self, number: usize, slot: usize, stored: &Stored) {
        if self.known(number) != Some(stored.versions) {
            return self.go_on(number, slot, Step::Ask { refresh: true });
        }
        let value = stored.value;
        self.loading(number, slot).value = value;
        if self.is_good(number, slot) {
            self.put_in_memory(number, slot, value);
        }
        self.answers(number, slot);
        self.ends(number, slot);
    }

    fn noted(&mut self, number: usize, slot: usize) {
        let known = self.known(number);
        self.loading(number, slot).versions = known;
        let next = if self.rules.versions_before_load { Step::Source } else { Step::Settle { was_linked: true } };
        self.go_on(number, slot, next);
    }

    fn read_source(&mut self, number: usize, slot: usize) {
        let source = self.state.source;
        let is_late = self.scenario.late_tag;
        let versions_before_load = self.rules.versions_before_load;
        let load = self.loading(number, slot);
        load.value = source;
        load.step = match (is_late, load.lease) {
            (true, _) => Step::Late,
            (false, Some(_)) if !versions_before_load => Step::Note,
            (false, _) => Step::Settle { was_linked: true },
        };
    }

    fn is_good(&mut self, number: usize, slot: usize) -> bool {
        let knows_tag = !self.scenario.late_tag;
        let load = self.loading(number, slot);
        load.is_attached && load.is_generation && (load.is_tag || !knows_tag)
    }

    fn put_in_memory(&mut self, number: usize, slot: usize, value: Value) {
        let node = &mut self.state.nodes[number];
        node.memory = Some(Entry {
            value,
            is_in_grace: false,
            is_isolated: !node.is_up,
            of: Some(slot),
        });
    }

    /// Whether a tag that the loader named was certainly not invalidated since the load began.
    fn late_tag_is_good(&self, number: usize, slot: usize, was_linked: bool) -> bool {
        let (node, load) = (&self.state.nodes[number], self.state.loads[number][slot].as_ref().unwrap());
        let is_old = !was_linked || (node.moving == 0 && node.tag.is_some_and(|version| version <= load.number));
        !self.rules.late_tags_are_checked || (is_old && load.is_tag && load.is_epoch && node.moving == 0)
    }

    /// A value was loaded: into memory, to whoever waits, and on to the store.
    fn settle(&mut self, number: usize, slot: usize, was_linked: bool) {
        let stores = !self.scenario.late_tag || self.late_tag_is_good(number, slot, was_linked);
        let is_good = self.is_good(number, slot);
        let value = self.loading(number, slot).value;
        let tag = self.state.nodes[number].tag;
        if is_good && stores {
            self.put_in_memory(number, slot, value);
        }
        let is_overtaken = !stores && self.rules.overtaken_late_tag_answers_nobody_new;
        if !is_overtaken {
            self.answers(number, slot);
        }
        let is_late = self.scenario.late_tag;
        let load = self.loading(number, slot);
        load.is_attached = false;
        let versions = match load.versions {
            Some((_, everything)) if is_late => tag.map(|tag| (tag, everything)),
            versions => versions,
        };
        match versions {
            Some(versions) if is_good && stores && load.lease.is_some() && self.state.nodes[number].is_up => {
                self.go_on(number, slot, Step::Write(versions));
            }
            _ => self.ends(number, slot),
        }
    }

    /// It may be sent long after it was decided on.
    fn write_entry(&mut self, number: usize, slot: usize, versions: Versions, fails_quietly: bool) {
        let load = self.loading(number, slot);
        let (lease, value) = (load.lease, load.value);
        if !self.can_call(number) {
            if !fails_quietly {
                self.close(number);
            }
        } else if !self.rules.write_needs_lease || (lease.is_some() && lease == self.state.store.data.lease) {
            self.state.store.data.entry = Some(Stored { value, versions });
            self.state.store.data.lease = None;
        } else {
            let memory = &mut self.state.nodes[number].memory;
            if memory.is_some_and(|entry| entry.of == Some(slot)) {
                *memory = None;
            }
        }
        self.ends(number, slot);
    }

    /// Whoever waits gets the value.
    fn answers(&mut self, number: usize, slot: usize) {
        let load = self.loading(number, slot);
        let (value, must) = (load.value, load.must);
        if value < must {
            let broken = format!("node {number} answers with value {value}, where {must} is due");
            self.state.broken.get_or_insert(broken);
        }
    }

    fn ends(&mut self, number: usize, slot: usize) {
        self.state.loads[number][slot] = None;
        if let Some(entry) = &mut self.state.nodes[number].memory
            && entry.of == Some(slot)
        {
            entry.of = None;
        }
    }

    // The link.

    fn link(&mut self, number: usize) {
        let can_call = self.can_call(number);
        let node = &mut self.state.nodes[number];
        match node.link {
            Link::Session | Link::Away if node.is_cut => node.link = Link::Away,
            Link::Session => node.link = Link::Away,
            Link::Away => {
                node.queue.clear();
                (node.is_heard, node.is_broken) = (true, false);
                node.link = Link::Subscribed;
            }
            _ if node.is_cut => self.gives_up_opening(number),
            Link::Subscribed => {
                let (last, _) = self.store_check(number);
                self.state.nodes[number].link = Link::Checked(last);
            }
            Link::Checked(last) if self.rules.repeats_before_opening && (node.pending_key || node.pending_tag) => {
                node.link = Link::Repeating {
                    number: last,
                    key: std::mem::take(&mut node.pending_key),
                    tag: std::mem::take(&mut node.pending_tag),
                    is_deleted: false,
                };
                self.mark_repeating(number, false, true);
            }
            Link::Checked(last) => self.open(number, last),
            Link::Repeating { .. } if !can_call => self.gives_up_opening(number),
            Link::Repeating { number: last, key, tag, is_deleted: false } if key => {
                self.store_delete(What::Key);
                self.state.nodes[number].link = Link::Repeating { number: last, key, tag, is_deleted: true };
            }
            Link::Repeating { number: last, key, tag, .. } => {
                self.repeat_bump(number, key, tag);
                self.state.nodes[number].link = Link::Checked(last);
                self.repeated(number);
            }
        }
    }

    fn repeat_bump(&mut self, number: usize, key: bool, tag: bool) {
        let origin = Some(self.state.nodes[number].name);
        self.bump(Notice { number: 0, origin, key, tag, everything: false });
    }

    fn mark_repeating(&mut self, number: usize, from: bool, to: bool) {
        let deferred = |is_repeating| Progress::Deferred { is_repeating };
        let of_node = self.state.writes.iter_mut().filter(|write| write.node == number);
        of_node.filter(|write| write.progress == deferred(from)).for_each(|write| write.progress = deferred(to));
    }

    fn repeated(&mut self, number: usize) {
        for index in 0..self.state.writes.len() {
            let write = &mut self.state.writes[index];
            if write.node == number && write.progress == (Progress::Deferred { is_repeating: true }) {
                write.progress = Progress::Done;
                let commit = write.commit;
                self.is_everywhere(commit);
            }
        }
    }

    fn gives_up_opening(&mut self, number: usize) {
        let node = &mut self.state.nodes[number];
        if let Link::Repeating { key, tag, .. } = node.link {
            node.pending_key |= key;
            node.pending_tag |= tag;
            self.mark_repeating(number, true, false);
        }
        self.state.nodes[number].link = Link::Away;
    }

    fn open(&mut self, number: usize, last: Number) {
        if self.rules.opening_forgets_versions {
            let node = &mut self.state.nodes[number];
            (node.tag, node.everything) = (None, None);
            for load in self.state.loads[number].iter_mut().flatten() {
                (load.is_epoch, load.is_asked_epoch) = (false, false);
            }
            let of_node = self.state.writes.iter_mut().filter(|write| write.node == number);
            of_node.for_each(|write| write.is_epoch = false);
        }
        if self.rules.opening_distrusts_memory {
            self.state.nodes[number].memory = None;
            self.bump_generation(number);
        } else if let Some(entry) = &mut self.state.nodes[number].memory {
            (entry.is_in_grace, entry.is_isolated) = (false, false);
        }
        let node = &mut self.state.nodes[number];
        node.number = last;
        node.awaited = None;
        node.is_up = true;
        node.link = Link::Session;
        self.all_is_due(number);
        if !self.rules.repeats_before_opening {
            self.mark_repeating(number, false, true);
        }
    }

    /// A notice may have been missed, or the store failed.
    fn end_session(&mut self, number: usize) {
        self.close(number);
        self.state.nodes[number].link = Link::Away;
        self.state.nodes[number].awaited = None;
    }

    fn deliver(&mut self, number: usize) {
        let node = &mut self.state.nodes[number];
        if node.queue.is_empty() {
            return self.end_session(number);
        }
        let notice = node.queue.remove(0);
        if notice.number <= node.number {
            return;
        }
        if notice.number != node.number + 1 && self.rules.gaps_are_noticed {
            return self.end_session(number);
        }
        let is_own = notice.origin == Some(node.name);
        if !is_own {
            self.hear(number, notice);
        }
        let node = &mut self.state.nodes[number];
        node.number = notice.number;
        if let Some((awaited, promise)) = node.awaited
            && awaited <= node.number
        {
            node.awaited = None;
            self.raise_floor(number, promise);
        }
    }

    fn hear(&mut self, number: usize, notice: Notice) {
        let node = &mut self.state.nodes[number];
        let heard = Some(notice.number);
        if notice.everything {
            node.everything = node.everything.max(heard);
            node.memory = None;
            self.bump_generation(number);
        }
        let node = &mut self.state.nodes[number];
        if notice.tag && node.tag < heard {
            node.tag = heard;
            self.bump_tag(number);
        }
        if notice.key {
            self.detach(number);
        }
    }

    fn heartbeat(&mut self, number: usize) {
        if self.state.nodes[number].is_cut {
            return self.end_session(number);
        }
        let (last, is_replaced) = self.store_check(number);
        let node = &mut self.state.nodes[number];
        let is_behind = last < node.number && self.rules.number_going_back_is_noticed;
        if is_replaced || is_behind {
            self.end_session(number);
        } else if last > node.number && self.rules.heartbeat_compares {
            node.awaited = Some((last, node.due));
        } else {
            self.all_is_due(number);
        }
    }

    /// Whatever is in memory without the store's word is over.
    fn isolated(&mut self, number: usize) {
        self.state.nodes[number].memory = None;
        if self.rules.isolated_loads_end {
            let loads = self.state.loads[number].iter_mut().flatten();
            loads.filter(|load| load.is_isolated).for_each(|load| load.is_attached = false);
        }
        self.all_is_due(number);
    }

    /// The process ends and starts again; what was committed and not invalidated everywhere is in the outbox.
    fn crash(&mut self, number: usize) {
        self.state.budget.crashes -= 1;
        let is_cut = self.state.nodes[number].is_cut;
        let name = self.state.nodes[number].name + 2;
        self.state.loads[number] = Default::default();
        let everywhere = self.state.everywhere;
        self.state.nodes[number] = Node {
            is_cut,
            floor: everywhere,
            due: everywhere,
            checked: u8::MAX,
            ..Node::new(name)
        };
        for write in self.state.writes.iter_mut().filter(|write| write.node == number) {
            if !matches!(write.progress, Progress::Waiting | Progress::Done) {
                write.progress = Progress::Committed;
            }
        }
    }
}
