//! The binary `aios`: command line, configuration and wiring. Nothing is decided here but what is put together how.

mod admin;
mod advise;
mod cache;
mod cli;
mod config;
mod edge;
mod import;
mod invalidate;
mod offline;
mod pool;
mod profile;
mod secret;
mod serve;
mod tls;
mod token;
mod transport;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

pub use cache::CacheArgs;
pub use config::{ServeArgs, StartError};
pub use edge::{EdgeArgs, EdgeKind};
pub use pool::PoolArgs;
pub use profile::ProfileArgs;
pub use serve::{Server, start};
pub use transport::TransportArgs;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let outcome = match Cli::parse().command.unwrap_or_else(cli::serve_by_default) {
        Command::Serve(args) => serve::run(*args),
        Command::Token(args) => token::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Cache(command) => invalidate::run(&command),
        Command::Explain(args) => profile::run(&args),
        Command::Advise(args) => advise::run(&args),
        Command::Openapi => {
            print(&aios_api::openapi_json());
            Ok(())
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// Says something on standard output. A reader that went away, as `head` does, is no failure.
fn print(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Says on standard error what went wrong.
fn complain(error: &dyn std::fmt::Display) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "aios: {error}");
}
