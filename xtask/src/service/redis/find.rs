//! Where the server program of Redis or Valkey is.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::Failure;

/// Names the program, instead of a look for one; and tells the tests which it is.
pub(crate) const PROGRAM_VARIABLE: &str = "AIOS_TEST_REDIS_SERVER";

/// The oldest version that the cache supports. Valkey began with 7.2.
const OLDEST_SUPPORTED: (u32, u32) = (6, 2);

const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];

/// Where it may be without being on PATH.
const USUAL_PLACES: [&str; 5] = [
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/bin",
    "/opt/homebrew/bin",
    "/home/linuxbrew/.linuxbrew/bin",
];

/// The program that [`PROGRAM_VARIABLE`] names, else the first one that is new enough. One that is named has to be right:
/// anything else would be a surprise.
pub(crate) fn suitable() -> Result<Option<PathBuf>, Failure> {
    if let Some(named) = env::var_os(PROGRAM_VARIABLE).filter(|value| !value.is_empty()) {
        let named = PathBuf::from(named);
        return if is_suitable(&named) {
            Ok(Some(named))
        } else {
            let (major, minor) = OLDEST_SUPPORTED;
            Err(Failure::new(format!(
                "{PROGRAM_VARIABLE} names {}, which is not a server of Redis {major}.{minor} or newer, or of Valkey",
                named.display()
            )))
        };
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let places = env::split_paths(&path).chain(USUAL_PLACES.into_iter().map(PathBuf::from));
    let mut programs = places.flat_map(|place| PROGRAMS.map(|program| place.join(program)));
    Ok(programs.find(|program| program.is_file() && is_suitable(program)))
}

fn is_suitable(program: &Path) -> bool {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output();
    let version = output
        .ok()
        .and_then(|output| version(&String::from_utf8_lossy(&output.stdout)));
    version.is_some_and(|version| version >= OLDEST_SUPPORTED)
}

/// Major and minor version in what `--version` prints, such as `Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 …`.
fn version(output: &str) -> Option<(u32, u32)> {
    let (_, version) = output.split_once(" server v=")?;
    let mut parts = version.split(['.', ' ']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_real_servers() {
        let redis = "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=e08dbad3e06f3fb\n";
        assert_eq!(version(redis), Some((7, 0)));
        assert_eq!(
            version("Valkey server v=8.1.1 sha=00000000:0 malloc=libc bits=64\n"),
            Some((8, 1))
        );
        assert_eq!(version("Redis server v=255.255.255 sha=…"), Some((255, 255)));
    }

    #[test]
    fn something_else_has_none() {
        assert_eq!(version(""), None);
        assert_eq!(version("redis-cli 7.0.15\n"), None);
        assert_eq!(version("Redis server v="), None);
    }

    #[test]
    fn six_one_is_too_old() {
        assert!(version("Redis server v=6.0.16 …").unwrap() < OLDEST_SUPPORTED);
        assert!(version("Redis server v=6.2.0 …").unwrap() >= OLDEST_SUPPORTED);
    }
}
