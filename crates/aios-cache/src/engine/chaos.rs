//! An engine that fails, hangs, waits, lies and forgets to order, around any other: for tests of what stands on it.

mod fault;
mod gate;

use std::future::{Future, pending};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use parking_lot::Mutex;

pub use self::fault::{Corruption, Fault, Operation, Rule};
pub use self::gate::Gate;
use super::{
    Engine, EngineError, EngineFuture, Invalidation, Lease, LeaseRequest, LeaseToken, Notice, Status, Stored,
    Subscription, Write,
};

/// Does to the calls of an engine what its [`Rule`]s say, and counts them. Without a rule it only hands them on. A clone
/// has the same rules and the same engine.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use aios_cache::engine::chaos::{ChaosEngine, Fault, Operation, Rule};
/// use aios_cache::engine::{Engine, EngineError, MemoryEngine};
///
/// let chaos = ChaosEngine::new(MemoryEngine::new(), 7);
/// chaos.add(Rule::new(Fault::Fail(EngineError::TimedOut)).on([Operation::Read]).times(1));
///
/// assert_eq!(chaos.read(&["a"]).await, Err(EngineError::TimedOut));
/// assert_eq!(chaos.read(&["a"]).await, Ok(vec![None]));
/// assert_eq!(chaos.calls(Operation::Read), 2);
/// # }
/// ```
#[derive(Debug)]
pub struct ChaosEngine<E> {
    engine: Arc<E>,
    mischief: Arc<Mischief>,
}

#[derive(Debug)]
struct Mischief {
    rules: Mutex<Rules>,
    calls: [AtomicU64; Operation::ALL.len()],
}

#[derive(Debug)]
struct Rules {
    rules: Vec<Rule>,
    rng: Rng,
}

impl<E> Clone for ChaosEngine<E> {
    fn clone(&self) -> Self {
        Self {
            engine: Arc::clone(&self.engine),
            mischief: Arc::clone(&self.mischief),
        }
    }
}

impl<E: Engine> ChaosEngine<E> {
    /// Around this engine. The seed is what the rules' chances are drawn from.
    pub fn new(engine: E, seed: u64) -> Self {
        let rng = Rng::with_seed(seed);
        Self {
            engine: Arc::new(engine),
            mischief: Arc::new(Mischief {
                rules: Mutex::new(Rules { rules: Vec::new(), rng }),
                calls: Default::default(),
            }),
        }
    }

    /// The engine inside, which nothing is done to.
    pub fn inner(&self) -> &E {
        &self.engine
    }

    /// Has a rule from now on, after those that are there. The first that applies to a call decides.
    pub fn add(&self, rule: Rule) {
        self.mischief.rules.lock().rules.push(rule);
    }

    /// Fails these operations from now on, without a word to the engine.
    pub fn fail(&self, operations: impl IntoIterator<Item = Operation>, error: EngineError) {
        self.add(Rule::new(Fault::Fail(error)).on(operations));
    }

    /// Stops these operations at a gate, before they are done, from now on.
    pub fn hold(&self, operations: impl IntoIterator<Item = Operation>) -> Gate {
        let gate = Gate::new();
        self.add(Rule::new(Fault::Hold(gate.clone())).on(operations));
        gate
    }

    /// Does these operations, and holds their answers back at a gate, from now on.
    pub fn hold_replies(&self, operations: impl IntoIterator<Item = Operation>) -> Gate {
        let gate = Gate::new();
        self.add(Rule::new(Fault::HoldReply(gate.clone())).on(operations));
        gate
    }

    /// Is as good as the engine inside again. What stands at a gate, or hangs, stays there.
    pub fn heal(&self) {
        self.mischief.rules.lock().rules.clear();
    }

    /// How many calls of this operation were begun; of [`Operation::Notice`], how many notices came.
    pub fn calls(&self, operation: Operation) -> u64 {
        self.mischief.counter(operation).load(Ordering::Relaxed)
    }
}

impl Mischief {
    fn counter(&self, operation: Operation) -> &AtomicU64 {
        #[expect(
            clippy::indexing_slicing,
            reason = "`ALL` lists every operation, so each discriminant is in bounds"
        )]
        &self.calls[operation as usize]
    }

    /// Counts a call, and tells what is to be done to it.
    fn draw(&self, operation: Operation) -> Option<Fault> {
        self.counter(operation).fetch_add(1, Ordering::Relaxed);
        let mut guard = self.rules.lock();
        let Rules { rules, rng } = &mut *guard;
        let fault = rules.iter_mut().find_map(|rule| rule.apply(operation, rng));
        rules.retain(|rule| !rule.spent());
        fault
    }

    /// Makes a call as the rules will have it. `half` is what is done of it where only a part is.
    async fn call<T>(
        &self,
        operation: Operation,
        whole: impl Future<Output = Result<T, EngineError>>,
        half: impl Future<Output = Result<(), EngineError>>,
        corrupt: impl FnOnce(&mut T, &Corrupter<'_>),
    ) -> Result<T, EngineError> {
        match self.draw(operation) {
            None | Some(Fault::DropNotice) => whole.await,
            Some(Fault::Fail(error)) => Err(error),
            Some(Fault::LoseReply(error)) => whole.await.and(Err(error)),
            Some(Fault::Half(error)) => half.await.and(Err(error)),
            Some(Fault::Hang) => pending().await,
            Some(Fault::Hold(gate)) => {
                gate.pass().await;
                whole.await
            }
            Some(Fault::HoldReply(gate)) => {
                let answer = whole.await;
                gate.pass().await;
                answer
            }
            Some(Fault::Corrupt(corruption)) => {
                let mut answer = whole.await?;
                corrupt(&mut answer, &Corrupter(self, corruption));
                Ok(answer)
            }
        }
    }

    /// As [`call`](Self::call), of an operation that has neither halves nor payloads.
    async fn plain<T>(
        &self,
        operation: Operation,
        whole: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<T, EngineError> {
        self.call(operation, whole, async { Ok(()) }, |_, _| ()).await
    }
}

/// Spoils payloads.
struct Corrupter<'a>(&'a Mischief, Corruption);

impl Corrupter<'_> {
    fn spoil(&self, stored: &mut Stored) {
        let mut rules = self.0.rules.lock();
        stored.bytes = Bytes::from(self.1.spoil(&stored.bytes, &mut rules.rng));
    }
}

/// The first half of a batch, rounded down.
fn half<T>(batch: &[T]) -> &[T] {
    batch.get(..batch.len() / 2).unwrap_or_default()
}

impl<E: Engine> Engine for ChaosEngine<E> {
    fn read<'a>(&'a self, keys: &'a [&'a str]) -> EngineFuture<'a, Vec<Option<Stored>>> {
        Box::pin(self.mischief.call(
            Operation::Read,
            self.engine.read(keys),
            async { Ok(()) },
            |found, corrupter| found.iter_mut().flatten().for_each(|stored| corrupter.spoil(stored)),
        ))
    }

    fn lease<'a>(&'a self, requests: &'a [LeaseRequest<'a>], keep: Duration) -> EngineFuture<'a, Vec<Lease>> {
        let spoil = |leases: &mut Vec<Lease>, corrupter: &Corrupter<'_>| {
            for lease in leases {
                if let Lease::Found(stored) = lease {
                    corrupter.spoil(stored);
                }
            }
        };
        Box::pin(self.mischief.call(
            Operation::Lease,
            self.engine.lease(requests, keep),
            async move { self.engine.lease(half(requests), keep).await.map(drop) },
            spoil,
        ))
    }

    fn write<'a>(&'a self, writes: &'a [Write<'a>]) -> EngineFuture<'a, Vec<bool>> {
        Box::pin(self.mischief.call(
            Operation::Write,
            self.engine.write(writes),
            async move { self.engine.write(half(writes)).await.map(drop) },
            |_, _| (),
        ))
    }

    fn release<'a>(&'a self, key: &'a str, lease: LeaseToken) -> EngineFuture<'a, ()> {
        Box::pin(self.mischief.plain(Operation::Release, self.engine.release(key, lease)))
    }

    fn invalidate<'a>(&'a self, what: Invalidation<'a>) -> EngineFuture<'a, u64> {
        // As where the connection breaks after the keys were deleted: their nodes did it, the tags' node was not asked.
        let keys_alone = Invalidation { tags: &[], ..what };
        Box::pin(self.mischief.call(
            Operation::Invalidate,
            self.engine.invalidate(what),
            async move { self.engine.invalidate(keys_alone).await.map(drop) },
            |_, _| (),
        ))
    }

    fn versions<'a>(&'a self, tags: &'a [&'a str], keep: Duration) -> EngineFuture<'a, Vec<u64>> {
        Box::pin(
            self.mischief
                .plain(Operation::Versions, self.engine.versions(tags, keep)),
        )
    }

    fn check(&self) -> EngineFuture<'_, Status> {
        Box::pin(self.mischief.plain(Operation::Check, self.engine.check()))
    }

    fn subscribe(&self) -> EngineFuture<'_, Box<dyn Subscription>> {
        Box::pin(async {
            let notices = self
                .mischief
                .plain(Operation::Subscribe, self.engine.subscribe())
                .await?;
            let mischief = Arc::clone(&self.mischief);
            Ok(Box::new(ChaosSubscription {
                notices,
                mischief,
                held: None,
            }) as Box<dyn Subscription>)
        })
    }
}

/// Notices as the rules for [`Operation::Notice`] will have them.
struct ChaosSubscription {
    notices: Box<dyn Subscription>,
    mischief: Arc<Mischief>,
    /// The notice that is being done something to, which must survive that the wait for it is dropped.
    held: Option<(Notice, Option<Fault>)>,
}

impl Subscription for ChaosSubscription {
    fn next(&mut self) -> EngineFuture<'_, Notice> {
        Box::pin(async move {
            loop {
                if self.held.is_none() {
                    let notice = self.notices.next().await?;
                    self.held = Some((notice, self.mischief.draw(Operation::Notice)));
                }
                match &self.held {
                    Some((_, Some(Fault::Hang))) => pending().await,
                    Some((_, Some(Fault::Hold(gate) | Fault::HoldReply(gate)))) => gate.pass().await,
                    _ => (),
                }
                match self.held.take() {
                    None | Some((_, Some(Fault::DropNotice))) => (),
                    Some((_, Some(Fault::Fail(error) | Fault::LoseReply(error) | Fault::Half(error)))) => {
                        return Err(error);
                    }
                    Some((notice, _)) => return Ok(notice),
                }
            }
        })
    }
}

#[cfg(test)]
mod tests;
