//! `cargo xtask bench`: measures the service, with everything that the measurement needs prepared.

mod db;

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use aios_db::scratch::ScratchDatabase;
use chrono::Utc;

use crate::failure::Failure;
use crate::process::{self, Interrupts, cargo};
use crate::service::{self, Services};

/// Measure the service beside what limits it.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    Http(HttpArgs),
    Db(db::DbArgs),
}

/// Measure the HTTP interface, and write the pages in docs/performance.
///
/// Builds the server and the load generator in release mode, starts private servers of PostgreSQL and Redis, fills the
/// database, and runs everything against each other in turns: the cached and the uncached listing, a bare handler with the
/// same bytes, nginx where it is installed, pgbench with the listing's own SQL; and then the open loop, a constant rate of
/// production-like requests. Needs Rust and a C compiler, and PostgreSQL and Redis as the tests do. Keep the machine idle.
#[derive(clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "a command line has switches")]
struct HttpArgs {
    /// A short run, to see that everything works: its figures say little, and go to target/bench unless --pages names a place
    #[arg(long)]
    quick: bool,
    /// The open loop alone
    #[arg(long, conflicts_with = "closed")]
    open: bool,
    /// The table alone, without the open loop
    #[arg(long)]
    closed: bool,
    /// Record the server with perf while it answers the cached listing, and print where it is
    #[arg(long)]
    profile: bool,
    /// Rows whose name holds this text, and those they are compared with; printed, not written
    #[arg(long, conflicts_with_all = ["open", "profile"])]
    only: Option<String>,
    /// Seconds that count for each row [default: 10; quick: 1]
    #[arg(long)]
    seconds: Option<f64>,
    /// In how many turns they are taken [default: 5; quick: 1]
    #[arg(long)]
    rounds: Option<u32>,
    /// Connections that send at once
    #[arg(long, default_value_t = 100)]
    connections: u32,
    /// Connections that send at once to the server without a cache, and of pgbench
    #[arg(long, default_value_t = 32)]
    database_connections: u32,
    /// Minutes that count in the open loop [default: 5; quick: 0.05]
    #[arg(long)]
    minutes: Option<f64>,
    /// Requests a second in the open loop
    #[arg(long, default_value_t = 1_000.0)]
    rate: f64,
    /// Agents in the database
    #[arg(long, default_value_t = 100_000)]
    agents: u64,
    /// The directory of the pages
    #[arg(long)]
    pages: Option<PathBuf>,
}

/// Where the figures of short runs go.
const QUICK_PAGES: &str = "target/bench";

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    match &args.what {
        What::Http(args) => http(args),
        What::Db(args) => db::run(args),
    }
}

fn http(args: &HttpArgs) -> Result<(), Failure> {
    let mut interrupts = Interrupts::listen()?;
    eprintln!("building the server and the load generator (release)");
    let build = [
        "build",
        "--release",
        "--locked",
        "-p",
        "aios-server",
        "-p",
        "aios-benches",
    ];
    process::run_to_success(cargo().args(build), &mut interrupts)?;
    let services = Services::start_for_measuring(&mut interrupts)?;
    let database = ScratchDatabase::empty(&services.postgres_url()?)
        .map_err(Failure::because("can't make a database for the run"))?;
    let url = database.location();
    eprintln!("filling a database with {} agents", args.agents);
    process::run_to_success(&mut seed(args, url)?, &mut interrupts)?;
    process::run_to_success(&mut bench(args, url, &services)?, &mut interrupts)
}

/// This program again: it fills the database that its environment names.
fn seed(args: &HttpArgs, url: &str) -> Result<Command, Failure> {
    let this = env::current_exe().map_err(Failure::because("can't tell where this program is"))?;
    let mut command = Command::new(this);
    // Up to now, or the first housekeeping of a server would find many scores to bring up to date.
    let until = Utc::now().format("%Y-%m-%dT%H:%M:%SZ").to_string();
    command
        .env("DATABASE_URL", url)
        .args(["seed", "--until", &until])
        .args(["--agents", &args.agents.to_string()])
        .args(["--reviews", &(args.agents * 3).to_string()])
        .args(["--users", &(args.agents / 5).max(100).to_string()]);
    Ok(command)
}

fn bench(args: &HttpArgs, url: &str, services: &Services) -> Result<Command, Failure> {
    let mut command = Command::new(release_directory()?.join("aios-bench"));
    let fitting = |given: Option<f64>, whole: f64, quick: f64| {
        given.unwrap_or(if args.quick { quick } else { whole }).to_string()
    };
    let rounds = args.rounds.unwrap_or(if args.quick { 1 } else { 5 });
    command
        .args(["--database-url", url, "--redis-url", &services.redis_url()?])
        .args(["--seconds", &fitting(args.seconds, 10.0, 1.0)])
        .args(["--minutes", &fitting(args.minutes, 5.0, 0.05)])
        .args(["--open-warm-up", &fitting(None, 30.0, 1.0)])
        .args(["--rounds", &rounds.to_string()])
        .args(["--connections", &args.connections.to_string()])
        .args(["--database-connections", &args.database_connections.to_string()])
        .args(["--rate", &args.rate.to_string()])
        .args(["--told-as", &told_as()])
        .arg("--pages")
        .arg(pages(args));
    if let Some(pgbench) = service::postgres_program("pgbench") {
        command.arg("--pgbench").arg(pgbench);
    }
    for (flag, is_set) in [
        ("--open", args.open),
        ("--closed", args.closed),
        ("--profile", args.profile),
    ] {
        command.args(is_set.then_some(flag));
    }
    if let Some(only) = &args.only {
        command.args(["--closed", "--only", only]);
    }
    Ok(command)
}

fn pages(args: &HttpArgs) -> PathBuf {
    let usual = if args.quick { QUICK_PAGES } else { "docs/performance" };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    args.pages.clone().unwrap_or_else(|| root.join(usual))
}

/// Where cargo put the programs: beside the profile that this program was built in.
fn release_directory() -> Result<PathBuf, Failure> {
    let this = env::current_exe().map_err(Failure::because("can't tell where this program is"))?;
    let target = this.parent().and_then(Path::parent);
    target
        .map(|target| target.join("release"))
        .ok_or_else(|| Failure::new("this program is in no target directory; start it by cargo xtask"))
}

/// The command line, as a reader may repeat it.
fn told_as() -> String {
    // That it runs itself again is nobody's business.
    let arguments = env::args().skip(1).filter(|argument| argument != "--in-place");
    std::iter::once("cargo xtask".to_owned())
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn http(arguments: &[&str]) -> Option<HttpArgs> {
        let line = Line::try_parse_from(["bench", "http"].iter().chain(arguments)).ok()?;
        match line.args.what {
            What::Http(args) => Some(args),
            What::Db(_) => None,
        }
    }

    #[test]
    fn figures_of_a_short_run_are_kept_apart() {
        assert!(pages(&http(&[]).unwrap()).ends_with("docs/performance"));
        assert!(pages(&http(&["--quick"]).unwrap()).ends_with(QUICK_PAGES));
        assert_eq!(
            pages(&http(&["--quick", "--pages", "here"]).unwrap()),
            Path::new("here")
        );
    }

    #[test]
    fn one_part_or_the_other() {
        assert!(http(&["--open", "--closed"]).is_none() && http(&["--open", "--only", "x"]).is_none());
        assert!(http(&["--closed", "--only", "x", "--seconds", "2"]).is_some());
    }
}
