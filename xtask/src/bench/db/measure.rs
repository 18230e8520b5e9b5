//! Timing a query on connections of its own.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use aios_db::{Access, AnyConnection, DatabaseKind, DatabaseUrl, connect, recording};
use aios_workload::catalogue::{Query, Sample};
use aios_workload::{indexes, plan};

use super::Measured;

/// How often a query is run before it counts: PostgreSQL settles on a plan for a prepared statement after five times.
const WARM_UP: usize = 8;

/// Milliseconds below which a share of the runs stayed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Times {
    pub(super) p50: f64,
    pub(super) p95: f64,
    pub(super) p99: f64,
    pub(super) runs: usize,
}

impl Times {
    /// The shares of some runs, in milliseconds.
    pub(super) fn of(mut millis: Vec<f64>) -> Self {
        millis.sort_by(f64::total_cmp);
        let share = |hundredths: usize| {
            let place = (millis.len() * hundredths / 100).min(millis.len().saturating_sub(1));
            millis.get(place).copied().unwrap_or_default()
        };
        Self {
            p50: share(50),
            p95: share(95),
            p99: share(99),
            runs: millis.len(),
        }
    }
}

/// Runs the query for so long on so many connections at once.
pub(super) fn timed(
    url: &DatabaseUrl,
    query: &Query,
    sample: &Sample,
    connections: usize,
    time: Duration,
) -> Measured<Times> {
    let ready = &Barrier::new(connections);
    let runs: Vec<Result<Vec<f64>, String>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..connections)
            .map(|_| scope.spawn(move || one(url, query, sample, time, ready)))
            .collect();
        let joined = threads.into_iter().map(thread::ScopedJoinHandle::join);
        joined
            .map(|runs| runs.unwrap_or_else(|_| Err("a thread panicked".to_owned())))
            .collect()
    });
    let mut all = Vec::new();
    for runs in runs {
        all.extend(runs?);
    }
    Ok(Times::of(all))
}

fn one(url: &DatabaseUrl, query: &Query, sample: &Sample, time: Duration, ready: &Barrier) -> Result<Vec<f64>, String> {
    let warmed = warmed(url, query, sample);
    // All wait, also for one that failed, or the others would wait for ever.
    ready.wait();
    let mut connection = warmed?;
    let (started, mut millis) = (Instant::now(), Vec::new());
    while started.elapsed() < time || millis.is_empty() {
        millis.push(once(&mut connection, query, sample)?);
    }
    Ok(millis)
}

fn warmed(url: &DatabaseUrl, query: &Query, sample: &Sample) -> Result<AnyConnection, String> {
    let mut connection = connect(url, Access::ReadOnly, None).map_err(|error| error.to_string())?;
    let started = Instant::now();
    for _ in 0..WARM_UP {
        once(&mut connection, query, sample)?;
        // What takes seconds is no quicker for it.
        if started.elapsed() > Duration::from_secs(2) {
            break;
        }
    }
    Ok(connection)
}

fn once(connection: &mut AnyConnection, query: &Query, sample: &Sample) -> Result<f64, String> {
    let started = Instant::now();
    query.run(connection, sample).map_err(|error| error.to_string())?;
    Ok(started.elapsed().as_secs_f64() * 1e3)
}

/// How long a query may take without its indexes before it is given up, on PostgreSQL.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// What a query takes without the indexes that it uses.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Without {
    /// Milliseconds; `None` where it was given up after [`PATIENCE`].
    pub(super) millis: Option<f64>,
    /// Which they are.
    pub(super) indexes: Vec<String>,
}

/// One run in a transaction, rolled back, in which the indexes that the query uses, keys aside, are not there. `None` where it
/// uses none.
pub(super) fn without_indexes(url: &DatabaseUrl, query: &Query, sample: &Sample) -> Measured<Option<Without>> {
    let mut connection = connect(url, Access::ReadWrite, Some(PATIENCE))?;
    let droppable: Vec<String> = indexes::all(&mut connection)?
        .into_iter()
        .filter(|index| index.reason().is_none())
        .map(|index| index.name)
        .collect();
    let mut used: Vec<String> = plan::explain(&mut connection, query, sample)?
        .into_iter()
        .flat_map(|one| one.findings.indexes)
        .filter(|name| droppable.contains(name))
        .collect();
    used.sort();
    used.dedup();
    if used.is_empty() {
        return Ok(None);
    }
    let timed = recording::rolled_back(&mut connection, |connection| {
        recording::execute(connection, &hide(connection.kind(), &used))?;
        let started = Instant::now();
        query.run(connection, sample)?;
        Ok(started.elapsed().as_secs_f64() * 1e3)
    });
    let millis = match timed {
        Ok(millis) => Some(millis),
        Err(error) if error.to_string().contains("statement timeout") => None,
        Err(error) => return Err(error.into()),
    };
    Ok(Some(Without { millis, indexes: used }))
}

/// SQL that takes indexes out of the planner's sight until the transaction is rolled back. SQLite would copy every page of an
/// index that is dropped; that it exists is forgotten at once.
fn hide(kind: DatabaseKind, indexes: &[String]) -> String {
    match kind {
        DatabaseKind::Postgres => format!("DROP INDEX {}", indexes.join(", ")),
        DatabaseKind::Sqlite => format!(
            "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE type = 'index' AND name IN ('{}'); \
             PRAGMA writable_schema = RESET",
            indexes.join("', '")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_runs() {
        let millis = (1..=100).rev().map(f64::from).collect();
        let Times { p50, p95, p99, runs } = Times::of(millis);
        assert_eq!((p50, p95, p99, runs), (51.0, 96.0, 100.0, 100));
        assert_eq!(Times::of(Vec::new()), Times::default());
    }
}
