//! The link task of a node: opening, notices, heartbeats.

use super::running::Running;
use super::state::{Link, Notice, Number, Progress, What};

impl Running<'_> {
    pub(crate) fn link(&mut self, number: usize) {
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
            Link::Repeating {
                number: last,
                key,
                tag,
                is_deleted: false,
            } if key => {
                self.store_delete(What::Key);
                self.state.nodes[number].link = Link::Repeating {
                    number: last,
                    key,
                    tag,
                    is_deleted: true,
                };
            }
            Link::Repeating { key, tag, .. } => {
                let repeated = self.repeat_bump(number, key, tag);
                self.state.nodes[number].link = Link::Checked(repeated);
                self.repeated(number);
            }
        }
    }

    pub(crate) fn repeat_bump(&mut self, number: usize, key: bool, tag: bool) -> Number {
        let origin = Some(self.state.nodes[number].name);
        self.bump(Notice {
            number: 0,
            origin,
            key,
            tag,
            everything: false,
        })
    }

    pub(crate) fn mark_repeating(&mut self, number: usize, from: bool, to: bool) {
        let deferred = |is_repeating| Progress::Deferred { is_repeating };
        let of_node = self.state.writes.iter_mut().filter(|write| write.node == number);
        of_node
            .filter(|write| write.progress == deferred(from))
            .for_each(|write| write.progress = deferred(to));
    }

    pub(crate) fn repeated(&mut self, number: usize) {
        for index in 0..self.state.writes.len() {
            let write = &mut self.state.writes[index];
            if write.node == number && write.progress == (Progress::Deferred { is_repeating: true }) {
                write.progress = Progress::Done;
                let commit = write.commit;
                self.is_everywhere(commit);
            }
        }
    }

    pub(crate) fn gives_up_opening(&mut self, number: usize) {
        let node = &mut self.state.nodes[number];
        if let Link::Repeating { key, tag, .. } = node.link {
            node.pending_key |= key;
            node.pending_tag |= tag;
            self.mark_repeating(number, true, false);
        }
        self.state.nodes[number].link = Link::Away;
    }

    pub(crate) fn open(&mut self, number: usize, last: Number) {
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
    pub(crate) fn end_session(&mut self, number: usize) {
        self.close(number);
        self.state.nodes[number].link = Link::Away;
        self.state.nodes[number].awaited = None;
    }

    pub(crate) fn deliver(&mut self, number: usize) {
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
        self.hear(number, notice);
        let node = &mut self.state.nodes[number];
        node.number = notice.number;
        if let Some((awaited, promise)) = node.awaited
            && awaited <= node.number
        {
            node.awaited = None;
            self.raise_floor(number, promise);
        }
    }

    pub(crate) fn hear(&mut self, number: usize, notice: Notice) {
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
        let node = &self.state.nodes[number];
        // Its own invalidations are applied where they are made.
        if notice.key && notice.origin != Some(node.name) {
            self.detach(number);
        }
    }

    pub(crate) fn heartbeat(&mut self, number: usize) {
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
}
