//! Servers under measurement: started on ports that are free, asked until they answer, stopped when they are dropped.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use aios_benches::bare::{Hosted, Stored};
use aios_benches::error::{BenchError, Result};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::options::Options;
use crate::programs;

/// Signs the tokens of the run's users.
const SECRET: &str = "a secret of the benchmark, known to all who can read";

/// How long a server may take to start, and to stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// What all servers of a run share.
pub(crate) struct Stage {
    database_url: String,
    redis_url: String,
    /// As many threads answer on each server.
    pub(crate) workers: usize,
    /// Logs and files that are served.
    pub(crate) directory: TempDir,
}

/// How the service is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setup {
    /// With its caches, as users run it.
    Cached,
    /// Every answer is read from the database.
    Uncached,
    /// As `Uncached`, and each statement is written to the log.
    Telling,
}

/// A server that runs for as long as this value lives.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    child: Child,
    log: PathBuf,
    /// Kept open, so that a server that says more does not find a closed pipe.
    _said: Option<BufReader<ChildStdout>>,
}

impl Stage {
    pub(crate) fn set(options: &Options) -> Result<Self> {
        Ok(Self {
            database_url: options.database_url.clone(),
            redis_url: options.redis_url.clone(),
            workers: thread::available_parallelism().map_or(2, std::num::NonZero::get),
            directory: tempfile::tempdir().map_err(BenchError::because("can't make a temporary directory"))?,
        })
    }

    /// Starts the service.
    pub(crate) fn service(&self, setup: Setup) -> Result<Server> {
        let log = self.directory.path().join(format!("{setup:?}.log"));
        let (level, format) = match setup {
            Setup::Telling => ("aios_db::statement=trace", "json"),
            Setup::Cached | Setup::Uncached => ("warn", "text"),
        };
        let mut command = self.aios()?;
        command
            .arg("serve")
            .env("REDIS_URL", &self.redis_url)
            .env("API_HOST", "127.0.0.1")
            .env("API_PORT", "0")
            .env("API_WORKERS", self.workers.to_string())
            .env("CACHE_ENABLED", (setup == Setup::Cached).to_string())
            .env("LOG_FORMAT", format)
            .env("RUST_LOG", level);
        Server::start(&mut command, None, log)
    }

    /// A token; of an admin where no user is named.
    pub(crate) fn token(&self, user: Option<&str>) -> Result<String> {
        let mut command = self.aios()?;
        command.args(["token", "--user"]);
        match user {
            Some(user) => command.arg(user),
            None => command.args(["00000000-0000-7000-8000-00000000ad00", "--admin"]),
        };
        let output = command.output().map_err(BenchError::because("can't run aios token"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(BenchError::new(said.trim().to_owned()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn aios(&self) -> Result<Command> {
        let mut command = Command::new(programs::ours("aios")?);
        command
            .env("DATABASE_URL", &self.database_url)
            .env("JWT_SECRET", SECRET)
            .env_remove("JWT_JWKS")
            .env_remove("METRICS_ADDRESS");
        Ok(command)
    }

    /// Starts the bare server with answers.
    pub(crate) fn bare(&self, answers: Vec<(String, Stored)>) -> Result<Server> {
        let hosted = Hosted {
            workers: self.workers,
            answers,
        };
        let hosted = serde_json::to_vec(&hosted).map_err(BenchError::because("can't write the answers"))?;
        let log = self.directory.path().join("bare.log");
        Server::start(&mut Command::new(programs::ours("aios-bare")?), Some(&hosted), log)
    }

    /// Starts nginx with the body as a file `/answer`, if the machine has it.
    pub(crate) fn nginx(&self, body: &Stored) -> Result<Option<Server>> {
        let usual = [PathBuf::from("/usr/sbin/nginx")];
        let found = programs::on_path("nginx").or_else(|| usual.into_iter().find(|place| place.is_file()));
        let Some(program) = found else { return Ok(None) };
        let directory = self.directory.path();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let address = port.map_err(BenchError::because("no free port"))?;
        let failed = || BenchError::because("can't prepare nginx");
        fs::create_dir_all(directory.join("root")).map_err(failed())?;
        fs::write(directory.join("root/answer"), &body.body).map_err(failed())?;
        let settings = nginx_settings(directory, address, self.workers, body);
        fs::write(directory.join("nginx.conf"), settings).map_err(failed())?;
        let mut command = Command::new(program);
        command
            .args(["-e", "stderr", "-p"])
            .arg(directory)
            .arg("-c")
            .arg(directory.join("nginx.conf"));
        Server::start_at(&mut command, address, directory.join("nginx.log")).map(Some)
    }
}

fn nginx_settings(directory: &Path, address: SocketAddr, workers: usize, stored: &Stored) -> String {
    let shown = directory.display();
    // The type has a directive of its own.
    let headers = stored.headers.iter().filter(|(name, _)| name != "content-type");
    let headers: Vec<String> = headers
        .map(|(name, value)| format!("add_header {name} '{}';", value.replace('\'', "\\'")))
        .collect();
    let kind = stored.headers.iter().find(|(name, _)| name == "content-type");
    let kind = kind.map_or("application/octet-stream", |(_, value)| value.as_str());
    format!(
        "daemon off;\nworker_processes {workers};\npid {shown}/nginx.pid;\nevents {{ worker_connections 1024; }}\n\
         http {{\n  access_log off; sendfile on; tcp_nopush on; open_file_cache max=100; etag off;\n\
         keepalive_requests 100000000;\n  client_body_temp_path {shown}/t1; proxy_temp_path {shown}/t2;\n\
         fastcgi_temp_path {shown}/t3; uwsgi_temp_path {shown}/t4; scgi_temp_path {shown}/t5;\n\
         server {{ listen {address}; root {shown}/root; types {{ }} default_type '{kind}'; {} }}\n}}\n",
        headers.join(" ")
    )
}

impl Server {
    /// Starts a program that tells its address in what it says first.
    fn start(command: &mut Command, input: Option<&[u8]>, log: PathBuf) -> Result<Self> {
        let mut child = spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()), &log)?;
        if let (Some(mut pipe), Some(input)) = (child.stdin.take(), input) {
            pipe.write_all(input)
                .map_err(BenchError::because("a server takes no input"))?;
        }
        let mut said = child.stdout.take().map(BufReader::new);
        let address = said.as_mut().and_then(address_said);
        let server = Self {
            address: address.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into()),
            child,
            log,
            _said: said,
        };
        match address {
            Some(_) => Ok(server),
            None => Err(server.did_not_start()),
        }
    }

    /// Starts a program that listens at an address that was chosen for it.
    fn start_at(command: &mut Command, address: SocketAddr, log: PathBuf) -> Result<Self> {
        let child = spawn(command.stdin(Stdio::null()).stdout(Stdio::null()), &log)?;
        let server = Self {
            address,
            child,
            log,
            _said: None,
        };
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if TcpStream::connect(address).is_ok() {
                return Ok(server);
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err(server.did_not_start())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to its log.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn did_not_start(&self) -> BenchError {
        BenchError::new(format!("a server did not start; it says: {}", self.log().trim()))
    }
}

fn spawn(command: &mut Command, log: &Path) -> Result<Child> {
    let name = command.get_program().to_string_lossy().into_owned();
    let failed = move || BenchError::because(format!("can't start {name}"));
    let errors = File::create(log).map_err(failed())?;
    command.stderr(errors).spawn().map_err(failed())
}

/// The first address that a program tells, before it ends.
fn address_said(said: &mut BufReader<ChildStdout>) -> Option<SocketAddr> {
    let mut line = String::new();
    while said.read_line(&mut line).is_ok_and(|length| length > 0) {
        if let Some(address) = address_in(&line) {
            return Some(address);
        }
        line.clear();
    }
    None
}

/// The address in a line such as `  Agents  http://127.0.0.1:8080/api`, or alone in it.
fn address_in(line: &str) -> Option<SocketAddr> {
    let text = line.split_once("http://").map_or(line, |(_, after)| after);
    text.split('/').next()?.trim().parse().ok()
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_what_servers_say() {
        let address: SocketAddr = "127.0.0.1:4711".parse().unwrap();
        assert_eq!(
            address_in("  Agents      http://127.0.0.1:4711/api/v1\n"),
            Some(address)
        );
        assert_eq!(address_in("127.0.0.1:4711\n"), Some(address));
        assert_eq!(address_in("AIOS Marketplace is ready.\n"), None);
    }
}
