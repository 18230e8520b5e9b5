//! Knowledge entries: the caller's own, and nobody else's.

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
        self.db
            .write(move |c| {
                users::user_ensure(c, &caller, now)?;
                store::knowledge_insert(c, caller.id, &draft, now)
            })
            .await
    }

    /// One of the caller's entries.
    ///
    /// # Errors
    /// `NotFound` where there is none, or it is another user's.
    pub async fn knowledge_get(&self, caller: &Caller, id: KnowledgeId) -> Result<KnowledgeEntry> {
        let user = caller.id;
        self.db
            .read(move |c| store::knowledge_find(c, user, id))
            .await?
            .ok_or_else(|| Error::not_found("content"))
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
        self.db
            .write(move |c| store::knowledge_replace(c, user, id, &draft, now))
            .await?
            .ok_or_else(|| Error::not_found("content"))
    }

    /// Deletes one of the caller's entries.
    ///
    /// # Errors
    /// `NotFound` where there is none, or it is another user's.
    pub async fn knowledge_delete(&self, caller: &Caller, id: KnowledgeId) -> Result<()> {
        let user = caller.id;
        let deleted = self.db.write(move |c| store::knowledge_delete(c, user, id)).await?;
        if deleted {
            Ok(())
        } else {
            Err(Error::not_found("content"))
        }
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
    ) -> Result<Listing<KnowledgeEntry>> {
        let user = caller.id;
        self.read_list(move |c, paging| store::knowledge_list(c, paging, user, &filter, &page))
            .await
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
    ) -> Result<Vec<KnowledgeEntry>> {
        let user = caller.id;
        self.db
            .read(move |c| store::knowledge_search(c, user, &query, limit))
            .await
    }
}
