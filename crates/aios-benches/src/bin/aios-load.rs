//! The load generator: reads a plan from standard input, runs it, writes what it measured to standard output, as JSON both.

use std::io::{self, Write as _};
use std::process::ExitCode;

use aios_benches::error::{BenchError, Result};
use aios_benches::{Outcome, Plan, closed, open};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "aios-load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let plan = serde_json::from_reader(io::stdin().lock()).map_err(BenchError::because("the plan can't be read"))?;
    let outcome = match &plan {
        Plan::Closed(plan) => Outcome::Closed(closed::run(plan)?),
        Plan::Open(plan) => Outcome::Open(open::run(plan)?),
    };
    serde_json::to_writer(io::stdout().lock(), &outcome).map_err(BenchError::because("can't write what was measured"))
}
