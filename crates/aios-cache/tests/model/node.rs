//! What a node does under its locks, and what befalls it as a whole.

use super::running::Running;
use super::state::{Node, Progress, Value, What};

impl Running<'_> {
    pub(crate) fn bump_tag(&mut self, number: usize) {
        self.state.nodes[number].memory = None;
        self.state.loads[number]
            .iter_mut()
            .flatten()
            .for_each(|load| load.is_tag = false);
    }

    pub(crate) fn bump_generation(&mut self, number: usize) {
        self.state.loads[number]
            .iter_mut()
            .flatten()
            .for_each(|load| load.is_generation = false);
    }

    pub(crate) fn detach(&mut self, number: usize) {
        self.state.nodes[number].memory = None;
        if self.rules.invalidation_detaches_load {
            self.state.loads[number]
                .iter_mut()
                .flatten()
                .for_each(|load| load.is_attached = false);
        }
    }

    pub(crate) fn apply(&mut self, number: usize, what: What) {
        match what {
            What::Key => self.detach(number),
            What::Tag => self.bump_tag(number),
            What::Other => {}
        }
    }

    pub(crate) fn close(&mut self, number: usize) {
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

    pub(crate) fn remember(&mut self, number: usize, what: What) {
        let node = &mut self.state.nodes[number];
        match what {
            What::Key => node.pending_key = true,
            What::Tag => node.pending_tag = true,
            What::Other => {}
        }
    }

    pub(crate) fn raise_floor(&mut self, number: usize, floor: Value) {
        let node = &mut self.state.nodes[number];
        node.floor = node.floor.max(floor);
    }

    /// The bound is reached.
    pub(crate) fn all_is_due(&mut self, number: usize) {
        self.raise_floor(number, self.state.nodes[number].due);
    }

    /// Whatever is in memory without the store's word is over.
    pub(crate) fn isolated(&mut self, number: usize) {
        self.state.nodes[number].memory = None;
        if self.rules.isolated_loads_end {
            let loads = self.state.loads[number].iter_mut().flatten();
            loads
                .filter(|load| load.is_isolated)
                .for_each(|load| load.is_attached = false);
        }
        self.all_is_due(number);
    }

    /// The process ends and starts again; what was committed and not invalidated everywhere is in the outbox.
    pub(crate) fn crash(&mut self, number: usize) {
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
