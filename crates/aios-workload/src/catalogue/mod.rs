//! The catalogue: every query of the service under a name, run as the service runs it, with what its plan must keep to.
//!
//! A query is a call of a function of `aios_db::store` with representative arguments. What SQL that sends is not written
//! here: it is recorded while the function runs ([`Query::statements`]), so that it can't differ from the service's.

mod agents;
mod lists;
mod others;
mod sample;

use aios_db::recording::{self, Statement};
use aios_db::{AnyConnection, DatabaseKind, DbResult};

pub use sample::{Sample, furnish};

/// Who waits for a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A request that reads.
    Read,
    /// A request that changes something.
    Change,
    /// Nobody: housekeeping, or work beside a request.
    Upkeep,
}

/// What the plan of each statement of a query must keep to, whatever the size of the tables.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Pages of 8 KiB that PostgreSQL touches for one statement at most.
    pub buffers: u64,
    /// Rows that are sorted at most.
    pub sorted: u64,
    /// Why few rows are sorted where the plan does not tell how many (SQLite's).
    pub few_sorted: Option<&'static str>,
    /// It is planned anew each time, since a plan for any values would be a bad one for some.
    pub planned_anew: bool,
    /// Growing tables that are read from end to end, and why that is right.
    pub allowed: Vec<(&'static str, &'static str)>,
}

/// Rows that every query may sort: a page, and some.
pub const USUAL_SORT: u64 = 128;

impl Default for Limits {
    fn default() -> Self {
        Self {
            buffers: 400,
            sorted: USUAL_SORT,
            few_sorted: None,
            planned_anew: false,
            allowed: Vec::new(),
        }
    }
}

type Run = Box<dyn Fn(&mut AnyConnection, &Sample) -> DbResult<()> + Send + Sync>;

/// A query of the service.
pub struct Query {
    /// What it asks for, in words.
    pub name: String,
    /// The function that it calls, as `module::function` of `aios_db::store`.
    pub calls: &'static str,
    /// Who waits for it.
    pub work: Work,
    /// What its plans must keep to.
    pub limits: Limits,
    run: Run,
}

impl std::fmt::Debug for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Query")
            .field("name", &self.name)
            .field("calls", &self.calls)
            .finish_non_exhaustive()
    }
}

impl Query {
    fn new(
        name: impl Into<String>,
        calls: &'static str,
        work: Work,
        run: impl Fn(&mut AnyConnection, &Sample) -> DbResult<()> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            calls,
            work,
            limits: Limits::default(),
            run: Box::new(run),
        }
    }

    /// Touches more pages than others.
    fn buffers(mut self, buffers: u64) -> Self {
        self.limits.buffers = buffers;
        self
    }

    /// Sorts more rows than others.
    fn sorted(mut self, rows: u64) -> Self {
        self.limits.sorted = rows;
        self
    }

    /// Is sent as a statement that is not kept prepared.
    fn planned_anew(mut self) -> Self {
        self.limits.planned_anew = true;
        self
    }

    /// Sorts few rows, though SQLite's plan does not show that they are.
    fn few_sorted(mut self, reason: &'static str) -> Self {
        self.limits.few_sorted = Some(reason);
        self
    }

    /// Reads a growing table from end to end.
    fn allow(mut self, table: &'static str, reason: &'static str) -> Self {
        self.limits.allowed.push((table, reason));
        self
    }

    /// Runs it.
    ///
    /// # Errors
    /// Those of the store.
    pub fn run(&self, connection: &mut AnyConnection, sample: &Sample) -> DbResult<()> {
        (self.run)(connection, sample)
    }

    /// The statements that it sends. What it changes is rolled back.
    ///
    /// # Errors
    /// Those of the store.
    pub fn statements(&self, connection: &mut AnyConnection, sample: &Sample) -> DbResult<Vec<Statement>> {
        recording::rolled_back(connection, |connection| {
            let (ran, statements) = recording::record(connection, |connection| self.run(connection, sample));
            ran.map(|()| statements)
        })
    }
}

/// A query whose name and function are one with the call.
macro_rules! query {
    // As it looks where the call is too long for one line.
    ($work:ident, $name:expr, |$sample:ident| { $($call:tt)* }) => {
        $crate::catalogue::query!($work, $name, |$sample| $($call)*)
    };
    ($work:ident, $name:expr, |$sample:ident| $module:ident :: $function:ident ($($argument:expr),* $(,)?)) => {
        $crate::catalogue::Query::new(
            $name,
            concat!(stringify!($module), "::", stringify!($function)),
            $crate::catalogue::Work::$work,
            #[allow(unused_variables, reason = "some need no arguments")]
            move |connection, $sample| $module::$function(connection, $($argument),*).map(drop),
        )
    };
}
use query;

/// Every query of the service on this kind of database.
pub fn queries(kind: DatabaseKind) -> Vec<Query> {
    let mut all = lists::queries(kind);
    all.extend(agents::queries(kind));
    all.extend(others::queries(kind));
    all
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique() {
        for kind in [DatabaseKind::Postgres, DatabaseKind::Sqlite] {
            let names: Vec<String> = queries(kind).into_iter().map(|query| query.name).collect();
            assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
        }
    }
}
