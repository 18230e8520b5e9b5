//! Warm-up: what many will ask for is loaded before they do.

use aios_cache::{Warmup, WarmupReport};
use aios_db::profile::Context;
use aios_db::store::agent_list::AgentListQuery;
use aios_db::store::agents::agents_most_popular;
use aios_domain::{AgentFieldSet, AgentFilter, AgentId, AgentSort, CategoryName, Result};

use crate::caching::Reach;
use crate::{Marketplace, PageRequest};

/// Loads at a time: few enough that requests hardly wait for them.
const AT_ONCE: usize = 2;
/// Agents on a first page, as the HTTP interface has it where nothing is said.
const PAGE: u32 = 20;
/// So many agents are loaded at most. By Zipf's law the first twenty thousand of a million are asked for five times in seven.
const MOST_AGENTS: u64 = 20_000;
/// So many of them by one statement.
const AGENTS_A_STATEMENT: usize = 200;
/// The orders whose first pages are loaded.
const SORTS: [AgentSort; 5] = [
    AgentSort::Popular,
    AgentSort::Recent,
    AgentSort::Rating,
    AgentSort::Trending,
    AgentSort::Name,
];

impl Marketplace {
    /// Loads figures, categories, the first pages of the lists that a storefront begins with, and the most popular agents.
    /// What is kept already, on this server or another, is not loaded again, and where nothing is kept nothing is loaded. It
    /// may run at any time, also beside requests.
    pub async fn warm_up(&self) -> WarmupReport {
        Context::job("warm-up").scope(self.load_wanted()).await
    }

    async fn load_wanted(&self) -> WarmupReport {
        if self.caches.reach() == Reach::Off {
            return WarmupReport::default();
        }
        // Without categories there are no lists of them to load; that they can't be loaded is reported all the same.
        let categories = self.category_list().await;
        let names = categories.iter().flat_map(|categories| categories.iter());
        let names = names.map(|category| category.name.clone());
        let popular = self.most_popular().await.unwrap_or_else(|error| {
            tracing::debug!(%error, "the most popular agents are not loaded beforehand");
            Vec::new()
        });
        self.wanted(names, &popular).run(AT_ONCE).await
    }

    /// What is wanted, the most wanted first.
    fn wanted(&self, categories: impl Iterator<Item = CategoryName>, popular: &[AgentId]) -> Warmup {
        let featured = AgentFilter {
            is_featured: Some(true),
            ..AgentFilter::default()
        };
        let warmup = Warmup::new()
            .add_with("figures", self, async |me: Self| me.stats().await)
            .add_with("categories", self, async |me: Self| me.category_list().await);
        let warmup = self.first_page(warmup, "featured agents", AgentSort::Popular, featured);
        let warmup = warmup.add_with("agents in categories", self, async |me: Self| {
            me.category_counts().await
        });
        let warmup = SORTS.into_iter().fold(warmup, |warmup, sort| {
            let name = format!("agents by {}", sort.as_str());
            self.first_page(warmup, &name, sort, AgentFilter::default())
        });
        let warmup = categories.fold(warmup, |warmup, category| {
            let name = format!("agents of {category}");
            let filter = AgentFilter {
                category: Some(category),
                ..AgentFilter::default()
            };
            self.first_page(warmup, &name, AgentSort::Popular, filter)
        });
        popular.chunks(AGENTS_A_STATEMENT).fold(warmup, |warmup, some| {
            let name = format!("{} popular agents", some.len());
            warmup.add_with(
                name,
                &(self.clone(), some.to_vec()),
                async |(me, some): (Self, Vec<AgentId>)| me.agents_found(some).await,
            )
        })
    }

    /// As many as there is room for.
    async fn most_popular(&self) -> Result<Vec<AgentId>> {
        let limit = self.caches.room_for_agents().min(MOST_AGENTS);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.db.read(move |c| agents_most_popular(c, limit)).await
    }

    fn first_page(&self, warmup: Warmup, name: &str, sort: AgentSort, filter: AgentFilter) -> Warmup {
        let fields = AgentFieldSet::ALL;
        let wanted = (self.clone(), AgentListQuery { filter, sort, fields });
        warmup.add_with(name, &wanted, async |(me, query): (Self, AgentListQuery)| {
            me.agent_list(query, PageRequest::first(PAGE)).await
        })
    }
}
