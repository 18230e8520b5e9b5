//! Reading a public Model Context Protocol registry: a dump of servers becomes drafts of agents, and refusals with
//! reasons.
//!
//! Nothing here touches a database. What is derived, and by which rules, stands in `docs/import.md`.

mod concepts;
mod derive;
mod document;
mod entry;
mod name;
mod settings;
mod words;

use std::collections::HashMap;
use std::fmt;

use aios_domain::{AgentDraft, RegistryName, Result, Timestamp};

/// A server of the registry as an agent that may be published.
#[derive(Clone, Debug, PartialEq)]
pub struct RegistryEntry {
    /// The name under which the registry publishes it; the same server has the same name in every dump.
    pub registry_name: RegistryName,
    /// The agent.
    pub draft: AgentDraft,
    /// When this version was published, where the dump says it.
    pub released_at: Option<Timestamp>,
    /// Whether the registry calls this version the latest, where it says so.
    pub is_latest: Option<bool>,
    /// Its place in the dump, counted from 1.
    pub position: usize,
}

/// An entry that can't be imported, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The entry's place in the dump, counted from 1.
    pub position: usize,
    /// Its name, where it has one.
    pub name: Option<String>,
    /// What is wrong with it: `packages[0].version must be text`.
    pub reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_deref().unwrap_or("without a name");
        write!(f, "entry {} ({name}): {}", self.position, self.reason)
    }
}

/// What a dump holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Registry {
    /// One entry a name, the newest version of each, in the order of the dump.
    pub entries: Vec<RegistryEntry>,
    /// What can't be imported.
    pub refusals: Vec<Refusal>,
    /// How many entries gave way to a newer version of the same name.
    pub superseded: usize,
}

impl Registry {
    /// Reads a dump in any of the formats that registries have used: an array of entries, a listing
    /// (`{"servers": [...]}`), or one `server.json` object.
    ///
    /// An entry that is not acceptable becomes a [`Refusal`] and stops nothing.
    ///
    /// ```
    /// use aios_marketplace::registry::Registry;
    ///
    /// let dump = br#"[
    ///     {"name": "org.example/postgres-mcp", "description": "Query PostgreSQL databases.", "version": "1.2.0"},
    ///     {"name": "org.example/postgres-mcp", "description": "Query PostgreSQL.", "version": "1.1.0"},
    ///     {"name": ""}
    /// ]"#;
    /// let registry = Registry::read(dump)?;
    /// assert_eq!(registry.entries[0].draft.name.as_str(), "PostgreSQL");
    /// assert_eq!(registry.entries[0].draft.version.as_str(), "1.2.0");
    /// assert_eq!((registry.superseded, registry.refusals.len()), (1, 1));
    /// # Ok::<(), aios_domain::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`](aios_domain::ErrorKind::Malformed) where the whole is not JSON, or in none of the
    /// formats.
    pub fn read(dump: &[u8]) -> Result<Self> {
        let mut registry = Self::default();
        let mut places: HashMap<RegistryName, usize> = HashMap::new();
        for (index, value) in document::entries(dump)?.iter().enumerate() {
            match entry::read(index + 1, value) {
                Ok(entry) => registry.keep_newest(&mut places, entry),
                Err(invalid) => registry.refusals.push(Refusal {
                    position: index + 1,
                    name: document::name_of(value),
                    reason: invalid.to_string(),
                }),
            }
        }
        Ok(registry)
    }

    fn keep_newest(&mut self, places: &mut HashMap<RegistryName, usize>, entry: RegistryEntry) {
        let known = places.get(&entry.registry_name).copied();
        match known.and_then(|place| self.entries.get_mut(place)) {
            None => {
                places.insert(entry.registry_name.clone(), self.entries.len());
                self.entries.push(entry);
            }
            Some(kept) => {
                self.superseded += 1;
                if newness(&entry) >= newness(kept) {
                    *kept = entry;
                }
            }
        }
    }
}

/// What decides between two entries of one name: the version, then the registry's word, then the date. Of two that are
/// equal in all of it the later in the dump is kept.
///
/// The version comes before the registry's word since the same order must hold between a dump and what was imported
/// from an earlier one, and "latest" in two dumps of different days can't be compared.
fn newness(entry: &RegistryEntry) -> impl Ord + '_ {
    (
        &entry.draft.version,
        entry.is_latest.unwrap_or(false),
        entry.released_at,
    )
}

#[cfg(test)]
mod tests;
