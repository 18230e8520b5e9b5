//! A Redis or Valkey server of its own for a test, to be killed, frozen and restarted.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::process::{self, Process};

/// With how many ports a start is tried: another process may take one between our look and the server's.
const PORTS_TRIED: usize = 10;

/// A server on a port of its own, which keeps nothing over a restart.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    process: Option<Process>,
    directory: TempDir,
}

impl RedisServer {
    /// Starts the program that `AIOS_TEST_REDIS_SERVER` names, else `redis-server` or `valkey-server` on `PATH`.
    ///
    /// # Panics
    /// Without such a program, and where it does not start.
    pub fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("aios-redis-").tempdir();
        let mut server = Self {
            port: 0,
            process: None,
            directory: directory.expect("a temporary directory can be made"),
        };
        let started = (0..PORTS_TRIED).any(|_| {
            server.port = free_port();
            server.try_run()
        });
        assert!(started, "Redis did not start");
        server
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it again, with nothing in it, where it was.
    pub fn restart(&mut self) {
        self.kill();
        assert!(self.try_run(), "Redis did not start again");
    }

    /// Stops it where it stands: connections stay, and nothing is answered.
    pub fn freeze(&self) {
        self.running().signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.running().signal(Signal::CONT);
    }

    /// Whether it holds a key that begins so.
    pub fn holds(&self, beginning: &str) -> bool {
        let found = ask(self.port, &format!("KEYS {beginning}*"), |answer| {
            answer.ends_with("\r\n")
        });
        found.is_some_and(|answer| !answer.starts_with("*0"))
    }

    fn running(&self) -> &Process {
        self.process.as_ref().expect("the server was killed")
    }

    /// Starts the process, and tells whether it answers. Its number makes sure that no other server took the port.
    fn try_run(&mut self) -> bool {
        let port = self.port.to_string();
        let arguments = [
            "--port",
            &port,
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ];
        let arguments = arguments.map(str::to_owned);
        let mut process =
            Process::start(&process::program(), &arguments, self.directory.path()).expect("it can be run");
        let id = format!("process_id:{}\r", process.id());
        let mut answers = false;
        eventually("Redis answers or has ended", || {
            answers = ask(self.port, "INFO server", |answer| answer.contains(&id)).is_some();
            answers || process.has_ended()
        });
        self.process = answers.then_some(process);
        answers
    }
}

/// What the server answers to a command, once that is complete.
fn ask(port: u16, command: &str, is_complete: impl Fn(&str) -> bool) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    stream.write_all(format!("{command}\r\n").as_bytes()).ok()?;
    let (mut answer, mut bytes) = (String::new(), [0; 4_096]);
    while !is_complete(&answer) {
        let read = stream.read(&mut bytes).ok().filter(|&read| read > 0)?;
        answer.push_str(&String::from_utf8_lossy(bytes.get(..read)?));
    }
    Some(answer)
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("some port is free");
    listener.local_addr().expect("it has an address").port()
}

/// Waits until something is so.
///
/// # Panics
/// After a minute, which no healthy machine needs.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "still not so: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
