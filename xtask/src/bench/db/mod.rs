//! `cargo xtask bench db`: every query of the catalogue, timed on both databases.

mod measure;
mod pgbench;
mod report;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use aios_db::scratch::ScratchDatabase;
use aios_db::{Access, DatabaseKind, DatabaseUrl, bulk, connect, migrations};
use aios_workload::catalogue::{Query, Sample, Work, queries};

use self::measure::{Times, timed, without_indexes};
use self::report::{Row, Run};
use crate::failure::Failure;
use crate::plans;
use crate::process::{self, Interrupts, cargo};
use crate::service::{self, Services};

/// Measure every query of the service's catalogue, and write docs/performance/database.md.
///
/// Builds this program in release mode, starts a private PostgreSQL server, fills a database of either kind for each number of
/// agents, and times each reading query at 1 and 8 connections: through the store, beside pgbench with the same SQL, and without
/// the indexes that it uses. Keep the machine idle; a whole run takes about half an hour and 12 GB of disk.
#[derive(clap::Args)]
pub(super) struct DbArgs {
    /// How many agents; may be given several times [default: 100000 and 1000000; quick: 2000]
    #[arg(long)]
    agents: Vec<u64>,
    /// A short run, to see that everything works: its figures say little, and go to target/bench unless --pages names a place
    #[arg(long)]
    quick: bool,
    /// Queries whose name holds this text; printed, not written
    #[arg(long)]
    only: Option<String>,
    /// Seconds for each figure [default: 0.3; quick: 0.05]
    #[arg(long)]
    seconds: Option<f64>,
    /// Measure this database, which `cargo xtask seed` has filled (postgres://… or sqlite://…), instead of making some; may be
    /// given several times, and --agents then says how many agents each holds. A few rows are added: not for one that is in use
    #[arg(long = "on", value_name = "URL")]
    filled: Vec<String>,
    /// Through the store alone: neither beside pgbench nor without indexes
    #[arg(long)]
    plain: bool,
    /// The directory of the page
    #[arg(long)]
    pages: Option<PathBuf>,
    /// Measure with this very program instead of one that is built for it
    #[arg(long)]
    in_place: bool,
}

/// How many connections ask at once.
const CONNECTIONS: [usize; 2] = [1, 8];

pub(super) fn run(args: &DbArgs) -> Result<(), Failure> {
    let mut interrupts = Interrupts::listen()?;
    if !args.in_place {
        eprintln!("building this program (release)");
        let build = ["build", "--release", "--locked", "-p", "xtask"];
        process::run_to_success(cargo().args(build), &mut interrupts)?;
        let mut again = Command::new(super::release_directory()?.join("xtask"));
        again.args(env::args_os().skip(1)).arg("--in-place");
        return process::run_to_success(&mut again, &mut interrupts);
    }
    let mut run = Run::default();
    if args.filled.is_empty() {
        on_private_databases(args, &mut run, &mut interrupts)?;
    } else {
        on_filled_databases(args, &mut run, &mut interrupts)?;
    }
    tell(args, &run)
}

fn on_filled_databases(args: &DbArgs, run: &mut Run, interrupts: &mut Interrupts) -> Result<(), Failure> {
    for (number, location) in args.filled.iter().enumerate() {
        let agents = args.agents.get(number).or(args.agents.last()).copied();
        let agents =
            agents.ok_or_else(|| Failure::new("say by --agents how many agents the databases of --on hold"))?;
        let url: DatabaseUrl = location.parse().map_err(Failure::because("--on can't be used"))?;
        let location = location.clone();
        place(args, agents, &Place { url, location }, run, interrupts)?;
    }
    Ok(())
}

fn on_private_databases(args: &DbArgs, run: &mut Run, interrupts: &mut Interrupts) -> Result<(), Failure> {
    let services = Services::start_for_measuring(interrupts)?;
    for agents in sizes(args) {
        let scratch = ScratchDatabase::empty(&services.postgres_url()?).map_err(Failure::because("no database"))?;
        let postgres = Place {
            url: scratch.url().clone(),
            location: scratch.location().to_owned(),
        };
        place(args, agents, &postgres, run, interrupts)?;
        drop(scratch);
        let directory = tempfile::tempdir().map_err(Failure::because("no temporary directory"))?;
        let sqlite = Place {
            url: DatabaseUrl::sqlite(directory.path().join("aios.db")),
            location: String::new(),
        };
        place(args, agents, &sqlite, run, interrupts)?;
    }
    Ok(())
}

fn sizes(args: &DbArgs) -> Vec<u64> {
    match (args.agents.as_slice(), args.quick) {
        ([], true) => vec![2_000],
        ([], false) => vec![100_000, 1_000_000],
        (given, _) => given.to_vec(),
    }
}

/// A database that is measured.
struct Place {
    url: DatabaseUrl,
    /// The same in full, for pgbench.
    location: String,
}

/// Fills the database where it is empty, and measures every query on it.
fn place(args: &DbArgs, agents: u64, place: &Place, run: &mut Run, interrupts: &mut Interrupts) -> Result<(), Failure> {
    let kind = place.url.kind();
    let failed = || format!("can't fill {}", place.url);
    let mut connection = connect(&place.url, Access::ReadWrite, None).map_err(Failure::because(failed()))?;
    migrations::run(&mut connection).map_err(Failure::because(failed()))?;
    let started = Instant::now();
    let is_empty = bulk::is_empty(&mut connection).map_err(Failure::because(failed()))?;
    eprintln!("{kind}, {agents} agents{}", if is_empty { ": filling" } else { "" });
    let sample = if is_empty {
        plans::fill(&mut connection, agents).map(|(sample, _)| sample)
    } else {
        plans::found(&mut connection)
    };
    let sample = sample.map_err(Failure::because(failed()))?;
    let filled_in = is_empty.then(|| started.elapsed());
    let facts = report::Facts::of(&mut connection, agents, filled_in).map_err(Failure::because(failed()))?;
    drop(connection);
    run.facts.push(facts);
    for query in queries(kind).iter().filter(|query| query.work == Work::Read) {
        interrupts.check()?;
        if args.only.as_ref().is_some_and(|text| !query.name.contains(text)) {
            continue;
        }
        let measured = row(args, agents, place, query, &sample);
        let row = measured.map_err(|error| Failure::new(format!("{kind}, {}: {error}", query.name)))?;
        eprintln!("{}", row.line(None));
        run.rows.push(row);
    }
    Ok(())
}

/// With the server, or on the path.
fn pgbench_program() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = || {
        env::split_paths(&path)
            .map(|directory| directory.join("pgbench"))
            .find(|program| program.is_file())
    };
    service::postgres_program("pgbench").or_else(on_path)
}

type Measured<T> = Result<T, Box<dyn std::error::Error>>;

fn row(args: &DbArgs, agents: u64, place: &Place, query: &Query, sample: &Sample) -> Measured<Row> {
    let kind = place.url.kind();
    let usual = if args.quick { 0.05 } else { 0.3 };
    let time = Duration::from_secs_f64(args.seconds.unwrap_or(usual));
    let mut own = Vec::new();
    let mut beside: Vec<Option<Times>> = Vec::new();
    for connections in CONNECTIONS {
        let times = timed(&place.url, query, sample, connections, time)?;
        // As many runs as took this long.
        let runs = times.runs / connections;
        own.push(times);
        let pgbench = pgbench_program().filter(|_| kind == DatabaseKind::Postgres && !args.plain);
        beside.push(match pgbench {
            Some(program) => Some(pgbench::timed(&program, place, query, sample, connections, runs)?),
            None => None,
        });
    }
    Ok(Row {
        agents,
        kind: kind.to_string(),
        query: query.name.clone(),
        own,
        beside,
        without: if args.plain {
            None
        } else {
            without_indexes(&place.url, query, sample)?
        },
    })
}

fn tell(args: &DbArgs, run: &Run) -> Result<(), Failure> {
    let page = report::page(run, &super::told_as());
    if args.only.is_some() || !args.filled.is_empty() {
        println!("{page}");
        return Ok(());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    let usual = if args.quick {
        super::QUICK_PAGES
    } else {
        "docs/performance"
    };
    let directory = args.pages.clone().unwrap_or_else(|| root.join(usual));
    let path = directory.join("database.md");
    let failed = || format!("can't write {}", path.display());
    fs::create_dir_all(&directory).map_err(Failure::because(failed()))?;
    fs::write(&path, page).map_err(Failure::because(failed()))?;
    println!("wrote {}", path.display());
    Ok(())
}
