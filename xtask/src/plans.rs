//! `cargo xtask plans`: what the databases make of every query of the service.

use std::time::Instant;

use aios_db::recording::Plan;
use aios_workload::catalogue::{self, Sample};
use aios_workload::plan;
use chrono::Utc;

use crate::failure::Failure;
use crate::migrate;

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
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
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
