//! Measuring the service over HTTP, beside what limits it. `cargo xtask bench http` prepares a machine and runs it.
//!
//! Three programs come of this crate: `aios-load` sends requests, in a process of its own; `aios-bare` is a handler that
//! does nothing but answer, the limit of what can be reached; `aios-bench` runs one against the other in turns and writes
//! the tables. Nothing here is a part of the service.

pub mod bare;
pub mod closed;
mod connection;
pub mod error;
pub mod exchange;
pub mod latency;
pub mod open;
pub mod request;
pub mod response;
pub mod traffic;
pub mod usage;
pub mod zipf;

use serde::{Deserialize, Serialize};

/// What `aios-load` reads from its standard input.
#[derive(Debug, Serialize, Deserialize)]
pub enum Plan {
    /// As many requests as the server can answer.
    Closed(closed::ClosedPlan),
    /// So many requests a second.
    Open(open::OpenPlan),
}

/// What it writes to its standard output.
#[derive(Debug, Serialize, Deserialize)]
pub enum Outcome {
    /// Of a closed loop.
    Closed(closed::ClosedOutcome),
    /// Of an open loop.
    Open(open::OpenOutcome),
}
