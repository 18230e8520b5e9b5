//! What a write makes stale is purged at the edge: after the caches, once more a little later, and whatever fails meanwhile.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aios_cache::Cache;
use aios_cache::time::ManualClock as RelayClock;
use aios_db::store::edge_purges::edge_purge_count;
use aios_db::store::outbox::invalidation_list;
use aios_domain::AgentId;
use aios_edge::{Edge, Purge, PurgeError};
use aios_marketplace::{CacheSettings, EdgeLine, EdgeSettings, ManualClock, Marketplace};
use aios_test_support::{TestDatabase, on_both_databases};
use chrono::TimeDelta;

use crate::support::{SECRET, clock, published, stars, uncached, user};

/// An edge that remembers what it was told, and does as it is told.
#[derive(Default)]
struct FakeEdge {
    name: &'static str,
    calls: Mutex<Vec<Vec<String>>>,
    fails: Mutex<Option<PurgeError>>,
}

impl Edge for FakeEdge {
    fn name(&self) -> &'static str {
        self.name
    }

    fn most_tags(&self) -> usize {
        100
    }

    fn purge(&self, what: Purge<'_>) -> Result<(), PurgeError> {
        let tags = match what {
            Purge::Tags(tags) => tags.to_vec(),
            Purge::Everything => vec!["everything".to_owned()],
        };
        let is_refused = tags.iter().any(|tag| tag == "aios:refused");
        self.calls.lock().unwrap().push(tags);
        match self.fails.lock().unwrap().clone() {
            Some(error) => Err(error),
            None if is_refused => Err(PurgeError::Refused("not this".to_owned())),
            None => Ok(()),
        }
    }
}

impl FakeEdge {
    fn new(name: &'static str) -> Arc<Self> {
        Arc::new(Self {
            name,
            ..Self::default()
        })
    }

    /// The calls since this was asked for last.
    fn calls(&self) -> Vec<Vec<String>> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    fn fails(&self, how: Option<PurgeError>) {
        *self.fails.lock().unwrap() = how;
    }
}

fn busy() -> PurgeError {
    PurgeError::Busy {
        retry_after: None,
        reason: "down".to_owned(),
    }
}

/// A server with edges, and the clocks it lives by.
struct Server {
    marketplace: Marketplace,
    wall: Arc<ManualClock>,
    relay: RelayClock,
}

impl Server {
    fn new(database: &TestDatabase, edges: &[&Arc<FakeEdge>]) -> Self {
        Self::with_cache(database, edges, &Cache::builder().build())
    }

    fn with_cache(database: &TestDatabase, edges: &[&Arc<FakeEdge>], cache: &Cache) -> Self {
        Self::with_window(database, edges, cache, Duration::from_millis(50))
    }

    fn with_window(database: &TestDatabase, edges: &[&Arc<FakeEdge>], cache: &Cache, window: Duration) -> Self {
        let (wall, relay) = (clock(), RelayClock::new());
        let settings = EdgeSettings {
            key_prefix: "aios".to_owned(),
            window,
            again: Duration::from_secs(5),
            random: || 1.0,
        };
        let edges = edges.iter().map(|&edge| Arc::clone(edge) as Arc<dyn Edge>).collect();
        let marketplace = Marketplace::new(database.pool(), wall.clone(), SECRET, cache, &CacheSettings::default());
        let marketplace = marketplace
            .unwrap()
            .relay_clock(relay.clone())
            .with_edges(edges, settings)
            .unwrap();
        Self {
            marketplace,
            wall,
            relay,
        }
    }

    /// What the server does a moment after writes were committed.
    async fn a_moment_later(&self) {
        for line in self.lines() {
            line.purge_committed().await;
        }
    }

    /// What it does every second.
    async fn second(&self) {
        self.marketplace.relay_invalidations().await.unwrap();
        for line in self.lines() {
            line.purge_waiting().await.unwrap();
        }
    }

    fn lines(&self) -> Vec<EdgeLine> {
        self.marketplace.edge_lines()
    }

    fn seconds_pass(&self, seconds: u32) {
        self.wall.advance(TimeDelta::seconds(seconds.into()));
        self.relay.advance(Duration::from_secs(seconds.into()));
    }
}

fn outbox(database: &TestDatabase) -> usize {
    invalidation_list(&mut database.connection(), None, 1_000)
        .unwrap()
        .len()
}

/// How many tags there are for an edge, due or not.
fn waiting(database: &TestDatabase, edge: &FakeEdge) -> u64 {
    let now = "2026-01-31T12:00:00Z".parse().unwrap();
    edge_purge_count(&mut database.connection(), edge.name, now)
        .unwrap()
        .all
}

fn of_publication(agent: AgentId) -> Vec<String> {
    let mut tags = vec![
        format!("aios:agent:{agent}"),
        "aios:agents".to_owned(),
        "aios:agents:development".to_owned(),
    ];
    tags.sort_unstable();
    tags
}

on_both_databases! {
    async fn a_write_is_purged_at_once_and_once_more(database: &TestDatabase) {
        let edge = FakeEdge::new("cdn");
        let server = Server::new(database, &[&edge]);
        server.second().await;
        let agent = published(&server.marketplace, &user(), "Purged").await.summary.id;
        assert!(edge.calls().is_empty(), "the write does not wait for it");
        server.a_moment_later().await;
        assert_eq!(edge.calls(), [of_publication(agent)]);
        server.second().await;
        server.seconds_pass(4);
        server.second().await;
        assert!(edge.calls().is_empty());
        server.seconds_pass(1);
        server.second().await;
        assert_eq!(edge.calls(), [of_publication(agent)], "for an answer that was on its way");
        server.seconds_pass(60);
        server.second().await;
        server.a_moment_later().await;
        assert!(edge.calls().is_empty());
        assert_eq!((outbox(database), waiting(database, &edge)), (0, 0));
    }

    async fn writes_that_come_together_are_one_purge(database: &TestDatabase) {
        let edge = FakeEdge::new("cdn");
        let server = Server::new(database, &[&edge]);
        let agent = published(&server.marketplace, &user(), "Reviewed").await.summary.id;
        server.a_moment_later().await;
        edge.calls();
        for reviewer in 0..10 {
            server.marketplace.review_write(&user(), agent, stars(1 + reviewer % 5)).await.unwrap();
        }
        server.a_moment_later().await;
        let expected = vec![format!("aios:agent:{agent}"), format!("aios:reviews:{agent}")];
        assert_eq!(edge.calls(), [expected], "and what is the reviewers' own is at no edge");
    }

    async fn an_edge_that_is_down_holds_up_neither_the_outbox_nor_another_edge(database: &TestDatabase) {
        let (down, up) = (FakeEdge::new("down"), FakeEdge::new("up"));
        let server = Server::new(database, &[&down, &up]);
        server.second().await;
        down.fails(Some(busy()));
        let author = user();
        let agent = published(&server.marketplace, &author, "Reviewed").await.summary.id;
        // For an hour, a write every ten seconds.
        let mut calls = 0;
        for minute in 0..360 {
            server.marketplace.review_write(&user(), agent, stars(1 + minute % 5)).await.unwrap();
            server.a_moment_later().await;
            server.second().await;
            server.seconds_pass(10);
            calls += down.calls().len();
            assert!(outbox(database) <= 4, "as without an edge: what others may not have seen yet");
            assert!(waiting(database, &down) <= 4, "a row a tag");
            assert!(!up.calls().is_empty());
        }
        assert!(calls < 100, "it is left alone more and more: {calls}");
        down.fails(None);
        server.seconds_pass(60);
        server.second().await;
        let expected = [of_publication(agent), vec![format!("aios:reviews:{agent}")]].concat();
        assert_eq!(down.calls(), [expected]);
        server.seconds_pass(5);
        server.second().await;
        server.seconds_pass(5);
        server.second().await;
        assert_eq!((waiting(database, &down), waiting(database, &up)), (0, 0));
    }

    async fn a_refused_credential_is_tried_every_five_minutes(database: &TestDatabase) {
        let edge = FakeEdge::new("cdn");
        let server = Server::new(database, &[&edge]);
        edge.fails(Some(PurgeError::Denied("no such token".to_owned())));
        published(&server.marketplace, &user(), "Not purged").await;
        for _ in 0..299 {
            server.a_moment_later().await;
            server.second().await;
            server.seconds_pass(1);
        }
        assert_eq!(edge.calls().len(), 1);
        edge.fails(None);
        server.seconds_pass(1);
        server.second().await;
        assert_eq!(edge.calls().len(), 1, "it was mended");
    }

    async fn it_is_left_alone_for_as_long_as_it_asks(database: &TestDatabase) {
        let edge = FakeEdge::new("cdn");
        let server = Server::new(database, &[&edge]);
        let retry_after = Some(Duration::from_secs(120));
        edge.fails(Some(PurgeError::Busy { retry_after, reason: "too many".to_owned() }));
        let agent = published(&server.marketplace, &user(), "Patient").await.summary.id;
        server.a_moment_later().await;
        edge.fails(None);
        server.seconds_pass(119);
        server.second().await;
        assert_eq!(edge.calls().len(), 1);
        server.seconds_pass(1);
        server.second().await;
        assert_eq!(edge.calls(), [of_publication(agent)]);
    }

    async fn what_a_server_committed_before_it_died_is_purged_by_another(database: &TestDatabase) {
        let edge = FakeEdge::new("cdn");
        let server = Server::new(database, &[&edge]);
        server.second().await;
        // It commits and dies; or it is an import, which has neither cache nor edge.
        let agent = published(&uncached(database), &user(), "Left behind").await.summary.id;
        server.second().await;
        assert_eq!(edge.calls(), [of_publication(agent)]);
    }

    async fn what_an_edge_missed_outlives_the_server(database: &TestDatabase) {
        let edge = FakeEdge::new("cdn");
        let server = Server::new(database, &[&edge]);
        edge.fails(Some(busy()));
        let agent = published(&server.marketplace, &user(), "Missed").await.summary.id;
        server.a_moment_later().await;
        server.second().await;
        drop(server);
        edge.calls();
        edge.fails(None);
        Server::new(database, &[&edge]).second().await;
        assert_eq!(edge.calls(), [of_publication(agent)]);
    }

    async fn of_two_servers_either_purges_for_both(database: &TestDatabase) {
        let edge = FakeEdge::new("cdn");
        let (one, other) = (Server::new(database, &[&edge]), Server::new(database, &[&edge]));
        let agent = published(&one.marketplace, &user(), "Once").await.summary.id;
        one.a_moment_later().await;
        one.second().await;
        assert_eq!(edge.calls().len(), 1);
        other.second().await;
        assert_eq!(edge.calls(), [of_publication(agent)], "now the other's memory has nothing older, either");
        for server in [&one, &other] {
            server.seconds_pass(5);
            server.second().await;
        }
        assert_eq!(edge.calls(), [of_publication(agent)], "the last one, by whoever comes first");
        assert_eq!(waiting(database, &edge), 0);
    }

    async fn a_server_without_a_cache_has_an_edge_all_the_same(database: &TestDatabase) {
        let edge = FakeEdge::new("cdn");
        let server = Server::with_cache(database, &[&edge], &Cache::builder().enabled(false).build());
        let agent = published(&server.marketplace, &user(), "Purged").await.summary.id;
        server.a_moment_later().await;
        assert_eq!(edge.calls(), [of_publication(agent)]);
        server.second().await;
        server.seconds_pass(30);
        server.second().await;
        assert_eq!(edge.calls().len(), 1);
        assert_eq!((outbox(database), waiting(database, &edge)), (0, 0));
    }

    async fn what_is_gathered_for_long_is_gathered_by_all_servers_together(database: &TestDatabase) {
        let edge = FakeEdge::new("cdn");
        let server = || {
            let (cache, window) = (Cache::builder().build(), Duration::from_secs(30));
            Server::with_window(database, &[&edge], &cache, window)
        };
        let (one, other) = (server(), server());
        assert_eq!(one.lines()[0].interval(), Duration::from_secs(30));
        let agents = [published(&one.marketplace, &user(), "First").await, published(&other.marketplace, &user(), "Second").await];
        for server in [&one, &other] {
            server.a_moment_later().await;
            server.marketplace.relay_invalidations().await.unwrap();
        }
        assert!(edge.calls().is_empty());
        other.lines()[0].purge_waiting().await.unwrap();
        let purged = edge.calls().concat();
        assert!(agents.iter().all(|agent| purged.contains(&format!("aios:agent:{}", agent.summary.id))), "{purged:?}");
        one.lines()[0].purge_waiting().await.unwrap();
        assert!(edge.calls().is_empty());
    }

    async fn everything_is_purged_at_a_word(database: &TestDatabase) {
        let edge = FakeEdge::new("cdn");
        let server = Server::new(database, &[&edge]);
        server.second().await;
        uncached(database).invalidate_everything().await.unwrap();
        server.second().await;
        assert_eq!(edge.calls(), [["everything"]]);
        uncached(database).invalidate_tags(vec!["agents".to_owned()]).await.unwrap();
        server.second().await;
        assert_eq!(edge.calls(), [["aios:agents"]]);
    }

    async fn a_tag_that_the_edge_refuses_is_given_up(database: &TestDatabase) {
        let edge = FakeEdge::new("cdn");
        let server = Server::new(database, &[&edge]);
        let tags = vec!["agents".to_owned(), "categories".to_owned(), "refused".to_owned()];
        server.marketplace.invalidate_tags(tags).await.unwrap();
        server.second().await;
        server.seconds_pass(5);
        edge.calls();
        server.second().await;
        let calls = edge.calls().concat();
        assert!(calls.contains(&"aios:agents".to_owned()) && calls.contains(&"aios:categories".to_owned()));
        assert!(!calls.contains(&"aios:refused".to_owned()));
        assert_eq!(waiting(database, &edge), 0);
    }

    async fn too_many_tags_are_purged_as_everything(database: &TestDatabase) {
        let edge = FakeEdge::new("cdn");
        let server = Server::new(database, &[&edge]);
        edge.fails(Some(busy()));
        let tags = (0..10_001).map(|place| format!("agent:{place}")).collect();
        server.marketplace.invalidate_tags(tags).await.unwrap();
        server.a_moment_later().await;
        server.second().await;
        server.second().await;
        assert_eq!(waiting(database, &edge), 1);
        edge.fails(None);
        edge.calls();
        server.seconds_pass(60);
        server.second().await;
        assert_eq!(edge.calls(), [["everything"]]);
    }
}

#[test]
fn edges_have_names_of_their_own() {
    let database = TestDatabase::sqlite();
    let edges: Vec<Arc<dyn Edge>> = vec![FakeEdge::new("cdn"), FakeEdge::new("cdn")];
    let settings = EdgeSettings {
        key_prefix: "aios".to_owned(),
        window: Duration::ZERO,
        again: Duration::ZERO,
        random: || 0.5,
    };
    assert!(uncached(&database).with_edges(edges, settings).is_err());
}
