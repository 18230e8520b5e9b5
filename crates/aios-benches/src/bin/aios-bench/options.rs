//! What a run is told.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

/// Measure the service over HTTP beside what limits it. `cargo xtask bench http` prepares everything and starts this.
#[derive(Debug, Parser)]
#[command(name = "aios-bench")]
pub(crate) struct Options {
    /// A PostgreSQL database with agents in it, which the run may change.
    #[arg(long)]
    pub(crate) database_url: String,
    /// A Redis, which the run may fill.
    #[arg(long)]
    pub(crate) redis_url: String,
    /// The program pgbench; looked for on PATH where none is named.
    #[arg(long)]
    pub(crate) pgbench: Option<PathBuf>,
    /// Seconds that count, for each row of the table.
    #[arg(long, default_value_t = 10.0)]
    pub(crate) seconds: f64,
    /// In how many turns these seconds are taken.
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: u32,
    /// Connections that send at once.
    #[arg(long, default_value_t = 100)]
    pub(crate) connections: usize,
    /// Connections that send at once to the server without a cache, and of pgbench.
    #[arg(long, default_value_t = 32)]
    pub(crate) database_connections: usize,
    /// Rows whose name holds this text, and those that they are compared with; nothing is written.
    #[arg(long)]
    pub(crate) only: Option<String>,
    /// The open loop alone.
    #[arg(long, conflicts_with = "closed")]
    pub(crate) open: bool,
    /// The table alone, without the open loop.
    #[arg(long)]
    pub(crate) closed: bool,
    /// Minutes that count in the open loop.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) minutes: f64,
    /// Seconds for which the open loop warms up.
    #[arg(long, default_value_t = 30.0)]
    pub(crate) open_warm_up: f64,
    /// Requests a second in the open loop.
    #[arg(long, default_value_t = 1_000.0)]
    pub(crate) rate: f64,
    /// The exponent of Zipf's law, by which agents are asked for in the open loop.
    #[arg(long, default_value_t = 1.0)]
    pub(crate) zipf: f64,
    /// Instead of measuring: records the server with perf while it answers the cached listing, and prints where it is.
    #[arg(long)]
    pub(crate) profile: bool,
    /// Where the pages are written.
    #[arg(long, default_value = "docs/performance")]
    pub(crate) pages: PathBuf,
    /// The command that a reader of the pages may repeat.
    #[arg(long, default_value = "aios-bench")]
    pub(crate) told_as: String,
}

impl Options {
    /// How long one turn of a row counts.
    pub(crate) fn turn(&self) -> Duration {
        seconds(self.seconds / f64::from(self.rounds.max(1)))
    }

    /// How long one turn of a row warms up.
    pub(crate) fn warm_up(&self) -> Duration {
        self.turn().mul_f64(0.25).min(Duration::from_millis(500))
    }
}

/// A time that may have been given as nonsense.
pub(crate) fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO)
}
