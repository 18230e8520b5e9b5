//! What a chaos engine does, and when.

use fastrand::Rng;

use super::Gate;
use crate::engine::EngineError;

/// What can be done something to: the calls of an engine, and the notices of its subscriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// [`Engine::read`](crate::engine::Engine::read).
    Read,
    /// [`Engine::lease`](crate::engine::Engine::lease).
    Lease,
    /// [`Engine::write`](crate::engine::Engine::write).
    Write,
    /// [`Engine::release`](crate::engine::Engine::release).
    Release,
    /// [`Engine::invalidate`](crate::engine::Engine::invalidate).
    Invalidate,
    /// [`Engine::versions`](crate::engine::Engine::versions).
    Versions,
    /// [`Engine::check`](crate::engine::Engine::check).
    Check,
    /// [`Engine::subscribe`](crate::engine::Engine::subscribe).
    Subscribe,
    /// A notice on its way to [`Subscription::next`](crate::engine::Subscription::next).
    Notice,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Read,
        Self::Lease,
        Self::Write,
        Self::Release,
        Self::Invalidate,
        Self::Versions,
        Self::Check,
        Self::Subscribe,
        Self::Notice,
    ];
}

/// What is done to a call.
#[derive(Debug, Clone)]
pub enum Fault {
    /// It fails, and the engine is not called. A notice that fails ends its subscription.
    Fail(EngineError),
    /// It is done, and then it fails: the answer was lost.
    LoseReply(EngineError),
    /// A part of it is done, and then it fails: the first half of a batch of leases or writes, the keys of an invalidation
    /// without its tags.
    Half(EngineError),
    /// It never answers, and the engine is not called.
    Hang,
    /// It waits at the gate, and is done then.
    Hold(Gate),
    /// It is done, and its answer waits at the gate.
    HoldReply(Gate),
    /// Payloads are spoiled on their way out. Other operations than `Read` and `Lease` have none.
    Corrupt(Corruption),
    /// The notice is lost without a word. Other operations are left alone.
    DropNotice,
}

/// How a payload is spoiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Corruption {
    /// One to eight bits are flipped.
    FlipBits,
    /// Its end is missing.
    Truncate,
    /// It is something else altogether.
    Foreign,
}

impl Corruption {
    pub(super) fn spoil(self, bytes: &[u8], rng: &mut Rng) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        match self {
            Self::FlipBits if !bytes.is_empty() => {
                for _ in 0..rng.usize(1..=8) {
                    let place = rng.usize(..bytes.len());
                    if let Some(byte) = bytes.get_mut(place) {
                        *byte ^= 1 << rng.u8(..8);
                    }
                }
            }
            Self::Truncate if !bytes.is_empty() => bytes.truncate(rng.usize(..bytes.len())),
            Self::FlipBits | Self::Truncate => (),
            Self::Foreign => {
                let length = rng.usize(..64);
                bytes = std::iter::repeat_with(|| rng.u8(..)).take(length).collect();
            }
        }
        bytes
    }
}

/// A fault, and which calls it befalls: all of them, unless told otherwise.
///
/// ```
/// use aios_cache::engine::EngineError;
/// use aios_cache::engine::chaos::{Fault, Operation, Rule};
///
/// // Of the writes from the tenth on, every third or so times out, twenty in all.
/// let rule = Rule::new(Fault::LoseReply(EngineError::TimedOut)).on([Operation::Write]).after(9).share(0.3).times(20);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Rule {
    fault: Fault,
    operations: Vec<Operation>,
    share: f64,
    skip: u64,
    times: u64,
}

impl Rule {
    /// This fault, for every call of every operation.
    pub fn new(fault: Fault) -> Self {
        Self {
            fault,
            operations: Operation::ALL.to_vec(),
            share: 1.0,
            skip: 0,
            times: u64::MAX,
        }
    }

    /// Only for these operations.
    pub fn on(mut self, operations: impl IntoIterator<Item = Operation>) -> Self {
        self.operations = operations.into_iter().collect();
        self
    }

    /// Only for this share of the calls, 0 to 1, by chance.
    pub fn share(mut self, share: f64) -> Self {
        self.share = share;
        self
    }

    /// Only after this many calls were let through.
    pub fn after(mut self, calls: u64) -> Self {
        self.skip = calls;
        self
    }

    /// Only this many times.
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    pub(super) fn apply(&mut self, operation: Operation, rng: &mut Rng) -> Option<Fault> {
        if self.spent() || !self.operations.contains(&operation) {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        if self.share < 1.0 && rng.f64() >= self.share {
            return None;
        }
        self.times -= 1;
        Some(self.fault.clone())
    }

    pub(super) fn spent(&self) -> bool {
        self.times == 0
    }
}
