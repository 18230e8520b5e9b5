//! Views: gathered in memory and written in batches, so that a read costs no write.

use std::collections::BTreeMap;

use aios_domain::{AgentId, Result};
use parking_lot::Mutex;

use crate::Marketplace;

/// Views that are not written yet.
#[derive(Default)]
pub(crate) struct ViewCounter(Mutex<BTreeMap<AgentId, i64>>);

impl ViewCounter {
    pub(crate) fn count(&self, agent: AgentId) {
        *self.0.lock().entry(agent).or_default() += 1;
    }

    fn take(&self) -> BTreeMap<AgentId, i64> {
        std::mem::take(&mut *self.0.lock())
    }

    fn give_back(&self, views: &BTreeMap<AgentId, i64>) {
        let mut waiting = self.0.lock();
        for (&agent, &count) in views {
            *waiting.entry(agent).or_default() += count;
        }
    }
}

impl Marketplace {
    /// Counts a view of an agent: once for each time that it is shown to somebody.
    pub fn count_view(&self, agent: AgentId) {
        self.views.count(agent);
    }

    /// Writes the views that were gathered. Called every few seconds and on a clean stop, so that a stop loses none and a
    /// crash at most one interval's.
    ///
    /// # Errors
    /// Those of the database; the views are kept for the next time.
    pub async fn flush_views(&self) -> Result<()> {
        let views = self.views.take();
        if views.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let batch = views.clone();
        let written = self
            .db
            .write_unseen(move |c| aios_db::store::analytics::views_add(c, &batch, now))
            .await;
        if written.is_err() {
            self.views.give_back(&views);
        }
        written
    }
}
