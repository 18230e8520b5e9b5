//! The page of figures.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use chrono::Utc;

use super::CONNECTIONS;
use super::measure::Times;

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
    /// Without the indexes that it uses: milliseconds, and which.
    pub(super) without: Option<(f64, Vec<String>)>,
}

/// Everything that was measured.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub(super) rows: Vec<Row>,
}

impl Row {
    /// As a line of the table.
    pub(super) fn line(&self) -> String {
        let mut line = format!("| {}", self.query);
        for times in &self.own {
            let _ = write!(line, " | {}", shares(times));
        }
        for times in &self.beside {
            let shown = times.as_ref().map_or_else(|| "-".to_owned(), shares);
            let _ = write!(line, " | {shown}");
        }
        match &self.without {
            Some((millis, names)) => {
                let _ = write!(line, " | {millis:.2} ({}) |", names.join(", "));
            }
            None => line.push_str(" | - |"),
        }
        line
    }

    fn p95(&self) -> f64 {
        self.own.first().map_or(0.0, |times| times.p95)
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
         p50 / p95 / p99, through the store with {} and {} connections, the same SQL prepared by pgbench, and the median of three \
         runs without the indexes that the query uses, dropped in a transaction.\n",
        facts(told_as),
        CONNECTIONS[0],
        CONNECTIONS[1],
    );
    let mut last = (0, String::new());
    for row in &run.rows {
        let section = (row.agents, row.kind.clone());
        if section != last {
            let _ = writeln!(page, "\n## {} agents on {}\n", row.agents, row.kind);
            page.push_str(
                "| | 1 connection | 8 connections | pgbench, 1 | pgbench, 8 | without indexes |\n\
                 | --- | ---: | ---: | ---: | ---: | --- |\n",
            );
            last = section;
        }
        page.push_str(&row.line());
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
    let late = run
        .rows
        .iter()
        .filter(|row| row.agents == largest && row.p95() >= row.aim());
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

fn growth(run: &Run) -> String {
    let Some(smallest) = run.rows.iter().map(|row| row.agents).min() else {
        return String::new();
    };
    let mut lines = String::new();
    for row in run.rows.iter().filter(|row| row.agents > smallest) {
        let before = run
            .rows
            .iter()
            .find(|small| small.agents == smallest && (&small.kind, &small.query) == (&row.kind, &row.query));
        // Below a twentieth of a millisecond a ratio tells of the clock.
        let Some(before) = before.map(median).filter(|millis| *millis > 0.05) else {
            continue;
        };
        let ratio = median(row) / before;
        if ratio >= AIM_OF_GROWTH {
            let _ = writeln!(lines, "- {}, {}: {ratio:.2}×", row.kind, row.query);
        }
    }
    if lines.is_empty() {
        lines.push_str("- none\n");
    }
    format!("\nFrom {smallest} agents on, the median grows by less than {AIM_OF_GROWTH}×. Missed by:\n\n{lines}")
}

fn median(row: &Row) -> f64 {
    row.own.first().map_or(0.0, |times| times.p50)
}

/// Where and of what the run was.
fn facts(told_as: &str) -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let processor = processor.map_or(std::env::consts::ARCH, |(_, name)| name.trim());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = load.split(' ').take(3).collect();
    format!(
        "- {}, {processor}, {cores} cores; load average at the end {}\n- {}; {}; commit {}\n- `{told_as}`",
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
            without: Some((9.0, vec!["idx_a".to_owned()])),
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
        let page = page(&Run { rows }, "cargo xtask bench db");
        assert!(
            page.contains("| slow | 3.00 / 3.00 / 3.00 | 3.00 / 3.00 / 3.00 | - | - | 9.00 (idx_a) |"),
            "{page}"
        );
        assert!(
            page.contains("- SQLite, slow: 3.00 ms") && page.contains("- SQLite, slow: 3.00×"),
            "{page}"
        );
        assert!(!page.contains("- SQLite, quick"), "{page}");
    }
}
