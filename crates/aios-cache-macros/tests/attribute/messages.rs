//! What the compiler says of mistakes. Its own words change from release to release, so they are compared under one alone.

use std::process::Command;

/// The compiler that wrote `tests/ui/*.stderr`; write them anew with `TRYBUILD=overwrite` when this is raised.
const WRITTEN_WITH: &str = "rustc 1.95.";

#[test]
fn mistakes_are_explained() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc)
        .arg("--version")
        .output()
        .map(|output| output.stdout)
        .unwrap_or_default();
    let version = String::from_utf8_lossy(&version);
    if !version.starts_with(WRITTEN_WITH) {
        println!("skipped: the messages were written with {WRITTEN_WITH}x, this is {version}");
        return;
    }
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
