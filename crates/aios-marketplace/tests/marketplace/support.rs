//! What these tests share: a marketplace on a test database, callers, and agents to act upon.

use std::sync::Arc;

use aios_cache::Cache;
use aios_domain::{
    Agent, AgentDraft, AgentFieldSet, AgentFilter, AgentSort, Caller, CategoryName, Rating, ReviewDraft, Role,
    SearchQuery, Tag, UserId,
};
use aios_marketplace::{AgentListQuery, CacheSettings, ManualClock, Marketplace};
use aios_test_support::{TestDatabase, plain_draft};

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new("2026-01-31T12:00:00Z".parse().unwrap()))
}

/// A marketplace with a cache, as in service.
pub(crate) fn marketplace(database: &TestDatabase) -> Marketplace {
    with_cache(database, &Cache::builder().build())
}

/// A marketplace that reads everything from the database, for tests of what is there.
pub(crate) fn uncached(database: &TestDatabase) -> Marketplace {
    uncached_at(database, clock())
}

pub(crate) fn uncached_at(database: &TestDatabase, clock: Arc<ManualClock>) -> Marketplace {
    let (off, settings) = (Cache::builder().enabled(false).build(), CacheSettings::default());
    Marketplace::new(database.pool(), clock, SECRET, &off, &settings).unwrap()
}

pub(crate) fn with_cache(database: &TestDatabase, cache: &Cache) -> Marketplace {
    Marketplace::new(database.pool(), clock(), SECRET, cache, &CacheSettings::default()).unwrap()
}

pub(crate) const SECRET: &[u8] = b"secret of the tests";

pub(crate) fn user() -> Caller {
    Caller {
        id: UserId::new(),
        email: None,
        role: Role::User,
    }
}

pub(crate) fn admin() -> Caller {
    Caller {
        role: Role::Admin,
        ..user()
    }
}

pub(crate) fn draft(name: &str) -> AgentDraft {
    AgentDraft {
        category: Some(CategoryName::new("development").unwrap()),
        tags: vec![Tag::new("testing").unwrap()],
        ..plain_draft(name)
    }
}

pub(crate) async fn published(marketplace: &Marketplace, author: &Caller, name: &str) -> Agent {
    marketplace.agent_create(author, draft(name)).await.unwrap()
}

pub(crate) fn stars(stars: i64) -> ReviewDraft {
    ReviewDraft {
        rating: Rating::new(stars).unwrap(),
        title: None,
        review_text: None,
    }
}

pub(crate) fn all(sort: AgentSort) -> AgentListQuery {
    AgentListQuery {
        filter: AgentFilter::default(),
        sort,
        fields: AgentFieldSet::ALL,
    }
}

pub(crate) fn searching(words: &str, sort: AgentSort) -> AgentListQuery {
    let search = Some(SearchQuery::new(words).unwrap());
    AgentListQuery {
        filter: AgentFilter {
            search,
            ..AgentFilter::default()
        },
        ..all(sort)
    }
}
