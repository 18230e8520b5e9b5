//! A PostgreSQL server of its own for a test, to be stopped and started, and its replicas.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::{env, io};

use aios_db::{Access, DatabaseUrl, connect, migrations};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

use crate::TestDatabase;
use crate::redis::{eventually, free_port};

/// Names the directory of PostgreSQL's programs.
const DIRECTORY_VARIABLE: &str = "AIOS_TEST_POSTGRES_BIN";
/// Where Debian and its kin keep them.
const USUAL_PLACE: &str = "/usr/lib/postgresql";
/// With how many ports a start is tried: another process may take one between our look and the server's.
const PORTS_TRIED: usize = 10;

/// As for Redis, but that this server is stopped by a signal that it hears: killed, it would leave shared memory behind.
const WATCHED: &str = r#"
directory=$1; shift
exec 3<&0
(
    read -r word <&3
    kill -QUIT $$ 2>/dev/null
    tries=0
    while kill -0 $$ 2>/dev/null && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
    [ "$word" = keep ] || rm -rf "$directory"
) </dev/null >/dev/null 2>&1 &
exec "$@" 3<&- </dev/null
"#;

const SETTINGS: [&str; 10] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "fsync=off",
    "wal_level=replica",
    "max_wal_senders=4",
    "shared_buffers=16MB",
    "max_connections=60",
    "timezone=UTC",
    "lc_messages=C",
    "logging_collector=off",
];

/// A server on a port of its own.
#[derive(Debug)]
pub struct PostgresServer {
    port: u16,
    // Dropped in this order: first it stops, then its files go.
    running: Option<Running>,
    directory: TempDir,
}

#[derive(Debug)]
struct Running {
    child: Child,
    lifeline: Option<ChildStdin>,
}

impl PostgresServer {
    /// Starts an empty server, from the directory that `AIOS_TEST_POSTGRES_BIN` names, else from PATH or the usual place.
    ///
    /// # Panics
    /// Without PostgreSQL's programs, and where they do not do what they should.
    pub fn start() -> Self {
        let directory = directory();
        let data = directory.path().join("data");
        let arguments = [
            "--no-sync",
            "--auth=trust",
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C",
            "-D",
        ];
        succeed(
            directory.path(),
            "initdb",
            arguments.map(OsStr::new).iter().chain([&data.as_os_str()]),
        );
        Self::run(directory)
    }

    /// Starts a replica of this server, which follows it by streaming.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[must_use]
    pub fn replica(&self) -> Self {
        let directory = directory();
        let data = directory.path().join("data");
        let (port, primary) = (self.port.to_string(), "127.0.0.1");
        let arguments = [
            "-h",
            primary,
            "-p",
            &port,
            "-U",
            "postgres",
            "-R",
            "-X",
            "stream",
            "-c",
            "fast",
            "--no-sync",
            "-D",
        ];
        succeed(
            directory.path(),
            "pg_basebackup",
            arguments.map(OsStr::new).iter().chain([&data.as_os_str()]),
        );
        Self::run(directory)
    }

    fn run(directory: TempDir) -> Self {
        let mut server = Self {
            port: 0,
            running: None,
            directory,
        };
        let started = (0..PORTS_TRIED).any(|_| {
            server.port = free_port();
            server.try_run()
        });
        assert!(started, "PostgreSQL did not start: {}", server.log());
        server
    }

    /// Where its database `postgres` is.
    pub fn url(&self) -> DatabaseUrl {
        let url = format!("postgres://postgres@127.0.0.1:{}/postgres", self.port);
        url.parse().expect("it is a URL")
    }

    /// That database, migrated.
    pub fn database(&self) -> TestDatabase {
        let mut connection = connect(&self.url(), Access::ReadWrite, None).unwrap_or_else(|error| panic!("{error}"));
        migrations::run(&mut connection).unwrap_or_else(|error| panic!("{error}"));
        TestDatabase::elsewhere(self.url())
    }

    /// Runs a statement, and hands back what `psql` says.
    ///
    /// # Panics
    /// Where the statement fails.
    pub fn sql(&self, statement: &str) -> String {
        let port = self.port.to_string();
        let arguments = [
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-U",
            "postgres",
            "-X",
            "-A",
            "-t",
            "-c",
            statement,
            "postgres",
        ];
        succeed(self.directory.path(), "psql", arguments.map(OsStr::new).iter())
    }

    /// Stops it at once, as a crash would: connections break, and what was committed is there after a restart.
    pub fn stop(&mut self) {
        self.running = None;
    }

    /// Starts it again, where it was.
    pub fn restart(&mut self) {
        self.stop();
        assert!(self.try_run(), "PostgreSQL did not start again: {}", self.log());
    }

    /// Stops all its processes where they stand, until what is handed back is dropped: connections stay, new ones are
    /// taken by the system, and nothing is answered.
    ///
    /// # Panics
    /// Where it does not run.
    #[must_use]
    pub fn freeze(&self) -> Frozen {
        let running = self.running.as_ref().expect("it runs");
        let server = i32::try_from(running.child.id()).expect("it is a number of a process");
        // The server first, so that it starts no others.
        let mut processes = vec![server];
        let backends = self.sql("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()");
        processes.extend(backends.lines().filter_map(|line| line.trim().parse::<i32>().ok()));
        let frozen = Frozen(processes.into_iter().filter_map(Pid::from_raw).collect());
        frozen.signal(Signal::STOP);
        frozen
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Starts the process, and tells whether it accepts connections.
    fn try_run(&mut self) -> bool {
        let place = self.directory.path();
        let log = File::create(place.join("log")).expect("the directory can be written to");
        let mut command = as_somebody(Command::new("/bin/sh"));
        command
            .args(["-c", WATCHED, "server"])
            .arg(place)
            .arg(program("postgres"))
            .arg("-D")
            .arg(place.join("data"))
            .args(["-p", &self.port.to_string()])
            .args(SETTINGS.iter().flat_map(|setting| ["-c", setting]))
            .current_dir(place)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a file can be shared"))
            .stderr(log);
        let mut child = command.spawn().expect("it can be run");
        let lifeline = child.stdin.take();
        let status_file = place.join("data/postmaster.pid");
        // Its number makes sure that the file is not what an earlier run left.
        let number = child.id().to_string();
        let (mut is_ready, mut has_ended) = (false, false);
        eventually("PostgreSQL accepts connections or has ended", || {
            is_ready = fs::read_to_string(&status_file).is_ok_and(|status| says_ready(&status, &number));
            has_ended = child.try_wait().is_ok_and(|status| status.is_some());
            is_ready || has_ended
        });
        let running = Running { child, lifeline };
        self.running = is_ready.then_some(running);
        is_ready
    }
}

/// Processes of a server that stand still.
#[derive(Debug)]
pub struct Frozen(Vec<Pid>);

impl Frozen {
    fn signal(&self, signal: Signal) {
        for process in &self.0 {
            // One may have ended of itself.
            let _ = kill_process(*process, signal);
        }
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.signal(Signal::CONT);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut lifeline) = self.lifeline.take() {
            let _ = io::Write::write_all(&mut lifeline, b"keep\n");
        }
        let _ = self.child.wait();
    }
}

/// The first line of postmaster.pid is the server's number, the eighth its state.
fn says_ready(status_file: &str, number: &str) -> bool {
    let mut lines = status_file.lines();
    lines.next() == Some(number) && lines.nth(6).is_some_and(|state| state.trim() == "ready")
}

/// A directory that the server's account owns.
fn directory() -> TempDir {
    let directory = tempfile::Builder::new().prefix("aios-postgres-").tempdir_in("/tmp");
    let directory = directory.expect("a temporary directory can be made");
    if let Some((user, group)) = somebody() {
        chown(directory.path(), Some(user), Some(group)).expect("root may give a directory away");
    }
    directory
}

/// PostgreSQL refuses to run as root.
fn somebody() -> Option<(u32, u32)> {
    if !geteuid().is_root() {
        return None;
    }
    let passwd = fs::read_to_string("/etc/passwd").expect("there is an /etc/passwd");
    let find = |wanted: &str| {
        passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            let is_wanted = fields.next() == Some(wanted);
            let (user, group) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
            is_wanted.then_some((user, group))
        })
    };
    let found = ["postgres", "nobody", "daemon"].into_iter().find_map(find);
    Some(found.expect("there is an account beside root"))
}

fn as_somebody(mut command: Command) -> Command {
    if let Some((user, group)) = somebody() {
        command.uid(user).gid(group);
    }
    command
}

/// Runs one of PostgreSQL's programs to its end.
fn succeed<'a>(place: &Path, name: &str, arguments: impl Iterator<Item = &'a &'a OsStr>) -> String {
    let mut command = as_somebody(Command::new(program(name)));
    let ended = command.args(arguments).current_dir(place).stdin(Stdio::null()).output();
    let ended = ended.expect("it can be run");
    let said = String::from_utf8_lossy(&ended.stdout).trim().to_owned();
    assert!(
        ended.status.success(),
        "{name}: {said} {}",
        String::from_utf8_lossy(&ended.stderr)
    );
    said
}

/// One of PostgreSQL's programs: where the variable says, or what it says leads to, else on PATH or in the usual place.
fn program(name: &str) -> PathBuf {
    let named = env::var_os(DIRECTORY_VARIABLE).filter(|value| !value.is_empty());
    let named: Vec<PathBuf> = named.map(PathBuf::from).into_iter().collect();
    let led_to = named
        .iter()
        .filter_map(|named| fs::canonicalize(named.join("postgres")).ok());
    let led_to = led_to.filter_map(|server| Some(server.parent()?.to_owned()));
    let path = env::var_os("PATH").unwrap_or_default();
    let versions = fs::read_dir(USUAL_PLACE).into_iter().flatten().flatten();
    let usual = versions.map(|version| version.path().join("bin"));
    let places = named
        .iter()
        .cloned()
        .chain(led_to)
        .chain(env::split_paths(&path))
        .chain(usual);
    let mut programs = places.map(|place| place.join(name));
    programs.find(|program| program.is_file()).unwrap_or_else(|| {
        panic!("there is no {name}: run `cargo xtask test`, which installs it, or name its directory in {DIRECTORY_VARIABLE}")
    })
}
