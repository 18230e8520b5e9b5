//! The program itself: what it starts is gone when it ends, however it ends, and the tests' exit code is its own.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "tests fail by panicking, their helpers too"
)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

const SERVER_VARIABLE: &str = "AIOS_TEST_POSTGRES_URL";
const REDIS_VARIABLE: &str = "AIOS_TEST_REDIS_URL";
const REDIS_PROGRAM_VARIABLE: &str = "AIOS_TEST_REDIS_SERVER";
const POSTGRES_DIRECTORY_VARIABLE: &str = "AIOS_TEST_POSTGRES_BIN";
const VARNISH_PROGRAM_VARIABLE: &str = "AIOS_TEST_VARNISHD";

fn xtask(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Starts `xtask services` with servers of its own, and hands back where PostgreSQL and Redis listen.
fn start_services() -> (Child, [SocketAddr; 2]) {
    let mut child = xtask(&["services"])
        .env_remove(SERVER_VARIABLE)
        .env_remove(REDIS_VARIABLE)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut value_of = |variable: &str| {
        let start = format!("export {variable}=");
        lines
            .find_map(|line| line.strip_prefix(&start).map(str::to_owned))
            .unwrap()
    };
    let postgres = value_of(SERVER_VARIABLE);
    let redis = value_of(REDIS_VARIABLE);
    for variable in [REDIS_PROGRAM_VARIABLE, VARNISH_PROGRAM_VARIABLE] {
        let program = value_of(variable);
        assert!(Path::new(&program).is_file(), "{variable}: {program}");
    }
    let directory = value_of(POSTGRES_DIRECTORY_VARIABLE);
    assert!(Path::new(&directory).join("pg_basebackup").is_file(), "{directory}");
    let authority = postgres.split('@').nth(1).unwrap().split('/').next().unwrap();
    let addresses = [authority, redis.strip_prefix("redis://").unwrap()];
    (child, addresses.map(|address| address.parse().unwrap()))
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

fn eventually(mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        if condition() {
            return true;
        }
        thread::sleep(Duration::from_millis(20));
    }
    false
}

/// A stand-in for cargo: no nextest, and otherwise what the script says.
fn fake_cargo(directory: &Path, script: &str) -> std::path::PathBuf {
    let file = directory.join("cargo");
    fs::write(&file, format!("#!/bin/sh\n[ \"$1\" = nextest ] && exit 1\n{script}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    file
}

#[test]
fn the_servers_serve_until_a_signal_and_are_gone_then() {
    let (mut child, addresses) = start_services();
    assert!(addresses.iter().all(|address| TcpStream::connect(address).is_ok()));
    send(&child, Signal::TERM);
    assert!(child.wait().unwrap().success());
    assert!(addresses.iter().all(|address| TcpStream::connect(address).is_err()));
}

#[test]
fn the_servers_are_gone_even_after_a_kill() {
    let (mut child, addresses) = start_services();
    send(&child, Signal::KILL);
    child.wait().unwrap();
    assert!(eventually(|| addresses
        .iter()
        .all(|address| TcpStream::connect(address).is_err())));
}

#[test]
fn the_tests_exit_code_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let cargo = fake_cargo(directory.path(), "[ \"$2\" = --doc ] && exit 0; exit 42");
    let mut command = xtask(&["test"]);
    command
        .env(SERVER_VARIABLE, "postgres://nobody@localhost/none")
        .env("CARGO", cargo);
    assert_eq!(command.status().unwrap().code(), Some(42));
}

#[test]
fn the_tests_are_told_where_the_servers_are() {
    let directory = tempfile::tempdir().unwrap();
    let told = directory.path().join("told");
    let script = format!(
        "echo \"${SERVER_VARIABLE} ${REDIS_VARIABLE} ${REDIS_PROGRAM_VARIABLE}\" > {}",
        told.display()
    );
    let cargo = fake_cargo(directory.path(), &script);
    let status = xtask(&["test", "--", "a_filter"])
        .env_remove(SERVER_VARIABLE)
        .env_remove(REDIS_VARIABLE)
        .env("CARGO", cargo)
        .status()
        .unwrap();
    assert!(status.success());
    let told = fs::read_to_string(told).unwrap();
    let [postgres, redis, program] = told.split_whitespace().collect::<Vec<_>>()[..] else {
        panic!("{told}");
    };
    assert!(postgres.starts_with("postgres://postgres@127.0.0.1:"), "{told}");
    assert!(redis.starts_with("redis://127.0.0.1:"), "{told}");
    assert!(Path::new(program).is_file(), "{told}");
}

#[test]
fn a_signal_is_passed_on_and_told_as_shells_do() {
    let directory = tempfile::tempdir().unwrap();
    let (ready, stopped) = (directory.path().join("ready"), directory.path().join("stopped"));
    let script = format!(
        "trap 'touch {}; exit 0' TERM; touch {}; while :; do sleep 0.05; done",
        stopped.display(),
        ready.display()
    );
    let cargo = fake_cargo(directory.path(), &script);
    let mut command = xtask(&["test"]);
    let mut child = command
        .env(SERVER_VARIABLE, "postgres://nobody@localhost/none")
        .env("CARGO", cargo)
        .spawn()
        .unwrap();
    assert!(eventually(|| ready.exists()));
    send(&child, Signal::TERM);
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert!(stopped.exists());
}

#[test]
fn without_postgresql_a_sentence_says_what_to_do() {
    let nowhere = tempfile::tempdir().unwrap();
    let mut command = xtask(&["services"]);
    command
        .env_remove(SERVER_VARIABLE)
        .env("AIOS_TEST_POSTGRES_BIN", nowhere.path());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("AIOS_TEST_POSTGRES_BIN"), "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
}

#[test]
fn a_redis_that_is_none_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = xtask(&["services"]);
    command
        .env(SERVER_VARIABLE, "postgres://nobody@localhost/none")
        .env(REDIS_PROGRAM_VARIABLE, fake_cargo(directory.path(), "exit 0"));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains(REDIS_PROGRAM_VARIABLE), "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
}
