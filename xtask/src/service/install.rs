//! Software from Debian's or Ubuntu's packages, where we are root and may install them.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::process::{self, Interrupts};

/// Where Debian's scripts look whether they may start the service that they have installed.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Says no to all of them.
const NO_SERVICES: &str = "#!/bin/sh\n\
    # Made by `cargo xtask` while it installs packages, so that no service is started. It may be removed.\n\
    exit 101\n";

/// What the tests need, and what it is called elsewhere.
#[derive(Debug)]
pub(crate) struct Software {
    /// What to call it in a message.
    pub(crate) name: &'static str,
    /// What is needed of it, for a sentence: "the tests need …".
    pub(crate) need: &'static str,
    /// The packages' names, with Debian, Homebrew, Fedora, Alpine and Arch.
    pub(crate) apt: &'static str,
    pub(crate) brew: &'static str,
    pub(crate) dnf: &'static str,
    pub(crate) apk: &'static str,
    pub(crate) pacman: &'static str,
    /// The variable that names where it is, and what it names.
    pub(crate) variable: &'static str,
    pub(crate) named: &'static str,
}

impl Software {
    /// Installs it and finds it, or fails with a sentence that says what to run.
    pub(crate) fn install_and_find<T>(
        &self,
        find: impl FnOnce() -> Result<Option<T>, Failure>,
        interrupts: &mut Interrupts,
    ) -> Result<T, Failure> {
        let may_install = rustix::process::geteuid().is_root() && Path::new("/usr/bin/apt-get").exists();
        if may_install {
            eprintln!("xtask: {} is missing; installing it by apt-get", self.name);
            if self.install(interrupts)?
                && let Some(found) = find()?
            {
                return Ok(found);
            }
        }
        Err(Failure::new(self.instruction()))
    }

    fn install(&self, interrupts: &mut Interrupts) -> Result<bool, Failure> {
        let _no_services = Policy::without_services();
        let mut install = vec!["install", "--yes", "--no-install-recommends"];
        install.extend(self.apt.split(' '));
        // Package lists that are new enough save the slower half; that is why the update comes second.
        Ok(apt_get(&install, interrupts)? || (apt_get(&["update"], interrupts)? && apt_get(&install, interrupts)?))
    }

    fn instruction(&self) -> String {
        let command = if Path::new("/opt/homebrew").is_dir() || cfg!(target_os = "macos") {
            format!("brew install {}", self.brew)
        } else if Path::new("/usr/bin/dnf").exists() {
            format!("sudo dnf install {}", self.dnf)
        } else if Path::new("/sbin/apk").exists() {
            format!("apk add {}", self.apk)
        } else if Path::new("/usr/bin/pacman").exists() {
            format!("sudo pacman -S {}", self.pacman)
        } else {
            format!("sudo apt-get install {}", self.apt)
        };
        let Self {
            need, named, variable, ..
        } = self;
        format!("the tests need {need}: run `{command}`, or name {named} in {variable}")
    }
}

/// Debian starts a service when it is installed, also in a container, unless a file forbids it. It is there as long as this
/// value; one that was there before stays as it is.
struct Policy {
    is_ours: bool,
}

impl Policy {
    fn without_services() -> Self {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o755).open(POLICY);
        let is_ours = file.and_then(|mut file| file.write_all(NO_SERVICES.as_bytes())).is_ok();
        Self { is_ours }
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        if self.is_ours {
            let _ = fs::remove_file(POLICY);
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instruction_is_one_sentence_with_a_command() {
        let software = Software {
            name: "Thing",
            need: "a thing-server",
            apt: "thing",
            brew: "thing",
            dnf: "thing",
            apk: "thing",
            pacman: "thing",
            variable: "AIOS_TEST_THING",
            named: "its path",
        };
        let instruction = software.instruction();
        assert!(
            instruction.starts_with("the tests need a thing-server: run `"),
            "{instruction}"
        );
        assert!(
            instruction.ends_with(" thing`, or name its path in AIOS_TEST_THING"),
            "{instruction}"
        );
    }
}
