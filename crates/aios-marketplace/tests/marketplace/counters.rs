//! Counters agree with the rows they count, however many change them at once.

use std::collections::BTreeMap;
use std::time::Duration;

use aios_db::store::analytics::{GatheredViews, views_add};
use aios_domain::{AgentChanges, AgentId, CategoryName, ErrorKind, EventId, JsonObject};
use aios_marketplace::{Marketplace, PageRequest, Precondition};
use aios_test_support::{TestDatabase, on_both_databases};

use crate::support::{admin, marketplace, published, stars, uncached, user};

/// Users that act on one agent, and what each does: together 200 changes at once.
const USERS: usize = 40;

on_both_databases! {
    async fn two_hundred_changes_at_once_leave_exact_counters(database: &TestDatabase) {
        let marketplace = marketplace(database);
        let agent = published(&marketplace, &user(), "Popular").await.summary.id;
        let callers: Vec<_> = (0..USERS).map(|_| user()).collect();
        let mut changes = Vec::new();
        for (place, caller) in callers.iter().enumerate() {
            for step in 0..5 {
                let (marketplace, caller) = (marketplace.clone(), caller.clone());
                changes.push(tokio::task::spawn_local(async move {
                    match step {
                        0 | 3 => marketplace.agent_install(&caller, agent, JsonObject::default()).await.map(drop),
                        1 => marketplace.agent_uninstall(&caller, agent).await,
                        _ => {
                            let rating = i64::try_from((place + step) % 5).unwrap() + 1;
                            marketplace.review_write(&caller, agent, stars(rating)).await.map(drop)
                        }
                    }
                }));
            }
        }
        assert_eq!(changes.len(), 200);
        for change in changes {
            if let Err(error) = change.await.unwrap() {
                // Who came too late or too early was told so; nobody is told that the server is at fault.
                assert!(matches!(error.kind(), ErrorKind::AlreadyInstalled | ErrorKind::NotFound), "{error:?}");
            }
        }
        assert_counters(&marketplace, agent, &callers).await;
    }

    async fn categories_count_their_active_agents(database: &TestDatabase) {
        let marketplace = marketplace(database);
        let (author, admin) = (user(), admin());
        let agent = published(&marketplace, &author, "Mover").await.summary.id;
        assert_eq!(count(&marketplace, "development").await, 1);

        let to_content = AgentChanges {
            category: Some(Some(CategoryName::new("content").unwrap())),
            ..AgentChanges::default()
        };
        marketplace.agent_update(&author, agent, to_content, Precondition::None).await.unwrap();
        assert_eq!((count(&marketplace, "development").await, count(&marketplace, "content").await), (0, 1));

        marketplace.agent_withdraw(&author, agent).await.unwrap();
        assert_eq!(count(&marketplace, "content").await, 0);
        let elsewhere = AgentChanges { category: Some(None), is_active: Some(true), ..AgentChanges::default() };
        marketplace.agent_update(&admin, agent, elsewhere, Precondition::None).await.unwrap();
        assert_eq!(count(&marketplace, "content").await, 0);

        let unknown = AgentChanges {
            category: Some(Some(CategoryName::new("no-such-category").unwrap())),
            ..AgentChanges::default()
        };
        let refused = marketplace.agent_update(&author, agent, unknown, Precondition::None).await.unwrap_err();
        assert_eq!(refused.fields()[0].field, "category");
    }

    async fn agents_that_move_at_once_leave_exact_category_counts(database: &TestDatabase) {
        let marketplace = marketplace(database);
        let author = user();
        let mut moves = Vec::new();
        for place in 0..20 {
            let agent = published(&marketplace, &author, &format!("Mover {place}")).await.summary.id;
            for category in ["content", "analysis", "development"] {
                let (marketplace, author) = (marketplace.clone(), author.clone());
                let change = AgentChanges {
                    category: Some(Some(CategoryName::new(category).unwrap())),
                    ..AgentChanges::default()
                };
                moves.push(tokio::task::spawn_local(async move {
                    marketplace.agent_update(&author, agent, change, Precondition::None).await
                }));
            }
        }
        for moved in moves {
            moved.await.unwrap().unwrap();
        }
        for category in ["content", "analysis", "development"] {
            let mut query = crate::support::all(aios_domain::AgentSort::Popular);
            query.filter.category = Some(CategoryName::new(category).unwrap());
            let listed = marketplace.agent_list(query, PageRequest::first(100)).await.unwrap();
            assert_eq!(count(&marketplace, category).await, listed.total.unwrap(), "{category}");
        }
    }

    async fn a_change_that_is_refused_leaves_no_trace(database: &TestDatabase) {
        let marketplace = marketplace(database);
        let (author, caller) = (user(), user());
        let agent = published(&marketplace, &author, "Once").await.summary.id;
        marketplace.agent_install(&caller, agent, JsonObject::default()).await.unwrap();
        let again = marketplace.agent_install(&caller, agent, JsonObject::default()).await.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::AlreadyInstalled);
        let stats = marketplace.agent_stats(&author, agent).await.unwrap();
        assert_eq!((stats.active_installs, stats.total_installs, stats.recent_activity.install), (1, 1, 1));
        marketplace.agent_uninstall(&caller, agent).await.unwrap();
        assert_eq!(marketplace.agent_uninstall(&caller, agent).await.unwrap_err().kind(), ErrorKind::NotFound);
        let stats = marketplace.agent_stats(&author, agent).await.unwrap();
        assert_eq!((stats.active_installs, stats.total_installs, stats.recent_activity.uninstall), (0, 1, 1));
    }

    async fn views_are_counted_once_and_written_in_batches(database: &TestDatabase) {
        let marketplace = uncached(database);
        let author = user();
        let agent = published(&marketplace, &author, "Seen").await.summary.id;
        for _ in 0..25 {
            marketplace.agent_get(agent, None).await.unwrap();
        }
        assert_eq!(marketplace.agent_stats(&author, agent).await.unwrap().total_views, 0, "a read costs no write");
        marketplace.flush_views().await.unwrap();
        marketplace.flush_views().await.unwrap();
        let stats = marketplace.agent_stats(&author, agent).await.unwrap();
        assert_eq!((stats.total_views, stats.recent_activity.view), (25, 25));
    }

    async fn views_whose_commit_was_not_heard_of_are_written_again_and_counted_once(database: &TestDatabase) {
        let marketplace = uncached(database);
        let author = user();
        let (seen, gone) = (published(&marketplace, &author, "Seen").await.summary.id, AgentId::new());
        let look = async || {
            marketplace.agent_get(seen, None).await.unwrap();
            assert!(marketplace.agent_get(gone, None).await.is_err());
        };
        for round in 1..=20 {
            look().await;
            // The write goes on on its thread; who waited for it goes away, so that its answer reaches nobody.
            drop(tokio::time::timeout(Duration::ZERO, marketplace.flush_views()).await);
            look().await;
            marketplace.flush_views().await.unwrap();
            let stats = marketplace.agent_stats(&author, seen).await.unwrap();
            assert_eq!((stats.total_views, stats.recent_activity.view), (2 * round, 2 * round));
        }
    }

    async fn the_same_gathered_views_are_added_once_in_any_number_of_transactions(database: &TestDatabase) {
        let marketplace = uncached(database);
        let author = user();
        let (first, second) = (published(&marketplace, &author, "First").await, published(&marketplace, &author, "Second").await);
        let (first, second, gone) = (first.summary.id, second.summary.id, AgentId::new());
        let views = |count| GatheredViews { id: EventId::new(), count };
        let batch = BTreeMap::from([(first, views(3)), (second, views(4)), (gone, views(5))]);
        let add = |batch: BTreeMap<AgentId, GatheredViews>| {
            marketplace.database().write(move |c| views_add(c, &batch, "2026-01-31T12:00:00Z".parse().unwrap()))
        };
        // All at once: who comes second waits for the first, and passes over what it has added.
        let (one, other) = tokio::join!(add(batch.clone()), add(batch.clone()));
        one.and(other).unwrap();
        add(batch).await.unwrap();
        add(BTreeMap::from([(first, views(1))])).await.unwrap();
        for (agent, count) in [(first, 4), (second, 4)] {
            let stats = marketplace.agent_stats(&author, agent).await.unwrap();
            assert_eq!((stats.total_views, stats.recent_activity.view), (count, count));
        }
    }
}

/// Everything that is counted, against what it counts.
async fn assert_counters(marketplace: &Marketplace, id: AgentId, callers: &[aios_domain::Caller]) {
    let agent = &marketplace.agent_get(id, None).await.unwrap().agent.summary;
    let mut installed = 0;
    for caller in callers {
        let mine = marketplace.my_agents(caller, PageRequest::first(10)).await.unwrap();
        assert!(mine.items.len() <= 1, "one active installation a user and agent");
        installed += i64::try_from(mine.items.len()).unwrap();
    }
    assert_eq!(agent.install_count, installed);

    let reviews = marketplace
        .review_list(id, None, PageRequest::first(100))
        .await
        .unwrap();
    assert_eq!(reviews.items.len(), USERS, "one review a user and agent");
    assert_eq!(agent.rating_count, reviews.total.unwrap());
    let sum: i64 = reviews
        .items
        .iter()
        .map(|review| i64::from(review.rating.stars()))
        .sum();
    let users = i64::try_from(USERS).unwrap();
    // The mean is the database's quotient of two exact numbers.
    #[expect(clippy::cast_precision_loss, reason = "both are small")]
    let mean = sum as f64 / users as f64;
    assert!(
        (agent.rating_average - mean).abs() < f64::EPSILON,
        "{} is not {mean}",
        agent.rating_average
    );
}

async fn count(marketplace: &Marketplace, category: &str) -> i64 {
    let counts = marketplace.category_counts().await.unwrap();
    counts
        .iter()
        .find(|count| count.name.as_str() == category)
        .unwrap()
        .count
}
