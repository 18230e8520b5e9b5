//! A server's process, which cannot outlive the test.

use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::{env, io};

use rustix::process::{Pid, Signal, kill_process};

const PROGRAM_VARIABLE: &str = "AIOS_TEST_REDIS_SERVER";

/// Turns itself into the server, and leaves behind a watcher that reads from our end of a pipe. When we close that end, or die
/// of anything, the watcher kills the server, and removes its directory $1 unless we said to keep it. (xtask starts PostgreSQL the
/// same way; the standard library's own means to run code in a child are unsafe.)
const WATCHED: &str = r#"
directory=$1; shift
exec 3<&0
(
    read -r word <&3
    kill -KILL $$ 2>/dev/null
    [ "$word" = keep ] || rm -rf "$directory"
) </dev/null >/dev/null 2>&1 &
exec "$@" 3<&- </dev/null
"#;

/// Redis's program, or a panic with a sentence that says what to do.
pub(crate) fn program() -> PathBuf {
    find_program(PROGRAM_VARIABLE, &["redis-server", "valkey-server"], &[])
}

/// The program that a variable names, else the first of these that is on `PATH` or in these directories; or a panic with a
/// sentence that says what to do.
pub(crate) fn find_program(variable: &str, programs: &[&str], beside_path: &[&str]) -> PathBuf {
    if let Some(named) = env::var_os(variable).filter(|value| !value.is_empty()) {
        let named = PathBuf::from(named);
        assert!(
            named.is_file(),
            "{variable} names {}, which is not there",
            named.display()
        );
        return named;
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let mut places = env::split_paths(&path)
        .chain(beside_path.iter().map(PathBuf::from))
        .flat_map(|directory| programs.iter().map(move |program| directory.join(program)));
    places.find(|place| place.is_file()).unwrap_or_else(|| {
        let name = programs.first().unwrap_or(&"such program");
        panic!("there is no {name}: run `cargo xtask test`, which installs one, or name one in {variable}")
    })
}

/// A running program.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    lifeline: Option<ChildStdin>,
}

impl Process {
    /// Starts a program in a directory, with its output in a file there.
    pub(crate) fn start(program: &Path, arguments: &[String], directory: &Path) -> io::Result<Self> {
        let log = File::create(directory.join("log"))?;
        let mut child = Command::new("/bin/sh")
            .args(["-c", WATCHED, "server"])
            .arg(directory)
            .arg(program)
            .args(arguments)
            .current_dir(directory)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let lifeline = child.stdin.take();
        Ok(Self { child, lifeline })
    }

    /// The shell became the program, so its number is the program's.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

/// Kills the program. Its directory is its owner's business, who is alive.
impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut lifeline) = self.lifeline.take() {
            let _ = lifeline.write_all(b"keep\n");
        }
        let _ = self.child.wait();
    }
}
