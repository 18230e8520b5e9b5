//! The figures beside the claims of the service that this one replaces: the generated part of `optimization-report.md`.

use std::fmt::Write as _;
use std::fs;

use aios_benches::error::Result;

use crate::closed_run::ClosedRun;
use crate::figures::Figures;
use crate::open_run::{ClassFigures, OpenRun};
use crate::options::Options;
use crate::pages::{self, Kept, mebibytes, percent};
use crate::rows::{CACHED, UNCACHED};

const PAGE: &str = "optimization-report.md";
const BEGIN: &str = "<!-- figures: written by cargo xtask bench http -->\n";
const END: &str = "<!-- end of figures -->\n";

/// Puts the last figures between the page's marks.
pub(crate) fn write(options: &Options) -> Result<()> {
    if options.only.is_some() {
        return Ok(());
    }
    let place = options.pages.join(PAGE);
    let page = fs::read_to_string(place).unwrap_or_default();
    let table = table(&Kept::read(options));
    pages::write(options, PAGE, &with_figures(&page, &table))
}

/// The page with other figures. Where it has no marks, they come at its end.
fn with_figures(page: &str, figures: &str) -> String {
    let (before, after) = match page.split_once(BEGIN) {
        Some((before, rest)) => (before, rest.split_once(END).map_or("", |(_, after)| after)),
        None => (page, ""),
    };
    format!("{before}{BEGIN}\n{figures}\n{END}{after}")
}

/// A claim, and what this service does.
struct Claim {
    what: &'static str,
    claimed: &'static str,
    measured: Option<String>,
    /// The command that printed it.
    command: Option<String>,
}

fn table(kept: &Kept) -> String {
    let mut text = String::from("| | the service before | this service | printed by |\n| --- | --- | --- | --- |\n");
    for claim in claims(kept) {
        let measured = claim.measured.unwrap_or_else(|| "not measured".to_owned());
        let command = claim
            .command
            .map_or_else(|| "-".to_owned(), |command| format!("`{command}`"));
        let _ = writeln!(text, "| {} | {} | {measured} | {command} |", claim.what, claim.claimed);
    }
    text
}

fn claims(kept: &Kept) -> Vec<Claim> {
    let mut claims = Vec::new();
    claims.extend(under_load(kept.open.as_ref()));
    claims.extend(at_most(kept.closed.as_ref()));
    claims.extend(without_cache(kept.closed.as_ref()));
    claims
}

/// Under a constant rate of 1,000 requests a second.
fn under_load(run: Option<&OpenRun>) -> Vec<Claim> {
    let command = run.map(|run| run.machine.command.clone());
    let claim = |what, claimed, measured: Option<String>| Claim {
        what,
        claimed,
        measured,
        command: command.clone(),
    };
    let class = |name: &str| run.and_then(|run| run.classes.iter().find(|class| class.name == name));
    let p95 = |class: Option<&ClassFigures>| class.map(|class| format!("{:.2} ms", class.latency.p95));
    let all = run.map(|run| &run.all);
    vec![
        claim(
            "rate that was offered and answered, requests/s",
            "1,000 offered, 847 answered",
            run.map(|run| format!("{} offered, {:.0} answered", run.rate, answered(run))),
        ),
        claim("all requests, p95", "187 ms", p95(all)),
        claim(
            "all requests, p99",
            "342 ms",
            all.map(|all| format!("{:.2} ms", all.latency.p99)),
        ),
        claim("errors", "0.02 %", run.map(errors)),
        claim("listing, p95", "187 ms", p95(class("listing"))),
        claim("an agent, p95", "78 ms", p95(class("detail"))),
        claim("search, p95", "234 ms", p95(class("search"))),
        claim(
            "reads that the cache answered",
            "82 %",
            run.map(|run| percent(run.reads_without_loads)),
        ),
        claim(
            "most memory of the server",
            "387 MB",
            run.and_then(|run| run.peak_memory)
                .map(|bytes| format!("{:.0} MiB", mebibytes(bytes))),
        ),
        claim(
            "what Redis holds",
            "124 MB",
            run.and_then(|run| run.redis_bytes)
                .map(|bytes| format!("{:.1} MiB", mebibytes(bytes))),
        ),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 requests")]
fn answered(run: &OpenRun) -> f64 {
    run.all.answers as f64 / run.seconds.max(0.001)
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 requests")]
fn errors(run: &OpenRun) -> String {
    let errors: u64 = run.errors.values().sum();
    format!("{errors} ({})", percent(errors as f64 / run.all.requests.max(1) as f64))
}

/// As fast as it can.
fn at_most(run: Option<&ClosedRun>) -> Vec<Claim> {
    let claim = with_command(run);
    let row = |name: &str| measured(run, name);
    let rate = |name: &str| row(name).map(|row| format!("{:.0}{}", row.rate, of_limit(row)));
    vec![
        claim(
            "cached listing in brotli, answers/s",
            "3,300 (a careful rewrite on the same stack)",
            rate(CACHED),
        ),
        claim(
            "… p99 at that rate",
            "58 ms (the same)",
            row(CACHED).map(|row| format!("{:.2} ms", row.latency.p99)),
        ),
        claim("uncached listing, answers/s", "97 (the same)", rate(UNCACHED)),
        claim(
            "stats, p95, as many as it can",
            "45 ms",
            row("stats, br").map(|row| format!("{:.2} ms at {:.0} answers/s", row.latency.p95, row.rate)),
        ),
        claim(
            "listing made smaller by gzip",
            "68 %",
            run.and_then(|run| smaller(run, "gzip")),
        ),
        claim(
            "listing made smaller by brotli",
            "74 %",
            run.and_then(|run| smaller(run, "br")),
        ),
        claim(
            "listing made smaller by zstd",
            "-",
            run.and_then(|run| smaller(run, "zstd")),
        ),
    ]
}

/// The claims for the database, here with HTTP and all that is around the statements.
fn without_cache(run: Option<&ClosedRun>) -> Vec<Claim> {
    let claim = with_command(run);
    let p95 = |name: &str| measured(run, name).map(|row| format!("{:.2} ms over HTTP", row.latency.p95));
    vec![
        claim(
            "list by category, uncached, p95",
            "32 ms (SQL)",
            p95("no cache: list by category"),
        ),
        claim(
            "a user's installations, uncached, p95",
            "18 ms (SQL)",
            p95("no cache: a user's installations"),
        ),
        claim("featured, uncached, p95", "28 ms (SQL)", p95("no cache: featured")),
        claim("search, uncached, p95", "95 ms (SQL)", p95("no cache: search")),
        claim("stats, uncached, p95", "45 ms (SQL)", p95("no cache: stats")),
    ]
}

fn with_command(run: Option<&ClosedRun>) -> impl Fn(&'static str, &'static str, Option<String>) -> Claim {
    let command = run.map(|run| run.machine.command.clone());
    move |what, claimed, measured| Claim {
        what,
        claimed,
        measured,
        command: command.clone(),
    }
}

fn measured<'a>(run: Option<&'a ClosedRun>, name: &str) -> Option<&'a Figures> {
    let row = run?.rows.iter().find(|row| row.name == name)?;
    row.problem.is_none().then_some(row)
}

fn of_limit(row: &Figures) -> String {
    let limit = row.ratio.zip(row.limit.as_deref());
    limit.map_or_else(String::new, |(ratio, limit)| format!(", {ratio:.2} of “{limit}”"))
}

fn smaller(run: &ClosedRun, coding: &str) -> Option<String> {
    let (_, whole) = run.sizes.first()?;
    let (_, bytes) = run.sizes.iter().find(|(name, _)| name == coding)?;
    #[expect(clippy::cast_precision_loss, reason = "bytes of a page")]
    let share = 100.0 * (1.0 - *bytes as f64 / (*whole).max(1) as f64);
    Some(format!("{share:.1} %"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_stays() {
        let page = format!("# Title\n\n{BEGIN}old\n{END}\nMore.\n");
        let once = with_figures(&page, "new");
        assert_eq!(once, format!("# Title\n\n{BEGIN}\nnew\n{END}\nMore.\n"));
        assert_eq!(with_figures(&once, "new"), once);
        assert_eq!(with_figures("", "new"), format!("{BEGIN}\nnew\n{END}"));
    }

    #[test]
    fn without_a_run_nothing_is_claimed() {
        let table = table(&Kept::default());
        assert!(
            table.lines().skip(2).all(|line| line.ends_with("| not measured | - |")),
            "{table}"
        );
    }
}
