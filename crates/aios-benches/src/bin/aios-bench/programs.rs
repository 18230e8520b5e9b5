//! The programs that are built together with this one, and those that a machine may have.

use std::env;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use aios_benches::closed::{ClosedOutcome, ClosedPlan};
use aios_benches::error::{BenchError, Result};
use aios_benches::open::{OpenOutcome, OpenPlan};
use aios_benches::{Outcome, Plan};

/// A program beside this one.
pub(crate) fn ours(name: &str) -> Result<PathBuf> {
    let this = env::current_exe().map_err(BenchError::because("can't tell where this program is"))?;
    let program = this.with_file_name(name);
    if program.is_file() {
        return Ok(program);
    }
    Err(BenchError::new(format!(
        "{} is not there: cargo build --release -p aios-server -p aios-benches",
        program.display()
    )))
}

/// A program of the machine, where it is on PATH.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut places = env::split_paths(&path).map(|place| place.join(name));
    places.find(|program| program.is_file())
}

/// Runs a closed loop in a process of its own.
pub(crate) fn load(plan: ClosedPlan) -> Result<ClosedOutcome> {
    match run(&Plan::Closed(plan))? {
        Outcome::Closed(outcome) => Ok(outcome),
        Outcome::Open(_) => Err(BenchError::new("the load generator ran another plan")),
    }
}

/// Runs an open loop in a process of its own.
pub(crate) fn open_load(plan: OpenPlan) -> Result<OpenOutcome> {
    match run(&Plan::Open(plan))? {
        Outcome::Open(outcome) => Ok(outcome),
        Outcome::Closed(_) => Err(BenchError::new("the load generator ran another plan")),
    }
}

fn run(plan: &Plan) -> Result<Outcome> {
    let mut load = Command::new(ours("aios-load")?)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(BenchError::because("can't start the load generator"))?;
    if let Some(mut input) = load.stdin.take() {
        let plan = serde_json::to_vec(plan).map_err(BenchError::because("can't write the plan"))?;
        input
            .write_all(&plan)
            .map_err(BenchError::because("the load generator takes no plan"))?;
    }
    let output = load
        .wait_with_output()
        .map_err(BenchError::because("the load generator is lost"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(BenchError::new(said.trim().to_owned()));
    }
    serde_json::from_slice(&output.stdout)
        .map_err(BenchError::because("the load generator says nothing that can be read"))
}
