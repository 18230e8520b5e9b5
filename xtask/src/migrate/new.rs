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
-- It runs in one transaction while servers serve: a statement that waits longer than two seconds for a table is tried again.
-- New foreign keys and checks on a large table: NOT VALID here, VALIDATE CONSTRAINT in a migration of its own.
-- An index on a large table: CREATE INDEX CONCURRENTLY, alone in its file, and beside it a metadata.toml that says
-- run_in_transaction = false
";

const UP_SQLITE: &str = "\
-- What changes, and why: the same as in migrations/postgres.
--
-- Ids are BLOBs of 16 bytes, moments INTEGER microseconds, lists and objects JSON TEXT, truth values INTEGER 0 or 1.
-- Foreign keys are off while this runs and are looked at when it ends, so a table may be rebuilt:
-- CREATE TABLE new, INSERT INTO new SELECT FROM old, DROP TABLE old, ALTER TABLE new RENAME TO old, and its indexes again.
";

const DOWN: &str =
    "-- The way back: afterwards the schema is what it was before; `cargo xtask migrate check` compares.\n";

pub(crate) fn run(name: &str) -> Result<(), Failure> {
    let last = migrations::names(DatabaseKind::Postgres).last().unwrap_or_default();
    let directory = directory_name(name, Utc::now(), last)?;
    for (side, up) in [("postgres", UP_POSTGRES), ("sqlite", UP_SQLITE)] {
        let directory = root().join("migrations").join(side).join(&directory);
        fs::create_dir_all(&directory).map_err(Failure::because(format!("cannot make {}", directory.display())))?;
        write(&directory.join("up.sql"), up)?;
        write(&directory.join("down.sql"), DOWN)?;
    }
    println!("Fill them in, then run `cargo xtask migrate schema` and `cargo xtask migrate check`.");
    Ok(())
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
    fn a_clock_that_is_behind_is_noticed() {
        let now = "2026-11-01T00:00:00Z".parse().unwrap();
        let failure = directory_name("x", now, "2026-11-23-000800_agent_search").unwrap_err();
        assert!(failure.message().unwrap().contains("clock"));
    }
}
