//! The workshop: `cargo xtask COMMAND` runs what is too long for a command line and too short for a program of its own.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool talks to its user"
)]

mod bench;
mod ci;
mod failure;
mod layers;
mod migrate;
mod plans;
mod process;
mod schema;
mod seed;
mod service;
mod services;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;

/// Tasks of the AIOS Marketplace workshop.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Test(test::Args),
    Seed(seed::Args),
    Services(services::Args),
    Migrate(migrate::Args),
    Layers(layers::Args),
    Ci(ci::Args),
    Bench(bench::Args),
    Plans(plans::Args),
}

impl Command {
    fn run(self) -> Result<(), Failure> {
        match self {
            Self::Test(args) => test::run(&args),
            Self::Seed(args) => seed::run(&args),
            Self::Services(args) => services::run(&args),
            Self::Migrate(args) => migrate::run(&args),
            Self::Layers(_) => layers::check(),
            Self::Ci(args) => ci::run(&args),
            Self::Bench(args) => bench::run(&args),
            Self::Plans(args) => plans::run(&args),
        }
    }
}

fn main() -> ExitCode {
    match Cli::parse().command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = failure.message() {
                eprintln!("xtask: {message}");
            }
            failure.exit_code()
        }
    }
}
