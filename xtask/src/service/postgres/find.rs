//! Where PostgreSQL's server programs are: on PATH, or where packages put them without adding them to PATH.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::iter;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::service::postgres::version;

/// Says which directory to take instead of looking for one.
pub(crate) const DIRECTORY_VARIABLE: &str = "AIOS_TEST_POSTGRES_BIN";

/// Where distributions, Homebrew, Postgres.app and the source keep the programs; `*` stands for one component.
const USUAL_PLACES: [&str; 11] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/lib/postgresql*/bin",
    "/usr/libexec/postgresql*",
    "/usr/pgsql-*/bin",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
    "/opt/local/lib/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/usr/local/bin",
];

/// A directory with `initdb` and `postgres`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binaries {
    directory: PathBuf,
}

impl Binaries {
    pub(crate) fn initdb(&self) -> PathBuf {
        self.directory.join("initdb")
    }

    pub(crate) fn postgres(&self) -> PathBuf {
        self.directory.join("postgres")
    }

    /// Where they are.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// A program that belongs to them, such as `pgbench`, which some packages leave out.
    pub(crate) fn program(&self, name: &str) -> Option<PathBuf> {
        let program = self.directory.join(name);
        program.is_file().then_some(program)
    }

    fn in_directory(directory: PathBuf) -> Option<Self> {
        let binaries = Self { directory };
        let is_complete = binaries.initdb().is_file() && binaries.postgres().is_file();
        is_complete.then(|| binaries.at_home())
    }

    /// Where the programs really are, if these are links to some of them: the others are there.
    fn at_home(self) -> Self {
        let home = fs::canonicalize(self.postgres()).ok();
        let home = home.and_then(|program| program.parent().map(Path::to_path_buf));
        let linked = home.map(|directory| Self { directory });
        linked
            .filter(|linked| linked.initdb().is_file() && linked.postgres().is_file())
            .unwrap_or(self)
    }

    fn major_version(&self) -> Option<u32> {
        let output = Command::new(self.postgres()).arg("--version").output().ok()?;
        version::major(&String::from_utf8_lossy(&output.stdout))
    }
}

/// The directory that [`DIRECTORY_VARIABLE`] names, else the first on PATH that is new enough, else the newest of the
/// usual places that is. A directory that is named has to be right: anything else would be a surprise.
pub(crate) fn newest_suitable() -> Result<Option<Binaries>, Failure> {
    if let Some(directory) = env::var_os(DIRECTORY_VARIABLE).filter(|value| !value.is_empty()) {
        return named(directory.into()).map(Some);
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).filter_map(Binaries::in_directory);
    let usual = USUAL_PLACES.into_iter().flat_map(|pattern| expand(Path::new(pattern)));
    Ok(choose(
        on_path,
        usual.filter_map(Binaries::in_directory),
        Binaries::major_version,
    ))
}

fn named(directory: PathBuf) -> Result<Binaries, Failure> {
    let shown = directory.display().to_string();
    let suitable = Binaries::in_directory(directory).into_iter();
    choose(suitable, iter::empty(), Binaries::major_version).ok_or_else(|| {
        Failure::new(format!(
            "{DIRECTORY_VARIABLE} names {shown}, which has no initdb and postgres of PostgreSQL {} or newer",
            version::OLDEST_SUPPORTED
        ))
    })
}

/// The first of `preferred` that is new enough, else the newest of `others` that is.
fn choose(
    mut preferred: impl Iterator<Item = Binaries>,
    others: impl Iterator<Item = Binaries>,
    major_version: impl Fn(&Binaries) -> Option<u32>,
) -> Option<Binaries> {
    let suitable = |binaries: &Binaries| major_version(binaries).filter(|major| *major >= version::OLDEST_SUPPORTED);
    preferred.find(|binaries| suitable(binaries).is_some()).or_else(|| {
        let with_version = others.filter_map(|binaries| Some((suitable(&binaries)?, binaries)));
        with_version
            .max_by_key(|(major, _)| *major)
            .map(|(_, binaries)| binaries)
    })
}

/// The directories that a pattern of [`USUAL_PLACES`] stands for, in the order of their names.
fn expand(pattern: &Path) -> Vec<PathBuf> {
    let mut found = BTreeSet::from([PathBuf::new()]);
    for component in pattern.components() {
        let component = component.as_os_str().to_string_lossy();
        found = match component.split_once('*') {
            None => found.into_iter().map(|directory| directory.join(&*component)).collect(),
            Some((prefix, suffix)) => found
                .iter()
                .flat_map(|directory| matching(directory, prefix, suffix))
                .collect(),
        };
    }
    found.into_iter().filter(|directory| directory.is_dir()).collect()
}

fn matching(directory: &Path, prefix: &str, suffix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let names = entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()));
    names
        .filter(|name| name.strip_prefix(prefix).is_some_and(|rest| rest.ends_with(suffix)))
        .map(|name| directory.join(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binaries(name: &str) -> Binaries {
        Binaries { directory: name.into() }
    }

    /// The version is the number at the end of the made-up directory's name.
    fn version_by_name(binaries: &Binaries) -> Option<u32> {
        binaries.directory.to_str()?.rsplit('/').next()?.parse().ok()
    }

    fn chosen(preferred: &[&str], others: &[&str]) -> Option<Binaries> {
        let (preferred, others) = (
            preferred.iter().map(|name| binaries(name)),
            others.iter().map(|name| binaries(name)),
        );
        choose(preferred, others, version_by_name)
    }

    #[test]
    fn path_goes_before_newer_ones_elsewhere() {
        assert_eq!(
            chosen(&["/path/14", "/path/15"], &["/usual/17"]),
            Some(binaries("/path/14"))
        );
    }

    #[test]
    fn what_is_too_old_is_passed_over() {
        assert_eq!(
            chosen(&["/path/13"], &["/usual/9", "/usual/14"]),
            Some(binaries("/usual/14"))
        );
        assert_eq!(chosen(&["/path/13"], &["/usual/12"]), None);
    }

    #[test]
    fn elsewhere_the_newest_wins() {
        assert_eq!(
            chosen(&[], &["/usual/14", "/usual/16", "/usual/15"]),
            Some(binaries("/usual/16"))
        );
    }

    #[test]
    fn what_does_not_tell_its_version_is_passed_over() {
        assert_eq!(chosen(&["/path/broken"], &[]), None);
    }

    #[test]
    fn patterns_are_expanded() {
        let root = tempfile::tempdir().unwrap();
        for directory in [
            "postgresql/14/bin",
            "postgresql/15/bin",
            "postgresql/16/lib",
            "other/14/bin",
        ] {
            fs::create_dir_all(root.path().join(directory)).unwrap();
        }
        let expanded = expand(&root.path().join("postgres*/*/bin"));
        assert_eq!(
            expanded,
            [
                root.path().join("postgresql/14/bin"),
                root.path().join("postgresql/15/bin")
            ]
        );
        assert!(expand(&root.path().join("missing/*/bin")).is_empty());
    }

    #[test]
    fn both_programs_have_to_be_there() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("initdb"), "").unwrap();
        assert_eq!(Binaries::in_directory(directory.path().into()), None);
        fs::write(directory.path().join("postgres"), "").unwrap();
        assert!(Binaries::in_directory(directory.path().into()).is_some());
    }
}
