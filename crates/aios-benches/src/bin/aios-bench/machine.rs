//! Where and of what a run was: figures without it say nothing.

use std::fs;
use std::process::Command;
use std::thread;

use chrono::Utc;
use serde::{Deserialize, Serialize};

use crate::options::Options;
use crate::programs;

/// A machine, and what ran on it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory: Option<u64>,
    pub(crate) system: String,
    /// Names of programs, and what they say of their version.
    pub(crate) versions: Vec<(String, String)>,
    /// The day, in UTC, as `2026-11-01`.
    pub(crate) day: String,
    pub(crate) commit: String,
    pub(crate) command: String,
    /// Processes that wanted to run beside the measurement when it ended, as the system's load average.
    pub(crate) load_average: Option<String>,
}

impl Machine {
    /// What this machine tells of itself.
    pub(crate) fn look(options: &Options) -> Self {
        let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        Self {
            processor: after(&cpus, "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory: after(&memory, "MemTotal").and_then(|value| value.split(' ').next()?.parse().ok()),
            system: said_by("uname", &["-sr"]).unwrap_or_else(|| std::env::consts::OS.to_owned()),
            versions: versions(options),
            day: Utc::now().format("%Y-%m-%d").to_string(),
            commit: commit(),
            command: options.told_as.clone(),
            load_average: fs::read_to_string("/proc/loadavg")
                .ok()
                .map(|text| text.split(' ').take(3).collect::<Vec<_>>().join(" ")),
        }
    }
}

/// The value behind `name :` in a file of `/proc`.
fn after(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn versions(options: &Options) -> Vec<(String, String)> {
    let pgbench = options.pgbench.clone().or_else(|| programs::on_path("pgbench"));
    let programs = [
        ("rustc", Some("rustc".into())),
        ("pgbench", pgbench),
        ("redis-server", programs::on_path("redis-server")),
        ("nginx", programs::on_path("nginx")),
    ];
    let told = programs.into_iter().filter_map(|(name, program)| {
        let argument = if name == "nginx" { "-v" } else { "--version" };
        Some((name.to_owned(), said_by(program?.to_str()?, &[argument])?))
    });
    told.collect()
}

/// The first line that a program prints, wherever it prints it.
fn said_by(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let said = if output.stdout.is_empty() {
        output.stderr
    } else {
        output.stdout
    };
    let said = String::from_utf8_lossy(&said).into_owned();
    said.lines().next().map(|line| line.trim().to_owned())
}

/// The commit that was built, and whether anything was changed since.
fn commit() -> String {
    let commit = said_by("git", &["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
    let changed = said_by(
        "git",
        &[
            "status",
            "--porcelain",
            "--untracked-files=no",
            "--",
            ":!docs/performance",
        ],
    );
    match changed {
        Some(_) => format!("{commit}, with changes"),
        None => commit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_proc() {
        assert_eq!(
            after("a : b\nmodel name\t: Fast CPU\n", "model name"),
            Some("Fast CPU".to_owned())
        );
        assert_eq!(after("", "model name"), None);
    }
}
