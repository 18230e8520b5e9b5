//! `cargo xtask plans`: what the databases make of every query of the service.

use std::fs;
use std::time::Instant;

use aios_db::recording::Plan;
use aios_db::scratch::ScratchDatabase;
use aios_db::{Access, AnyConnection, DatabaseKind, DatabaseUrl, DbResult, bulk, connect, migrations};
use aios_domain::Timestamp;
use aios_workload::catalogue::{self, Sample};
use aios_workload::indexes::{self, Entry};
use aios_workload::plan;
use aios_workload::seed::{SeedData, Size};
use chrono::Utc;

use crate::failure::Failure;
use crate::migrate;
use crate::process::Interrupts;
use crate::service::Services;

/// Show the plan of every query of the service.
///
/// The database is the one that DATABASE_URL names, filled by `cargo xtask seed`. On PostgreSQL the statements are run (ANALYZE) in
/// transactions that are rolled back. A few rows are added where the seed makes none (knowledge, purges): not for a database
/// that is in use.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only queries whose name holds this text
    #[arg(long)]
    only: Option<String>,
    /// Show the statements and the whole plans
    #[arg(long)]
    verbose: bool,
    /// Write docs/performance/indexes.md instead: which index serves which queries, and what it costs. Uses databases of its own
    #[arg(long, conflicts_with_all = ["only", "verbose"])]
    write: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    if args.write { write() } else { show(args) }
}

/// As many as in the tests.
const AGENTS: u64 = 20_000;

fn write() -> Result<(), Failure> {
    let mut interrupts = Interrupts::listen()?;
    let services = Services::start(&mut interrupts)?;
    let scratch = ScratchDatabase::empty(&services.postgres_url()?).map_err(Failure::because("no database"))?;
    let directory = tempfile::tempdir().map_err(Failure::because("no temporary directory"))?;
    let file = DatabaseUrl::sqlite(directory.path().join("aios.db"));
    let mut entries = Vec::new();
    for url in [scratch.url().clone(), file] {
        eprintln!("filling a database of {}", url.kind());
        add(&mut entries, &url).map_err(Failure::because(format!("can't ask {url}")))?;
    }
    entries.sort_by(|a: &Entry, b| (&a.index.table, &a.index.name).cmp(&(&b.index.table, &b.index.name)));
    let path = indexes::page_path();
    fs::write(&path, indexes::write(&entries, AGENTS)).map_err(Failure::because("can't write the page"))?;
    println!("wrote {}", path.display());
    Ok(())
}

fn add(entries: &mut Vec<Entry>, url: &DatabaseUrl) -> Result<(), Box<dyn std::error::Error>> {
    let connection = &mut connect(url, Access::ReadWrite, None)?;
    migrations::run(connection)?;
    let (sample, _) = fill(connection, AGENTS)?;
    let mut uses = indexes::uses(connection, &sample)?;
    let kind = connection.kind();
    for index in indexes::all(connection)? {
        let served = (kind, uses.remove(&index.name).unwrap_or_default());
        if let Some(known) = entries.iter_mut().find(|entry| entry.index.name == index.name) {
            known.served.push(served);
            continue;
        }
        let is_measured = kind == DatabaseKind::Postgres && index.reason().is_none();
        entries.push(Entry {
            costs: if is_measured {
                indexes::costs(connection, &sample, &index)?
            } else {
                Vec::new()
            },
            bytes: if kind == DatabaseKind::Postgres {
                Some(indexes::bytes_a_row(connection, &index)?)
            } else {
                None
            },
            served: vec![served],
            index,
        });
    }
    Ok(())
}

/// Fills a migrated database with as many agents as this, and finds arguments.
pub(crate) fn fill(connection: &mut AnyConnection, agents: u64) -> DbResult<(Sample, Timestamp)> {
    let until = UNTIL.parse().unwrap_or_default();
    if let Some(data) = SeedData::new(1, Size::of_agents(agents), until) {
        bulk::load(connection, &data, &mut |_| {})?;
    }
    Ok((found(connection)?, until))
}

/// Finds arguments in a database that was filled before, to the same end.
pub(crate) fn found(connection: &mut AnyConnection) -> DbResult<Sample> {
    let until = UNTIL.parse().unwrap_or_default();
    catalogue::furnish(connection, until)?;
    Sample::of(connection, until)
}

/// Where the data end: the same rows each time.
const UNTIL: &str = "2026-11-25T00:00:00Z";

fn show(args: &Args) -> Result<(), Failure> {
    let url = migrate::url()?;
    let connection = &mut migrate::connect_to(&url)?;
    let now = Utc::now();
    let failed = |error| Failure::because(format!("can't ask {url}"))(error);
    catalogue::furnish(connection, now).map_err(failed)?;
    let sample = Sample::of(connection, now).map_err(failed)?;
    for query in catalogue::queries(connection.kind()) {
        if args.only.as_ref().is_some_and(|text| !query.name.contains(text)) {
            continue;
        }
        let explained = plan::explain(connection, &query, &sample).map_err(failed)?;
        let started = Instant::now();
        let _ = aios_db::recording::rolled_back(connection, |c| query.run(c, &sample));
        let millis = started.elapsed().as_secs_f64() * 1e3;
        println!("{millis:9.2} ms  {}", query.name);
        for one in explained {
            let (findings, complaints) = (&one.findings, plan::complaints(&one.findings, &query.limits));
            println!("    {findings:?}");
            for complaint in complaints {
                println!("    !! {complaint}");
            }
            if args.verbose {
                println!("    {}", one.statement.sql);
                match &one.plan {
                    Plan::Postgres(json) => println!("{json:#}"),
                    Plan::Sqlite(lines) => lines.iter().for_each(|line| println!("      {line}")),
                }
            }
        }
    }
    Ok(())
}
