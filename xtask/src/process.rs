//! Running other programs so that Ctrl-C and SIGTERM stop them too and leave us time to clean up.

use std::env;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::failure::Failure;

/// How often a running child and the signals are looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The signals that ask us to stop. From the moment it exists none of them ends this process any more: whoever holds it
/// notices them, undoes what has been started, and returns.
pub(crate) struct Interrupts {
    signals: Signals,
}

impl Interrupts {
    /// Starts to listen for SIGINT, SIGTERM and SIGHUP.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(Failure::because("cannot listen for signals"))?;
        Ok(Self { signals })
    }

    /// The signal that has arrived since the last call, if one has.
    pub(crate) fn pending(&mut self) -> Option<i32> {
        self.signals.pending().next()
    }

    /// Fails when a signal has arrived since the last call.
    pub(crate) fn check(&mut self) -> Result<(), Failure> {
        self.pending()
            .map_or(Ok(()), |signal| Err(Failure::Interrupted(signal)))
    }

    /// Returns after [`POLL_INTERVAL`], or fails because a signal has arrived.
    pub(crate) fn pause(&mut self) -> Result<(), Failure> {
        thread::sleep(POLL_INTERVAL);
        self.check()
    }
}

/// Runs a program to its end and hands back how it ended. It has no standard input.
///
/// A signal is passed on to the program and all that it has started, once; the second one kills them.
pub(crate) fn run(command: &mut Command, interrupts: &mut Interrupts) -> Result<ExitStatus, Failure> {
    interrupts.check()?;
    // In a process group of its own a Ctrl-C reaches it through us alone, so never twice.
    let mut child = command
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|cause| cannot_run(command, &cause))?;
    let mut interrupted = None;
    loop {
        if let Some(status) = child.try_wait().map_err(Failure::because("cannot wait for a child"))? {
            return interrupted.map_or(Ok(status), |signal| Err(Failure::Interrupted(signal)));
        }
        if let Some(signal) = interrupts.pending() {
            pass_on(
                &child,
                if interrupted.is_some() {
                    Signal::KILL
                } else {
                    name_of(signal)
                },
            );
            interrupted = Some(signal);
        }
        thread::sleep(POLL_INTERVAL);
    }
}

/// Like [`run`], but anything else than success is a failure, with the child's own exit code.
pub(crate) fn run_to_success(command: &mut Command, interrupts: &mut Interrupts) -> Result<(), Failure> {
    let status = run(command, interrupts)?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::Child(status))
    }
}

/// The cargo that runs us, so that its toolchain stays the same.
///
/// It is not told what `cargo run` has told us of our own package. Some build scripts watch these variables, and would be run
/// anew, with all that depends on them, whenever cargo is started by us and by hand in turns.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for name in names.filter(|name| is_of_our_package(name)) {
        command.env_remove(name);
    }
    command
}

fn is_of_our_package(variable: &str) -> bool {
    variable.starts_with("CARGO_PKG_") || variable.starts_with("CARGO_MANIFEST_")
}

/// The failure to even start a program.
pub(crate) fn cannot_run(command: &Command, cause: &io::Error) -> Failure {
    Failure::new(format!("cannot run {}: {cause}", command.get_program().display()))
}

fn name_of(signal: i32) -> Signal {
    match signal {
        SIGINT => Signal::INT,
        SIGHUP => Signal::HUP,
        _ => Signal::TERM,
    }
}

/// The group may be gone already, and then there is nobody left to tell.
fn pass_on(child: &Child, signal: Signal) {
    let _ = kill_process_group(Pid::from_child(child), signal);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_childs_exit_code_comes_back() {
        let mut interrupts = Interrupts::listen().unwrap();
        let failure = run_to_success(&mut shell("exit 7"), &mut interrupts).unwrap_err();
        assert!(matches!(failure, Failure::Child(status) if status.code() == Some(7)));
    }

    #[test]
    fn what_cargo_told_us_of_our_package_is_not_passed_on() {
        let command = cargo();
        let removed = |name: &str| command.get_envs().any(|(of, value)| of == name && value.is_none());
        assert!(removed("CARGO_PKG_NAME") && removed("CARGO_MANIFEST_DIR"));
        assert!(!removed("CARGO_HOME") && !removed("PATH"));
    }

    #[test]
    fn a_missing_program_is_named() {
        let mut interrupts = Interrupts::listen().unwrap();
        let failure = run(&mut Command::new("no-such-program-here"), &mut interrupts).unwrap_err();
        assert!(failure.message().unwrap().contains("no-such-program-here"));
    }

    #[test]
    fn a_child_has_no_input_to_wait_for() {
        let mut interrupts = Interrupts::listen().unwrap();
        assert!(run(&mut shell("cat"), &mut interrupts).unwrap().success());
    }
}
