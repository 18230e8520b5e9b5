//! One server.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use deadpool_redis::redis::{self, Client, Connection, FromRedisValue};
use rustix::process::Signal;
use tempfile::TempDir;

use super::eventually;
use super::process::{self, Process};

/// With how many ports a start is tried: another process may take one between our look and the server's.
const PORTS_TRIED: usize = 10;

/// A server on a port of its own, which keeps nothing but what [`snapshot`](Self::snapshot) is asked for.
#[derive(Debug)]
pub(crate) struct RedisServer {
    port: u16,
    arguments: Vec<String>,
    process: Option<Process>,
    directory: TempDir,
}

impl RedisServer {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// A server with further arguments, such as `--maxmemory 10mb`, one word each.
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        let directory = tempfile::Builder::new().prefix("aios-redis-").tempdir().unwrap();
        let mut server = Self {
            port: 0,
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            process: None,
            directory,
        };
        let started = (0..PORTS_TRIED).any(|_| {
            server.port = free_port();
            server.try_run()
        });
        assert!(started, "the server did not start; it says:\n{}", server.log());
        server
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Where its Unix socket is, if it was started with `--unixsocket redis.sock`.
    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("redis.sock")
    }

    /// What a command answers, on a connection of its own.
    pub(crate) fn query<T: FromRedisValue>(&self, command: &[&str]) -> T {
        self.try_query(command)
            .unwrap_or_else(|error| panic!("{command:?}: {error}; the server says:\n{}", self.log()))
    }

    pub(crate) fn try_query<T: FromRedisValue>(&self, command: &[&str]) -> redis::RedisResult<T> {
        let mut words = command.iter();
        let mut request = redis::cmd(words.next().unwrap());
        for word in words {
            request.arg(word);
        }
        request.query(&mut self.connect()?)
    }

    /// Runs a command whose answer does not matter.
    pub(crate) fn run(&self, command: &[&str]) {
        self.query::<redis::Value>(command);
    }

    /// Ends it as a crash would. It can be restarted.
    pub(crate) fn kill(&mut self) {
        self.process = None;
    }

    /// Stops it where it stands: connections stay, and nothing is answered.
    pub(crate) fn freeze(&self) {
        self.running().signal(Signal::STOP);
    }

    pub(crate) fn thaw(&self) {
        self.running().signal(Signal::CONT);
    }

    /// What it holds, as the file that a restart can read.
    pub(crate) fn snapshot(&self) -> Vec<u8> {
        self.run(&["SAVE"]);
        fs::read(self.dump()).unwrap()
    }

    /// Restarts it with nothing in it, on the same port.
    pub(crate) fn restart_empty(&mut self) {
        self.kill();
        let _ = fs::remove_file(self.dump());
        self.restart();
    }

    /// Restarts it with what it held when the snapshot was made.
    pub(crate) fn restart_from(&mut self, snapshot: &[u8]) {
        self.kill();
        fs::write(self.dump(), snapshot).unwrap();
        self.restart();
    }

    /// Restarts it with all that is in it.
    pub(crate) fn restart_full(&mut self) {
        let snapshot = self.snapshot();
        self.restart_from(&snapshot);
    }

    /// Takes so much of their time from all keys, as if it had gone by. Entries also say when they end.
    pub(crate) fn pass(&self, time: Duration) {
        const SCRIPT: &str = "
            for _, key in ipairs(redis.call('KEYS', '*')) do
                local left = redis.call('PTTL', key)
                if left >= 0 then
                    local value = redis.call('GET', key)
                    local ends, bytes = string.match(value, '^(%d+):(.*)$')
                    if ends then redis.call('SET', key, string.format('%.0f:', ends - ARGV[1]) .. bytes) end
                    redis.call('PEXPIRE', key, left - ARGV[1])
                end
            end";
        self.run(&["EVAL", SCRIPT, "0", &time.as_millis().to_string()]);
    }

    /// Lets it take no more data than it has.
    pub(crate) fn fill(&self) {
        self.run(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
        self.run(&["CONFIG", "SET", "maxmemory", "1"]);
    }

    /// Makes it a replica of nobody, which answers and takes no writes.
    pub(crate) fn make_read_only(&self) {
        self.run(&["REPLICAOF", "127.0.0.1", "1"]);
    }

    /// Lets everything wait that may write, until [`resume`](Self::resume).
    pub(crate) fn pause(&self) {
        self.run(&["CLIENT", "PAUSE", "600000", "WRITE"]);
    }

    pub(crate) fn resume(&self) {
        self.run(&["CLIENT", "UNPAUSE"]);
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    fn running(&self) -> &Process {
        self.process.as_ref().expect("the server was killed")
    }

    fn dump(&self) -> PathBuf {
        self.directory.path().join("dump.rdb")
    }

    fn connect(&self) -> redis::RedisResult<Connection> {
        Client::open(self.url())?.get_connection()
    }

    fn restart(&mut self) {
        assert!(
            self.try_run(),
            "the server did not start again; it says:\n{}",
            self.log()
        );
    }

    /// Starts the process, and tells whether it answers. The number makes sure that no other server took the port.
    fn try_run(&mut self) -> bool {
        let port = self.port.to_string();
        let usual = [
            "--port",
            &port,
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ];
        let arguments: Vec<String> = usual
            .iter()
            .map(|&argument| argument.to_owned())
            .chain(self.arguments.iter().cloned())
            .collect();
        let mut process = Process::start(&process::program(), &arguments, self.directory.path()).unwrap();
        let id = format!("process_id:{}\r", process.id());
        let mut answers = false;
        eventually("the server answers or has ended", || {
            // INFO is answered while a file is loaded, everything else only afterwards.
            answers = self
                .try_query::<String>(&["INFO", "server"])
                .is_ok_and(|info| info.contains(&id))
                && self.try_query::<String>(&["PING"]).is_ok();
            answers || process.has_ended()
        });
        self.process = answers.then_some(process);
        answers
    }
}

/// A port that was free a moment ago, as was the one for a Cluster's own messages, 10,000 above it.
pub(crate) fn free_port() -> u16 {
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let mut candidates = std::iter::repeat_with(|| fastrand::u16(20_000..50_000));
    candidates.find(|port| free(*port) && free(port + 10_000)).unwrap()
}
