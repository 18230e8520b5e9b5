//! Importing a registry: new agents are published, known ones brought up to date, and what is the same is left alone.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aios_db::store::agents_many::{Edit, Publication, agents_find_locked, agents_write};
use aios_db::store::{agents as store, users};
use aios_db::{AnyConnection, DbResult};
use aios_domain::{Agent, AgentDraft, AgentId, Caller, ErrorKind, RegistryName, Result, Role, Timestamp, UserId};
use chrono::TimeDelta;
use uuid::Uuid;

use crate::Marketplace;
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
            let (new, edits, outcomes) = sort_out(c, batch, now)?;
            for agent in agents_write(c, IMPORTER, &new, &edits)? {
                stale.agent_published(&agent);
            }
            for Edit { old, new } in &edits {
                stale.agent_edited(old, new);
            }
            Ok(outcomes)
        })
        .await
    }
}

/// What of a batch is new, what is edited, and what becomes of each entry.
type Sorted<'a> = (Vec<Publication<'a>>, Vec<Edit>, Vec<Outcome>);

fn sort_out<'a>(connection: &mut AnyConnection, batch: &'a [RegistryEntry], now: Timestamp) -> DbResult<Sorted<'a>> {
    let names: Vec<&RegistryName> = batch.iter().map(|entry| &entry.registry_name).collect();
    let known = store::agents_by_registry_names(connection, &names)?;
    let edits = edits(connection, batch, &known, now)?;
    let mut new = Vec::new();
    let outcomes = batch.iter().map(|entry| match known.get(&entry.registry_name) {
        None => {
            // Listed under the day the registry published it, so that "newest first" tells something.
            let at = entry.released_at.map_or(now, |released| released.min(now));
            new.push(Publication {
                draft: &entry.draft,
                registry_name: &entry.registry_name,
                at,
            });
            Outcome::Created
        }
        Some(old) if edits.contains_key(&old.summary.id) => Outcome::Updated,
        Some(_) => Outcome::Unchanged,
    });
    let outcomes = outcomes.collect();
    Ok((new, edits.into_values().collect(), outcomes))
}

/// The known agents of which the registry says something newer or else.
fn edits(
    connection: &mut AnyConnection,
    batch: &[RegistryEntry],
    known: &HashMap<RegistryName, Agent>,
    now: Timestamp,
) -> DbResult<BTreeMap<AgentId, Edit>> {
    let differing: BTreeMap<AgentId, &RegistryEntry> = batch
        .iter()
        .filter_map(|entry| {
            let old = known.get(&entry.registry_name)?;
            edit(old, &entry.draft, now).map(|_| (old.summary.id, entry))
        })
        .collect();
    // Read again under the lock: somebody may be editing them.
    let ids: Vec<AgentId> = differing.keys().copied().collect();
    let held = agents_find_locked(connection, &ids)?.into_iter();
    let edits = held.filter_map(|old| {
        let id = old.summary.id;
        let new = edit(&old, &differing.get(&id)?.draft, now)?;
        Some((id, Edit { old, new }))
    });
    Ok(edits.collect())
}

/// The agent as the registry has it. `None` where it is that already, or newer.
fn edit(old: &Agent, draft: &AgentDraft, now: Timestamp) -> Option<Agent> {
    if draft.version < old.summary.version {
        return None;
    }
    let new = brought_up_to_date(old, draft, now);
    let unchanged = Agent {
        updated_at: new.updated_at,
        ..old.clone()
    };
    (new != unchanged).then_some(new)
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
