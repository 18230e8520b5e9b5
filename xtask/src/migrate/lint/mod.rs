//! `cargo xtask migrate lint`: refuses migrations that lock or rewrite a big table of a database in service.
//!
//! Only PostgreSQL's statements are judged: SQLite has one writer and no server beside it. Of both sides it is asked that
//! they have the same migrations, each with its way back.

mod judge;
mod rules;
mod sql;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::failure::Failure;
use crate::migrate::root;

use judge::Known;
use rules::Rule;

/// Migrations that were applied before there was a lint, and the rules they break. Their files can't be given a reason any
/// more, since their checksums are kept. The reason is the same for all: they belong to the first release, which makes every
/// table on an empty database.
const SETTLED: [(&str, Rule); 2] = [
    ("2026-11-23-000800_agent_search", Rule::AddColumnRewrite),
    ("2026-11-23-000800_agent_search", Rule::CreateIndex),
];

/// The files of one migration.
#[derive(Debug, Default, PartialEq, Eq)]
struct Files {
    up: Option<String>,
    down: Option<String>,
    metadata: Option<String>,
}

/// The migrations of one side by name.
type Side = BTreeMap<String, Files>;

pub(crate) fn run() -> Result<(), Failure> {
    let root = root().join("migrations");
    let (postgres, sqlite) = (read(&root.join("postgres"))?, read(&root.join("sqlite"))?);
    let complaints = lint(&postgres, &sqlite);
    if complaints.is_empty() {
        println!("{} migrations lock and rewrite nothing that is in use", postgres.len());
        return Ok(());
    }
    Err(Failure::listing(
        "migrations that would hurt a database in service; write the other form, or a reason above the statement \
         (-- lint: allow RULE: why it does no harm here)",
        &complaints,
    ))
}

fn read(directory: &Path) -> Result<Side, Failure> {
    let cannot = |path: &Path| format!("cannot read {}", path.display());
    let mut side = Side::new();
    for entry in fs::read_dir(directory).map_err(Failure::because(cannot(directory)))? {
        let path = entry.map_err(Failure::because(cannot(directory)))?.path();
        let Some(name) = path.file_name().filter(|_| path.is_dir()) else {
            continue;
        };
        let file = |name: &str| {
            let path = path.join(name);
            path.exists()
                .then(|| fs::read_to_string(&path).map_err(Failure::because(cannot(&path))))
                .transpose()
        };
        let files = Files {
            up: file("up.sql")?,
            down: file("down.sql")?,
            metadata: file("metadata.toml")?,
        };
        side.insert(name.to_string_lossy().into_owned(), files);
    }
    Ok(side)
}

/// All complaints, each a line or two that begin with the file.
fn lint(postgres: &Side, sqlite: &Side) -> Vec<String> {
    let mut complaints = same_names(postgres, sqlite);
    for (side, migrations) in [("postgres", postgres), ("sqlite", sqlite)] {
        for (name, files) in migrations {
            complaints.extend(complete(&format!("migrations/{side}/{name}"), files, side == "sqlite"));
        }
    }
    let mut known = Known::default();
    for (name, files) in postgres {
        known.next_migration();
        let mut check = Check {
            migration: name,
            is_in_transaction: runs_in_transaction(files.metadata.as_deref()).unwrap_or(true),
            complaints: &mut complaints,
        };
        if let Some(up) = &files.up {
            check.file("up.sql", up, |part| known.judge(part));
        }
        if let Some(down) = &files.down {
            // It begins where the way forward ended; what it makes is gone before the next migration comes.
            check.file("down.sql", down, |part| {
                let rules = Known::default().judge(part).into_iter();
                rules.filter(|rule| rule.holds_for_the_way_back()).collect()
            });
        }
    }
    complaints
}

fn same_names(postgres: &Side, sqlite: &Side) -> Vec<String> {
    let names: BTreeSet<&String> = postgres.keys().chain(sqlite.keys()).collect();
    let lacking = names.into_iter().filter_map(|name| {
        let side = match (postgres.contains_key(name), sqlite.contains_key(name)) {
            (true, true) => return None,
            (true, false) => "sqlite",
            (false, _) => "postgres",
        };
        Some(format!(
            "migrations/{side}/{name}: is missing; both databases have the same migrations, if only with a comment in up.sql"
        ))
    });
    lacking.collect()
}

fn complete(place: &str, files: &Files, is_sqlite: bool) -> Vec<String> {
    let mut complaints = Vec::new();
    for (file, text, what) in [
        ("up.sql", &files.up, "what the migration does"),
        ("down.sql", &files.down, "the way back"),
    ] {
        if text.is_none() {
            complaints.push(format!("{place}/{file}: is missing; it holds {what}"));
        }
    }
    let complaint = match runs_in_transaction(files.metadata.as_deref()) {
        Err(complaint) => complaint,
        Ok(false) if is_sqlite => "must not be there: SQLite's migrations all run in one transaction".to_owned(),
        Ok(_) => return complaints,
    };
    complaints.push(format!("{place}/metadata.toml: {complaint}"));
    complaints
}

/// What `metadata.toml` says. The library that embeds migrations takes a file that it can't read for none at all, and one
/// without the key for `false`; so nothing else may stand in it.
fn runs_in_transaction(metadata: Option<&str>) -> Result<bool, String> {
    let Some(metadata) = metadata else {
        return Ok(true);
    };
    let lines = metadata.lines().map(|line| line.split('#').next().unwrap_or_default());
    let said: Vec<String> = lines
        .map(|line| line.split_whitespace().collect())
        .filter(|line: &String| !line.is_empty())
        .collect();
    match said.as_slice() {
        [line] if line == "run_in_transaction=false" => Ok(false),
        [line] if line == "run_in_transaction=true" => Ok(true),
        _ => Err("must say `run_in_transaction = false` and nothing else, or not be there".to_owned()),
    }
}

/// The files of one migration are looked at.
struct Check<'a> {
    migration: &'a str,
    is_in_transaction: bool,
    complaints: &'a mut Vec<String>,
}

impl Check<'_> {
    fn file(&mut self, file: &str, text: &str, mut judge: impl FnMut(&sql::Part) -> Vec<Rule>) {
        let place = format!("migrations/postgres/{}/{file}", self.migration);
        let (parts, left_over) = match sql::parts(text) {
            Ok(parts) => parts,
            Err(error) => return self.complaints.push(format!("{place}: {error}")),
        };
        for part in &parts {
            let mut broken = judge(part);
            if part.runs_outside_transactions() && self.is_in_transaction {
                broken.push(Rule::InTransaction);
            }
            if (part.runs_outside_transactions() || !self.is_in_transaction) && parts.len() > 1 {
                broken.push(Rule::Alone);
            }
            self.statement(&place, part, &broken);
        }
        self.without_use(&place, left_over.iter());
    }

    fn statement(&mut self, place: &str, part: &sql::Part, broken: &[Rule]) {
        let settled = |rule: &Rule| {
            SETTLED
                .iter()
                .any(|(name, settled)| *name == self.migration && settled == rule)
        };
        let is_allowed = |rule: &Rule| part.reasons.iter().any(|reason| reason.rule.as_ref() == Ok(rule));
        let refused: Vec<String> = broken
            .iter()
            .filter(|rule| !is_allowed(rule) && !settled(rule))
            .map(|rule| {
                let words = rule.words();
                let detail = match (&part.statement, rule) {
                    (Err(error), Rule::Unreadable) => format!(" ({error})"),
                    _ => String::new(),
                };
                format!(
                    "{place}:{}: {}: {}{detail}.\n    Instead: {}.",
                    part.line, words.name, words.why, words.instead
                )
            })
            .collect();
        self.complaints.extend(refused);
        let without_use = part.reasons.iter();
        self.without_use(
            place,
            without_use.filter(|reason| reason.rule.as_ref().map_or(true, |rule| !broken.contains(rule))),
        );
    }

    /// Reasons that are none, or that nothing needs: they would hide what somebody writes there later.
    fn without_use<'a>(&mut self, place: &str, reasons: impl Iterator<Item = &'a sql::Reason>) {
        self.complaints.extend(reasons.map(|reason| {
            let complaint = match &reason.rule {
                Err(complaint) => complaint.clone(),
                Ok(rule) => format!("nothing here breaks the rule {}: take the comment away", rule.name()),
            };
            format!("{place}:{}: {complaint}", reason.line)
        }));
    }
}
