//! Breadth-first search through all states of a model: the first violation found is one of the shortest.

use std::collections::HashSet;
use std::collections::VecDeque;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// A system that takes one atomic step at a time.
pub(crate) trait Model {
    type State: Clone + Hash;
    type Action: Copy;

    fn initial(&self) -> Self::State;
    /// What may happen next.
    fn actions(&self, state: &Self::State, actions: &mut Vec<Self::Action>);
    fn step(&self, state: &Self::State, action: Self::Action) -> Self::State;
    /// What is wrong with a state.
    fn violation(&self, state: &Self::State) -> Option<String>;
    /// An action in words, for traces.
    fn label(&self, state: &Self::State, action: Self::Action) -> String;
    /// A state in one line, for traces.
    fn describe(&self, state: &Self::State) -> String;
}

/// What a search found.
pub(crate) enum Outcome {
    /// No state that can be reached is wrong.
    Holds { states: usize, depth: usize },
    /// There are more states than the search was to visit; those it visited are not wrong.
    GaveUp { states: usize },
    /// The steps to a state that is wrong.
    Violated { trace: String },
}

/// How a state was reached first: by which of the actions of which state.
#[derive(Clone, Copy)]
struct Origin {
    parent: u32,
    action: u16,
}

/// Visits all states, or the nearest `most`. States are told apart by 64 bits of a hash: the chance that a search
/// of ten million overlooks one is below one in 10^5.
pub(crate) fn explore<M: Model>(model: &M, most: usize) -> Outcome {
    let mut seen: HashSet<u64, BuildHasherDefault<Mixer>> = HashSet::default();
    let mut origins: Vec<Origin> = Vec::new();
    let mut frontier = VecDeque::new();
    let mut actions = Vec::new();
    let initial = model.initial();
    seen.insert(Mixer::hash_of(&initial));
    origins.push(Origin { parent: 0, action: 0 });
    frontier.push_back((initial, 0_u32, 0_usize));
    let mut depth = 0;
    while let Some((state, index, level)) = frontier.pop_front() {
        depth = level;
        actions.clear();
        model.actions(&state, &mut actions);
        for (number, action) in (0..).zip(&actions) {
            let next = model.step(&state, *action);
            if !seen.insert(Mixer::hash_of(&next)) {
                continue;
            }
            let new = u32::try_from(origins.len()).unwrap();
            let (parent, action) = (index, number);
            origins.push(Origin { parent, action });
            if model.violation(&next).is_some() {
                return Outcome::Violated {
                    trace: trace(model, &origins, new),
                };
            }
            frontier.push_back((next, new, level + 1));
        }
        if origins.len() > most {
            return Outcome::GaveUp { states: origins.len() };
        }
    }
    Outcome::Holds {
        states: origins.len(),
        depth,
    }
}

/// The steps to a state, taken again from the beginning.
fn trace<M: Model>(model: &M, origins: &[Origin], last: u32) -> String {
    let mut path = Vec::new();
    let mut at = last;
    while at != 0 {
        let origin = origins[at as usize];
        path.push(usize::from(origin.action));
        at = origin.parent;
    }
    let mut state = model.initial();
    let mut lines = vec![format!("{:>3}  {:<78} {}", 0, "", model.describe(&state))];
    for (number, choice) in (1..).zip(path.into_iter().rev()) {
        let mut actions = Vec::new();
        model.actions(&state, &mut actions);
        let label = model.label(&state, actions[choice]);
        state = model.step(&state, actions[choice]);
        lines.push(format!("{number:>3}  {label:<78} {}", model.describe(&state)));
    }
    lines.extend(model.violation(&state).map(|what| format!("     {what}")));
    lines.join("\n")
}

/// A hash that is quick also where nothing is optimised: a multiplication a word.
struct Mixer(u64);

impl Default for Mixer {
    fn default() -> Self {
        Self(0x243f_6a88_85a3_08d3)
    }
}

impl Mixer {
    fn hash_of(state: &impl Hash) -> u64 {
        let mut mixer = Self::default();
        state.hash(&mut mixer);
        mixer.write_u64(0);
        mixer.finish()
    }
}

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u8(*byte);
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u64(u64::from(byte));
    }

    fn write_u16(&mut self, word: u16) {
        self.write_u64(u64::from(word));
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 ^= self.0 >> 32;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
