//! Reviews: written and read.

use aios_cache::Cached;
use aios_db::store::analytics::{NewEvent, events_insert};
use aios_db::store::{reviews as store, users};
use aios_domain::{AgentId, Caller, EventKind, JsonObject, Rating, Result, Review, ReviewDraft};

use crate::{Listing, Marketplace, PageRequest};

impl Marketplace {
    /// Writes the caller's review of an agent, or rewrites it.
    ///
    /// # Errors
    /// `NotFound` where the agent is not active.
    pub async fn review_write(&self, caller: &Caller, agent: AgentId, draft: ReviewDraft) -> Result<Review> {
        let (caller, now) = (caller.clone(), self.clock.now());
        self.write(move |c, stale| {
            users::user_ensure(c, &caller, now)?;
            let review = store::review_put(c, caller.id, agent, &draft, now)?;
            let event = |kind| NewEvent {
                agent,
                user: caller.id,
                kind,
                data: JsonObject::default(),
                at: now,
            };
            let mut events = vec![event(EventKind::Rate)];
            events.extend(draft.review_text.as_ref().map(|_| event(EventKind::Review)));
            events_insert(c, &events)?;
            stale.review_written(caller.id, agent);
            Ok(review)
        })
        .await
    }

    /// The reviews of an active agent, newest first: all, or those with one rating.
    ///
    /// # Errors
    /// `NotFound` where the agent is not active; `InvalidCursor`.
    pub async fn review_list(
        &self,
        agent: AgentId,
        rating: Option<Rating>,
        page: PageRequest,
    ) -> Result<Cached<Listing<Review>>> {
        self.agent_active(agent).await?;
        let (me, asked) = (self.clone(), page.clone());
        let load = async move || {
            me.read_list(move |c, paging| store::review_list(c, paging, agent, rating, &page))
                .await
        };
        self.caches.review_page(agent, rating, &asked, load).await
    }
}
