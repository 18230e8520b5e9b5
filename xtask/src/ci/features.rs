//! Whether cargo builds our dependencies once for xtask and the tests, or twice because their features differ.

use std::collections::BTreeSet;
use std::process::Stdio;

use crate::failure::Failure;
use crate::process::{Interrupts, cannot_run, cargo};

/// Says which crates are built twice. That costs minutes and breaks nothing, so it is a remark and no failure.
pub(crate) fn check(_: &mut Interrupts) -> Result<Option<String>, Failure> {
    let xtask = crates_with_features(&["--package", "xtask", "--edges", "normal,build"])?;
    let tests = crates_with_features(&["--workspace", "--edges", "normal,build,dev"])?;
    let twice: Vec<&str> = xtask.difference(&tests).map(String::as_str).collect();
    if twice.is_empty() {
        return Ok(None);
    }
    Ok(Some(format!(
        "built twice, and what depends on them, until xtask/Cargo.toml asks for the features that the tests have: {}",
        twice.join("; ")
    )))
}

/// Every crate that is built, with its version and features.
fn crates_with_features(selection: &[&str]) -> Result<BTreeSet<String>, Failure> {
    let mut command = cargo();
    command
        .args([
            "tree",
            "--locked",
            "--quiet",
            "--prefix",
            "none",
            "--format",
            "{p} [{f}]",
        ])
        .args(selection);
    command.stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = command.output().map_err(|cause| cannot_run(&command, &cause))?;
    if !output.status.success() {
        return Err(Failure::Child(output.status));
    }
    Ok(read(&String::from_utf8_lossy(&output.stdout)))
}

/// The lines of `cargo tree`, without its marks for procedural macros and for what was shown before.
fn read(tree: &str) -> BTreeSet<String> {
    let lines = tree
        .lines()
        .map(|line| line.replace(" (*)", "").replace(" (proc-macro)", ""));
    lines.filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_counts_once_for_each_set_of_features() {
        let tree = "a v1.0.0 [std]\nb v1.0.0 (proc-macro) []\na v1.0.0 [std] (*)\n\na v1.0.0 [std,rc]\n";
        let expected = ["a v1.0.0 [std,rc]", "a v1.0.0 [std]", "b v1.0.0 []"];
        assert!(read(tree).iter().eq(expected.iter()));
    }
}
