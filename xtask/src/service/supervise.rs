//! A server process that cannot outlive us, whatever ends us.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{io, thread};

use crate::service::account::Account;

/// Turns itself into the server, and leaves behind a watcher that reads from our end of a pipe. When we drop that end, or
/// die of anything, kill -9 included, the watcher sends the server the signal $1, waits for it to go and removes the directory $2.
const WATCHED: &str = r#"
signal=$1; directory=$2; shift 2
exec 3<&0
(
    read -r _ <&3
    kill "-$signal" $$ 2>/dev/null
    tries=0
    while kill -0 $$ 2>/dev/null && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
    rm -rf "$directory"
) </dev/null >/dev/null 2>&1 &
exec "$@" 3<&- </dev/null
"#;

/// How long a server may take to stop before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// What to start, and how to stop it.
pub(crate) struct Specification<'a> {
    /// The server and its arguments.
    pub(crate) command: &'a [&'a str],
    /// The signal that makes it stop at once, by its name in `kill`.
    pub(crate) stop_signal: &'static str,
    /// Belongs to the account, is the working directory, and goes when the server goes.
    pub(crate) directory: &'a Path,
    /// Where the server's output goes.
    pub(crate) log: &'a Path,
}

/// A running server. Dropping this stops it.
#[derive(Debug)]
pub(crate) struct Supervised {
    child: Child,
    lifeline: Option<ChildStdin>,
}

impl Supervised {
    /// Starts a server under an account, in a process group of its own, so that a Ctrl-C in the terminal does not reach it.
    pub(crate) fn start(account: Account, specification: &Specification<'_>) -> io::Result<Self> {
        let log = File::create(specification.log)?;
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", WATCHED, "server", specification.stop_signal])
            .arg(specification.directory)
            .args(specification.command)
            .current_dir(specification.directory)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log);
        let mut child = account.apply(&mut command).spawn()?;
        let lifeline = child.stdin.take();
        Ok(Self { child, lifeline })
    }

    /// How the server ended, when it has.
    pub(crate) fn exited(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        let deadline = Instant::now() + STOP_TIMEOUT;
        while let Ok(None) = self.child.try_wait() {
            if Instant::now() > deadline {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(directory: &Path, command: &[&str]) -> Supervised {
        let log = directory.join("log");
        let specification = Specification {
            command,
            stop_signal: "TERM",
            directory,
            log: &log,
        };
        Supervised::start(Account::Own, &specification).unwrap()
    }

    fn eventually(mut condition: impl FnMut() -> bool) -> bool {
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            if condition() {
                return true;
            }
            thread::sleep(Duration::from_millis(5));
        }
        false
    }

    #[test]
    fn dropping_it_stops_the_server_and_its_directory_goes() {
        let directory = tempfile::tempdir().unwrap();
        let mut server = start(directory.path(), &["sleep", "1000"]);
        assert!(server.exited().unwrap().is_none());
        drop(server);
        assert!(eventually(|| !directory.path().exists()));
    }

    #[test]
    fn an_early_end_is_noticed_and_its_last_words_are_kept() {
        let directory = tempfile::tempdir().unwrap();
        let mut server = start(directory.path(), &["sh", "-c", "echo out of luck; exit 3"]);
        assert!(eventually(|| server
            .exited()
            .unwrap()
            .is_some_and(|status| status.code() == Some(3))));
        let log = std::fs::read_to_string(directory.path().join("log")).unwrap();
        assert_eq!(log, "out of luck\n");
    }
}
