//! The connections that all callers share, and whether the servers behind them are those of the last check.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use deadpool::managed::{Object, Pool};
use parking_lot::Mutex;

use super::connector::Connector;
use super::error;
use super::topology::RedisConfigError;
use super::wire::Wire;
use crate::engine::EngineError;

/// A few connections from the pool, each used by many callers at once.
///
/// Taking one out of the pool and giving it back around each call would cost a round trip (deadpool-redis pings), or keep
/// callers waiting for one another. So each place holds one for good, until it ends.
pub(super) struct Connections {
    pool: Pool<Connector>,
    places: Box<[Place]>,
    verified: Mutex<Verified>,
    patience: Duration,
}

#[derive(Default)]
struct Place {
    held: Mutex<Option<Arc<Held>>>,
    /// One caller connects, the others wait.
    opening: tokio::sync::Mutex<()>,
}

/// How many calls go out on one connection before the next one is used as well. They share system calls meanwhile.
const CROWD: usize = 8;

/// Numbers threads in the order in which they first ask.
static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static THREAD: usize = THREADS.fetch_add(1, Ordering::Relaxed);
}

impl Place {
    fn is_crowded(&self) -> bool {
        // Each caller holds one reference, and the place itself another.
        self.held
            .lock()
            .as_ref()
            .is_some_and(|held| Arc::strong_count(held) > CROWD)
    }

    fn usable(&self) -> Option<Arc<Held>> {
        self.held.lock().clone().filter(|held| held.is_usable())
    }
}

/// A wire that is held, and the pool's place that it takes.
pub(super) struct Held {
    wire: Object<Connector>,
    /// [`Verified::generation`] when it was opened.
    generation: u64,
}

impl Deref for Held {
    type Target = Wire;

    fn deref(&self) -> &Wire {
        &self.wire
    }
}

/// Which servers the last check has found.
#[derive(Default)]
struct Verified {
    identity: Option<Arc<str>>,
    /// How often that changed.
    generation: u64,
}

/// What the last check means for a wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judgement {
    Trusted,
    /// It was opened before the check found other servers.
    Outdated,
    /// Others than at the check are behind it.
    Replaced,
}

impl Verified {
    fn judge(&self, held: &Held) -> Judgement {
        match &self.identity {
            None => Judgement::Trusted,
            Some(identity) if *identity == held.identity => Judgement::Trusted,
            Some(_) if held.generation == self.generation => Judgement::Replaced,
            Some(_) => Judgement::Outdated,
        }
    }
}

impl Connections {
    pub(super) fn new(connector: Connector, count: usize, patience: Duration) -> Result<Self, RedisConfigError> {
        let pool = Pool::builder(connector)
            // Those that were given up keep their place until their last caller is done.
            .max_size(count.saturating_mul(4))
            .wait_timeout(Some(patience))
            .create_timeout(Some(patience))
            .recycle_timeout(Some(patience))
            .runtime(deadpool::Runtime::Tokio1)
            .build()
            .map_err(|cause| RedisConfigError::Client(cause.to_string()))?;
        Ok(Self {
            pool,
            places: (0..count).map(|_| Place::default()).collect(),
            verified: Mutex::default(),
            patience,
        })
    }

    pub(super) fn connector(&self) -> &Connector {
        self.pool.manager()
    }

    /// A connection to the servers of the last check.
    pub(super) async fn obtain(&self) -> Result<Arc<Held>, EngineError> {
        let place = self.choose()?;
        if let Some(held) = place.usable() {
            match self.judge(&held) {
                Judgement::Trusted => return Ok(held),
                Judgement::Replaced => return Err(EngineError::Replaced),
                Judgement::Outdated => {}
            }
        }
        let held = self.open(place).await?;
        match self.judge(&held) {
            Judgement::Trusted => Ok(held),
            Judgement::Replaced | Judgement::Outdated => Err(EngineError::Replaced),
        }
    }

    /// A connection to the servers of this moment, whoever they are.
    pub(super) async fn obtain_for_check(&self) -> Result<Arc<Held>, EngineError> {
        let place = self.place(0)?;
        if let Some(held) = place.usable() {
            // A server that is not the one of the last check may be the new one, or an old one that nobody listens to any more.
            if self.judge(&held) == Judgement::Trusted && self.connector().still_leads(&held).await {
                return Ok(held);
            }
            held.give_up();
        }
        self.open(place).await
    }

    /// From now on these are the servers that are trusted.
    pub(super) fn confirm(&self, identity: &Arc<str>) {
        let mut verified = self.verified.lock();
        if verified.identity.as_ref() != Some(identity) {
            verified.identity = Some(Arc::clone(identity));
            verified.generation += 1;
        }
    }

    fn judge(&self, held: &Held) -> Judgement {
        self.verified.lock().judge(held)
    }

    /// The first place that is not crowded. Each thread begins with another one, since a connection is served by the
    /// runtime of the thread that made it, and from there its own calls are answered soonest.
    fn choose(&self) -> Result<&Place, EngineError> {
        let first = THREAD.with(|number| *number);
        for number in first..first.saturating_add(self.places.len()) {
            let place = self.place(number)?;
            if !place.is_crowded() {
                return Ok(place);
            }
        }
        self.place(first)
    }

    fn place(&self, number: usize) -> Result<&Place, EngineError> {
        // There is at least one place, so that the remainder is always one of them.
        let place = number
            .checked_rem(self.places.len())
            .and_then(|index| self.places.get(index));
        place.ok_or_else(|| EngineError::Unreachable("no connections are allowed".to_owned()))
    }

    /// Connects, unless another caller just did. All in all it takes no longer than one connection may take.
    async fn open(&self, place: &Place) -> Result<Arc<Held>, EngineError> {
        let opened = async {
            let _others_wait = place.opening.lock().await;
            if let Some(held) = place.usable() {
                if self.judge(&held) != Judgement::Outdated {
                    return Ok(held);
                }
                held.give_up();
            }
            // Before connecting: what is checked meanwhile makes the new wire outdated rather than replaced.
            let generation = self.verified.lock().generation;
            let wire = self.pool.get().await.map_err(error::from_pool)?;
            let held = Arc::new(Held { wire, generation });
            *place.held.lock() = Some(Arc::clone(&held));
            Ok(held)
        };
        tokio::time::timeout(self.patience, opened)
            .await
            .unwrap_or(Err(EngineError::TimedOut))
    }
}
