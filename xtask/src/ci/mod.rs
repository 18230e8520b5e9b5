//! `cargo xtask ci`: everything that has to hold before a change is merged.

mod deny;
mod features;

use std::process::Command;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::process::{self, Interrupts, cargo};
use crate::{layers, migrate, test};

/// Run every check: format, clippy, layers, documentation, dependencies, migrations, tests.
///
/// A check that fails does not keep the others from running.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// All of them but the tests
    #[arg(long)]
    lints: bool,
}

/// A check by its name. `Ok` may carry what has to be said about it.
type Check = fn(&mut Interrupts) -> Result<Option<String>, Failure>;

const LINTS: [(&str, Check); 8] = [
    ("format", format),
    ("clippy", clippy),
    ("layers", |_| layers::check().map(|()| None)),
    ("features", features::check),
    ("documentation", documentation),
    ("dependencies", deny::check),
    ("migration lint", |_| migrate::lint::run().map(|()| None)),
    ("migrations", |interrupts| {
        migrate::check::run(interrupts).map(|()| None)
    }),
];

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let mut interrupts = Interrupts::listen()?;
    let mut report = Report::default();
    for (name, check) in LINTS {
        report.take(name, check, &mut interrupts)?;
    }
    if !args.lints {
        report.take(
            "tests",
            |interrupts| test::run_all(interrupts).map(|()| None),
            &mut interrupts,
        )?;
    }
    report.conclude()
}

/// How each check ended, and after how long.
#[derive(Default)]
struct Report {
    lines: Vec<String>,
    failed: Vec<&'static str>,
}

impl Report {
    /// Runs one check. Only an interruption is a failure here; the check's own is remembered.
    fn take(&mut self, name: &'static str, check: Check, interrupts: &mut Interrupts) -> Result<(), Failure> {
        println!("\n--- {name}");
        let started = Instant::now();
        let result = check(interrupts);
        let took = started.elapsed();
        if let Err(Failure::Interrupted(_)) = result {
            return result.map(drop);
        }
        if let Err(failure) = &result {
            if let Some(message) = failure.message() {
                eprintln!("xtask: {message}");
            }
            self.failed.push(name);
        }
        self.lines.push(line(name, took, &result));
        Ok(())
    }

    fn conclude(self) -> Result<(), Failure> {
        println!("\n{}", self.lines.join("\n"));
        if self.failed.is_empty() {
            return Ok(());
        }
        Err(Failure::new(format!("failed: {}", self.failed.join(", "))))
    }
}

fn line(name: &str, took: Duration, result: &Result<Option<String>, Failure>) -> String {
    let outcome = match result {
        Ok(None) => "passed".to_owned(),
        Ok(Some(remark)) => format!("passed; {remark}"),
        Err(_) => "FAILED".to_owned(),
    };
    format!("{name:14} {:6.1} s  {outcome}", took.as_secs_f64())
}

fn format(interrupts: &mut Interrupts) -> Result<Option<String>, Failure> {
    run_cargo(cargo().args(["fmt", "--all", "--check"]), interrupts)
}

fn clippy(interrupts: &mut Interrupts) -> Result<Option<String>, Failure> {
    let mut command = cargo();
    command.args([
        "clippy",
        "--locked",
        "--workspace",
        "--all-targets",
        "--quiet",
        "--",
        "--deny",
        "warnings",
    ]);
    run_cargo(&mut command, interrupts)
}

fn documentation(interrupts: &mut Interrupts) -> Result<Option<String>, Failure> {
    let mut command = cargo();
    command
        .args(["doc", "--locked", "--workspace", "--no-deps", "--quiet"])
        .env("RUSTDOCFLAGS", "--deny warnings");
    run_cargo(&mut command, interrupts)
}

fn run_cargo(command: &mut Command, interrupts: &mut Interrupts) -> Result<Option<String>, Failure> {
    process::run_to_success(command, interrupts).map(|()| None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report_of(check: Check) -> Report {
        let mut report = Report::default();
        report
            .take("made up", check, &mut Interrupts::listen().unwrap())
            .unwrap();
        report
    }

    #[test]
    fn a_failure_is_remembered_and_the_run_goes_on() {
        let mut report = report_of(|_| Err(Failure::new("broken")));
        report
            .take("another", |_| Ok(None), &mut Interrupts::listen().unwrap())
            .unwrap();
        assert!(report.lines[0].ends_with("FAILED") && report.lines[1].ends_with("passed"));
        assert_eq!(report.conclude().unwrap_err().message(), Some("failed: made up"));
    }

    #[test]
    fn what_was_left_out_is_said() {
        let report = report_of(|_| Ok(Some("half of it was skipped".to_owned())));
        assert!(report.lines[0].ends_with("passed; half of it was skipped"));
        assert!(report.conclude().is_ok());
    }

    #[test]
    fn an_interruption_ends_the_run() {
        let mut report = Report::default();
        let stopped = report.take(
            "made up",
            |_| Err(Failure::Interrupted(2)),
            &mut Interrupts::listen().unwrap(),
        );
        assert!(matches!(stopped, Err(Failure::Interrupted(2))));
    }
}
