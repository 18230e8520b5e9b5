//! cargo-deny over our dependencies: licences, bans, sources, and advisories where their database can be had.

use std::env;
use std::net::{TcpStream, ToSocketAddrs};
use std::process::Stdio;
use std::time::Duration;

use crate::failure::Failure;
use crate::process::{self, Interrupts, cargo};

/// Where the advisory database is fetched from.
const ADVISORY_HOST: (&str, u16) = ("github.com", 443);

/// How long to wait for an answer from there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Checks what can be checked here, and says what could not be.
pub(crate) fn check(interrupts: &mut Interrupts) -> Result<Option<String>, Failure> {
    let advisories = can_connect();
    if !has_cargo_deny() {
        // Building it takes minutes. They are well spent where it brings the advisories, and where nobody waits for them.
        if !(advisories && env::var_os("CI").is_some()) {
            return Ok(Some(
                "SKIPPED: cargo-deny is missing; `cargo install --locked cargo-deny` installs it".to_owned(),
            ));
        }
        process::run_to_success(
            cargo().args(["install", "--locked", "--quiet", "cargo-deny"]),
            interrupts,
        )?;
    }
    process::run_to_success(
        cargo().args(["deny", "check", "licenses", "bans", "sources"]),
        interrupts,
    )?;
    let fetched = advisories && process::run(cargo().args(["deny", "fetch", "db"]), interrupts)?.success();
    if !fetched {
        let host = ADVISORY_HOST.0;
        return Ok(Some(format!(
            "advisories were SKIPPED: their database could not be fetched from {host}"
        )));
    }
    process::run_to_success(
        cargo().args(["deny", "check", "--disable-fetch", "advisories"]),
        interrupts,
    )?;
    Ok(None)
}

fn has_cargo_deny() -> bool {
    let mut probe = cargo();
    probe
        .args(["deny", "--version"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

fn can_connect() -> bool {
    let addresses = ADVISORY_HOST.to_socket_addrs().into_iter().flatten();
    let mut attempts = addresses
        .take(2)
        .map(|address| TcpStream::connect_timeout(&address, CONNECT_TIMEOUT));
    attempts.any(|attempt| attempt.is_ok())
}
