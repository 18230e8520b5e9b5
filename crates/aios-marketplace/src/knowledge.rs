//! Knowledge entries: the caller's own, and nobody else's.

use std::sync::Arc;

use aios_cache::Cached;
use aios_db::store::{knowledge as store, users};
use aios_domain::{Caller, Error, KnowledgeDraft, KnowledgeEntry, KnowledgeFilter, KnowledgeId, Result, SearchQuery};

use crate::{Listing, Marketplace, PageRequest};

impl Marketplace {
    /// Keeps a text.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn knowledge_create(&self, caller: &Caller, draft: KnowledgeDraft) -> Result<KnowledgeEntry> {
        let (caller, now) = (caller.clone(), self.clock.now());
        self.write(move |c, stale| {
            users::user_ensure(c, &caller, now)?;
            stale.knowledge_changed(caller.id);
            store::knowledge_insert(c, caller.id, &draft, now)
        })
        .await
    }

    /// One of the caller's entries.
    ///
    /// # Errors
    /// `NotFound` where there is none, or it is another user's.
    pub async fn knowledge_get(&self, caller: &Caller, id: KnowledgeId) -> Result<Arc<KnowledgeEntry>> {
        let (user, db) = (caller.id, self.db.clone());
        let load = async move || db.read(move |c| store::knowledge_find(c, user, id)).await;
        let found = self.caches.knowledge(user, id, load).await?;
        found.ok_or_else(|| Error::not_found("content"))
    }

    /// Replaces one of the caller's entries.
    ///
    /// # Errors
    /// `NotFound` where there is none, or it is another user's.
    pub async fn knowledge_replace(
        &self,
        caller: &Caller,
        id: KnowledgeId,
        draft: KnowledgeDraft,
    ) -> Result<KnowledgeEntry> {
        let (user, now) = (caller.id, self.clock.now());
        self.write(move |c, stale| {
            let replaced = store::knowledge_replace(c, user, id, &draft, now)?;
            stale.knowledge_changed(user);
            Ok(replaced.ok_or_else(|| Error::not_found("content"))?)
        })
        .await
    }

    /// Deletes one of the caller's entries.
    ///
    /// # Errors
    /// `NotFound` where there is none, or it is another user's.
    pub async fn knowledge_delete(&self, caller: &Caller, id: KnowledgeId) -> Result<()> {
        let user = caller.id;
        self.write(move |c, stale| {
            if !store::knowledge_delete(c, user, id)? {
                return Err(Error::not_found("content").into());
            }
            stale.knowledge_changed(user);
            Ok(())
        })
        .await
    }

    /// The caller's entries, newest first.
    ///
    /// # Errors
    /// `InvalidCursor`.
    pub async fn knowledge_list(
        &self,
        caller: &Caller,
        filter: KnowledgeFilter,
        page: PageRequest,
    ) -> Result<Cached<Listing<KnowledgeEntry>>> {
        let (me, user, asked) = (self.clone(), caller.id, (filter.clone(), page.clone()));
        let load = async move || {
            me.read_list(move |c, paging| store::knowledge_list(c, paging, user, &filter, &page))
                .await
        };
        self.caches.knowledge_page(user, &asked.0, &asked.1, load).await
    }

    /// The caller's entries that match, best first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn knowledge_search(
        &self,
        caller: &Caller,
        query: SearchQuery,
        limit: u32,
    ) -> Result<Cached<Vec<KnowledgeEntry>>> {
        let (user, db, asked) = (caller.id, self.db.clone(), query.clone());
        let load = async move || db.read(move |c| store::knowledge_search(c, user, &query, limit)).await;
        self.caches.knowledge_found(user, &asked, limit, load).await
    }
}
