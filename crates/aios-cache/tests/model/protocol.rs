//! The protocol between two nodes, one store and one source, in atomic steps: one key, which bears one tag.
//!
//! What is atomic here is atomic there too: one operation of the store, one change under a node's lock. A call to the store
//! is two steps, what the store does and what the node makes of the answer, wherever something could come between.
//! Generations are not counted but compared: whoever remembers one is told when it is over.

use super::action::Action;
use super::explorer::Model;
use super::rules::Rules;
use super::running::Running;
use super::scenario::Scenario;
use super::state::{Data, FIRST, Link, NODES, Node, Number, Progress, State, Store, Stored, Write};

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
            entry: (!self.scenario.is_empty).then_some(Stored {
                value: 0,
                versions: (FIRST, FIRST),
            }),
            lease: None,
            tag: Some(FIRST),
            everything: Some(FIRST),
        };
        let store = Store {
            data,
            copy: None,
            run: 0,
            trusted: 0,
        };
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
            nodes: [
                if self.scenario.starts {
                    Node::new(0)
                } else {
                    Node::warm(0)
                },
                Node::warm(1),
            ],
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
            let is_first = state.writes[..write]
                .iter()
                .all(|before| before.progress != Progress::Waiting);
            let is_over = matches!(of.progress, Progress::Deferred { .. } | Progress::Done);
            if is_over || (of.progress == Progress::Waiting && !is_first) {
                continue;
            }
            actions.push(Action::Write {
                write,
                is_given_up: false,
            });
            let is_calling = matches!(of.progress, Progress::Begun | Progress::Deleted);
            if is_calling && state.budget.late_calls > 0 && state.nodes[of.node].is_up {
                actions.push(Action::Write {
                    write,
                    is_given_up: true,
                });
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
            actions.push(if state.store.copy.is_some() {
                Action::RestartOld
            } else {
                Action::Copy
            });
        }
    }

    fn step(&self, state: &State, action: Action) -> State {
        let mut next = Running {
            rules: &self.rules,
            scenario: &self.scenario,
            state: state.clone(),
        };
        next.act(action);
        next.note_joiners();
        next.forget_dead_leases();
        next.state
    }

    fn violation(&self, state: &State) -> Option<String> {
        let in_memory = state.nodes.iter().enumerate().find_map(|(number, node)| {
            let entry = node.memory.filter(|entry| entry.value < node.floor)?;
            Some(format!(
                "node {number} serves value {} from memory, where {} is due",
                entry.value, node.floor
            ))
        });
        state.broken.clone().or(in_memory)
    }

    fn label(&self, state: &State, action: Action) -> String {
        action.label(state)
    }

    fn describe(&self, state: &State) -> String {
        let number = |number: Option<Number>| number.map_or("?".to_owned(), |number| number.to_string());
        let data = &state.store.data;
        let entry = data.entry.as_ref();
        let entry = entry.map_or("-".to_owned(), |entry| format!("{}@{}", entry.value, entry.versions.0));
        let leased = if data.lease.is_some() { ", leased" } else { "" };
        let node = |node: &Node| {
            let memory = node.memory.map_or("-".to_owned(), |entry| entry.value.to_string());
            let link = if node.is_up { "" } else { ", no link" };
            format!(
                "{memory}, tag {}, heard {}{link}, due {}",
                number(node.tag),
                node.number,
                node.floor
            )
        };
        let (store, [one, two]) = (
            format!("{entry}, tag {}, {}{leased}", number(data.tag), data.number),
            &state.nodes,
        );
        format!(
            "source {} | store {store} | node 0: {} | node 1: {}",
            state.source,
            node(one),
            node(two)
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
            actions.push(Action::Start {
                node: number,
                refresh: false,
            });
            if node.memory.is_some() {
                actions.push(Action::Start {
                    node: number,
                    refresh: true,
                });
            }
        }
        for (slot, load) in loads.iter().enumerate() {
            if let Some(load) = load {
                actions.push(Action::Load {
                    node: number,
                    slot,
                    fails_quietly: false,
                });
                if node.is_cut && node.is_up && load.calls() {
                    actions.push(Action::Load {
                        node: number,
                        slot,
                        fails_quietly: true,
                    });
                }
            }
        }
        if node.link != Link::Session && !(node.is_cut && node.link == Link::Away)
            || !node.is_up && node.link == Link::Session
        {
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
