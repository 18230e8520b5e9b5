//! The indexes of a database: which there are, what constraint they serve, and what `docs/performance/indexes.md` says of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use aios_db::{AnyConnection, DatabaseKind, DbResult, catalog, recording};

use crate::catalogue::{Query, Sample, queries};
use crate::plan;

pub use aios_db::catalog::Index;

/// The indexes, ordered by table and name.
///
/// # Errors
/// Those of the database.
pub fn all(connection: &mut AnyConnection) -> DbResult<Vec<Index>> {
    catalog::indexes(connection)
}

/// Indexes that a small data set has no use for: from how many agents on a query needs each, and which.
pub const FOR_MORE_AGENTS: [(&str, u64, &str); 1] = [(
    "idx_agents_search_tiered",
    100_000,
    "finds the agents that fell out of the 64,000 most popular (search tiers)",
)];

/// Whether a query has to use this index with so many agents.
pub fn must_serve(index: &Index, agents: u64) -> bool {
    let needs_more = FOR_MORE_AGENTS
        .iter()
        .any(|(name, from, _)| *name == index.name && agents < *from);
    index.reason().is_none() && !needs_more
}

/// Where the page stands.
pub fn page_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/performance/indexes.md")
}

/// The page as it is.
///
/// # Errors
/// Where it can't be read.
pub fn page() -> std::io::Result<String> {
    std::fs::read_to_string(page_path())
}

/// A definition as the page shows it.
pub fn shown(definition: &str) -> String {
    definition.replace("public.", "")
}

/// The queries that the page says an index serves; `None` where it does not tell of the index on this database.
pub fn served(page: &str, index: &str, kind: DatabaseKind) -> Option<BTreeSet<String>> {
    let section = page.split_once(&format!("### {index}\n"))?.1;
    let section = section.split("\n### ").next()?.split("\n## ").next()?;
    let line = format!("- {kind}: ");
    let line = section.lines().find_map(|text| text.strip_prefix(&line))?;
    let names = line.trim_end_matches('.').split("; ");
    Some(names.filter(|name| *name != NOTHING).map(str::to_owned).collect())
}

/// What stands where an index serves no query.
pub const NOTHING: &str = "no query";

/// The names of queries by the index that serves them.
pub type Uses = BTreeMap<String, BTreeSet<String>>;

/// Which indexes the queries use, by their plans.
///
/// # Errors
/// Those of the database.
pub fn uses(connection: &mut AnyConnection, sample: &Sample) -> DbResult<Uses> {
    let mut uses = Uses::new();
    for query in queries(connection.kind()) {
        for one in plan::explain(connection, &query, sample)? {
            for index in one.findings.indexes {
                uses.entry(index).or_default().insert(query.name.clone());
            }
        }
    }
    Ok(uses)
}

/// The changes by which the costs of an index are told.
pub const CHANGES: [&str; 5] = [
    "publishing an agent",
    "editing an agent",
    "installing an agent",
    "reviewing an agent",
    "keeping an entry of knowledge",
];

/// How many bytes more PostgreSQL writes to its log for each of the [`CHANGES`] with this index than without it.
///
/// Each change is run five times in a transaction that is rolled back, with the index and without, and the least of either
/// counts. The server must be idle, or what others write is counted, too.
///
/// # Errors
/// Those of the database.
pub fn costs(connection: &mut AnyConnection, sample: &Sample, index: &Index) -> DbResult<Vec<(&'static str, i64)>> {
    let all = queries(DatabaseKind::Postgres);
    let mut costs = Vec::new();
    for name in CHANGES {
        let Some(change) = all.iter().find(|query| query.name == name) else {
            continue;
        };
        let with = logged(connection, sample, change, None)?;
        let without = logged(connection, sample, change, Some(&index.name))?;
        costs.push((name, (with - without).max(0)));
    }
    Ok(costs)
}

fn logged(connection: &mut AnyConnection, sample: &Sample, change: &Query, without: Option<&str>) -> DbResult<i64> {
    const NOW: &str = "SELECT CAST(pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') AS bigint) AS number";
    recording::rolled_back(connection, |connection| {
        if let Some(index) = without {
            recording::execute(connection, &format!("DROP INDEX {index}"))?;
        }
        let mut least = i64::MAX;
        for _ in 0..5 {
            recording::execute(connection, "SAVEPOINT before_it")?;
            let before = recording::number(connection, NOW)?;
            change.run(connection, sample)?;
            least = least.min(recording::number(connection, NOW)? - before);
            recording::execute(connection, "ROLLBACK TO SAVEPOINT before_it")?;
        }
        Ok(least)
    })
}

/// The bytes of an index for each row of its table, on PostgreSQL.
///
/// # Errors
/// Those of the database.
pub fn bytes_a_row(connection: &mut AnyConnection, index: &Index) -> DbResult<i64> {
    let (table, index) = (&index.table, &index.name);
    let sql = format!("SELECT pg_relation_size('{index}') / greatest(1, (SELECT count(*) FROM {table})) AS number");
    recording::number(connection, &sql)
}

/// What the page says of an index.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The index, as PostgreSQL has it, or SQLite where PostgreSQL has none of that name.
    pub index: Index,
    /// The queries that it serves on either database that has it.
    pub served: Vec<(DatabaseKind, BTreeSet<String>)>,
    /// Its bytes a row of its table.
    pub bytes: Option<i64>,
    /// What it costs the [`CHANGES`].
    pub costs: Vec<(&'static str, i64)>,
}

/// The page.
pub fn write(entries: &[Entry], agents: u64) -> String {
    let mut page = HEAD.replace("{agents}", &agents.to_string());
    let mut table = "";
    for entry in entries {
        if entry.index.table != table {
            table = &entry.index.table;
            let _ = writeln!(page, "\n## {table}");
        }
        let _ = writeln!(page, "\n### {}\n", entry.index.name);
        if let Some(definition) = &entry.index.definition {
            let _ = writeln!(page, "    {}\n", shown(definition));
        }
        if let Some(reason) = entry.index.reason() {
            let _ = writeln!(page, "- Constraint: {reason}.");
        }
        for (_, from, what) in FOR_MORE_AGENTS.iter().filter(|(name, ..)| *name == entry.index.name) {
            let _ = writeln!(page, "- From {from} agents on: {what}.");
        }
        for (kind, served) in &entry.served {
            let names: Vec<&str> = served.iter().map(String::as_str).collect();
            let names = if names.is_empty() {
                NOTHING.to_owned()
            } else {
                names.join("; ")
            };
            let _ = writeln!(page, "- {kind}: {names}.");
        }
        let costs: Vec<String> = entry
            .costs
            .iter()
            .filter(|(_, bytes)| *bytes >= NOISE)
            .map(|(change, bytes)| format!("{change} {bytes}"))
            .collect();
        if !costs.is_empty() {
            let _ = writeln!(page, "- Costs, in bytes of log: {}.", costs.join(", "));
        }
        if let Some(bytes) = entry.bytes {
            let _ = writeln!(page, "- Takes {bytes} bytes a row of the table.");
        }
    }
    page
}

/// Fewer bytes than an entry of an index takes in the log are chance.
const NOISE: i64 = 60;

const HEAD: &str = "\
# Indexes

Which queries each index serves, and what it costs. `cargo xtask plans --write` writes this page, and a test
(`crates/aios-workload/tests/plans.rs`) fails where it is out of date: the names are those of the catalogue
(`crates/aios-workload/src/catalogue`), the plans those of {agents} agents.

Costs are measured on PostgreSQL: the bytes that one change more writes to the log with the index than without it, the
least of five runs in a transaction that is rolled back, without images of whole pages. Indexes of keys are told apart by the
constraint that they serve; those of SQLite are named by SQLite.
";
