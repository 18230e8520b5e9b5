//! The page of figures.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::time::Duration;

use aios_db::recording::number;
use aios_db::{AnyConnection, DatabaseKind, DbResult};
use chrono::Utc;

use super::CONNECTIONS;
use super::measure::{PATIENCE, Times, Without};

/// Milliseconds that a query may take at the 95th of a hundred, and the marketplace's figures.
const AIM: f64 = 2.0;
const AIM_OF_STATS: f64 = 5.0;
/// By how much a query may become slower when the agents become ten times as many.
const AIM_OF_GROWTH: f64 = 1.3;

/// A query at one size on one database.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) agents: u64,
    pub(super) kind: String,
    pub(super) query: String,
    /// Through the store, by the number of connections.
    pub(super) own: Vec<Times>,
    /// By pgbench, where it is PostgreSQL and pgbench is there.
    pub(super) beside: Vec<Option<Times>>,
    /// Where it uses any and that was measured.
    pub(super) without: Option<Without>,
}

/// A database that was measured.
#[derive(Debug)]
pub(super) struct Facts(String);

/// Everything that was measured.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub(super) facts: Vec<Facts>,
    pub(super) rows: Vec<Row>,
}

impl Facts {
    /// Asks the database what it is, and how large.
    pub(super) fn of(connection: &mut AnyConnection, agents: u64, filled_in: Option<Duration>) -> DbResult<Self> {
        let (version, bytes) = match connection.kind() {
            DatabaseKind::Postgres => {
                let version = number(
                    connection,
                    "SELECT current_setting('server_version_num')::bigint AS number",
                )?;
                let settings = "SELECT pg_size_bytes(current_setting('shared_buffers')) / 1048576 AS number";
                let shared = number(connection, settings)?;
                let version = format!(
                    "{}.{}, {shared} MiB of shared buffers",
                    version / 10_000,
                    version % 10_000
                );
                (version, "SELECT pg_database_size(current_database()) AS number")
            }
            DatabaseKind::Sqlite => {
                let part = |connection: &mut AnyConnection, part: u8| {
                    let parts = "json('[' || replace(sqlite_version(), '.', ',') || ']')";
                    number(connection, &format!("SELECT {parts} ->> {part} AS number"))
                };
                let version = format!(
                    "{}.{}.{}",
                    part(connection, 0)?,
                    part(connection, 1)?,
                    part(connection, 2)?
                );
                let size = "SELECT page_count * page_size AS number FROM pragma_page_count(), pragma_page_size()";
                (version, size)
            }
        };
        let megabytes = number(connection, bytes)? / 1_000_000;
        let reviews = number(connection, "SELECT count(*) AS number FROM agent_reviews")?;
        let filled = filled_in.map_or_else(String::new, |time| format!(", filled in {} s", time.as_secs()));
        let kind = connection.kind();
        Ok(Self(format!(
            "{kind} {version}: {agents} agents, {reviews} reviews, {megabytes} MB{filled}"
        )))
    }
}

impl Row {
    /// As a line of the table, with how many times as long it takes as with fewer agents.
    pub(super) fn line(&self, growth: Option<f64>) -> String {
        let mut line = format!("| {}", self.query);
        for (place, times) in self.own.iter().enumerate() {
            let is_late = place == 0 && self.is_late();
            let _ = write!(line, " | {}{}", shares(times), if is_late { " **late**" } else { "" });
        }
        match growth {
            Some(growth) => {
                let mark = if growth >= AIM_OF_GROWTH { "**" } else { "" };
                let _ = write!(line, " | {mark}{growth:.2}×{mark}");
            }
            None => line.push_str(" | -"),
        }
        for times in &self.beside {
            let shown = times.as_ref().map_or_else(|| "-".to_owned(), shares);
            let _ = write!(line, " | {shown}");
        }
        match &self.without {
            Some(Without { millis, indexes }) => {
                let shown = millis.map_or_else(
                    || format!("> {} s", PATIENCE.as_secs()),
                    |millis| format!("{millis:.2}"),
                );
                let _ = write!(line, " | {shown} ({}) |", indexes.join(", "));
            }
            None => line.push_str(" | - |"),
        }
        line
    }

    fn p95(&self) -> f64 {
        self.own.first().map_or(0.0, |times| times.p95)
    }

    fn is_late(&self) -> bool {
        self.p95() >= self.aim()
    }

    fn aim(&self) -> f64 {
        if self.query == "the marketplace at a glance" {
            AIM_OF_STATS
        } else {
            AIM
        }
    }
}

fn shares(times: &Times) -> String {
    format!("{:.2} / {:.2} / {:.2}", times.p50, times.p95, times.p99)
}

/// The page.
pub(super) fn page(run: &Run, told_as: &str) -> String {
    let mut page = format!(
        "# Queries\n\n{}\n\nEvery reading query of the catalogue (`crates/aios-workload`) with a page of 20 rows: milliseconds at \
         p50 / p95 / p99, through the store with {} and {} connections, the same SQL prepared by pgbench, and one run without \
         the indexes that the query uses, in a transaction (given up after {} s on PostgreSQL). *Growth* is the median with one \
         connection beside that with the fewest agents. What is over the aim is marked.\n",
        facts(run, told_as),
        CONNECTIONS[0],
        CONNECTIONS[1],
        PATIENCE.as_secs(),
    );
    let mut last = (0, String::new());
    for row in &run.rows {
        let section = (row.agents, row.kind.clone());
        if section != last {
            let _ = writeln!(page, "\n## {} agents on {}\n", row.agents, row.kind);
            page.push_str(
                "| | 1 connection | 8 connections | growth | pgbench, 1 | pgbench, 8 | without indexes |\n\
                 | --- | ---: | ---: | ---: | ---: | ---: | --- |\n",
            );
            last = section;
        }
        page.push_str(&row.line(grown(run, row)));
        page.push('\n');
    }
    page.push_str(&missed(run));
    page.push_str(&growth(run));
    page
}

fn missed(run: &Run) -> String {
    let largest = run.rows.iter().map(|row| row.agents).max().unwrap_or_default();
    let mut text = format!(
        "\n## Aims\n\np95 under {AIM} ms at {largest} agents ({AIM_OF_STATS} ms for the figures). Missed by:\n\n"
    );
    let late = run.rows.iter().filter(|row| row.agents == largest && row.is_late());
    let lines: Vec<String> = late
        .map(|row| format!("- {}, {}: {:.2} ms\n", row.kind, row.query, row.p95()))
        .collect();
    text.push_str(&if lines.is_empty() {
        "- none\n".to_owned()
    } else {
        lines.concat()
    });
    text
}

/// How many times as long the query takes as with the fewest agents. `None` for those themselves.
fn grown(run: &Run, row: &Row) -> Option<f64> {
    let smallest = run.rows.iter().map(|row| row.agents).min()?;
    let before = run
        .rows
        .iter()
        .find(|small| small.agents == smallest && (&small.kind, &small.query) == (&row.kind, &row.query))
        .filter(|_| row.agents > smallest)?;
    // Below a twentieth of a millisecond a ratio tells of the clock.
    Some(median(row).max(0.05) / median(before).max(0.05))
}

fn growth(run: &Run) -> String {
    let mut lines = String::new();
    for row in &run.rows {
        if let Some(ratio) = grown(run, row).filter(|ratio| *ratio >= AIM_OF_GROWTH) {
            let _ = writeln!(
                lines,
                "- {}, {}, {} agents: {ratio:.2}×",
                row.kind, row.query, row.agents
            );
        }
    }
    if lines.is_empty() {
        lines.push_str("- none\n");
    }
    let smallest = run.rows.iter().map(|row| row.agents).min().unwrap_or_default();
    format!("\nFrom {smallest} agents on, the median grows by less than {AIM_OF_GROWTH}×. Missed by:\n\n{lines}")
}

fn median(row: &Row) -> f64 {
    row.own.first().map_or(0.0, |times| times.p50)
}

/// Where and of what the run was.
fn facts(run: &Run, told_as: &str) -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let processor = processor.map_or(std::env::consts::ARCH, |(_, name)| name.trim());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = load.split(' ').take(3).collect();
    let mut databases = String::new();
    for Facts(line) in &run.facts {
        let _ = write!(databases, "\n- {line}");
    }
    format!(
        "- {}, {processor}, {cores} cores; load average at the end {}\n- {}; {}; commit {}{databases}\n- `{told_as}`",
        Utc::now().format("%Y-%m-%d"),
        load.join(" "),
        said_by("rustc", &["--version"]),
        said_by("uname", &["-sr"]),
        said_by("git", &["rev-parse", "--short=12", "HEAD"]),
    )
}

fn said_by(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(agents: u64, query: &str, millis: f64) -> Row {
        let times = Times {
            p50: millis,
            p95: millis,
            p99: millis,
            runs: 1,
        };
        Row {
            agents,
            kind: "SQLite".to_owned(),
            query: query.to_owned(),
            own: vec![times, times],
            beside: vec![None, None],
            without: Some(Without {
                millis: (agents > 10).then_some(9.0),
                indexes: vec!["idx_a".to_owned()],
            }),
        }
    }

    #[test]
    fn what_misses_the_aims_is_told() {
        let rows = vec![
            row(10, "slow", 1.0),
            row(10, "quick", 1.0),
            row(100, "slow", 3.0),
            row(100, "quick", 1.1),
        ];
        let facts = vec![Facts("SQLite 3: 10 agents".to_owned())];
        let page = page(&Run { facts, rows }, "cargo xtask bench db");
        for line in [
            "- SQLite 3: 10 agents\n",
            "| slow | 1.00 / 1.00 / 1.00 | 1.00 / 1.00 / 1.00 | - | - | - | > 5 s (idx_a) |",
            "| slow | 3.00 / 3.00 / 3.00 **late** | 3.00 / 3.00 / 3.00 | **3.00×** | - | - | 9.00 (idx_a) |",
            "- SQLite, slow: 3.00 ms",
            "- SQLite, slow, 100 agents: 3.00×",
        ] {
            assert!(page.contains(line), "{line}: {page}");
        }
        assert!(!page.contains("- SQLite, quick"), "{page}");
    }
}
