//! Views: gathered in memory and written in batches, so that a read costs no write.

use std::collections::BTreeMap;
use std::sync::Arc;

use aios_db::AnyConnection;
use aios_db::profile::in_parts;
use aios_db::store::analytics::{GatheredViews, views_add};
use aios_domain::{AgentId, EventId, Result, Timestamp};
use parking_lot::Mutex;

use crate::Marketplace;

/// Agents whose views are written in one transaction, which keeps other writers from them for some milliseconds.
const AGENTS_AT_ONCE: usize = 200;

/// Views that are not known to be written.
#[derive(Default)]
pub(crate) struct ViewCounter(Mutex<State>);

#[derive(Default)]
struct State {
    gathered: BTreeMap<AgentId, i64>,
    /// A batch that is being written, or whose writer went away or failed. It may have been committed all the same, where only
    /// the answer was lost; it is written again as it is, and the database passes over what it has.
    writing: Option<Arc<Batch>>,
}

/// What is written at one go.
struct Batch {
    views: BTreeMap<AgentId, GatheredViews>,
    at: Timestamp,
}

impl ViewCounter {
    pub(crate) fn count(&self, agent: AgentId) {
        *self.0.lock().gathered.entry(agent).or_default() += 1;
    }

    /// The batch that is not known to be written.
    fn unsure(&self) -> Option<Arc<Batch>> {
        self.0.lock().writing.clone()
    }

    /// What was gathered since the last batch, as the next one. Where one is not known to be written, that is the next.
    fn gathered(&self, now: Timestamp) -> Option<Arc<Batch>> {
        let mut state = self.0.lock();
        if state.writing.is_some() || state.gathered.is_empty() {
            return state.writing.clone();
        }
        let gathered = std::mem::take(&mut state.gathered).into_iter();
        let named = |(agent, count)| {
            (
                agent,
                GatheredViews {
                    id: EventId::new(),
                    count,
                },
            )
        };
        let batch = Arc::new(Batch {
            views: gathered.map(named).collect(),
            at: now,
        });
        state.writing = Some(Arc::clone(&batch));
        Some(batch)
    }

    fn written(&self, batch: &Arc<Batch>) {
        let mut state = self.0.lock();
        // Another flush may have written it too, and begun with the next.
        if state
            .writing
            .as_ref()
            .is_some_and(|writing| Arc::ptr_eq(writing, batch))
        {
            state.writing = None;
        }
    }
}

impl Marketplace {
    /// Counts a view of an agent: once for each time that it is shown to somebody.
    pub fn count_view(&self, agent: AgentId) {
        self.views.count(agent);
    }

    /// Writes the views that were gathered. Called every few seconds and on a clean stop, so that a stop loses none and a
    /// crash at most one interval's. None is counted twice, also where the connection breaks between a commit and its answer,
    /// or the caller goes away.
    ///
    /// # Errors
    /// Those of the database; the views are kept for the next time.
    pub async fn flush_views(&self) -> Result<()> {
        if let Some(batch) = self.views.unsure() {
            self.write_views(batch).await?;
        }
        if let Some(batch) = self.views.gathered(self.clock.now()) {
            self.write_views(batch).await?;
        }
        Ok(())
    }

    async fn write_views(&self, batch: Arc<Batch>) -> Result<()> {
        let (views, at) = (batch.views.iter(), batch.at);
        let views: Vec<(AgentId, GatheredViews)> = views.map(|(agent, views)| (*agent, *views)).collect();
        // Where one of the transactions fails, all are run again, and those that were committed add nothing.
        for some in views.chunks(AGENTS_AT_ONCE) {
            let some = some.iter().copied().collect();
            let add = move |c: &mut AnyConnection| in_parts(|| views_add(c, &some, at));
            self.db.write_unseen(add).await?;
        }
        self.views.written(&batch);
        Ok(())
    }
}
