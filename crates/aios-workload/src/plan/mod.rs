//! Plans, read: which indexes they use, what they read from end to end, what they sort, how many pages they touch.

mod postgres;
mod sqlite;

use std::collections::BTreeSet;

use aios_db::recording::{self, Plan, Statement};
use aios_db::{AnyConnection, DbResult};

use crate::catalogue::{Limits, Query, Sample, USUAL_SORT};

/// Tables that hold no more rows with more agents, users or traffic: reading one from end to end is right.
pub const SMALL_TABLES: [&str; 5] = [
    "agent_totals",
    "categories",
    "cache_invalidations",
    "edge_purges",
    "rating_totals",
];

/// What a plan does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// The indexes it uses, those of keys included.
    pub indexes: BTreeSet<String>,
    /// Tables that it reads from end to end without an index.
    pub scans: BTreeSet<String>,
    /// The most rows that one step sorts; `None` where the plan does not tell how many, or there is no sort.
    pub sorted: Option<u64>,
    /// It sorts, and does not tell how many rows.
    pub sorts: bool,
    /// Pages touched, where the plan tells.
    pub buffers: Option<u64>,
}

/// A statement of a query with its plan.
#[derive(Clone, Debug)]
pub struct Explained {
    /// What was sent.
    pub statement: Statement,
    /// What the database makes of it.
    pub plan: Plan,
    /// What that does.
    pub findings: Findings,
}

/// The statements of a query with their plans. What it changes is rolled back.
///
/// # Errors
/// Those of the database.
pub fn explain(connection: &mut AnyConnection, query: &Query, sample: &Sample) -> DbResult<Vec<Explained>> {
    let statements = query.statements(connection, sample)?;
    recording::rolled_back(connection, |connection| {
        let explained = statements.into_iter().map(|statement| {
            let runs = if query.limits.planned_anew {
                1
            } else {
                recording::UNTIL_SETTLED
            };
            let plan = recording::explain(connection, &statement, runs)?;
            let findings = read(&plan);
            Ok(Explained {
                statement,
                plan,
                findings,
            })
        });
        explained.collect()
    })
}

/// What a plan does.
pub fn read(plan: &Plan) -> Findings {
    match plan {
        Plan::Postgres(json) => postgres::read(json),
        Plan::Sqlite(lines) => sqlite::read(lines),
    }
}

/// Where a plan does not keep to the limits, in a sentence each.
pub fn complaints(findings: &Findings, limits: &Limits) -> Vec<String> {
    let is_allowed = |table: &str| limits.allowed.iter().any(|(allowed, _)| *allowed == table);
    let is_small = |table: &str| SMALL_TABLES.contains(&table);
    let mut complaints: Vec<String> = Vec::new();
    for table in &findings.scans {
        if !is_small(table) && !is_allowed(table) {
            complaints.push(format!("{table} is read from end to end"));
        }
    }
    if let Some(rows) = findings.sorted.filter(|rows| *rows > limits.sorted) {
        complaints.push(format!("{rows} rows are sorted, more than {}", limits.sorted));
    }
    // SQLite does not tell how many; what may sort more than a page on PostgreSQL may do so here.
    let may_sort = limits.sorted > USUAL_SORT || limits.few_sorted.is_some() || findings.tables_are_small();
    if findings.sorts && !may_sort {
        complaints.push("rows are sorted that no index has in order".to_owned());
    }
    if let Some(buffers) = findings.buffers.filter(|buffers| *buffers > limits.buffers) {
        complaints.push(format!("{buffers} pages are touched, more than {}", limits.buffers));
    }
    complaints
}

impl Findings {
    /// Whether what is read from end to end is small, and there is something: then a sort is small, too.
    fn tables_are_small(&self) -> bool {
        !self.scans.is_empty() && self.scans.iter().all(|table| SMALL_TABLES.contains(&table.as_str()))
    }
}
