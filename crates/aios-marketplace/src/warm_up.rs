//! Warm-up: what many will ask for is loaded before they do.

use aios_db::store::agent_list::AgentListQuery;
use aios_domain::{AgentFieldSet, AgentFilter, AgentSort, CategoryName, Result};
use tokio::task::JoinSet;

use crate::caching::Reach;
use crate::{Marketplace, PageRequest};

/// Loads at a time: few enough that requests hardly wait for them.
const AT_ONCE: usize = 2;
/// Agents on a first page, as the HTTP interface has it where nothing is said.
const PAGE: u32 = 20;
/// The orders whose first pages are loaded.
const SORTS: [AgentSort; 5] = [
    AgentSort::Popular,
    AgentSort::Recent,
    AgentSort::Rating,
    AgentSort::Trending,
    AgentSort::Name,
];

/// What became of a warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WarmUp {
    /// Answers that are kept now.
    pub loaded: usize,
    /// Answers that could not be loaded; whoever asks for them tries again.
    pub failed: usize,
}

/// Something that many ask for.
#[derive(Clone, Debug)]
enum Popular {
    Stats,
    CategoryCounts,
    FirstPage(Box<AgentListQuery>),
}

impl Marketplace {
    /// Loads figures, categories, and the first pages of the lists that a storefront begins with. What is kept already, on
    /// this server or another, is not loaded again. It may run at any time, also beside requests.
    pub async fn warm_up(&self) -> WarmUp {
        let mut warm_up = WarmUp::default();
        if self.caches.reach() == Reach::Off {
            return warm_up;
        }
        // The categories come first, since their lists are among what is loaded.
        let categories = self.category_list().await;
        warm_up.count(categories.as_ref().map(drop));
        let names = categories.iter().flat_map(|categories| categories.iter());
        let mut wanted = wanted(names.map(|category| category.name.clone())).into_iter();
        let mut loading = JoinSet::new();
        loop {
            while loading.len() < AT_ONCE
                && let Some(popular) = wanted.next()
            {
                let me = self.clone();
                loading.spawn(async move { me.load(popular).await });
            }
            match loading.join_next().await {
                Some(Ok(loaded)) => warm_up.count(loaded.as_ref().map(drop)),
                Some(Err(_panicked)) => warm_up.failed += 1,
                None => return warm_up,
            }
        }
    }

    async fn load(&self, popular: Popular) -> Result<()> {
        match popular {
            Popular::Stats => self.stats().await.map(drop),
            Popular::CategoryCounts => self.category_counts().await.map(drop),
            Popular::FirstPage(query) => self.agent_list(*query, PageRequest::first(PAGE)).await.map(drop),
        }
    }
}

impl WarmUp {
    fn count<E: std::fmt::Display>(&mut self, loaded: Result<(), E>) {
        match loaded {
            Ok(()) => self.loaded += 1,
            Err(error) => {
                tracing::debug!(%error, "something was not warmed up");
                self.failed += 1;
            }
        }
    }
}

/// What is wanted, the most wanted first.
fn wanted(categories: impl Iterator<Item = CategoryName>) -> Vec<Popular> {
    let first_page = |sort, filter| {
        let fields = AgentFieldSet::ALL;
        Popular::FirstPage(Box::new(AgentListQuery { filter, sort, fields }))
    };
    let featured = AgentFilter {
        is_featured: Some(true),
        ..AgentFilter::default()
    };
    let mut wanted = vec![
        Popular::Stats,
        first_page(AgentSort::Popular, featured),
        Popular::CategoryCounts,
    ];
    wanted.extend(SORTS.map(|sort| first_page(sort, AgentFilter::default())));
    wanted.extend(categories.map(|category| {
        let filter = AgentFilter {
            category: Some(category),
            ..AgentFilter::default()
        };
        first_page(AgentSort::Popular, filter)
    }));
    wanted
}
