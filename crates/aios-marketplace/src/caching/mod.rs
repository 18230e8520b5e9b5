//! What is cached: for how long, under which keys, bearing which tags. Use cases bring the loaders and know no more of it.
//!
//! | what | fresh for | tags |
//! | --- | --- | --- |
//! | an agent, or that there is none | `ttl`, 30 s | `agent:ID` |
//! | how many agents pass a filter | `ttl` | `number:CATEGORY` or `number` where nothing else is asked for, else as a page |
//! | a page of agents | `ttl` | `featured`, or else `listed:CATEGORY`, or else `listed`: the narrowest that holds; |
//! | | | `shown:LOT` of each agent on it; `new`, `new:CATEGORY` where a new agent would be on it |
//! | a page of featured agents | `ttl_featured` | `featured` |
//! | what a search finds | `ttl` | `word:BEGINNING` of one of its words; `shown:LOT` of each agent found; |
//! | | | `agents` too where typos were forgiven |
//! | a page of an agent's reviews | `ttl` | `reviews:ID` |
//! | the marketplace at a glance, agents in categories | `ttl_stats` | `agents`, `categories` |
//! | categories | `ttl_stats` | `categories` |
//! | an agent's figures, for its author | `ttl_user` | `agent:ID` |
//! | a user's installations, how a user stands to an agent | `ttl_user` | `user:ID` |
//! | a user's knowledge entries, one, listed or found | `ttl_user` | `knowledge:ID` |

mod at_the_edge;
mod keys;
mod pages;
mod stale;
pub(crate) mod tags;
mod weights;
mod words;

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aios_cache::serializer::MessagePack;
use aios_cache::{
    Cache, Cached, LinkState, LoadError, Loaded, Namespace, NamespaceBuilder, NamespaceError, Outcome, Policy, Targets,
};
use aios_db::store::agent_list::{AgentListQuery, Matched};
use aios_db::store::outbox::EVERYTHING;
use aios_domain::{
    Agent, AgentFilter, AgentId, AgentStats, Category, CategoryCount, Error, ErrorKind, Installation, KnowledgeEntry,
    KnowledgeFilter, KnowledgeId, MarketplaceStats, Rating, Result, Review, SearchQuery, UserId,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::keys::{AgentPage, Filter, KnowledgePage, PageOf};
use crate::{CountMode, Listing, PageRequest};

pub(crate) use at_the_edge::is_at_the_edge;
pub use at_the_edge::{edge_key, edge_paths};
pub use pages::AgentListing;
pub(crate) use pages::KeptPage;
pub(crate) use stale::Stale;

/// How long answers are kept, and how much memory they take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheSettings {
    /// Agents, lists of agents, reviews.
    pub ttl: Duration,
    /// Figures of the whole marketplace, and categories.
    pub ttl_stats: Duration,
    /// Lists of featured agents.
    pub ttl_featured: Duration,
    /// What is a user's own.
    pub ttl_user: Duration,
    /// Bytes in this process, in all.
    pub memory: u64,
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(300),
            ttl_stats: Duration::from_secs(600),
            ttl_featured: Duration::from_secs(600),
            ttl_user: Duration::from_secs(60),
            memory: 128 << 20,
        }
    }
}

/// How long it is remembered that there is no such agent or entry.
const NEGATIVE_TTL: Duration = Duration::from_secs(30);
/// For how long beyond its time an agent is shown while it is read anew. Whatever is written of it makes it stale at once, so all
/// that can be old is how often it was looked at, and of most agents nobody wants to know that twice in five minutes.
const AGENT_WHILE_REFRESHING: Duration = Duration::from_secs(3_600);
/// The share of the memory that agents may take, in per cent.
const AGENTS_SHARE: u64 = 45;
/// What an agent takes of it, in bytes: half more than those of the demonstration do.
const AGENT_WEIGHT: u64 = 2_048;
/// How long what everybody sees may be served while the database fails.
const WHILE_FAILING: Duration = Duration::from_secs(3_600);
/// A user's texts can be long. Answers with more than this, in bytes, are not kept.
const LONGEST_KNOWLEDGE: usize = 256 << 10;

/// How far an invalidation gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Nothing is cached.
    Off,
    /// There is this process's memory and nothing else.
    Alone,
    /// Through the shared tier to every server.
    Shared,
    /// The shared tier can't be reached now.
    CutOff,
}

/// How a user stands to an agent: whether it is installed, and the user's rating of it.
pub(crate) type Standing = (bool, Option<Rating>);

/// What an answer that everybody may see shows, for [`Marketplace::keeping`](crate::Marketplace::keeping).
#[derive(Clone, Copy, Debug)]
pub enum Shown<'a> {
    /// One agent.
    Agent(AgentId),
    /// Agents that were named.
    AgentsById(&'a [AgentId]),
    /// A page of agents, with a total as far as the request wants one.
    AgentPage(&'a AgentListQuery, &'a PageRequest),
    /// A page of an agent's reviews.
    Reviews(AgentId),
    /// The marketplace at a glance.
    Stats,
    /// The categories.
    Categories,
    /// How many agents the categories hold.
    CategoryCounts,
}

/// How long something may be shown, and what makes it stale before.
#[derive(Clone, Debug, PartialEq)]
pub struct Keeping {
    /// For how long. What is shown is fresh for no longer than the value that it was made of.
    pub ttl: Duration,
    /// For how long beyond that it is shown while it is made anew.
    pub stale: Duration,
    /// The tags that it bears in the cache. An answer that shows a page of agents bears the page's own besides
    /// ([`AgentListing::tags`]).
    pub tags: Vec<String>,
    /// The tags that it bears in every cache in front of the servers.
    pub edge_tags: Vec<String>,
}

/// Every cached thing of the marketplace.
pub(crate) struct Caches {
    cache: Cache,
    settings: CacheSettings,
    featured: Policy,
    agents: Namespace<Option<Arc<Agent>>>,
    agent_pages: Namespace<KeptPage>,
    agent_totals: Namespace<Option<i64>>,
    reviews: Namespace<Listing<Review>>,
    stats: Namespace<MarketplaceStats>,
    categories: Namespace<Vec<Category>>,
    category_counts: Namespace<Vec<CategoryCount>>,
    agent_stats: Namespace<AgentStats>,
    standings: Namespace<Standing>,
    installations: Namespace<Listing<Installation>>,
    knowledge: Namespace<Option<Arc<KnowledgeEntry>>>,
    knowledge_pages: Namespace<Listing<KnowledgeEntry>>,
    knowledge_found: Namespace<Vec<KnowledgeEntry>>,
}

impl Caches {
    /// # Errors
    /// Where the cache has namespaces of these names already.
    pub(crate) fn new(cache: &Cache, settings: &CacheSettings) -> Result<Self, NamespaceError> {
        let (public, own) = (public(settings.ttl), own(settings.ttl_user));
        // These cost the most to load, so one server loads for all.
        let pages = public.clone().across_nodes(true);
        let figures = self::public(settings.ttl_stats).across_nodes(true);
        let maker = Maker {
            cache,
            memory: settings.memory,
        };
        Ok(Self {
            featured: self::public(settings.ttl_featured).across_nodes(true),
            agents: maker
                .builder(
                    "agents",
                    &self::public(settings.ttl).stale(AGENT_WHILE_REFRESHING),
                    AGENTS_SHARE,
                )
                .weigh(|kept: &Option<Arc<Agent>>| weights::agent(kept.as_deref()))
                .build()?,
            agent_pages: maker.builder("agent-pages", &pages, 20).weigh(weights::page).build()?,
            agent_totals: maker.make("agent-totals", &pages, 1)?,
            reviews: maker.make("reviews", &public, 9)?,
            stats: maker.make("stats", &figures, 1)?,
            categories: maker.make("categories", &figures, 1)?,
            category_counts: maker.make("category-counts", &figures, 1)?,
            agent_stats: maker.make("agent-stats", &own, 2)?,
            standings: maker.make("standings", &own, 5)?,
            installations: maker.make("installations", &own, 5)?,
            knowledge: maker.make("knowledge", &own, 4)?,
            knowledge_pages: maker.make("knowledge-pages", &own, 3)?,
            knowledge_found: maker.make("knowledge-found", &own, 3)?,
            cache: cache.clone(),
            settings: settings.clone(),
        })
    }

    /// How an answer that shows this is kept: as the values that it is made of.
    pub(crate) fn keeping(&self, shown: Shown<'_>) -> Keeping {
        let CacheSettings {
            ttl,
            ttl_stats,
            ttl_featured,
            ..
        } = self.settings;
        let stale = match shown {
            Shown::Agent(_) => AGENT_WHILE_REFRESHING.max(while_refreshing(ttl)),
            Shown::Stats | Shown::CategoryCounts | Shown::Categories => while_refreshing(ttl_stats),
            _ => while_refreshing(ttl),
        };
        let (ttl, tags) = match shown {
            Shown::Agent(id) => (ttl, vec![tags::agent(id)]),
            Shown::AgentsById(ids) => (ttl, ids.iter().copied().map(tags::agent).collect()),
            Shown::AgentPage(query, page) => {
                let is_of_featured = query.filter.is_featured == Some(true);
                let ttl = if is_of_featured { ttl_featured } else { ttl };
                let mut tags = pages::tags_of_query(&query.filter);
                if page.count == CountMode::Exact {
                    tags.extend(pages::tags_of_total(&query.filter, Matched::All));
                    // Each is looked at with every hit.
                    tags.sort_unstable();
                    tags.dedup();
                }
                return Keeping {
                    ttl,
                    stale: while_refreshing(ttl),
                    tags,
                    edge_tags: vec![pages::edge_tag(&query.filter)],
                };
            }
            // There are none where the agent is not active.
            Shown::Reviews(agent) => (ttl, vec![tags::reviews_of(agent), tags::agent(agent)]),
            Shown::Stats | Shown::CategoryCounts => {
                (ttl_stats, vec![tags::AGENTS.to_owned(), tags::CATEGORIES.to_owned()])
            }
            Shown::Categories => (ttl_stats, vec![tags::CATEGORIES.to_owned()]),
        };
        Keeping {
            ttl,
            stale,
            edge_tags: tags.clone(),
            tags,
        }
    }

    /// Makes whatever bears these tags stale, here and as far as it can be told. Whether it reached every cache.
    pub(crate) async fn invalidate(&self, tags: &[String]) -> bool {
        let targets = if tags.iter().any(|tag| tag == EVERYTHING) {
            Targets::all()
        } else {
            Targets::new().tags(tags)
        };
        self.cache.invalidate(targets).await == Outcome::Everywhere
    }

    /// How the cache stands to its shared tier.
    pub(crate) fn link_state(&self) -> LinkState {
        self.cache.link_state()
    }

    /// Whether anything is kept at all.
    pub(crate) fn keep(&self) -> bool {
        self.cache.is_enabled()
    }

    /// How far an invalidation gets now.
    pub(crate) fn reach(&self) -> Reach {
        match self.cache.link_state() {
            _ if !self.keep() => Reach::Off,
            LinkState::None => Reach::Alone,
            LinkState::Up => Reach::Shared,
            LinkState::Down => Reach::CutOff,
        }
    }

    /// An agent, active or not; `None` where there is none.
    pub(crate) async fn agent<F>(
        &self,
        id: AgentId,
        load: impl FnOnce() -> F + Send + 'static,
    ) -> Result<Cached<Option<Arc<Agent>>>>
    where
        F: Future<Output = Result<Option<Agent>>> + Send + 'static,
    {
        let load = async move || Ok(maybe(load().await?.map(Arc::new)));
        let slot = self.agents.at(&id.0).tags(|| [tags::agent(id)]);
        slot.get_or_load(load).await.map_err(told)
    }

    /// Whether this process has the agent, as fresh as can be.
    pub(crate) fn has_agent(&self, id: AgentId) -> bool {
        self.agents.at(&id.0).peek().is_some()
    }

    /// How many agents this process can keep without pushing others out soon.
    pub(crate) fn room_for_agents(&self) -> u64 {
        self.settings.memory / 100 * AGENTS_SHARE / AGENT_WEIGHT
    }

    /// Those of these agents that there are, active or not, and for how long that is fresh.
    pub(crate) async fn agents<F>(
        &self,
        ids: impl IntoIterator<Item = AgentId>,
        load: impl FnOnce(Vec<AgentId>) -> F + Send + 'static,
    ) -> Result<(HashMap<AgentId, Arc<Agent>>, Duration)>
    where
        F: Future<Output = Result<HashMap<AgentId, Agent>>> + Send + 'static,
    {
        let load = async move |missing: Vec<uuid::Uuid>| {
            let ids: Vec<AgentId> = missing.into_iter().map(AgentId).collect();
            let mut found = load(ids.clone()).await?;
            let agent = |id: AgentId| (id.0, maybe(found.remove(&id).map(Arc::new)));
            Ok(ids.into_iter().map(agent).collect())
        };
        let many = self.agents.many(ids.into_iter().map(|id| id.0));
        let found = many
            .tags(|&id| [tags::agent(AgentId(id))])
            .get_or_load(load)
            .await
            .map_err(told)?;
        let fresh_for = found.values().map(Cached::fresh_for).min();
        let there = found
            .into_iter()
            .filter_map(|(id, agent)| Some((AgentId(id), agent.to_value()?)));
        Ok((there.collect(), fresh_for.unwrap_or(self.settings.ttl)))
    }

    /// A page of agents.
    pub(crate) async fn agent_page<F>(
        &self,
        query: &AgentListQuery,
        page: &PageRequest,
        load: impl FnOnce() -> F + Send + 'static,
    ) -> Result<Cached<KeptPage>>
    where
        F: Future<Output = Result<KeptPage>> + Send + 'static,
    {
        let key = AgentPage(query, page);
        let load = async move || {
            let page = load().await?;
            let tags = page.tags();
            Ok(Loaded::new(page).tags(tags))
        };
        let slot = self.agent_pages.at(&key).tags(|| pages::tags_of_query(&query.filter));
        let slot = if query.filter.is_featured == Some(true) {
            slot.policy(&self.featured)
        } else {
            slot
        };
        slot.get_or_load(load).await.map_err(told)
    }

    /// How many agents pass a filter, where they are matched in this way.
    pub(crate) async fn agent_total<F>(
        &self,
        filter: &AgentFilter,
        matched: Matched,
        load: impl FnOnce() -> F + Send + 'static,
    ) -> Result<Cached<Option<i64>>>
    where
        F: Future<Output = Result<Option<i64>>> + Send + 'static,
    {
        let key = (Filter(filter), matched == Matched::Forgiven);
        let slot = self
            .agent_totals
            .at(&key)
            .tags(|| pages::tags_of_total(filter, matched));
        let slot = if filter.is_featured == Some(true) {
            slot.policy(&self.featured)
        } else {
            slot
        };
        slot.get_or_load(load).await.map_err(told)
    }

    /// A page of an agent's reviews.
    pub(crate) async fn review_page<F>(
        &self,
        agent: AgentId,
        rating: Option<Rating>,
        page: &PageRequest,
        load: impl FnOnce() -> F + Send + 'static,
    ) -> Result<Cached<Listing<Review>>>
    where
        F: Future<Output = Result<Listing<Review>>> + Send + 'static,
    {
        let key = (PageOf(agent.0, page), rating.map(Rating::stars));
        let slot = self.reviews.at(&key).tags(|| [tags::reviews_of(agent)]);
        slot.get_or_load(load).await.map_err(told)
    }

    /// The marketplace at a glance.
    pub(crate) async fn stats<F>(&self, load: impl FnOnce() -> F + Send + 'static) -> Result<Cached<MarketplaceStats>>
    where
        F: Future<Output = Result<MarketplaceStats>> + Send + 'static,
    {
        let slot = self.stats.at("all").tags(|| [tags::AGENTS, tags::CATEGORIES]);
        slot.get_or_load(load).await.map_err(told)
    }

    /// All active categories.
    pub(crate) async fn categories<F>(&self, load: impl FnOnce() -> F + Send + 'static) -> Result<Cached<Vec<Category>>>
    where
        F: Future<Output = Result<Vec<Category>>> + Send + 'static,
    {
        let slot = self.categories.at("all").tags(|| [tags::CATEGORIES]);
        slot.get_or_load(load).await.map_err(told)
    }

    /// All active categories, and how many agents are in each.
    pub(crate) async fn category_counts<F>(
        &self,
        load: impl FnOnce() -> F + Send + 'static,
    ) -> Result<Cached<Vec<CategoryCount>>>
    where
        F: Future<Output = Result<Vec<CategoryCount>>> + Send + 'static,
    {
        let slot = self.category_counts.at("all").tags(|| [tags::AGENTS, tags::CATEGORIES]);
        slot.get_or_load(load).await.map_err(told)
    }

    /// An agent's figures.
    pub(crate) async fn agent_stats<F>(
        &self,
        agent: AgentId,
        load: impl FnOnce() -> F + Send + 'static,
    ) -> Result<AgentStats>
    where
        F: Future<Output = Result<AgentStats>> + Send + 'static,
    {
        let slot = self.agent_stats.at(&agent.0).tags(|| [tags::agent(agent)]);
        Ok(slot.get_or_load(load).await.map_err(told)?.to_value())
    }

    /// How a user stands to an agent.
    pub(crate) async fn standing<F>(
        &self,
        user: UserId,
        agent: AgentId,
        load: impl FnOnce() -> F + Send + 'static,
    ) -> Result<Standing>
    where
        F: Future<Output = Result<Standing>> + Send + 'static,
    {
        let key = (user.0, agent.0);
        let slot = self.standings.at(&key).tags(|| [tags::user(user)]);
        Ok(slot.get_or_load(load).await.map_err(told)?.to_value())
    }

    /// A page of what a user has installed.
    pub(crate) async fn installation_page<F>(
        &self,
        user: UserId,
        page: &PageRequest,
        load: impl FnOnce() -> F + Send + 'static,
    ) -> Result<Cached<Listing<Installation>>>
    where
        F: Future<Output = Result<Listing<Installation>>> + Send + 'static,
    {
        let key = PageOf(user.0, page);
        let slot = self.installations.at(&key).tags(|| [tags::user(user)]);
        slot.get_or_load(load).await.map_err(told)
    }

    /// One of a user's knowledge entries; `None` where there is none.
    pub(crate) async fn knowledge<F>(
        &self,
        user: UserId,
        id: KnowledgeId,
        load: impl FnOnce() -> F + Send + 'static,
    ) -> Result<Option<Arc<KnowledgeEntry>>>
    where
        F: Future<Output = Result<Option<KnowledgeEntry>>> + Send + 'static,
    {
        let key = (user.0, id.0);
        let load = async move || {
            let entry = load().await?.map(Arc::new);
            let length = entry.as_deref().map_or(0, length);
            Ok(unless_long(maybe(entry), length))
        };
        let slot = self.knowledge.at(&key).tags(|| [tags::knowledge_of(user)]);
        Ok(slot.get_or_load(load).await.map_err(told)?.to_value())
    }

    /// A page of a user's knowledge entries.
    pub(crate) async fn knowledge_page<F>(
        &self,
        user: UserId,
        filter: &KnowledgeFilter,
        page: &PageRequest,
        load: impl FnOnce() -> F + Send + 'static,
    ) -> Result<Cached<Listing<KnowledgeEntry>>>
    where
        F: Future<Output = Result<Listing<KnowledgeEntry>>> + Send + 'static,
    {
        let key = KnowledgePage(user.0, filter, page);
        let load = async move || {
            let page = load().await?;
            let length = page.items.iter().map(length).sum();
            Ok(unless_long(Loaded::new(page), length))
        };
        let slot = self.knowledge_pages.at(&key).tags(|| [tags::knowledge_of(user)]);
        slot.get_or_load(load).await.map_err(told)
    }

    /// Those of a user's knowledge entries that were found by words.
    pub(crate) async fn knowledge_found<F>(
        &self,
        user: UserId,
        query: &SearchQuery,
        limit: u32,
        load: impl FnOnce() -> F + Send + 'static,
    ) -> Result<Cached<Vec<KnowledgeEntry>>>
    where
        F: Future<Output = Result<Vec<KnowledgeEntry>>> + Send + 'static,
    {
        let key = (user.0, query.as_str(), limit);
        let load = async move || {
            let found = load().await?;
            let length = found.iter().map(length).sum();
            Ok(unless_long(Loaded::new(found), length))
        };
        let slot = self.knowledge_found.at(&key).tags(|| [tags::knowledge_of(user)]);
        slot.get_or_load(load).await.map_err(told)
    }
}

/// What everybody sees: refreshed before it expires where many ask for it, served a little beyond while it is refreshed, and
/// for an hour while the database is away.
fn public(ttl: Duration) -> Policy {
    Policy::new(ttl)
        .stale(while_refreshing(ttl))
        .stale_if_error(WHILE_FAILING)
        .negative_ttl(NEGATIVE_TTL.min(ttl))
        .jitter(0.1)
        .early_refresh(1.0)
}

/// For how long beyond its time what everybody sees is shown while it is read anew.
fn while_refreshing(ttl: Duration) -> Duration {
    ttl / 5
}

/// What is a user's own: never beyond its time, except while the database is away.
fn own(ttl: Duration) -> Policy {
    Policy::new(ttl)
        .stale_if_error(ttl * 5)
        .negative_ttl(NEGATIVE_TTL.min(ttl))
        .jitter(0.1)
}

/// Makes namespaces that share the memory.
struct Maker<'a> {
    cache: &'a Cache,
    memory: u64,
}

impl Maker<'_> {
    /// A namespace that may take `share` per cent of the memory, values weighed by what they take serialised.
    fn make<V>(&self, name: &str, policy: &Policy, share: u64) -> Result<Namespace<V>, NamespaceError>
    where
        V: Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        self.builder(name, policy, share).build()
    }

    fn builder<V>(&self, name: &str, policy: &Policy, share: u64) -> NamespaceBuilder<V>
    where
        V: Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        self.cache
            .namespace(name)
            .policy(policy.clone())
            .capacity(self.memory / 100 * share)
            .serializer(MessagePack)
    }
}

/// A value, or that there is none.
fn maybe<T>(value: Option<T>) -> Loaded<Option<T>> {
    match value {
        Some(value) => Loaded::new(Some(value)),
        None => Loaded::absent(None),
    }
}

fn unless_long<T>(loaded: Loaded<T>, length: usize) -> Loaded<T> {
    if length > LONGEST_KNOWLEDGE {
        loaded.do_not_store()
    } else {
        loaded
    }
}

fn length(entry: &KnowledgeEntry) -> usize {
    entry.content.text_content.as_str().len()
}

/// The loader's own error. What else can go wrong is the server's fault.
fn told(error: LoadError<Error>) -> Error {
    error.into_error(Error::clone, |other| match other {
        LoadError::TimedOut => Error::new(ErrorKind::Timeout, "This takes too long now; try again in a moment."),
        other => Error::internal(other.to_string()),
    })
}
