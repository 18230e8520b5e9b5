//! A private PostgreSQL server, tuned for data that nobody will miss.

mod find;
mod version;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::failure::Failure;
use crate::process::Interrupts;
use crate::service::account::Account;
use crate::service::install::Software;
use crate::service::postgres::find::Binaries;
use crate::service::supervise::{Specification, Supervised};
use crate::service::{Running, port};

pub(crate) use find::DIRECTORY_VARIABLE;

/// Where the tests look for the server.
pub(crate) const URL_VARIABLE: &str = "AIOS_TEST_POSTGRES_URL";

const SOFTWARE: Software = Software {
    name: "PostgreSQL",
    need: "the server programs of PostgreSQL 14 or newer",
    apt: "postgresql",
    brew: "postgresql@17",
    dnf: "postgresql-server postgresql-contrib",
    apk: "postgresql postgresql-contrib",
    pacman: "postgresql",
    variable: find::DIRECTORY_VARIABLE,
    named: "their directory",
};

/// How long a server may take until it accepts connections.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// With how many ports it is tried: another process may take one between our look and the server's bind.
const PORTS_TRIED: usize = 5;

/// Locales by preference. Both compare text byte by byte; only the first knows letters beyond ASCII.
const LOCALES: [&str; 2] = ["C.UTF-8", "C"];

/// No durability, since a crash of the machine takes the tests with it; nothing that makes plans depend on the moment; room
/// for many test processes at once.
const SETTINGS: [&str; 14] = [
    "listen_addresses=127.0.0.1",
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_wal_size=4GB",
    "checkpoint_timeout=1h",
    "jit=off",
    "max_connections=300",
    "timezone=UTC",
    "lc_messages=C",
    "log_checkpoints=off",
    "logging_collector=off",
];

/// What the server is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It is small, and does nothing in the background, so that plans don't depend on the moment.
    Testing,
    /// As in production: it looks after its tables, and has a quarter of the machine's memory for their pages, as
    /// PostgreSQL's manual advises.
    Measuring,
}

impl Purpose {
    fn settings(self) -> [String; 2] {
        match self {
            Self::Testing => ["autovacuum=off".to_owned(), "shared_buffers=128MB".to_owned()],
            Self::Measuring => [
                "autovacuum=on".to_owned(),
                format!("shared_buffers={}MB", memory_megabytes().map_or(128, |all| all / 4)),
            ],
        }
    }
}

/// How much memory the machine has, where that can be told.
fn memory_megabytes() -> Option<u64> {
    let told = fs::read_to_string("/proc/meminfo").ok()?;
    let line = told.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes / 1_024)
}

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

/// Another program of the same installation, where it has it.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    find::newest_suitable().ok().flatten()?.program(name)
}

/// Finds the programs, or installs them.
pub(crate) fn binaries(interrupts: &mut Interrupts) -> Result<Binaries, Failure> {
    match find::newest_suitable()? {
        Some(binaries) => Ok(binaries),
        None => SOFTWARE.install_and_find(find::newest_suitable, interrupts),
    }
}

/// Starts a server.
pub(crate) fn start(
    binaries: &Binaries,
    purpose: Purpose,
    interrupts: &mut Interrupts,
) -> Result<impl Running + use<>, Failure> {
    let account = Account::unprivileged()?;
    let directory = account.temporary_directory()?;
    initialise(binaries, account, directory.path(), interrupts)?;
    let (process, port) = start_on_a_free_port(binaries, purpose, account, directory.path(), interrupts)?;
    let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
    Ok(PrivateServer {
        url,
        _process: process,
        _directory: directory,
    })
}

/// Makes the data directory.
fn initialise(
    binaries: &Binaries,
    account: Account,
    directory: &Path,
    interrupts: &mut Interrupts,
) -> Result<(), Failure> {
    let data = directory.join("data");
    let mut last_words = String::new();
    for locale in LOCALES {
        interrupts.check()?;
        let mut command = Command::new(binaries.initdb());
        command
            .args([
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--no-sync",
                "--no-instructions",
            ])
            .args([format!("--locale={locale}"), format!("--pgdata={}", data.display())])
            .current_dir(directory)
            .stdin(Stdio::null());
        let output = account
            .apply(&mut command)
            .output()
            .map_err(|cause| crate::process::cannot_run(&command, &cause))?;
        if output.status.success() {
            return Ok(());
        }
        String::from_utf8_lossy(&output.stderr)
            .trim()
            .clone_into(&mut last_words);
    }
    Err(Failure::new(format!(
        "{} failed: {last_words}",
        binaries.initdb().display()
    )))
}

fn start_on_a_free_port(
    binaries: &Binaries,
    purpose: Purpose,
    account: Account,
    directory: &Path,
    interrupts: &mut Interrupts,
) -> Result<(Supervised, u16), Failure> {
    let mut last_words = String::new();
    for _ in 0..PORTS_TRIED {
        let port = port::free().map_err(Failure::because("cannot find a free port"))?;
        let mut process = spawn(binaries, purpose, account, directory, port)?;
        if wait_until_ready(&mut process, directory, interrupts)? {
            return Ok((process, port));
        }
        last_words = fs::read_to_string(directory.join("log")).unwrap_or_default();
        if !last_words.contains("could not bind") {
            break;
        }
    }
    Err(Failure::new(format!(
        "the private PostgreSQL server did not start; it says:\n{}",
        last_words.trim()
    )))
}

fn spawn(
    binaries: &Binaries,
    purpose: Purpose,
    account: Account,
    directory: &Path,
    port: u16,
) -> Result<Supervised, Failure> {
    let server = binaries.postgres().display().to_string();
    let data = directory.join("data").display().to_string();
    let port = format!("port={port}");
    let sockets = socket_directory(directory);
    let settings = purpose.settings();
    let mut command = vec![server.as_str(), "-D", &data, "-c", &port, "-c", &sockets];
    command.extend(settings.iter().flat_map(|setting| ["-c", setting]));
    command.extend(SETTINGS.iter().flat_map(|setting| ["-c", setting]));
    let log = directory.join("log");
    // An immediate shutdown: nobody needs the checkpoint of a slower one.
    let specification = Specification {
        command: &command,
        stop_signal: "QUIT",
        directory,
        log: &log,
    };
    Supervised::start(account, &specification).map_err(Failure::because("cannot start PostgreSQL"))
}

/// The setting for the Unix socket: beside the data, unless the path is longer than an address can be (107 bytes).
fn socket_directory(directory: &Path) -> String {
    let longest = directory.join(".s.PGSQL.65535.lock");
    let place = if longest.as_os_str().len() <= 107 {
        directory.display().to_string()
    } else {
        String::new()
    };
    format!("unix_socket_directories={place}")
}

/// True when the server accepts connections, false when it has ended or takes too long.
fn wait_until_ready(process: &mut Supervised, directory: &Path, interrupts: &mut Interrupts) -> Result<bool, Failure> {
    let status_file = directory.join("data/postmaster.pid");
    let deadline = Instant::now() + START_TIMEOUT;
    while Instant::now() < deadline {
        if fs::read_to_string(&status_file).is_ok_and(|status| says_ready(&status)) {
            return Ok(true);
        }
        if process
            .exited()
            .map_err(Failure::because("cannot look after PostgreSQL"))?
            .is_some()
        {
            return Ok(false);
        }
        interrupts.pause()?;
    }
    Ok(false)
}

/// The eighth line of postmaster.pid is the server's state (src/include/utils/pidfile.h).
fn says_ready(status_file: &str) -> bool {
    status_file.lines().nth(7).is_some_and(|state| state.trim() == "ready")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_what_is_accepted() {
        assert!(
            SOFTWARE
                .need
                .contains(&format!("PostgreSQL {} or newer", version::OLDEST_SUPPORTED))
        );
    }

    #[test]
    fn the_state_stands_in_the_eighth_line() {
        let file = "4711\n/tmp/x/data\n1795392000\n54321\n/tmp/x\n127.0.0.1\n 163893 12\nready   \n";
        assert!(says_ready(file));
        assert!(!says_ready(&file.replace("ready   ", "starting")));
        assert!(!says_ready("4711\n/tmp/x/data\n"));
        assert!(!says_ready(""));
    }

    #[test]
    fn a_socket_path_that_no_address_holds_is_left_out() {
        assert_eq!(socket_directory(Path::new("/tmp/x")), "unix_socket_directories=/tmp/x");
        let deep = format!("/tmp/{}", "x".repeat(90));
        assert_eq!(socket_directory(Path::new(&deep)), "unix_socket_directories=");
    }
}
