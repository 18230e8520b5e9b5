//! The manual keeps up with the code: the tests that it names are there, and its metrics are all that there are.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).map_err(|error| (path, error)).unwrap()
}

/// What stands between backticks in a line.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

fn manual() -> Vec<String> {
    let source = read("src/lib.rs");
    source
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_tests_that_it_names_are_there() {
    let mut named = 0;
    for line in manual() {
        let mut file = None;
        for word in quoted(&line) {
            if word.contains("tests/") && Path::new(word).extension().is_some_and(|extension| extension == "rs") {
                file = Some(read(word));
            } else if let Some(file) = file.take() {
                assert!(
                    file.contains(&format!("fn {word}(")),
                    "{word} is not where the manual says"
                );
                named += 1;
            }
        }
    }
    assert!(named > 10, "{named}");
}

#[test]
fn its_metrics_are_those_that_are_described() {
    let is_metric = |word: &&str| word.starts_with("cache_") && !word.contains(char::is_whitespace);
    let lines = manual();
    let rows = lines.iter().filter(|line| line.starts_with(" | `cache_"));
    let listed: BTreeSet<&str> = rows.flat_map(|row| quoted(row).filter(is_metric)).collect();
    let source = read("src/stats.rs");
    let (_, described) = source.split_once("pub fn describe_metrics").unwrap();
    let described: BTreeSet<&str> = described.split('"').skip(1).step_by(2).filter(is_metric).collect();
    assert_eq!(listed, described);
}
