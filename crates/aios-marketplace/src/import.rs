//! Importing a registry: new agents are published, known ones brought up to date, and what is the same is left alone.

use std::collections::HashMap;
use std::sync::Arc;

use aios_db::profile::in_parts;
use aios_db::store::{agents as store, users};
use aios_db::{AnyConnection, DbResult};
use aios_domain::{Agent, AgentDraft, Caller, ErrorKind, RegistryName, Result, Role, Timestamp, UserId};
use chrono::TimeDelta;
use uuid::Uuid;

use crate::Marketplace;
use crate::caching::Stale;
use crate::registry::{Refusal, Registry, RegistryEntry};

/// Entries that share one transaction.
const BATCH: usize = 100;

/// The author of every agent that was imported.
const IMPORTER: UserId = UserId(Uuid::from_u128(0x019a_b000_0000_7000_8000_0000_0000_00ff));

/// What became of a registry's entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportSummary {
    /// Agents that are new.
    pub created: usize,
    /// Agents of which the registry has a newer version, or says something else.
    pub updated: usize,
    /// Agents that are as they were.
    pub unchanged: usize,
    /// Entries that gave way to a newer version of the same name in the same dump.
    pub superseded: usize,
    /// Entries that can't be imported, with reasons.
    pub refused: Vec<Refusal>,
}

/// Told after each batch: how many entries are done, of how many.
pub type ImportProgress<'a> = &'a mut (dyn FnMut(usize, usize) + Send);

#[derive(Clone, Copy)]
enum Outcome {
    Created,
    Updated,
    Unchanged,
}

impl Marketplace {
    /// Brings the marketplace up to date with a registry. Safe to repeat: entries are matched by the name the registry has for
    /// them, and an older version never replaces a newer one.
    ///
    /// An entry that is refused stops nothing: its batch is tried again one by one.
    ///
    /// # Errors
    /// `Unavailable` where the database is away; what was imported before stays.
    pub async fn import_registry(&self, registry: Registry, progress: ImportProgress<'_>) -> Result<ImportSummary> {
        let mut summary = ImportSummary {
            superseded: registry.superseded,
            refused: registry.refusals,
            ..ImportSummary::default()
        };
        let total = registry.entries.len();
        let entries: Arc<[RegistryEntry]> = registry.entries.into();
        for start in (0..total).step_by(BATCH) {
            let end = (start + BATCH).min(total);
            match self.import_batch(&entries, start, end).await {
                Ok(outcomes) => outcomes.into_iter().for_each(|outcome| summary.add(outcome)),
                Err(error) if matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Overloaded) => {
                    return Err(error);
                }
                Err(_) => self.import_one_by_one(&entries, start, end, &mut summary).await?,
            }
            progress(end, total);
        }
        summary.refused.sort_by_key(|refusal| refusal.position);
        Ok(summary)
    }

    async fn import_one_by_one(
        &self,
        entries: &Arc<[RegistryEntry]>,
        start: usize,
        end: usize,
        summary: &mut ImportSummary,
    ) -> Result<()> {
        for place in start..end {
            match self.import_batch(entries, place, place + 1).await {
                Ok(outcomes) => outcomes.into_iter().for_each(|outcome| summary.add(outcome)),
                Err(error) if matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Overloaded) => {
                    return Err(error);
                }
                Err(error) => summary.refused.extend(entries.get(place).map(|entry| Refusal {
                    position: entry.position,
                    name: Some(entry.registry_name.to_string()),
                    reason: error.detail().to_owned(),
                })),
            }
        }
        Ok(())
    }

    async fn import_batch(&self, entries: &Arc<[RegistryEntry]>, start: usize, end: usize) -> Result<Vec<Outcome>> {
        let (entries, now) = (Arc::clone(entries), self.clock.now());
        self.write(move |c, stale| {
            let batch = entries.get(start..end).unwrap_or_default();
            let importer = Caller {
                id: IMPORTER,
                email: None,
                role: Role::Admin,
            };
            users::user_ensure(c, &importer, now)?;
            let names: Vec<&RegistryName> = batch.iter().map(|entry| &entry.registry_name).collect();
            let known = store::agents_by_registry_names(c, &names)?;
            let import = |entry| import_entry(c, stale, entry, &known, now);
            in_parts(|| batch.iter().map(import).collect())
        })
        .await
    }
}

impl ImportSummary {
    fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Created => self.created += 1,
            Outcome::Updated => self.updated += 1,
            Outcome::Unchanged => self.unchanged += 1,
        }
    }
}

fn import_entry(
    connection: &mut AnyConnection,
    stale: &mut Stale,
    entry: &RegistryEntry,
    known: &HashMap<RegistryName, Agent>,
    now: Timestamp,
) -> DbResult<Outcome> {
    let Some(old) = known.get(&entry.registry_name) else {
        // Listed under the day the registry published it, so that "newest first" tells something.
        let published = entry.released_at.map_or(now, |released| released.min(now));
        let name = Some(&entry.registry_name);
        let agent = store::agent_insert(connection, &entry.draft, IMPORTER, name, published)?;
        stale.agent_published(&agent);
        return Ok(Outcome::Created);
    };
    // Read again under the lock: somebody may be editing it.
    let old = store::agent_find_locked(connection, old.summary.id)?.unwrap_or_else(|| old.clone());
    if entry.draft.version < old.summary.version {
        return Ok(Outcome::Unchanged);
    }
    let new = brought_up_to_date(&old, &entry.draft, now);
    if new
        == (Agent {
            updated_at: new.updated_at,
            ..old.clone()
        })
    {
        return Ok(Outcome::Unchanged);
    }
    store::agent_replace(connection, &old, &new)?;
    stale.agent_edited(&old, &new);
    Ok(Outcome::Updated)
}

/// The agent as the registry has it. What admins decided about it stays: whether it is active, featured, verified.
fn brought_up_to_date(old: &Agent, draft: &AgentDraft, now: Timestamp) -> Agent {
    let mut new = old.clone();
    new.summary.name.clone_from(&draft.name);
    new.summary.description.clone_from(&draft.description);
    new.summary.category.clone_from(&draft.category);
    new.summary.tags.clone_from(&draft.tags);
    new.summary.version.clone_from(&draft.version);
    new.summary.icon_url.clone_from(&draft.icon_url);
    new.summary.capabilities.clone_from(&draft.capabilities);
    new.summary.pricing = draft.pricing;
    new.repository_url.clone_from(&draft.repository_url);
    new.agent_type.clone_from(&draft.agent_type);
    new.requirements.clone_from(&draft.requirements);
    new.configuration_schema.clone_from(&draft.configuration_schema);
    new.license.clone_from(&draft.license);
    new.updated_at = now.max(old.updated_at + TimeDelta::microseconds(1));
    new
}
