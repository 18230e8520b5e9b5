//! A Varnish of its own for a test, with the configuration that the repository ships.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::process::{Process, find_program};
use crate::redis::{eventually, free_port};

const PROGRAM_VARIABLE: &str = "AIOS_TEST_VARNISHD";

/// With how many ports a start is tried: another process may take one between our look and the server's.
const PORTS_TRIED: usize = 10;

/// Varnish in front of a server, on a port of its own.
#[derive(Debug)]
pub struct VarnishServer {
    port: u16,
    secret: String,
    // Dropped in this order: first it stops, then its files go.
    _process: Process,
    _directory: TempDir,
}

impl VarnishServer {
    /// Starts the program that `AIOS_TEST_VARNISHD` names, else `varnishd` on `PATH` or in `/usr/sbin`, in front of `origin`.
    ///
    /// While the origin is well, what is stale is not served for longer than `moment_of_grace`, in seconds.
    ///
    /// # Panics
    /// Without such a program or its module xkey, and where it does not start.
    pub fn start(origin: SocketAddr, moment_of_grace: u32) -> Self {
        let program = find_program(PROGRAM_VARIABLE, &["varnishd"], &["/usr/sbin", "/usr/local/sbin"]);
        let mut last_words = String::new();
        for _ in 0..PORTS_TRIED {
            match Self::try_start(&program, origin, moment_of_grace) {
                Ok(server) => return server,
                Err(said) => last_words = said,
            }
            if !last_words.contains("Could not get socket") && !last_words.contains("in use") {
                break;
            }
        }
        panic!(
            "Varnish did not start (it needs the module xkey, of Debian's package varnish-modules); it says:\n{last_words}"
        );
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// With which it lets things be purged.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    fn try_start(program: &Path, origin: SocketAddr, moment_of_grace: u32) -> Result<Self, String> {
        let directory = tempfile::Builder::new().prefix("aios-varnish-").tempdir();
        let directory = directory.expect("a temporary directory can be made");
        fs::write(directory.path().join("site.vcl"), site(origin, moment_of_grace)).expect("it can be written to");
        let port = free_port();
        let secret = format!("secret of the Varnish at {port}, {}", std::process::id());
        let shell = [
            "-c",
            r#"VARNISH_PURGE_SECRET=$1; export VARNISH_PURGE_SECRET; shift; exec "$@""#,
            "varnish",
            &secret,
        ];
        let mut arguments: Vec<String> = shell.map(str::to_owned).into();
        arguments.push(program.display().to_string());
        arguments.extend(options(port, directory.path()));
        let mut process = Process::start(Path::new("/bin/sh"), &arguments, directory.path()).expect("it can be run");
        let (mut answers, url) = (false, format!("http://127.0.0.1:{port}/"));
        eventually("Varnish answers or has ended", || {
            answers = is_ours(&url, &secret);
            answers || process.has_ended()
        });
        if answers {
            return Ok(Self {
                port,
                secret,
                _process: process,
                _directory: directory,
            });
        }
        Err(fs::read_to_string(directory.path().join("log")).unwrap_or_default())
    }
}

fn options(port: u16, directory: &Path) -> Vec<String> {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/cdn/varnish");
    let (shipped, directory) = (shipped.display(), directory.display());
    let options = [
        // It stays where it is started, so that it ends with the test.
        "-F".to_owned(),
        format!("-a 127.0.0.1:{port}"),
        format!("-f {shipped}/default.vcl"),
        format!("-n {directory}/varnish"),
        "-s malloc,32m".to_owned(),
        "-T none".to_owned(),
        "-j none".to_owned(),
        format!("-p vcl_path={directory}"),
        "-p http_gzip_support=off".to_owned(),
    ];
    let words = options
        .iter()
        .map(|option| option.split_once(' ').unwrap_or((option, "")));
    words
        .flat_map(|(name, value)| [name.to_owned(), value.to_owned()])
        .filter(|word| !word.is_empty())
        .collect()
}

fn site(origin: SocketAddr, moment_of_grace: u32) -> String {
    format!(
        r#"
backend origin {{
    .host = "{}";
    .port = "{}";
    .first_byte_timeout = 35s;
    .probe = {{ .url = "/readyz"; .interval = 1s; .timeout = 5s; .window = 3; .threshold = 1; .initial = 3; }}
}}
acl purgers {{ "127.0.0.1"; }}
sub moment_of_grace {{ set req.grace = {moment_of_grace}s; }}
"#,
        origin.ip(),
        origin.port()
    )
}

/// Whether what answers there is the Varnish of this secret.
fn is_ours(url: &str, secret: &str) -> bool {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(5)))
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .build()
        .into();
    let request = ureq::http::Request::builder()
        .method("PURGE")
        .uri(url)
        .header("Purge-Secret", secret)
        .body(());
    let answer = agent.run(request.expect("it is one"));
    answer.is_ok_and(|answer| answer.status() == 400)
}
