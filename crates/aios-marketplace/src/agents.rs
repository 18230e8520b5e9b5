//! Agents: looked at, published, edited, withdrawn.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aios_cache::Cached;
use aios_cache::gather::{GatherError, Gatherer};
use aios_db::store::agent_list::{self, AgentListQuery, Matched};
use aios_db::store::{agents as store, installations, users};
use aios_db::{AnyConnection, CountMode, Paging};
use aios_domain::{
    Agent, AgentChanges, AgentDraft, AgentFieldSet, AgentFilter, AgentId, Caller, Error, ErrorKind, FieldErrors,
    PartialAgentSummary, Price, Pricing, PricingModel, Rating, Result, Timestamp,
};
use chrono::TimeDelta;

use crate::caching::{AgentListing, KeptPage, tags};
use crate::writes::Storage;
use crate::{Marketplace, PageRequest};

/// An agent as a caller sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentView {
    /// The agent.
    pub agent: Arc<Agent>,
    /// Whether the caller has it installed; `None` for anonymous callers.
    pub user_installed: Option<bool>,
    /// How the caller rated it; `None` for anonymous callers and for those who did not.
    pub user_rating: Option<Rating>,
}

/// What must hold for an edit to be done: HTTP's `If-Match` in the words of this crate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing.
    #[default]
    None,
    /// The agent's [`revision`] is one of these.
    RevisionIn(Vec<i64>),
}

/// A number that grows with every edit of an agent and stays as counters move.
pub fn revision(agent: &Agent) -> i64 {
    agent.updated_at.timestamp_micros()
}

impl Marketplace {
    /// A page of the active agents that pass a filter. Where a search finds nothing, words that may be misspelt are forgiven.
    ///
    /// # Errors
    /// `InvalidCursor`; invalid input for the order by relevance without a search.
    pub async fn agent_list(&self, query: AgentListQuery, page: PageRequest) -> Result<AgentListing> {
        // Counting a list takes many times as long as reading a page of it. So the total is kept by itself, for all pages,
        // orders and selections of fields of one filter, and until the number of agents changes, not one of them. Where
        // nothing is kept, both are read at one go.
        let is_counted = page.count == CountMode::Exact && self.caches.keep();
        let page = PageRequest {
            count: if is_counted { CountMode::None } else { page.count },
            ..page
        };
        let filter = query.filter.clone();
        let reading = self.agent_page(query, page);
        // One after the other: nobody takes two connections at once, and a list that is sampled after its page is read is
        // sampled after all.
        let (page, total) = if !is_counted {
            (reading.await?, None)
        } else if filter.search.is_some() {
            // What a search finds is counted after it is found: which of its two kinds it is shows only then.
            let page = reading.await?;
            let total = self.agent_total(filter, page.matched).await?;
            (page, Some(total))
        } else {
            let total = self.agent_total(filter, Matched::All).await?;
            (reading.await?, Some(total))
        };
        Ok(AgentListing::new(page, total))
    }

    async fn agent_page(&self, query: AgentListQuery, page: PageRequest) -> Result<Cached<KeptPage>> {
        let (me, asked) = (self.clone(), (query.clone(), page.clone()));
        let load = async move || {
            let filter = query.filter.clone();
            let read =
                move |c: &mut AnyConnection, paging: &Paging<'_>| agent_list::agent_list(c, paging, &query, &page);
            Ok(KeptPage::new(&filter, me.read_list(read).await?))
        };
        self.caches.agent_page(&asked.0, &asked.1, load).await
    }

    async fn agent_total(&self, filter: AgentFilter, matched: Matched) -> Result<Cached<Option<i64>>> {
        let (me, asked) = (self.clone(), filter.clone());
        let load = async move || {
            let cursors = Arc::clone(&me.cursors);
            let count =
                move |c: &mut AnyConnection| agent_list::agent_count(c, &cursors, &asked, CountMode::Exact, matched);
            me.db.read(count).await
        };
        self.caches.agent_total(&filter, matched, load).await
    }

    /// The active ones of these agents, in this order, and for how long that is fresh.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn agents_by_ids(
        &self,
        ids: &[AgentId],
        fields: AgentFieldSet,
    ) -> Result<(Vec<PartialAgentSummary>, Duration)> {
        let (mut found, fresh_for) = self.agents_kept(ids.iter().copied()).await?;
        let in_order = ids.iter().filter_map(|id| found.remove(id));
        let active = in_order.filter(|agent| agent.is_active);
        Ok((active.map(|agent| agent.summary.only(fields)).collect(), fresh_for))
    }

    /// An active agent as `caller` sees it. Counts a view.
    ///
    /// # Errors
    /// `NotFound` where there is none or it is not active.
    pub async fn agent_get(&self, id: AgentId, caller: Option<&Caller>) -> Result<AgentView> {
        let agent = self.agent_active(id).await?;
        let standing = match caller {
            Some(caller) => Some(self.agent_standing(caller, id).await?),
            None => None,
        };
        // Counted whether it was read or kept.
        self.count_view(id);
        Ok(AgentView {
            agent,
            user_installed: standing.map(|(installed, _)| installed),
            user_rating: standing.and_then(|(_, rating)| rating),
        })
    }

    /// An active agent as everybody sees it, and what the cache knows of it. Counts no view: who shows it to somebody calls
    /// [`count_view`](Self::count_view), as often as it is shown.
    ///
    /// # Errors
    /// `NotFound` where there is none or it is not active.
    pub async fn agent_shared(&self, id: AgentId) -> Result<(Arc<Agent>, Cached<Option<Arc<Agent>>>)> {
        let kept = self.agent_kept(id).await?;
        let agent = kept.to_value().filter(|agent| agent.is_active);
        Ok((agent.ok_or_else(|| Error::not_found("agent"))?, kept))
    }

    /// Whether the caller has an agent installed, and how the caller rated it.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn agent_standing(&self, caller: &Caller, agent: AgentId) -> Result<(bool, Option<Rating>)> {
        let (db, user) = (self.db.clone(), caller.id);
        let load = async move || {
            let standing = db.read(move |c| installations::agent_standing(c, user, agent));
            let (is_installed, stars) = standing.await?;
            let rating = stars.map(|stars| Rating::new(stars.into())).transpose();
            Ok((is_installed, rating.map_err(Error::internal)?))
        };
        self.caches.standing(user, agent, load).await
    }

    /// The agent, active or not.
    ///
    /// # Errors
    /// `NotFound` where there is none.
    pub(crate) async fn agent_found(&self, id: AgentId) -> Result<Arc<Agent>> {
        let found = self.agent_kept(id).await?.to_value();
        found.ok_or_else(|| Error::not_found("agent"))
    }

    async fn agent_kept(&self, id: AgentId) -> Result<Cached<Option<Arc<Agent>>>> {
        let loads = self.agent_loads.clone();
        let load = async move || loads.load(id).await.map_err(told);
        self.caches.agent(id, load).await
    }

    /// Those of the agents which these tags make stale that are kept here: somebody has asked for them lately.
    pub(crate) fn agents_kept_with(&self, tags: &[String]) -> Vec<AgentId> {
        let named = tags.iter().filter_map(|tag| tags::agent_of(tag));
        named
            .filter(|id| self.caches.has_agent(*id))
            .take(MOST_READ_ANEW)
            .collect()
    }

    /// Reads agents that have just been made stale, so that the next who asks need not wait for it.
    pub(crate) async fn agents_read_anew(&self, ids: Vec<AgentId>) {
        if let Err(error) = self.agents_kept(ids).await {
            tracing::debug!(%error, "agents could not be read anew; whoever asks for one tries again");
        }
    }

    /// The agent, where it is active.
    ///
    /// # Errors
    /// `NotFound` where there is none or it is not active.
    pub(crate) async fn agent_active(&self, id: AgentId) -> Result<Arc<Agent>> {
        let agent = self.agent_found(id).await?;
        if agent.is_active {
            Ok(agent)
        } else {
            Err(Error::not_found("agent"))
        }
    }

    /// Those of these agents that there are, active or not.
    pub(crate) async fn agents_found(
        &self,
        ids: impl IntoIterator<Item = AgentId>,
    ) -> Result<HashMap<AgentId, Arc<Agent>>> {
        Ok(self.agents_kept(ids).await?.0)
    }

    async fn agents_kept(
        &self,
        ids: impl IntoIterator<Item = AgentId>,
    ) -> Result<(HashMap<AgentId, Arc<Agent>>, Duration)> {
        let db = self.db.clone();
        let load = async move |missing: Vec<AgentId>| db.read(move |c| store::agents_find(c, &missing)).await;
        self.caches.agents(ids, load).await
    }

    /// Publishes an agent in the caller's name.
    ///
    /// # Errors
    /// Invalid input where the category does not exist.
    pub async fn agent_create(&self, caller: &Caller, draft: AgentDraft) -> Result<Agent> {
        let (caller, now) = (caller.clone(), self.clock.now());
        self.write(move |c, stale| {
            users::user_ensure(c, &caller, now)?;
            let agent = store::agent_insert(c, &draft, caller.id, now)?;
            stale.agent_published(&agent);
            Ok(agent)
        })
        .await
    }

    /// Edits an agent.
    ///
    /// # Errors
    /// `NotFound`; also for an inactive agent where the caller is no admin. `Forbidden` for others than the author and
    /// admins, and for flags that admins alone may set; `PreconditionFailed`; invalid input where price and model don't go
    /// together or the category does not exist.
    pub async fn agent_update(
        &self,
        caller: &Caller,
        id: AgentId,
        changes: AgentChanges,
        precondition: Precondition,
    ) -> Result<Agent> {
        let (caller, now) = (caller.clone(), self.clock.now());
        self.write(move |c, stale| {
            let old = editable(store::agent_find_locked(c, id)?, &caller)?;
            if changes.needs_admin() {
                caller.must_be_admin()?;
            }
            check(&precondition, &old)?;
            let new = edited(&old, &changes, now)?;
            store::agent_replace(c, &old, &new)?;
            stale.agent_edited(&old, &new);
            Ok(new)
        })
        .await
    }

    /// Withdraws an agent: it becomes inactive. Who has it installed keeps it.
    ///
    /// # Errors
    /// `NotFound` where there is none or it is inactive already; `Forbidden` for others than the author and admins.
    pub async fn agent_withdraw(&self, caller: &Caller, id: AgentId) -> Result<()> {
        let (caller, now) = (caller.clone(), self.clock.now());
        self.write(move |c, stale| {
            let old = store::agent_find_locked(c, id)?
                .filter(|agent| agent.is_active)
                .ok_or_else(|| Error::not_found("agent"))?;
            caller.must_own(old.author_id, "agent")?;
            let withdraw = AgentChanges {
                is_active: Some(false),
                ..AgentChanges::default()
            };
            let new = edited(&old, &withdraw, now)?;
            store::agent_replace(c, &old, &new)?;
            stale.agent_edited(&old, &new);
            Ok(())
        })
        .await
    }
}

/// An import makes thousands of agents stale at once: these are read when they are asked for.
const MOST_READ_ANEW: usize = 100;

/// How many statements that read agents one by one run at a time. Agents that are asked for meanwhile are read together, so
/// that a crowd takes few statements and few of the pool's connections; a statement that hangs leaves the others' way free.
const AGENT_LOADS: usize = 4;

/// Reads agents that are missing in the cache at the same time in one statement.
pub(crate) fn gathered_loads(db: &Storage) -> Gatherer<AgentId, Agent, Error> {
    let db = db.clone();
    let load = move |ids: Vec<AgentId>| {
        let db = db.clone();
        async move {
            db.read(move |c| match *ids {
                // The statement for one is prepared once; SQLite takes another for each number of ids.
                [id] => Ok(store::agent_find(c, id)?.map(|agent| (id, agent)).into_iter().collect()),
                _ => store::agents_find(c, &ids),
            })
            .await
        }
    };
    Gatherer::new(load).max_loads(AGENT_LOADS)
}

fn told(error: GatherError<Error>) -> Error {
    match error {
        GatherError::Failed(error) => error,
        other => Error::internal(other),
    }
}

/// The agent, where the caller may edit it.
fn editable(found: Option<Agent>, caller: &Caller) -> Result<Agent> {
    let agent = found
        .filter(|agent| agent.is_active || caller.is_admin())
        .ok_or_else(|| Error::not_found("agent"))?;
    caller.must_own(agent.author_id, "agent")?;
    Ok(agent)
}

fn check(precondition: &Precondition, agent: &Agent) -> Result<()> {
    match precondition {
        Precondition::RevisionIn(revisions) if !revisions.contains(&revision(agent)) => Err(Error::new(
            ErrorKind::PreconditionFailed,
            "The agent was edited meanwhile. Read it again, and repeat the edit with its new ETag.",
        )),
        _ => Ok(()),
    }
}

fn edited(old: &Agent, changes: &AgentChanges, now: Timestamp) -> Result<Agent> {
    let mut new = old.clone();
    let summary = &mut new.summary;
    set(&mut summary.name, changes.name.as_ref());
    set(&mut summary.description, changes.description.as_ref());
    set(&mut summary.category, changes.category.as_ref());
    set(&mut summary.tags, changes.tags.as_ref());
    set(&mut summary.version, changes.version.as_ref());
    set(&mut summary.icon_url, changes.icon_url.as_ref());
    set(&mut summary.capabilities, changes.capabilities.as_ref());
    set(&mut summary.is_verified, changes.is_verified.as_ref());
    set(&mut summary.is_featured, changes.is_featured.as_ref());
    summary.pricing = edited_pricing(old.summary.pricing, changes.pricing_model, changes.price)?;
    set(&mut new.repository_url, changes.repository_url.as_ref());
    set(&mut new.agent_type, changes.agent_type.as_ref());
    set(&mut new.requirements, changes.requirements.as_ref());
    set(&mut new.configuration_schema, changes.configuration_schema.as_ref());
    set(&mut new.license, changes.license.as_ref());
    set(&mut new.is_active, changes.is_active.as_ref());
    if new.is_active && new.published_at.is_none() {
        new.published_at = Some(now);
    }
    // The revision grows with every edit, also where two fall into one microsecond or the clock was set back.
    new.updated_at = now.max(old.updated_at + TimeDelta::microseconds(1));
    Ok(new)
}

fn set<T: Clone>(field: &mut T, change: Option<&T>) {
    if let Some(value) = change {
        field.clone_from(value);
    }
}

/// The pricing after an edit. An agent that becomes free loses its price, where none is given with it.
fn edited_pricing(old: Pricing, model: Option<PricingModel>, price: Option<Price>) -> Result<Pricing> {
    let new_model = model.unwrap_or(old.model());
    let kept = if new_model == PricingModel::Free && model.is_some() {
        Price::ZERO
    } else {
        old.price()
    };
    let mut errors = FieldErrors::default();
    let pricing = errors.check("price", Pricing::new(new_model, price.unwrap_or(kept)));
    errors.finish()?;
    Ok(pricing.unwrap_or(old))
}
