//! The steps that something takes.

use super::state::{Link, Progress, State, Step};

/// Whatever can happen at some moment.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Action {
    Start {
        node: usize,
        refresh: bool,
    },
    Load {
        node: usize,
        slot: usize,
        fails_quietly: bool,
    },
    Write {
        write: usize,
        is_given_up: bool,
    },
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

impl Action {
    /// What it does in this state, in words.
    pub(crate) fn label(self, state: &State) -> String {
        match self {
            Self::Start { node, refresh: false } => format!("node {node}: its memory is evicted, and a load begins"),
            Self::Start { node, refresh: true } => format!("node {node}: a refresh begins"),
            Self::Load {
                node,
                slot,
                fails_quietly,
            } => {
                let does = state.loads[node][slot]
                    .as_ref()
                    .map_or("is over", |load| load.step.words());
                let fails = if fails_quietly {
                    ", which fails, the link stays open"
                } else {
                    ""
                };
                format!("node {node}: load {slot} {does}{fails}")
            }
            Self::Write { write, is_given_up } => {
                let write = &state.writes[write];
                let gives_up = if is_given_up {
                    ", and does not wait any longer"
                } else {
                    ""
                };
                let (node, what) = (write.node, write.what);
                format!(
                    "node {node}: invalidation of the {what:?} {}{gives_up}",
                    write.progress.words()
                )
            }
            Self::Link(node) => format!("node {node}: the link task {}", state.nodes[node].link.words()),
            Self::Deliver(node) => format!("node {node}: the next notice arrives, or the subscription's end"),
            Self::Heartbeat(node) => format!("node {node}: heartbeat"),
            Self::Overdue(node) => format!("node {node}: a notice that the heartbeat knew of did not come"),
            Self::Isolated(node) => format!("node {node}: isolated_ttl passes"),
            Self::Cut(node) => format!("node {node} is cut off"),
            Self::Heal(node) => format!("node {node} can reach the store again"),
            Self::Break(node) => format!("node {node} is told that its subscription is over"),
            Self::LoseNotice(node) => format!("a notice to node {node} is lost"),
            Self::LoseTag => "the store loses the tag's version".to_owned(),
            Self::Copy => "the store is copied".to_owned(),
            Self::RestartEmpty => "the store restarts empty".to_owned(),
            Self::RestartOld => "the store restarts from its copy".to_owned(),
            Self::Crash(node) => format!("node {node} crashes and starts again"),
            Self::LateCall(_) => "the store gets a call that its node does not wait for any longer".to_owned(),
        }
    }
}

impl Step {
    fn words(&self) -> &'static str {
        match self {
            Self::Ask { refresh: false } => "asks the store for the entry, or a lease",
            Self::Ask { refresh: true } => "asks the store for a lease",
            Self::Found(_) => "looks at what the store had, or asks for versions",
            Self::FoundVersions(..) => "looks at what the store had, and at the versions",
            Self::Note => "notes the versions, or asks for them",
            Self::Noted(_) => "notes the versions",
            Self::Source => "reads the source",
            Self::Late => "looks at the tag that the loader named, or asks for its version",
            Self::LateVersion(_) => "looks at the tag that the loader named, with its version, stores and answers",
            Self::Settle { .. } => "puts the value in memory, and answers",
            Self::Write(_) => "writes to the store",
        }
    }
}

impl Progress {
    fn words(self) -> &'static str {
        match self {
            Self::Waiting => "is to come: the source changes",
            Self::Committed => "begins, and is applied here",
            Self::Begun => "goes to the store",
            Self::Deleted => "goes to the store (versions and notice)",
            Self::Sent(_) => "is applied here again, and returns",
            Self::Deferred { .. } | Self::Done => "is over",
        }
    }
}

impl Link {
    fn words(self) -> &'static str {
        match self {
            Self::Away => "subscribes",
            Self::Subscribed => "checks the store",
            Self::Checked(_) => "opens the link, or takes what is to be repeated",
            Self::Repeating { .. } => "repeats an invalidation",
            Self::Session => "sees that the link is closed",
        }
    }
}
