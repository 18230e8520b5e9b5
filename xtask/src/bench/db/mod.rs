//! `cargo xtask bench db`: every query of the catalogue, timed on both databases.

mod measure;
mod pgbench;
mod report;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use aios_db::scratch::ScratchDatabase;
use aios_db::{Access, DatabaseKind, DatabaseUrl, connect, migrations};
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
/// the indexes that it uses. Keep the machine idle; a whole run takes about an hour and 12 GB of disk.
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
    /// Seconds for each figure [default: 1; quick: 0.05]
    #[arg(long)]
    seconds: Option<f64>,
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
    let services = Services::start_for_measuring(&mut interrupts)?;
    let mut run = Run::default();
    for agents in sizes(args) {
        let scratch = ScratchDatabase::empty(&services.postgres_url()?).map_err(Failure::because("no database"))?;
        let postgres = Place {
            url: scratch.url().clone(),
            location: scratch.location().to_owned(),
        };
        run.rows.extend(place(args, agents, &postgres, &mut interrupts)?);
        drop(scratch);
        let directory = tempfile::tempdir().map_err(Failure::because("no temporary directory"))?;
        let file = DatabaseUrl::sqlite(directory.path().join("aios.db"));
        let sqlite = Place {
            url: file,
            location: String::new(),
        };
        run.rows.extend(place(args, agents, &sqlite, &mut interrupts)?);
    }
    tell(args, &run)
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

fn place(args: &DbArgs, agents: u64, place: &Place, interrupts: &mut Interrupts) -> Result<Vec<Row>, Failure> {
    let kind = place.url.kind();
    eprintln!("filling a database of {kind} with {agents} agents");
    let failed = || format!("can't fill {}", place.url);
    let mut connection = connect(&place.url, Access::ReadWrite, None).map_err(Failure::because(failed()))?;
    migrations::run(&mut connection).map_err(Failure::because(failed()))?;
    let (sample, _) = plans::fill(&mut connection, agents).map_err(Failure::because(failed()))?;
    let mut rows = Vec::new();
    for query in queries(kind).iter().filter(|query| query.work == Work::Read) {
        interrupts.check()?;
        if args.only.as_ref().is_some_and(|text| !query.name.contains(text)) {
            continue;
        }
        let measured = row(args, agents, place, query, &sample);
        let row = measured.map_err(|error| Failure::new(format!("{kind}, {}: {error}", query.name)))?;
        eprintln!("{}", row.line());
        rows.push(row);
    }
    Ok(rows)
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
    let usual = if args.quick { 0.05 } else { 1.0 };
    let time = Duration::from_secs_f64(args.seconds.unwrap_or(usual));
    let mut own = Vec::new();
    let mut beside: Vec<Option<Times>> = Vec::new();
    for connections in CONNECTIONS {
        own.push(timed(&place.url, query, sample, connections, time)?);
        let pgbench = pgbench_program().filter(|_| kind == DatabaseKind::Postgres);
        beside.push(match pgbench {
            Some(program) => Some(pgbench::timed(&program, place, query, sample, connections, time)?),
            None => None,
        });
    }
    Ok(Row {
        agents,
        kind: kind.to_string(),
        query: query.name.clone(),
        own,
        beside,
        without: without_indexes(&place.url, query, sample)?,
    })
}

fn tell(args: &DbArgs, run: &Run) -> Result<(), Failure> {
    let page = report::page(run, &super::told_as());
    if args.only.is_some() {
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
