//! The server program of Redis or Valkey, and a private server that keeps nothing.

mod find;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::failure::Failure;
use crate::process::Interrupts;
use crate::service::account::Account;
use crate::service::install::Software;
use crate::service::supervise::{Specification, Supervised};
use crate::service::{Running, port};

pub(crate) use find::PROGRAM_VARIABLE;

/// Where the tests look for the server.
pub(crate) const URL_VARIABLE: &str = "AIOS_TEST_REDIS_URL";

/// How long a server may take until it accepts connections.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// With how many ports it is tried: another process may take one between our look and the server's bind.
const PORTS_TRIED: usize = 5;

/// What a server says when it does.
const READY: &str = "Ready to accept connections";

const SOFTWARE: Software = Software {
    name: "Redis",
    need: "the server program of Redis 6.2 or newer, or of Valkey",
    apt: "redis-server",
    brew: "redis",
    dnf: "valkey",
    apk: "redis",
    pacman: "valkey",
    variable: PROGRAM_VARIABLE,
    named: "its path",
};

/// A private server; gone, with all its data, when this is dropped.
#[derive(Debug)]
struct PrivateServer {
    url: String,
    // Dropped in this order: first the server stops, then its files go.
    _process: Supervised,
    _directory: TempDir,
}

impl Running for PrivateServer {
    fn name(&self) -> &'static str {
        SOFTWARE.name
    }

    fn url(&self) -> &str {
        &self.url
    }
}

/// Finds the program, or installs it.
pub(crate) fn program(interrupts: &mut Interrupts) -> Result<PathBuf, Failure> {
    match find::suitable()? {
        Some(program) => Ok(program),
        None => SOFTWARE.install_and_find(find::suitable, interrupts),
    }
}

/// Starts a server.
pub(crate) fn start(program: &Path, interrupts: &mut Interrupts) -> Result<impl Running + use<>, Failure> {
    let account = Account::unprivileged()?;
    let directory = account.temporary_directory()?;
    let mut last_words = String::new();
    for _ in 0..PORTS_TRIED {
        let port = port::free().map_err(Failure::because("cannot find a free port"))?;
        let mut process = spawn(program, account, directory.path(), port)?;
        if wait_until_ready(&mut process, directory.path(), interrupts)? {
            return Ok(PrivateServer {
                url: format!("redis://127.0.0.1:{port}"),
                _process: process,
                _directory: directory,
            });
        }
        last_words = log(directory.path());
        if !last_words.contains("Address already in use") {
            break;
        }
    }
    Err(Failure::new(format!(
        "the private Redis server did not start; it says:\n{}",
        last_words.trim()
    )))
}

fn spawn(program: &Path, account: Account, directory: &Path, port: u16) -> Result<Supervised, Failure> {
    let (program, port) = (program.display().to_string(), port.to_string());
    let command = [
        &program,
        "--port",
        &port,
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
    ];
    let log = directory.join("log");
    let specification = Specification {
        command: &command,
        stop_signal: "TERM",
        directory,
        log: &log,
    };
    Supervised::start(account, &specification).map_err(Failure::because("cannot start Redis"))
}

/// True when the server accepts connections, false when it has ended or takes too long.
fn wait_until_ready(process: &mut Supervised, directory: &Path, interrupts: &mut Interrupts) -> Result<bool, Failure> {
    let deadline = Instant::now() + START_TIMEOUT;
    while Instant::now() < deadline {
        if log(directory).contains(READY) {
            return Ok(true);
        }
        let ended = process.exited().map_err(Failure::because("cannot look after Redis"))?;
        if ended.is_some() {
            return Ok(false);
        }
        interrupts.pause()?;
    }
    Ok(false)
}

fn log(directory: &Path) -> String {
    fs::read_to_string(directory.join("log")).unwrap_or_default()
}
