//! PostgreSQL from Debian's or Ubuntu's packages, where we are root and may install them.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::process::{self, Interrupts};
use crate::service::postgres::find::{self, Binaries};
use crate::service::postgres::version::OLDEST_SUPPORTED;

/// What to do about it when we cannot.
fn instruction() -> String {
    let command = if Path::new("/opt/homebrew").is_dir() || cfg!(target_os = "macos") {
        "brew install postgresql@17"
    } else if Path::new("/usr/bin/dnf").exists() {
        "sudo dnf install postgresql-server postgresql-contrib"
    } else if Path::new("/sbin/apk").exists() {
        "apk add postgresql postgresql-contrib"
    } else if Path::new("/usr/bin/pacman").exists() {
        "sudo pacman -S postgresql"
    } else {
        "sudo apt-get install postgresql"
    };
    format!(
        "the tests need the server programs of PostgreSQL {OLDEST_SUPPORTED} or newer: run `{command}`, \
         or name their directory in {}",
        find::DIRECTORY_VARIABLE
    )
}

/// Installs PostgreSQL, or fails with a sentence that says what to run.
pub(crate) fn from_packages(interrupts: &mut Interrupts) -> Result<Binaries, Failure> {
    let may_install = rustix::process::geteuid().is_root() && Path::new("/usr/bin/apt-get").exists();
    if may_install {
        eprintln!("xtask: PostgreSQL is missing; installing it by apt-get");
        // Package lists that are new enough save the slower half; that is why the update comes second.
        let installed = apt_get(
            &["install", "--yes", "--no-install-recommends", "postgresql"],
            interrupts,
        )? || (apt_get(&["update"], interrupts)?
            && apt_get(
                &["install", "--yes", "--no-install-recommends", "postgresql"],
                interrupts,
            )?);
        if installed && let Some(binaries) = find::newest_suitable()? {
            return Ok(binaries);
        }
    }
    Err(Failure::new(instruction()))
}

/// Runs apt-get so that it asks nothing and waits for another one to finish; its output is shown when it fails.
fn apt_get(arguments: &[&str], interrupts: &mut Interrupts) -> Result<bool, Failure> {
    let mut command = Command::new("/usr/bin/apt-get");
    command
        .args(["-qq", "-o", "DPkg::Lock::Timeout=120", "-o", "Dpkg::Use-Pty=0"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdout(Stdio::null());
    Ok(process::run(&mut command, interrupts)?.success())
}
