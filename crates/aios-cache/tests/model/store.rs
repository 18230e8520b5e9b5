//! What the store does.

use super::running::Running;
use super::state::{Asked, Data, FIRST, JUMP, Notice, Number, What};

impl Running<'_> {
    pub(crate) fn store_delete(&mut self, what: What) {
        if what == What::Key {
            self.state.store.data.entry = None;
            if self.rules.invalidation_ends_lease {
                self.state.store.data.lease = None;
            }
        }
    }

    pub(crate) fn store_bump(&mut self, origin: Option<u8>, what: What) -> Number {
        self.bump(Notice {
            number: 0,
            origin,
            key: what == What::Key,
            tag: what == What::Tag,
            everything: false,
        })
    }

    pub(crate) fn bump(&mut self, mut notice: Notice) -> Number {
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

    pub(crate) fn store_versions(&mut self, tag: bool, everything: bool) -> Asked {
        let data = &mut self.state.store.data;
        let number = data.number;
        let of_tag = tag.then(|| *data.tag.get_or_insert(number));
        (of_tag, everything.then(|| *data.everything.get_or_insert(number)))
    }

    /// The number, and whether everything was made stale.
    pub(crate) fn store_check(&mut self, number: usize) -> (Number, bool) {
        let store = &mut self.state.store;
        let is_new_here = self.state.nodes[number].checked != store.run;
        self.state.nodes[number].checked = store.run;
        let is_replaced = store.trusted != store.run && self.rules.restart_is_noticed;
        store.trusted = store.run;
        if is_replaced {
            store.data.number += JUMP;
            self.bump(Notice {
                number: 0,
                origin: None,
                key: false,
                tag: false,
                everything: true,
            });
        }
        let is_told = is_replaced || (self.rules.each_node_is_told_of_restart && is_new_here);
        (self.state.store.data.number, is_told)
    }

    /// The smallest token that nobody remembers.
    pub(crate) fn new_token(&self) -> u8 {
        let store = &self.state.store;
        let loads = self.state.loads.iter().flatten().flatten().map(|load| load.lease);
        let used: Vec<u8> = loads
            .chain([store.data.lease, store.copy.as_ref().and_then(|copy| copy.lease)])
            .flatten()
            .collect();
        (1..=u8::MAX).find(|token| !used.contains(token)).unwrap()
    }

    pub(crate) fn restart_empty(&mut self) {
        self.state.budget.empty_restarts -= 1;
        // Numbers begin at random: below or above.
        let number = if self.scenario.restarts_higher {
            FIRST * 2
        } else {
            FIRST / 2
        };
        self.state.store.data = Data {
            number,
            entry: None,
            lease: None,
            tag: None,
            everything: None,
        };
        self.restarted();
    }

    pub(crate) fn restart_old(&mut self) {
        self.state.budget.old_restarts -= 1;
        if let Some(copy) = self.state.store.copy.take() {
            self.state.store.data = copy;
        }
        self.restarted();
    }

    pub(crate) fn restarted(&mut self) {
        self.state.store.run += 1;
        self.state.nodes.iter_mut().for_each(|node| node.is_heard = false);
    }

    pub(crate) fn can_call(&self, number: usize) -> bool {
        let node = &self.state.nodes[number];
        let is_known = node.checked == self.state.store.run || !self.rules.restart_is_noticed;
        !node.is_cut && is_known
    }
}
