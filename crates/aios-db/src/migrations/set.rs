//! The migrations themselves: those embedded into the program, or those in a directory; their names, checksums and SQL.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use diesel::backend::Backend;
use diesel::migration::{Migration, MigrationSource};
use diesel_migrations::{EmbeddedMigrations, FileBasedMigrations, embed_migrations};

use crate::connection::DatabaseKind;
use crate::migrations::MigrationError;

include!(concat!(env!("OUT_DIR"), "/migration_texts.rs"));

const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");
const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// Migrations in their order.
pub(crate) struct MigrationSet {
    /// The name of each and the text of its way forward.
    texts: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    source: Source,
}

enum Source {
    Embedded(&'static EmbeddedMigrations),
    Directory(FileBasedMigrations),
}

impl MigrationSet {
    /// This program's migrations.
    pub(crate) fn embedded(kind: DatabaseKind) -> Self {
        let (texts, source) = match kind {
            DatabaseKind::Postgres => (POSTGRES_TEXTS, &POSTGRES),
            DatabaseKind::Sqlite => (SQLITE_TEXTS, &SQLITE),
        };
        let borrowed = texts.iter().map(|&(name, up)| (Cow::Borrowed(name), Cow::Borrowed(up)));
        Self {
            texts: borrowed.collect(),
            source: Source::Embedded(source),
        }
    }

    /// The migrations in a directory: folders with `up.sql`, `down.sql` and, where it is needed, `metadata.toml`.
    pub(crate) fn in_directory(directory: &Path) -> Result<Self, MigrationError> {
        let unreadable = |cause: Box<dyn std::error::Error + Send + Sync>| MigrationError::Unreadable {
            path: directory.to_owned(),
            cause,
        };
        let files = FileBasedMigrations::from_path(directory).map_err(|error| unreadable(error.into()))?;
        let mut texts = Vec::new();
        for entry in fs::read_dir(directory).map_err(|error| unreadable(error.into()))? {
            let path = entry.map_err(|error| unreadable(error.into()))?.path();
            let Some(name) = path.file_name().filter(|_| path.join("up.sql").is_file()) else {
                continue;
            };
            let up = fs::read_to_string(path.join("up.sql")).map_err(|error| unreadable(error.into()))?;
            texts.push((Cow::Owned(name.to_string_lossy().into_owned()), Cow::Owned(up)));
        }
        texts.sort();
        Ok(Self {
            texts,
            source: Source::Directory(files),
        })
    }

    /// Name and checksum of each.
    pub(crate) fn checksums(&self) -> impl Iterator<Item = (&str, i64)> {
        let texts = self.texts.iter();
        texts.map(|(name, up)| (name.as_ref(), checksum(up).cast_signed()))
    }

    pub(crate) fn checksum_of(&self, name: &str) -> Option<i64> {
        Some(checksum(self.text_of(name)?).cast_signed())
    }

    /// The index that this migration makes concurrently, if that is what it does.
    pub(crate) fn concurrent_index(&self, name: &str) -> Option<String> {
        concurrent_index(self.text_of(name)?)
    }

    /// The migration as diesel runs it.
    pub(crate) fn find<DB: Backend>(&self, name: &str) -> Result<Box<dyn Migration<DB>>, MigrationError> {
        let failed = |cause| MigrationError::Failed {
            name: name.to_owned(),
            cause,
        };
        let all = match &self.source {
            Source::Embedded(source) => MigrationSource::<DB>::migrations(*source),
            Source::Directory(source) => MigrationSource::<DB>::migrations(source),
        };
        let mut all = all.map_err(failed)?.into_iter();
        let found = all.find(|migration| migration.name().to_string() == name);
        found.ok_or_else(|| failed("it is not among this program's migrations".into()))
    }

    fn text_of(&self, name: &str) -> Option<&str> {
        self.texts
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, up)| up.as_ref())
    }
}

/// The names of this program's migrations.
pub(crate) fn embedded_names(kind: DatabaseKind) -> impl Iterator<Item = &'static str> {
    embedded_texts(kind).iter().map(|(name, _)| *name)
}

/// A number that differs where two programs have different migrations.
pub(crate) fn embedded_fingerprint(kind: DatabaseKind) -> u64 {
    embedded_texts(kind).iter().fold(0, |fingerprint: u64, (_, up)| {
        fingerprint.rotate_left(7).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ checksum(up)
    })
}

fn embedded_texts(kind: DatabaseKind) -> &'static [(&'static str, &'static str)] {
    match kind {
        DatabaseKind::Postgres => POSTGRES_TEXTS,
        DatabaseKind::Sqlite => SQLITE_TEXTS,
    }
}

/// The version in a migration's name, as diesel writes it down: what stands before the first underscore, without dashes.
pub(crate) fn version_of(name: &str) -> String {
    name.split('_').next().unwrap_or_default().replace('-', "")
}

/// FNV-1a of the bytes without carriage returns, so that a checkout on Windows has the same checksum.
fn checksum(text: &str) -> u64 {
    let bytes = text.bytes().filter(|byte| *byte != b'\r');
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The index that `CREATE [UNIQUE] INDEX CONCURRENTLY [IF NOT EXISTS] NAME` makes. `cargo xtask migrate lint` sees to it that
/// such a statement stands alone in its file.
fn concurrent_index(up: &str) -> Option<String> {
    let code = up.lines().map(|line| line.split("--").next().unwrap_or_default());
    let code: String = code.collect::<Vec<_>>().join(" ");
    let mut words = code.split_whitespace();
    let mut next_is = |expected: &str| words.next().filter(|word| word.eq_ignore_ascii_case(expected));
    next_is("CREATE")?;
    let words: Vec<&str> = words.collect();
    let says = |word: &str, expected: &str| word.eq_ignore_ascii_case(expected);
    let name = match words.as_slice() {
        [unique, rest @ ..] if says(unique, "UNIQUE") => rest,
        all => all,
    };
    let name = match name {
        [index, concurrently, rest @ ..] if says(index, "INDEX") && says(concurrently, "CONCURRENTLY") => rest,
        _ => return None,
    };
    let name = match name {
        [a, b, c, rest @ ..] if says(a, "IF") && says(b, "NOT") && says(c, "EXISTS") => rest,
        all => all,
    };
    name.first()
        .filter(|word| !says(word, "ON"))
        .map(|word| (*word).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_the_digits() {
        assert_eq!(version_of("2026-11-23-000100_users"), "20261123000100");
        assert_eq!(version_of("2026-11-23-000800_agent_search"), "20261123000800");
    }

    #[test]
    fn our_reading_of_versions_is_diesels() {
        let migrations = MigrationSource::<diesel::pg::Pg>::migrations(&POSTGRES).unwrap();
        assert!(!migrations.is_empty());
        for migration in migrations {
            assert_eq!(
                version_of(&migration.name().to_string()),
                migration.name().version().to_string()
            );
        }
    }

    #[test]
    fn the_ends_of_lines_do_not_matter_and_all_else_does() {
        assert_eq!(
            checksum("CREATE TABLE a ();\n-- b\n"),
            checksum("CREATE TABLE a ();\r\n-- b\r\n")
        );
        assert_ne!(checksum("CREATE TABLE a ();\n"), checksum("CREATE TABLE b ();\n"));
        // FNV-1a's published value of "a".
        assert_eq!(checksum("a"), 0xaf63_dc4c_8601_ec8c);
    }

    #[test]
    fn an_index_that_is_made_concurrently_is_found() {
        for (up, index) in [
            ("-- why\nCREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a);", Some("i")),
            ("create unique index concurrently\n  i on t (a)", Some("i")),
            ("CREATE INDEX i ON t (a)", None),
            ("CREATE INDEX CONCURRENTLY ON t (a)", None),
            ("DROP INDEX CONCURRENTLY IF EXISTS i", None),
            ("-- CREATE INDEX CONCURRENTLY i ON t (a)", None),
            ("", None),
        ] {
            assert_eq!(concurrent_index(up).as_deref(), index, "{up}");
        }
    }
}
