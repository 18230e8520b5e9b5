//! Page 1 and page 40,000 of 1,000,000 agents through the marketplace, on both databases: counted off, and by boundaries.
//!
//! The aim: page 40,000 in the same order of time as page 1 once its boundaries are known. Not a criterion benchmark: a
//! page that is counted off takes longer than criterion has patience, and what matters is the factor. Needs
//! `AIOS_TEST_POSTGRES_URL`, which `cargo xtask services` prints.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark may fail, and prints"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use aios_cache::Cache;
use aios_db::bulk::{self, BulkAgent, BulkEvent, Dataset};
use aios_domain::{AgentFieldSet, AgentFilter, AgentId, AgentSort, Installation, Review, Timestamp, User, UserId};
use aios_marketplace::{
    AgentListQuery, CacheSettings, CountMode, FarPagePolicy, Marketplace, PageAt, PageRequest, SystemClock,
};
use aios_test_support::{TestDatabase, block_on, plain_agent};
use chrono::TimeDelta;
use uuid::Uuid;

const AGENTS: u64 = 1_000_000;
const FAR: u32 = 40_000;

/// So many agents; forty tie in how often they are installed.
struct Many(Timestamp);

impl Dataset for Many {
    fn users(&self) -> impl Iterator<Item = User> {
        std::iter::once(User {
            id: UserId(Uuid::nil()),
            email: None,
            display_name: None,
            created_at: self.0,
        })
    }

    fn agents(&self) -> impl Iterator<Item = BulkAgent> {
        (0..AGENTS).map(|place| {
            let scattered = (place * 7_919) % 1_000_003;
            let stars = 1 + i64::try_from(place % 5).unwrap();
            let made = self.0 - TimeDelta::seconds(i64::try_from(scattered).unwrap());
            let id = AgentId(Uuid::from_u128(u128::from(scattered) << 64));
            BulkAgent {
                install_count: i64::try_from(place % 25_000).unwrap(),
                rating_sum: stars,
                rating_count: 1,
                ..plain_agent(id, UserId(Uuid::nil()), &format!("Agent {scattered}"), made)
            }
        })
    }

    fn installations(&self) -> impl Iterator<Item = Installation> {
        std::iter::empty()
    }

    fn reviews(&self) -> impl Iterator<Item = Review> {
        std::iter::empty()
    }

    fn events(&self) -> impl Iterator<Item = BulkEvent> {
        std::iter::empty()
    }

    fn until(&self) -> Timestamp {
        self.0
    }
}

async fn read(marketplace: &Marketplace, number: u32, count: CountMode) {
    let query = AgentListQuery {
        filter: AgentFilter::default(),
        sort: AgentSort::Popular,
        fields: AgentFieldSet::ALL,
    };
    let request = PageRequest {
        at: PageAt::Number(number),
        limit: 20,
        count,
    };
    let listing = marketplace.agent_list(query, request).await.unwrap();
    assert_eq!(listing.items.len(), 20);
}

/// The median of so many reads.
async fn median(marketplace: &Marketplace, number: u32, count: CountMode, reads: usize) -> Duration {
    let mut times = Vec::new();
    for _ in 0..reads + reads.min(10) {
        let started = Instant::now();
        read(marketplace, number, count).await;
        times.push(started.elapsed());
    }
    let mut times = times.split_off(reads.min(10));
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Every page is read: nothing is kept.
fn marketplace_of(database: &TestDatabase) -> Marketplace {
    let (off, settings) = (Cache::builder().enabled(false).build(), CacheSettings::default());
    Marketplace::new(database.pool(), Arc::new(SystemClock), b"secret", &off, &settings).unwrap()
}

async fn measure(database: &TestDatabase) {
    let kind = database.kind();
    let say = |what: &str, time: Duration| println!("{kind}: {what:44} {:10.3} ms", time.as_secs_f64() * 1e3);
    let plain = marketplace_of(database).far_pages(FarPagePolicy {
        beyond: u64::MAX,
        ..FarPagePolicy::default()
    });
    say("page 1", median(&plain, 1, CountMode::None, 1_000).await);
    say(
        "page 40,000, counted off",
        median(&plain, FAR, CountMode::None, 5).await,
    );

    let marketplace = marketplace_of(database);
    read(&marketplace, FAR, CountMode::None).await;
    let started = Instant::now();
    marketplace.samplings_finished().await;
    say("sampling, beside the requests, once a minute", started.elapsed());
    say(
        "page 40,000, by boundaries",
        median(&marketplace, FAR, CountMode::None, 1_000).await,
    );
    say(
        "page 1, and the list counted",
        median(&marketplace, 1, CountMode::Exact, 20).await,
    );
    say(
        "page 40,000, by boundaries, and counted",
        median(&marketplace, FAR, CountMode::Exact, 20).await,
    );
}

fn main() {
    for database in [TestDatabase::sqlite(), TestDatabase::postgres()] {
        bulk::load(
            &mut database.connection(),
            &Many("2026-01-31T12:00:00Z".parse().unwrap()),
            &mut |_| {},
        )
        .unwrap();
        block_on(measure(&database));
    }
}
