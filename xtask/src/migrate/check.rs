//! `cargo xtask migrate check`: every way back leads back, both sides agree, and schema.rs is up to date.

use std::fs;

use aios_db::migrations;
use aios_db::{AnyConnection, DatabaseKind, catalog};

use crate::failure::Failure;
use crate::migrate::scratch::Scratch;
use crate::migrate::{refused, schema_file};
use crate::process::Interrupts;
use crate::schema;

pub(crate) fn run(interrupts: &mut Interrupts) -> Result<(), Failure> {
    same_names()?;
    let scratch = Scratch::make(interrupts)?;
    let (mut postgres, mut sqlite) = (scratch.postgres()?, scratch.sqlite()?);
    for connection in [&mut postgres, &mut sqlite] {
        let count = every_way_back(connection, interrupts)?;
        println!("{}: {count} migrations go up, down and up again", connection.kind());
    }
    schema_is_current(&mut postgres, &mut sqlite)?;
    println!("schema.rs is what the migrations make of both databases");
    Ok(())
}

fn same_names() -> Result<(), Failure> {
    let names = |kind| migrations::names(kind).collect::<Vec<_>>();
    let (postgres, sqlite) = (names(DatabaseKind::Postgres), names(DatabaseKind::Sqlite));
    let alone = |these: &[&str], those: &[&str], side: &str| -> Vec<String> {
        let alone = these.iter().filter(|name| !those.contains(name));
        alone.map(|name| format!("only in migrations/{side}: {name}")).collect()
    };
    let mut differences = alone(&postgres, &sqlite, "postgres");
    differences.extend(alone(&sqlite, &postgres, "sqlite"));
    if differences.is_empty() {
        return Ok(());
    }
    Err(Failure::listing(
        "a migration needs the same number and name for both databases",
        &differences,
    ))
}

/// Applies each migration, takes it back, and applies it again, comparing the schema each time. Hands back how many there were.
fn every_way_back(connection: &mut AnyConnection, interrupts: &mut Interrupts) -> Result<usize, Failure> {
    let kind = connection.kind();
    let mut before = describe(connection)?;
    let mut count = 0;
    while let Some(name) = migrations::run_next(connection).map_err(refused)? {
        interrupts.check()?;
        let after = describe(connection)?;
        migrations::revert(connection).map_err(refused)?;
        compare(
            &format!("{kind}: {name}/down.sql does not lead back"),
            &before,
            &describe(connection)?,
        )?;
        migrations::run_next(connection).map_err(refused)?;
        compare(
            &format!("{kind}: {name} makes something else the second time"),
            &after,
            &describe(connection)?,
        )?;
        before = after;
        count += 1;
    }
    Ok(count)
}

fn describe(connection: &mut AnyConnection) -> Result<Vec<String>, Failure> {
    catalog::describe(connection).map_err(Failure::because("cannot read the catalogue"))
}

fn compare(complaint: &str, expected: &[String], found: &[String]) -> Result<(), Failure> {
    if expected == found {
        return Ok(());
    }
    let missing = expected
        .iter()
        .filter(|line| !found.contains(line))
        .map(|line| format!("- {line}"));
    let surplus = found
        .iter()
        .filter(|line| !expected.contains(line))
        .map(|line| format!("+ {line}"));
    let mut difference: Vec<String> = missing.chain(surplus).collect();
    if difference.is_empty() {
        difference.push("the lines are the same, in another order or number".to_owned());
    }
    Err(Failure::listing(
        format!("{complaint} (- is missing, + is too much)"),
        &difference,
    ))
}

fn schema_is_current(postgres: &mut AnyConnection, sqlite: &mut AnyConnection) -> Result<(), Failure> {
    let file = schema_file();
    let written = fs::read_to_string(&file).map_err(Failure::because(format!("cannot read {}", file.display())))?;
    let generated = schema::generate(postgres, sqlite)?;
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let complaint = "crates/aios-db/src/schema.rs is not what the migrations make; run `cargo xtask migrate schema`";
    compare(complaint, &lines(&generated), &lines(&written))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_shown_from_both_sides() {
        let (expected, found) = (["a".to_owned(), "b".to_owned()], ["b".to_owned(), "c".to_owned()]);
        let failure = compare("broken", &expected, &found).unwrap_err();
        assert_eq!(
            failure.message(),
            Some("broken (- is missing, + is too much):\n  - a\n  + c")
        );
        assert!(compare("broken", &expected, &expected).is_ok());
    }

    #[test]
    fn another_order_is_a_difference() {
        assert!(compare("", &["a".to_owned(), "b".to_owned()], &["b".to_owned(), "a".to_owned()]).is_err());
    }
}
