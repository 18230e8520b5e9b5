//! A gate that calls wait at until the test opens it: delay without sleeping.

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

/// Shut at first. A clone is the same gate.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use aios_cache::engine::chaos::ChaosEngine;
/// use aios_cache::engine::chaos::Operation;
/// use aios_cache::engine::{Engine, MemoryEngine};
///
/// let chaos = ChaosEngine::new(MemoryEngine::new(), 7);
/// let gate = chaos.hold([Operation::Read]);
/// let reader = tokio::spawn({
///     let chaos = chaos.clone();
///     async move { chaos.read(&["a"]).await }
/// });
/// gate.arrived(1).await;
/// // Whatever has to happen before the read.
/// gate.open();
/// assert_eq!(reader.await.unwrap(), Ok(vec![None]));
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// A permit lets one through; once closed, the gate stands open.
    permits: Semaphore,
    /// How many ever came.
    arrivals: watch::Sender<usize>,
}

impl Gate {
    pub(super) fn new() -> Self {
        Self(Arc::new(Inner {
            permits: Semaphore::new(0),
            arrivals: watch::Sender::new(0),
        }))
    }

    /// Lets everyone through from now on.
    pub fn open(&self) {
        self.0.permits.close();
    }

    /// Lets this many through, those that wait longest first.
    pub fn let_through(&self, calls: usize) {
        self.0.permits.add_permits(calls);
    }

    /// Waits until this many calls in all have come to the gate.
    pub async fn arrived(&self, calls: usize) {
        // The sender lives as long as the gate, so this can't fail.
        let _ = self
            .0
            .arrivals
            .subscribe()
            .wait_for(|&arrivals| arrivals >= calls)
            .await;
    }

    pub(super) async fn pass(&self) {
        self.0.arrivals.send_modify(|arrivals| *arrivals += 1);
        if let Ok(permit) = self.0.permits.acquire().await {
            permit.forget();
        }
    }
}
