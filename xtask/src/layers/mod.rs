//! `cargo xtask layers`: which crate may depend on which, held against what `cargo metadata` says.

mod rules;

use std::process::Stdio;

use serde::Deserialize;

use crate::failure::Failure;
use crate::process::{cannot_run, cargo};

/// Check that no crate depends on one that the architecture keeps from it.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// What `cargo metadata --format-version 1` says, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    /// The package's own name, also where the manifest renames it.
    name: String,
    kind: Option<Kind>,
    optional: bool,
}

/// `None` is an ordinary dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Dev,
    Build,
}

/// Holds the workspace against the tables in [`rules`].
pub(crate) fn check() -> Result<(), Failure> {
    let metadata = read()?;
    let violations = rules::violations(&metadata);
    if violations.is_empty() {
        println!("layers: {} crates depend on what they may", metadata.packages.len());
        return Ok(());
    }
    Err(Failure::listing(
        "the crates depend on each other as docs/ARCHITECTURE.md does not allow",
        &violations,
    ))
}

fn read() -> Result<Metadata, Failure> {
    let mut command = cargo();
    command
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    let output = command.output().map_err(|cause| cannot_run(&command, &cause))?;
    if !output.status.success() {
        return Err(Failure::Child(output.status));
    }
    serde_json::from_slice(&output.stdout).map_err(Failure::because("cannot read what cargo metadata says"))
}
