//! Where the server is while it answers the cached listing, by Linux' perf.

use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use aios_benches::closed::ClosedPlan;
use aios_benches::error::{BenchError, Result};
use aios_benches::exchange::Client;
use aios_benches::request::Request;

use crate::options::{Options, seconds};
use crate::rows::LISTING;
use crate::servers::{Setup, Stage};
use crate::{print, programs, say};

/// Lines of the report that are printed.
const LINES: usize = 60;

/// Records for as long as a row counts, and prints the symbols in which most of the time was spent.
pub(crate) fn run(options: &Options, stage: &Stage) -> Result<()> {
    let perf = programs::on_path("perf").ok_or_else(|| {
        BenchError::new("perf is not on this machine; it comes with the package linux-perf or linux-tools")
    })?;
    let server = stage.service(Setup::Cached)?;
    let request = Request::new("GET", LISTING, &server.address.to_string())
        .header("Accept-Encoding", "br")
        .done();
    Client::new(server.address).send(&request)?;
    let time = seconds(options.seconds);
    let plan = ClosedPlan {
        address: server.address,
        connections: options.connections,
        warm_up: Duration::from_millis(500),
        measure: time + Duration::from_secs(1),
        requests: vec![request],
        status: 200,
        watch: Some(server.pid()),
    };
    let load = thread::spawn(move || programs::load(plan));
    thread::sleep(Duration::from_secs(1));
    let recorded = stage.directory.path().join("perf.data");
    let status = Command::new(&perf)
        .args([
            "record",
            "--quiet",
            "-g",
            "--freq=997",
            "-p",
            &server.pid().to_string(),
            "-o",
        ])
        .arg(&recorded)
        .args(["--", "sleep", &time.as_secs_f64().to_string()])
        .stdout(Stdio::null())
        .status()
        .map_err(BenchError::because("can't run perf"))?;
    let outcome = load.join().map_err(|_| BenchError::new("the load was lost"))??;
    if !status.success() {
        return Err(BenchError::new(
            "perf may not record: as root, or after sysctl kernel.perf_event_paranoid=1, it does",
        ));
    }
    say(&format!(
        "{} answers in {:.1} s while it was recorded",
        outcome.answers, outcome.seconds
    ));
    for (what, more) in [
        ("by symbol", &["--no-children"][..]),
        ("with all that it calls", &["--children"]),
    ] {
        let output = Command::new(&perf)
            .args(["report", "--stdio", "-g", "none", "--percent-limit=0.4", "-i"])
            .arg(&recorded)
            .args(more)
            .output()
            .map_err(BenchError::because("can't run perf report"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let lines = text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        print(&format!(
            "\n{what}\n{}",
            lines.take(LINES).collect::<Vec<_>>().join("\n")
        ));
    }
    Ok(())
}
