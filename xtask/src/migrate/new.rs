//! `cargo xtask migrate new`: the four files of a migration, with the same number and name on both sides.

use std::fs;
use std::path::Path;

use aios_db::DatabaseKind;
use aios_db::migrations;
use chrono::{DateTime, Utc};

use crate::failure::Failure;
use crate::migrate::root;

const UP_POSTGRES: &str = "\
-- What changes, and why.
--
-- It runs in one transaction while servers of the version before serve. A statement waits for a table for two seconds at most;
-- then all is taken back and tried again. What would lock or rewrite a table that is in use is refused by
-- `cargo xtask migrate lint`, which says what to write instead; docs/migrations.md has the recipes. Where it does no harm:
-- -- lint: allow RULE: why
";

/// For a statement that can't run in a transaction.
const UP_CONCURRENTLY: &str = "\
-- What it is for: which query has it.
--
-- One statement, outside a transaction, that may be run twice:
-- CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_TABLE_COLUMNS ON TABLE (COLUMNS);
";

const DOWN_CONCURRENTLY: &str = "\
-- One statement, outside a transaction, that may be run twice:
-- DROP INDEX CONCURRENTLY IF EXISTS idx_TABLE_COLUMNS;
";

const METADATA_CONCURRENTLY: &str = "run_in_transaction = false\n";

const UP_SQLITE: &str = "\
-- What changes, and why: the same as in migrations/postgres.
--
-- Ids are BLOBs of 16 bytes, moments INTEGER microseconds, lists and objects JSON TEXT, truth values INTEGER 0 or 1.
-- Foreign keys are off while this runs and are looked at when it ends, so a table may be rebuilt:
-- CREATE TABLE new, INSERT INTO new SELECT FROM old, DROP TABLE old, ALTER TABLE new RENAME TO old, and its indexes again.
";

const DOWN: &str =
    "-- The way back: afterwards the schema is what it was before; `cargo xtask migrate check` compares.\n";

pub(crate) fn run(name: &str, concurrently: bool) -> Result<(), Failure> {
    let last = migrations::names(DatabaseKind::Postgres).last().unwrap_or_default();
    let directory = directory_name(name, Utc::now(), last)?;
    for (side, files) in [("postgres", postgres_files(concurrently)), ("sqlite", &SQLITE_FILES)] {
        let directory = root().join("migrations").join(side).join(&directory);
        fs::create_dir_all(&directory).map_err(Failure::because(format!("cannot make {}", directory.display())))?;
        for (file, text) in files {
            write(&directory.join(file), text)?;
        }
    }
    println!(
        "Fill them in, then run `cargo xtask migrate schema`, `cargo xtask migrate lint` and `cargo xtask migrate check`."
    );
    Ok(())
}

/// File names and what stands in them.
type Templates = [(&'static str, &'static str)];

const SQLITE_FILES: [(&str, &str); 2] = [("up.sql", UP_SQLITE), ("down.sql", DOWN)];

fn postgres_files(concurrently: bool) -> &'static Templates {
    if concurrently {
        &[
            ("up.sql", UP_CONCURRENTLY),
            ("down.sql", DOWN_CONCURRENTLY),
            ("metadata.toml", METADATA_CONCURRENTLY),
        ]
    } else {
        &[("up.sql", UP_POSTGRES), ("down.sql", DOWN)]
    }
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    fs::write(file, text).map_err(Failure::because(format!("cannot write {}", file.display())))?;
    println!("made {}", file.display());
    Ok(())
}

/// The directory's name: the moment and the name. Migrations run in the order of their names, so it has to come last.
fn directory_name(name: &str, now: DateTime<Utc>, last: &str) -> Result<String, Failure> {
    let plain = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_';
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) || !name.chars().all(plain) {
        return Err(Failure::new(format!(
            "{name:?} is no name for a migration: use lower-case letters, digits and underscores, as in agent_archive"
        )));
    }
    let directory = format!("{}_{name}", now.format("%Y-%m-%d-%H%M%S"));
    if directory.as_str() <= last {
        return Err(Failure::new(format!(
            "the last migration, {last}, is of a later time than now ({}): set the clock right",
            now.format("%Y-%m-%d %H:%M:%S UTC")
        )));
    }
    Ok(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Result<String, Failure> {
        let now = "2026-12-01T10:20:30Z".parse().unwrap();
        directory_name(name, now, "2026-11-23-000800_agent_search")
    }

    #[test]
    fn the_moment_and_the_name() {
        assert_eq!(named("agent_archive").unwrap(), "2026-12-01-102030_agent_archive");
    }

    #[test]
    fn names_that_are_no_names() {
        for name in ["", "Agents", "agent-archive", "2fast", "a b", "../x"] {
            assert!(named(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn what_runs_outside_a_transaction_says_so() {
        let has_metadata = |concurrently| {
            postgres_files(concurrently)
                .iter()
                .any(|(file, _)| *file == "metadata.toml")
        };
        assert!(has_metadata(true) && !has_metadata(false));
    }

    #[test]
    fn a_clock_that_is_behind_is_noticed() {
        let now = "2026-11-01T00:00:00Z".parse().unwrap();
        let failure = directory_name("x", now, "2026-11-23-000800_agent_search").unwrap_err();
        assert!(failure.message().unwrap().contains("clock"));
    }
}
