//! `cargo xtask test`: every test of the workspace, with the servers that they need.

use std::ffi::OsString;
use std::process::Stdio;

use crate::failure::Failure;
use crate::process::{self, Interrupts, cargo};
use crate::service::Services;

/// Run all tests against private servers of PostgreSQL and Redis, and SQLite.
///
/// With AIOS_TEST_POSTGRES_URL set, that server is used instead of a private one; its account has to be allowed to create
/// databases. AIOS_TEST_REDIS_URL does the same for Redis. AIOS_TEST_REDIS_SERVER, AIOS_TEST_VARNISHD and
/// AIOS_TEST_POSTGRES_BIN name the programs from which tests start servers of their own. The tests run under cargo-nextest where it is installed, else under `cargo
/// test`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Passed on to `cargo nextest run` or `cargo test`, such as a filter or `-p aios-db`; the examples in the
    /// documentation are then left out
    #[arg(last = true)]
    args: Vec<OsString>,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let mut interrupts = Interrupts::listen()?;
    if args.args.is_empty() {
        return run_all(&mut interrupts);
    }
    let services = Services::start(&mut interrupts)?;
    run_tests(&args.args, &services, &mut interrupts)
}

/// Every test and every example in the documentation.
pub(crate) fn run_all(interrupts: &mut Interrupts) -> Result<(), Failure> {
    let services = Services::start(interrupts)?;
    let tests = run_tests(&[], &services, interrupts);
    if let Err(Failure::Interrupted(_)) = tests {
        return tests;
    }
    // The examples run even when tests fail: a run should tell all that is wrong.
    tests.and(run_examples(&services, interrupts))
}

fn run_tests(args: &[OsString], services: &Services, interrupts: &mut Interrupts) -> Result<(), Failure> {
    let mut command = cargo();
    if has_nextest() {
        command.args(["nextest", "run"]);
    } else {
        command.args(["test", "--no-fail-fast", "--lib", "--bins", "--tests", "--examples"]);
    }
    if !names_packages(args) {
        command.arg("--workspace");
    }
    command.args(args);
    services.announce_to(&mut command);
    process::run_to_success(&mut command, interrupts)
}

fn run_examples(services: &Services, interrupts: &mut Interrupts) -> Result<(), Failure> {
    let mut command = cargo();
    command.args(["test", "--doc", "--workspace", "--no-fail-fast", "--quiet"]);
    services.announce_to(&mut command);
    process::run_to_success(&mut command, interrupts)
}

fn has_nextest() -> bool {
    let mut probe = cargo();
    probe
        .args(["nextest", "--version"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

/// Whether the arguments choose packages themselves.
fn names_packages(args: &[OsString]) -> bool {
    let args = args
        .iter()
        .map(|arg| arg.to_string_lossy())
        .take_while(|arg| arg != "--");
    let mut args = args;
    args.any(|arg| arg.starts_with("-p") || arg.starts_with("--package") || arg == "--workspace" || arg == "--all")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(args: &[&str]) -> bool {
        names_packages(&args.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn a_choice_of_packages_is_respected() {
        assert!(names(&["-p", "aios-db"]) && names(&["-paios-db"]) && names(&["--package=aios-db", "listing"]));
    }

    #[test]
    fn a_filter_chooses_no_packages() {
        assert!(!names(&[]) && !names(&["listing"]) && !names(&["--", "-p"]));
    }
}
