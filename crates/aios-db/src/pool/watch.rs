//! The watchdog over the pools: once a second it tells the metrics how they are, and the log who holds a connection too long.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::Inner;

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Watches until it is dropped.
pub(super) struct Watch {
    _stop: Sender<()>,
}

impl Watch {
    /// Reports operations that hold a connection for longer than `hold_warning`.
    pub(super) fn over(pools: &Arc<Inner>, hold_warning: Duration) -> Self {
        let (stop, stopped) = channel();
        let pools: Weak<Inner> = Arc::downgrade(pools);
        let look_every = LOOK_EVERY.min(hold_warning);
        let watching = move || {
            while stopped.recv_timeout(look_every) == Err(RecvTimeoutError::Timeout) {
                let Some(pools) = pools.upgrade() else { return };
                for lane in pools.lanes() {
                    lane.watch(hold_warning);
                }
            }
        };
        let started = std::thread::Builder::new()
            .name("aios-db-watch".to_owned())
            .spawn(watching);
        if let Err(error) = started {
            tracing::warn!(%error, "the database pools are not watched: a thread could not be started");
        }
        Self { _stop: stop }
    }
}
