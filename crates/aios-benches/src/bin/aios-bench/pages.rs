//! The pages: the figures of each run, as Markdown. They are made of `figures.json`, which holds the last run of each part.

use std::fmt::Write as _;
use std::fs;

use aios_benches::error::{BenchError, Result};
use serde::{Deserialize, Serialize};

use crate::closed_run::ClosedRun;
use crate::figures::Figures;
use crate::machine::Machine;
use crate::open_run::{ClassFigures, OpenRun};
use crate::options::Options;
use crate::print;
use crate::rows::{CACHED, PGBENCH, UNCACHED};

/// The last run of each part.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) closed: Option<ClosedRun>,
    pub(crate) open: Option<OpenRun>,
}

impl Kept {
    pub(crate) fn read(options: &Options) -> Self {
        let text = fs::read_to_string(options.pages.join("figures.json")).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    fn write(&self, options: &Options) -> Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(BenchError::because("the figures"))?;
        write(options, "figures.json", &(text + "\n"))
    }
}

/// Writes a file beside the other pages.
pub(crate) fn write(options: &Options, name: &str, text: &str) -> Result<()> {
    let place = options.pages.join(name);
    let failed = || BenchError::because(format!("can't write {}", place.display()));
    fs::create_dir_all(&options.pages).map_err(failed())?;
    fs::write(&place, text).map_err(failed())
}

/// Prints the table, and keeps it unless it was a choice of rows.
pub(crate) fn closed(options: &Options, run: &ClosedRun) -> Result<()> {
    print(&table(&run.rows));
    if options.only.is_some() {
        return Ok(());
    }
    let kept = Kept {
        closed: Some(run.clone()),
        ..Kept::read(options)
    };
    kept.write(options)?;
    write(options, "http.md", &closed_page(run))
}

/// Prints the figures, and keeps them.
pub(crate) fn open(options: &Options, run: &OpenRun) -> Result<()> {
    print(&classes_table(run));
    let kept = Kept {
        open: Some(run.clone()),
        ..Kept::read(options)
    };
    kept.write(options)?;
    write(options, "open-loop.md", &open_page(run))
}

fn closed_page(run: &ClosedRun) -> String {
    let same = if run.is_same_answer {
        "byte by byte and header by header the one that the service gave"
    } else {
        "NOT the one that the service gave, so that its ratios say little"
    };
    let mut page = format!(
        "# What the service can answer over HTTP\n\n{}\n{}\n## Table\n\n{}\n{}\n## How it is measured\n\n\
         Every row for {} s in {} turns, one row after the other in each turn, after a short warm-up; each in its own process \
         of the same load generator (closed loop, keep-alive, one request under way on a connection). Rates are the medians \
         of the turns, in brackets the least and the most; a ratio is the median of the ratios of each turn; latencies are of \
         all turns together, in milliseconds. All servers have {} worker threads. Load generator, server and databases share \
         the cores, so that a request costs a server's and a client's time: the columns tell both, in microseconds of \
         processor time an answer. The load generator is one thread.\n\n\
         The bare handler is actix-web handing out bytes that it was given at its start; with the same headers its answer is \
         {same}. pgbench runs what the service itself logged for one uncached listing, prepared, on as many connections; its \
         latencies are a sample of a tenth.\n",
        facts(&run.machine),
        sizes(run),
        table(&run.rows),
        problems(&run.rows),
        run.seconds,
        run.rounds,
        run.workers,
    );
    if !run.statements.is_empty() {
        page.push_str("\nThe statements of the uncached listing:\n\n```sql\n");
        for statement in &run.statements {
            let _ = writeln!(page, "{statement};");
        }
        page.push_str("```\n");
    }
    page
}

/// The machine, as a list.
pub(crate) fn facts(machine: &Machine) -> String {
    let mut text = format!(
        "`{}` printed this on {}, at commit {}.\n\n- {}, {} cores{}; {}\n",
        machine.command,
        machine.day,
        machine.commit,
        machine.processor,
        machine.cores,
        machine
            .memory
            .map_or_else(String::new, |kilobytes| format!(", {} MiB", kilobytes / 1_024)),
        machine.system,
    );
    let versions: Vec<&str> = machine.versions.iter().map(|(_, version)| version.as_str()).collect();
    let _ = writeln!(text, "- {}", versions.join("; "));
    if let Some(load) = &machine.load_average {
        let _ = writeln!(
            text,
            "- load average at its end, the measurement itself included: {load}"
        );
    }
    text
}

fn sizes(run: &ClosedRun) -> String {
    let Some((_, whole)) = run.sizes.first() else {
        return String::new();
    };
    let shown: Vec<String> = run
        .sizes
        .iter()
        .map(|(coding, bytes)| format!("{coding} {bytes} bytes{}", saved(*whole, *bytes)))
        .collect();
    format!("The listing's body: {}.\n", shown.join(", "))
}

/// By how much something became smaller, where it did.
pub(crate) fn saved(whole: usize, bytes: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "bytes of a page")]
    let share = 100.0 * (1.0 - bytes as f64 / whole.max(1) as f64);
    if bytes < whole {
        format!(" (−{share:.1} %)")
    } else {
        String::new()
    }
}

/// The rows as a table of Markdown.
fn table(rows: &[Figures]) -> String {
    let mut text = String::from(
        "| | connections | answers/s | ratio | p50 | p95 | p99 | p99.9 | errors | bytes | server µs | client µs | MiB |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for row in rows {
        text.push_str(&line(row));
        text.push('\n');
    }
    text
}

fn line(row: &Figures) -> String {
    let cell =
        |value: Option<f64>, digits: usize| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"));
    if row.problem.is_some() {
        return format!(
            "| {} | {} | not measured | | | | | | | | | | |",
            row.name, row.connections
        );
    }
    let latency = &row.latency;
    let errors: u64 = row.errors.values().sum();
    let bytes = (row.bytes_per_answer > 0.0).then_some(row.bytes_per_answer);
    format!(
        "| {} | {} | {:.0} ({:.0}–{:.0}) | {} | {:.2} | {:.2} | {:.2} | {:.2} | {errors} | {} | {} | {} | {} |",
        row.name,
        row.connections,
        row.rate,
        row.slowest,
        row.fastest,
        cell(row.ratio, 3),
        latency.p50,
        latency.p95,
        latency.p99,
        latency.p999,
        cell(bytes, 0),
        cell(row.cpu_micros, 1),
        cell(row.client_cpu_micros, 1),
        cell(row.peak_memory.map(mebibytes), 0),
    )
}

/// What each ratio is to, and what could not be measured.
fn problems(rows: &[Figures]) -> String {
    let mut text = String::from("\nRatios:\n\n");
    for row in rows {
        if let (Some(limit), Some(ratio)) = (&row.limit, row.ratio) {
            let _ = writeln!(text, "- {}: {ratio:.3} of “{limit}”", row.name);
        }
    }
    for row in rows {
        if let Some(problem) = &row.problem {
            let _ = writeln!(text, "- {}: not measured: {problem}", row.name);
        }
        for (kind, count) in &row.errors {
            let _ = writeln!(text, "- {}: {count} times {kind}", row.name);
        }
    }
    let ratio = |name: &str| rows.iter().find(|row| row.name == name).and_then(|row| row.ratio);
    let said = |value: Option<f64>| value.map_or_else(|| "not measured".to_owned(), |value| format!("{value:.3}"));
    let _ = writeln!(
        text,
        "\nAims: “{CACHED}” at least 0.92 of its limit ({}); “{UNCACHED}” at least 0.5 of “{PGBENCH}” ({}).",
        said(ratio(CACHED)),
        said(ratio(UNCACHED))
    );
    text
}

#[expect(clippy::cast_precision_loss, reason = "bytes of memory")]
pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}

fn classes_table(run: &OpenRun) -> String {
    let mut text = String::from(
        "| | requests | answers | p50 | p95 | p99 | p99.9 | longest | hits by Cache-Status |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for class in std::iter::once(&run.all).chain(&run.classes) {
        let ClassFigures {
            name,
            requests,
            answers,
            latency,
            told_hits,
        } = class;
        let hits = told_hits.map_or_else(|| "-".to_owned(), percent);
        let _ = writeln!(
            text,
            "| {name} | {requests} | {answers} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {hits} |",
            latency.p50, latency.p95, latency.p99, latency.p999, latency.max
        );
    }
    text
}

/// A share as people read it.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

fn open_page(run: &OpenRun) -> String {
    let errors: u64 = run.errors.values().sum();
    let mut page = format!(
        "# The service under a constant rate\n\n{}\n\
         {} requests a second at random moments (Poisson) over {} connections for {:.0} s, after {:.0} s of warming up; {} agents \
         asked for by Zipf's law with exponent {}. 70 % lists ({} of them: orders, categories and other filters, pages by cursor), \
         20 % agents, 5 % searches, 5 % writes: installs 60 %, uninstalls 8, runs 15, reviews 15, edits 1.5, publications 0.5.\n\n\
         Latencies are in milliseconds, from the moment at which a request should have left (no coordinated omission).\n\n{}\n",
        facts(&run.machine),
        run.rate,
        run.connections,
        run.seconds,
        run.warm_up,
        run.agents,
        run.zipf,
        run.listings,
        classes_table(run),
    );
    let _ = writeln!(page, "- errors: {errors}");
    for (kind, count) in &run.errors {
        let _ = writeln!(page, "  - {kind}: {count}");
    }
    let _ = writeln!(
        page,
        "- requests left late by: p50 {:.2} ms, p99 {:.2} ms, at most {:.2} ms (it counts in the latencies)",
        run.lateness.p50, run.lateness.p99, run.lateness.max
    );
    let _ = writeln!(
        page,
        "- reads for which nothing was loaded from the database: {}; statements by read, those of writes and housekeeping \
         included: {:.3}",
        percent(run.reads_without_loads),
        run.statements_per_read
    );
    if let Some(memory) = run.peak_memory {
        let _ = writeln!(
            page,
            "- most resident memory of the server: {:.0} MiB",
            mebibytes(memory)
        );
    }
    if let Some(seconds) = run.cpu_seconds {
        let _ = writeln!(
            page,
            "- processor time: server {:.2}, load generator {:.2} of one core",
            seconds / run.seconds.max(0.001),
            run.client_cpu_seconds / run.seconds.max(0.001)
        );
    }
    if let Some(bytes) = run.redis_bytes {
        let _ = writeln!(
            page,
            "- Redis holds {:.1} MiB of keys and values more than before",
            mebibytes(bytes)
        );
    }
    page.push_str("\nThe cache by namespace (`cache_hits_total`, with stale ones served meanwhile, and `cache_misses_total`):\n\n");
    page.push_str("| namespace | hits | misses | share of hits |\n| --- | ---: | ---: | ---: |\n");
    for one in &run.namespaces {
        let share = percent(one.hits / (one.hits + one.misses).max(1.0));
        let _ = writeln!(page, "| {} | {:.0} | {:.0} | {share} |", one.name, one.hits, one.misses);
    }
    page.push_str("\nAims: p95 under 5 ms, p99 under 20 ms, hits at least 95 %, no errors, less than 150 MB of resident memory.\n");
    page
}
