//! The runs: starts the servers, sends load to one after the other in turns, and writes the pages. `cargo xtask bench http`
//! builds it, gives it a database with data, and starts it.

mod catalogue;
mod closed_run;
mod figures;
mod machine;
mod metrics;
mod open_run;
mod options;
mod pages;
mod pgbench;
mod profile;
mod programs;
mod redis;
mod report;
mod rows;
mod servers;
mod statements;

use std::io::{self, Write as _};
use std::process::ExitCode;

use aios_benches::error::Result;
use clap::Parser as _;

use crate::options::Options;
use crate::servers::Stage;

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("aios-bench: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// One part after the other; the pages of the first are written before the second begins.
fn run(options: &Options) -> Result<()> {
    let stage = Stage::set(options)?;
    if options.profile {
        return profile::run(options, &stage);
    }
    if !options.open {
        let figures = closed_run::run(options, &stage)?;
        pages::closed(options, &figures)?;
    }
    if !options.closed {
        let figures = open_run::run(options, &stage)?;
        pages::open(options, &figures)?;
    }
    report::write(options)
}

/// Tells the person at the terminal how far it is. Tables alone go to standard output.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Prints a table.
fn print(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}
