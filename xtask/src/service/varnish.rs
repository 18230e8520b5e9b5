//! The program varnishd with its module xkey: the tests start servers of their own.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::process::Interrupts;
use crate::service::install::Software;

/// Names the program, instead of a look for one; and tells the tests which it is.
pub(crate) const PROGRAM_VARIABLE: &str = "AIOS_TEST_VARNISHD";

/// The oldest version that our configuration is written for.
const OLDEST_SUPPORTED: (u32, u32) = (7, 0);

/// Where it may be without being on PATH.
const USUAL_PLACES: [&str; 5] = [
    "/usr/sbin",
    "/usr/bin",
    "/usr/local/sbin",
    "/opt/homebrew/sbin",
    "/home/linuxbrew/.linuxbrew/sbin",
];

/// A configuration that needs the module.
const WITH_XKEY: &str = "vcl 4.1;\nimport xkey;\nbackend none none;\n";

const SOFTWARE: Software = Software {
    name: "Varnish",
    need: "varnishd of Varnish 7.0 or newer with the module xkey",
    apt: "varnish varnish-modules",
    brew: "varnish",
    dnf: "varnish varnish-modules",
    apk: "varnish",
    pacman: "varnish",
    variable: PROGRAM_VARIABLE,
    named: "the path of varnishd",
};

/// Finds the program, or installs it.
pub(crate) fn program(interrupts: &mut Interrupts) -> Result<PathBuf, Failure> {
    match suitable()? {
        Some(program) => Ok(program),
        None => SOFTWARE.install_and_find(suitable, interrupts),
    }
}

/// The program that [`PROGRAM_VARIABLE`] names, else the first one that will do. One that is named has to be right: anything
/// else would be a surprise.
fn suitable() -> Result<Option<PathBuf>, Failure> {
    if let Some(named) = env::var_os(PROGRAM_VARIABLE).filter(|value| !value.is_empty()) {
        let named = PathBuf::from(named);
        return if is_suitable(&named) {
            Ok(Some(named))
        } else {
            Err(Failure::new(format!(
                "{PROGRAM_VARIABLE} names {}, which is not {}",
                named.display(),
                SOFTWARE.need
            )))
        };
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let places = env::split_paths(&path).chain(USUAL_PLACES.into_iter().map(PathBuf::from));
    let mut programs = places.map(|place| place.join("varnishd"));
    Ok(programs.find(|program| program.is_file() && is_suitable(program)))
}

fn is_suitable(program: &Path) -> bool {
    // It says its version on standard error.
    let output = Command::new(program).arg("-V").stdin(Stdio::null()).output();
    let version = output
        .ok()
        .and_then(|output| version(&String::from_utf8_lossy(&output.stderr)));
    version.is_some_and(|version| version >= OLDEST_SUPPORTED) && has_xkey(program)
}

/// Whether it takes a configuration with the module. Nothing is compiled or started for that.
fn has_xkey(program: &Path) -> bool {
    let Ok(directory) = tempfile::tempdir() else {
        return false;
    };
    let configuration = directory.path().join("xkey.vcl");
    if fs::write(&configuration, WITH_XKEY).is_err() {
        return false;
    }
    let mut command = Command::new(program);
    command
        .arg("-C")
        .arg("-n")
        .arg(directory.path().join("work"))
        .arg("-f")
        .arg(configuration)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Major and minor version in what `-V` prints, such as `varnishd (varnish-7.1.1 revision 7cee1c58)`.
fn version(output: &str) -> Option<(u32, u32)> {
    let (_, version) = output.split_once("(varnish-")?;
    let mut parts = version.split(['.', ' ', ')']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_real_servers() {
        assert_eq!(
            version("varnishd (varnish-7.1.1 revision 7cee1c581bead20e)\nCopyright"),
            Some((7, 1))
        );
        assert_eq!(
            version("varnishd (varnish-6.0.11 revision a3bc025c2df28e4a)\n"),
            Some((6, 0))
        );
        assert_eq!(version("varnishd (varnish-trunk revision 1)\n"), None);
        assert_eq!(version("Redis server v=7.0.15 sha=0\n"), None);
    }

    #[test]
    fn a_program_that_is_none_will_not_do() {
        assert!(!is_suitable(Path::new("/bin/true")) && !is_suitable(Path::new("/no/such/file")));
    }
}
