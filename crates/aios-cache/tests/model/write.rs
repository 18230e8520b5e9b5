//! A write to the source, and its invalidation.

use super::running::Running;
use super::state::{Number, Progress, Value, What, Write};

impl Running<'_> {
    pub(crate) fn write(&mut self, index: usize, is_given_up: bool) {
        let Write {
            node, what, progress, ..
        } = self.state.writes[index].clone();
        match progress {
            Progress::Waiting => {
                if what != What::Other {
                    self.state.source += 1;
                    self.state.writes[index].commit = self.state.source;
                }
                self.state.writes[index].progress = Progress::Committed;
            }
            Progress::Committed => {
                if what == What::Tag {
                    self.state.nodes[node].moving += 1;
                }
                self.apply(node, what);
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
            Progress::Sent(_) if !self.state.writes[index].is_epoch => {
                self.fails(index);
            }
            Progress::Sent(number) => self.returns(index, Some(number)),
            Progress::Deferred { .. } | Progress::Done => {}
        }
    }

    pub(crate) fn fails(&mut self, index: usize) {
        let Write { node, what, .. } = self.state.writes[index];
        self.remember(node, what);
        if self.rules.failed_invalidation_closes {
            self.close(node);
        }
        self.returns(index, None);
    }

    /// An invalidation returns: everywhere, by this number, or remembered.
    pub(crate) fn returns(&mut self, index: usize, number: Option<Number>) {
        let Write {
            node: at,
            what,
            is_epoch,
            commit,
            ..
        } = self.state.writes[index];
        if what == What::Tag {
            let node = &mut self.state.nodes[at];
            node.moving -= 1;
            if is_epoch {
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
    pub(crate) fn is_everywhere(&mut self, commit: Value) {
        self.state.everywhere = self.state.everywhere.max(commit);
        for node in &mut self.state.nodes {
            node.due = node.due.max(commit);
        }
    }
}
