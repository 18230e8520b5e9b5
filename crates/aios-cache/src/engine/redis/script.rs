//! The Lua scripts, and how one is called.

use std::sync::LazyLock;

use bytes::Bytes;
use deadpool_redis::redis::{self, Cmd};

/// A script as the servers know it.
#[derive(Debug)]
struct Source {
    text: String,
    hash: String,
}

impl Source {
    fn new(text: String) -> Self {
        let hash = redis::Script::new(&text).get_hash().to_owned();
        Self { text, hash }
    }
}

/// A script in the two forms that servers understand.
#[derive(Debug)]
pub(super) struct Script {
    plain: Source,
    /// With flags, which servers know from 7.0 on.
    flagged: Option<Source>,
}

impl Script {
    fn plain(parts: &[&str]) -> Self {
        Self {
            plain: Source::new(parts.concat()),
            flagged: None,
        }
    }

    /// One that runs on a full server too.
    fn allowed_when_full(parts: &[&str]) -> Self {
        Self {
            flagged: Some(Source::new(format!("#!lua flags=allow-oom\n{}", parts.concat()))),
            ..Self::plain(parts)
        }
    }

    fn source(&self, flags: bool) -> &Source {
        self.flagged.as_ref().filter(|_| flags).unwrap_or(&self.plain)
    }
}

const NUMBER: &str = include_str!("scripts/number.lua");
const BUMP: &str = include_str!("scripts/bump.lua");

/// Every script of the engine. What stores values is refused by a full server, as it should be; what makes them stale is not.
#[derive(Debug)]
pub(super) struct Scripts {
    pub(super) read: Script,
    pub(super) lease: Script,
    pub(super) write: Script,
    pub(super) release: Script,
    pub(super) versions: Script,
    pub(super) invalidate: Script,
    pub(super) check: Script,
}

/// The texts and their hashes never change, so they are made once in a process.
pub(super) static SCRIPTS: LazyLock<Scripts> = LazyLock::new(|| Scripts {
    read: Script::plain(&[include_str!("scripts/read.lua")]),
    lease: Script::plain(&[include_str!("scripts/lease.lua")]),
    write: Script::plain(&[include_str!("scripts/write.lua")]),
    release: Script::plain(&[include_str!("scripts/release.lua")]),
    versions: Script::plain(&[NUMBER, include_str!("scripts/versions.lua")]),
    invalidate: Script::allowed_when_full(&[NUMBER, BUMP, include_str!("scripts/invalidate.lua")]),
    check: Script::allowed_when_full(&[NUMBER, BUMP, include_str!("scripts/check.lua")]),
});

/// A script with what it is called with. All keys are in one slot.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) script: &'static Script,
    pub(super) keys: Vec<String>,
    pub(super) arguments: Vec<Bytes>,
}

impl Call {
    /// The call by the script's hash, which a server may not know yet.
    pub(super) fn by_hash(&self, flags: bool) -> Cmd {
        self.command("EVALSHA", &self.script.source(flags).hash)
    }

    /// The call by the script's text, after which the server knows its hash.
    pub(super) fn by_text(&self, flags: bool) -> Cmd {
        self.command("EVAL", &self.script.source(flags).text)
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(script).arg(self.keys.len()).arg(&self.keys);
        for argument in &self.arguments {
            command.arg(&argument[..]);
        }
        command
    }
}

/// A number as a script's argument.
pub(super) fn argument(number: &impl ToString) -> Bytes {
    Bytes::from(number.to_string())
}
