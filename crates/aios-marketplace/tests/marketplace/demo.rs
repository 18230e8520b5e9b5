//! The demonstration catalogue in a database: there once, whole, and ready to be browsed.

use std::sync::Arc;

use aios_marketplace::demo::Catalogue;
use aios_marketplace::{ManualClock, Marketplace};
use aios_test_support::{TestDatabase, on_both_databases};

use crate::support::uncached_at;

fn marketplace(database: &TestDatabase) -> Marketplace {
    let now = "2026-01-31T12:00:00Z".parse().unwrap();
    uncached_at(database, Arc::new(ManualClock::new(now)))
}

on_both_databases! {
    async fn an_empty_database_is_filled_once(database: &TestDatabase) {
        let marketplace = marketplace(database);
        assert!(marketplace.fill_with_demonstration(1).await.unwrap());
        assert!(!marketplace.fill_with_demonstration(1).await.unwrap());

        let catalogue = Catalogue::build(1, marketplace.clock().now()).unwrap();
        let stats = marketplace.stats().await.unwrap();
        assert_eq!(stats.total_agents, 200);
        let active = catalogue.installations.iter().filter(|row| row.is_active).count();
        assert_eq!(stats.total_installs, i64::try_from(active).unwrap());
        assert_eq!(stats.featured_agents.len(), 6);
        let counts = marketplace.category_counts().await.unwrap();
        assert_eq!(counts.iter().map(|category| category.count).sum::<i64>(), 200);

        let trending: Vec<_> = stats.trending_agents.iter().map(|agent| agent.id).collect();
        assert_eq!(trending.len(), 6, "trending is there without waiting for housekeeping");
        marketplace.housekeeping().await.unwrap();
        let again = marketplace.stats().await.unwrap();
        assert_eq!(again.trending_agents.iter().map(|agent| agent.id).collect::<Vec<_>>(), trending);
    }
}
