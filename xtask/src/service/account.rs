//! Under whose name a server runs: PostgreSQL refuses to run as root.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::failure::Failure;

/// Accounts that may run a server, the most fitting one first.
const UNPRIVILEGED: [&str; 3] = ["postgres", "nobody", "daemon"];

/// The account that a server runs under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Account {
    /// Our own.
    Own,
    /// Somebody else's, because we are root.
    Other { user: u32, group: u32 },
}

impl Account {
    /// Our own account, unless we are root.
    pub(crate) fn unprivileged() -> Result<Self, Failure> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Own);
        }
        let passwd = fs::read_to_string("/etc/passwd").map_err(Failure::because("cannot read /etc/passwd"))?;
        find_unprivileged(&passwd).ok_or_else(|| {
            Failure::new(
                "servers do not run as root and there is no other account: run `useradd --system postgres` first",
            )
        })
    }

    /// Makes a program run under this account.
    pub(crate) fn apply(self, command: &mut Command) -> &mut Command {
        match self {
            Self::Own => command,
            Self::Other { user, group } => command.uid(user).gid(group),
        }
    }

    /// A temporary directory that belongs to this account, in the first place that the account can reach.
    pub(crate) fn temporary_directory(self) -> Result<TempDir, Failure> {
        let places = [std::env::temp_dir(), PathBuf::from("/tmp"), PathBuf::from("/var/tmp")];
        for place in places {
            let Ok(directory) = tempfile::Builder::new().prefix("aios-test-").tempdir_in(place) else {
                continue;
            };
            if self.owns(directory.path()) {
                return Ok(directory);
            }
        }
        Err(Failure::new(
            "found no temporary directory that an unprivileged account can write to: point TMPDIR to one",
        ))
    }

    /// Gives a directory to the account, and finds out whether the account can then write to it.
    fn owns(self, directory: &Path) -> bool {
        if let Self::Other { user, group } = self
            && chown(directory, Some(user), Some(group)).is_err()
        {
            return false;
        }
        let mut probe = Command::new("test");
        probe
            .arg("-w")
            .arg(directory)
            .current_dir("/")
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        self.apply(&mut probe).status().is_ok_and(|status| status.success())
    }
}

/// The best account of an /etc/passwd.
fn find_unprivileged(passwd: &str) -> Option<Account> {
    let find = |wanted: &str| {
        passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let (user, group) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
            (name == wanted && user != 0).then_some(Account::Other { user, group })
        })
    };
    UNPRIVILEGED.into_iter().find_map(find)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
        daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n\
        nobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin\n";

    #[test]
    fn postgres_is_preferred() {
        let passwd = format!("{PASSWD}postgres:x:101:104:PostgreSQL:/var/lib/postgresql:/bin/bash\n");
        assert_eq!(
            find_unprivileged(&passwd),
            Some(Account::Other { user: 101, group: 104 })
        );
    }

    #[test]
    fn nobody_will_do() {
        assert_eq!(
            find_unprivileged(PASSWD),
            Some(Account::Other {
                user: 65534,
                group: 65533
            })
        );
    }

    #[test]
    fn root_by_another_name_will_not() {
        assert_eq!(find_unprivileged("nobody:x:0:0:::\nbroken line\n"), None);
    }

    #[test]
    fn the_directory_can_be_written_to_by_the_account() {
        let account = Account::unprivileged().unwrap();
        let directory = account.temporary_directory().unwrap();
        let mut touch = Command::new("touch");
        touch.arg(directory.path().join("file"));
        assert!(account.apply(&mut touch).status().unwrap().success());
    }
}
