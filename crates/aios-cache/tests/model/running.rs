//! One step of the protocol, whoever takes it.

use super::action::Action;
use super::rules::Rules;
use super::scenario::Scenario;
use super::state::State;

/// A state that changes.
pub(crate) struct Running<'a> {
    pub(crate) rules: &'a Rules,
    pub(crate) scenario: &'a Scenario,
    pub(crate) state: State,
}

impl Running<'_> {
    pub(crate) fn act(&mut self, action: Action) {
        match action {
            Action::Start { node, refresh } => self.start(node, refresh),
            Action::Load {
                node,
                slot,
                fails_quietly,
            } => self.load(node, slot, fails_quietly),
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
    pub(crate) fn note_joiners(&mut self) {
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
    pub(crate) fn forget_dead_leases(&mut self) {
        let store = &mut self.state.store;
        let is_held = |lease: Option<u8>| {
            lease.is_some()
                && (lease == store.data.lease || store.copy.as_ref().is_some_and(|copy| copy.lease == lease))
        };
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
}
