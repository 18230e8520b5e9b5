//! Private servers that the tests talk to: each starts on a free port in a temporary directory and is gone afterwards.
//!
//! A further service is one more module with a `start` that hands back a [`Running`], and a few more lines in
//! [`Services::start`].

mod account;
mod install;
mod port;
mod postgres;
mod redis;
mod supervise;
mod varnish;

use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::failure::Failure;
use crate::process::Interrupts;
use crate::service::postgres::Purpose;

/// A server that runs as long as this value lives.
pub(crate) trait Running {
    /// What to call it in a message.
    fn name(&self) -> &'static str;

    /// Where it listens.
    fn url(&self) -> &str;
}

/// A server and the environment variable that tells the tests where it listens.
struct Provided {
    variable: &'static str,
    server: Box<dyn Running>,
}

/// Every server that the tests need and that is not running somewhere else.
pub(crate) struct Services {
    provided: Vec<Provided>,
    /// The tests of the cache start, kill and freeze servers of their own.
    redis_program: PathBuf,
    /// So do those of the edge.
    varnish_program: PathBuf,
    /// And those of the pools: PostgreSQL's programs are several.
    postgres_directory: PathBuf,
}

impl Services {
    /// Starts what the environment does not name already.
    pub(crate) fn start(interrupts: &mut Interrupts) -> Result<Self, Failure> {
        Self::start_with(Purpose::Testing, interrupts)
    }

    /// The same, as in production, for measuring.
    pub(crate) fn start_for_measuring(interrupts: &mut Interrupts) -> Result<Self, Failure> {
        Self::start_with(Purpose::Measuring, interrupts)
    }

    fn start_with(purpose: Purpose, interrupts: &mut Interrupts) -> Result<Self, Failure> {
        let mut provided = Vec::new();
        let postgres = postgres::binaries(interrupts)?;
        if is_unset(postgres::URL_VARIABLE) {
            let server = Box::new(postgres::start(&postgres, purpose, interrupts)?);
            provided.push(Provided {
                variable: postgres::URL_VARIABLE,
                server,
            });
        }
        let redis_program = redis::program(interrupts)?;
        if is_unset(redis::URL_VARIABLE) {
            let server = Box::new(redis::start(&redis_program, interrupts)?);
            provided.push(Provided {
                variable: redis::URL_VARIABLE,
                server,
            });
        }
        let varnish_program = varnish::program(interrupts)?;
        Ok(Self {
            provided,
            redis_program,
            varnish_program,
            postgres_directory: postgres.directory().to_owned(),
        })
    }

    /// Names, variables and URLs of the servers that were started.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &'static str, &str)> {
        self.provided
            .iter()
            .map(|provided| (provided.server.name(), provided.variable, provided.server.url()))
    }

    /// The programs from which tests start servers themselves: their names, the variables that name them, and where they are.
    pub(crate) fn programs(&self) -> [(&'static str, &'static str, String); 3] {
        [
            (
                "Redis",
                redis::PROGRAM_VARIABLE,
                self.redis_program.display().to_string(),
            ),
            (
                "Varnish",
                varnish::PROGRAM_VARIABLE,
                self.varnish_program.display().to_string(),
            ),
            (
                "PostgreSQL",
                postgres::DIRECTORY_VARIABLE,
                self.postgres_directory.display().to_string(),
            ),
        ]
    }

    /// Where PostgreSQL listens, whoever started it.
    pub(crate) fn postgres_url(&self) -> Result<String, Failure> {
        self.url(postgres::URL_VARIABLE)
    }

    /// Where Redis listens, whoever started it.
    pub(crate) fn redis_url(&self) -> Result<String, Failure> {
        self.url(redis::URL_VARIABLE)
    }

    fn url(&self, variable: &str) -> Result<String, Failure> {
        let started = self.iter().find(|(_, of, _)| *of == variable);
        let started = started.map(|(_, _, url)| url.to_owned());
        started.map_or_else(|| env::var(variable).map_err(Failure::because(variable)), Ok)
    }

    /// Tells a program where the servers listen, and how to start others.
    pub(crate) fn announce_to(&self, command: &mut Command) {
        for (_, variable, program) in self.programs() {
            command.env(variable, program);
        }
        for (_, variable, url) in self.iter() {
            command.env(variable, url);
        }
    }
}

/// A program that comes with PostgreSQL's server.
pub(crate) fn postgres_program(name: &str) -> Option<PathBuf> {
    postgres::program(name)
}

fn is_unset(variable: &str) -> bool {
    env::var_os(variable).is_none_or(|value| value.is_empty())
}
