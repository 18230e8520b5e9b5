//! Trending follows the installs and views of the last seven days: ten points an install, one a view.

use aios_db::store::analytics::trending_changes;
use aios_domain::{AgentSort, JsonObject};
use aios_marketplace::{Clock, Marketplace, PageRequest};
use aios_test_support::{TestDatabase, on_both_databases};
use chrono::TimeDelta;

use crate::support::{all, clock, published, uncached_at, user};

on_both_databases! {
    async fn it_rises_with_installs_and_views_and_falls_after_a_week(database: &TestDatabase) {
        let clock = clock();
        let marketplace = uncached_at(database, clock.clone());
        let author = user();
        let installed = published(&marketplace, &author, "Installed").await.summary.id;
        let viewed = published(&marketplace, &author, "Viewed").await.summary.id;
        published(&marketplace, &author, "Overlooked").await;

        marketplace.agent_install(&user(), installed, JsonObject::default()).await.unwrap();
        for _ in 0..9 {
            marketplace.agent_get(viewed, None).await.unwrap();
        }
        marketplace.housekeeping().await.unwrap();
        assert_eq!(order(&marketplace).await, ["Installed", "Viewed", "Overlooked"]);

        marketplace.agent_get(viewed, None).await.unwrap();
        marketplace.agent_get(viewed, None).await.unwrap();
        marketplace.housekeeping().await.unwrap();
        assert_eq!(order(&marketplace).await, ["Viewed", "Installed", "Overlooked"]);

        clock.advance(TimeDelta::days(6));
        marketplace.agent_install(&user(), installed, JsonObject::default()).await.unwrap();
        marketplace.housekeeping().await.unwrap();
        assert_eq!(order(&marketplace).await, ["Installed", "Viewed", "Overlooked"]);

        // What happened first is more than a week old; the second install still counts, then it does not either.
        clock.advance(TimeDelta::days(2));
        marketplace.housekeeping().await.unwrap();
        assert_eq!(order(&marketplace).await[0], "Installed");
        clock.advance(TimeDelta::days(6));
        marketplace.housekeeping().await.unwrap();
        assert_eq!(order(&marketplace).await, ["Overlooked", "Viewed", "Installed"], "all at zero: newest first");
    }

    async fn of_more_agents_than_are_written_at_once_none_is_left_out(database: &TestDatabase) {
        let clock = clock();
        let marketplace = uncached_at(database, clock.clone());
        let author = user();
        for number in 0..230 {
            let agent = published(&marketplace, &author, &format!("Agent {number}")).await;
            marketplace.count_view(agent.summary.id);
        }
        marketplace.flush_views().await.unwrap();
        let now = clock.now();
        let due = async || marketplace.database().read(move |c| trending_changes(c, now)).await.unwrap();
        let before = due().await;
        assert!(before.len() == 230 && before.iter().all(|change| change.score == 1), "{before:?}");
        marketplace.housekeeping().await.unwrap();
        assert_eq!(due().await, []);
    }
}

async fn order(marketplace: &Marketplace) -> Vec<String> {
    let listed = marketplace
        .agent_list(all(AgentSort::Trending), PageRequest::first(10))
        .await
        .unwrap();
    listed
        .items
        .iter()
        .map(|agent| agent.name.as_ref().unwrap().to_string())
        .collect()
}
