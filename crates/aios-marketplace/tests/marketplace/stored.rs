//! What is kept in Redis comes back as it was, and damage to it is an error and no panic.

use std::fmt::Debug;
use std::sync::Arc;

use aios_cache::serializer::{MessagePack, conformance};
use aios_domain::{AgentField, AgentSort, JsonObject, Rating};
use aios_marketplace::{Marketplace, PageRequest};
use aios_test_support::{TestDatabase, block_on};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::caching::knowledge;
use crate::support::{all, draft, uncached, user};

fn check<V: Serialize + DeserializeOwned + Debug + PartialEq>(values: impl IntoIterator<Item = V>) {
    conformance::check(&MessagePack, values, 2026).unwrap();
}

#[test]
fn every_kept_type_survives_the_way_through_redis() {
    block_on(async {
        let database = TestDatabase::sqlite();
        let marketplace = uncached(&database);
        marketplace.fill_with_demonstration(1).await.unwrap();
        public(&marketplace).await;
        own(&marketplace).await;
    });
}

async fn public(marketplace: &Marketplace) {
    let page = PageRequest::first(10);
    let listed = marketplace
        .agent_list(all(AgentSort::Popular), page.clone())
        .await
        .unwrap();
    let mut narrow = all(AgentSort::Popular);
    narrow.fields = [AgentField::Category, AgentField::IconUrl].into_iter().collect();
    let narrow = marketplace.agent_list(narrow, page.clone()).await.unwrap();
    let agent = marketplace
        .agent_get(listed.items[0].id.unwrap(), None)
        .await
        .unwrap()
        .agent;
    let reviews = marketplace.review_list(agent.summary.id, None, page).await.unwrap();
    check([listed.into_listing(), narrow.into_listing()]);
    check([Some(agent), None]);
    check([reviews.to_value()]);
    check([marketplace.stats().await.unwrap().to_value()]);
    check([marketplace.category_list().await.unwrap().to_value()]);
    check([marketplace.category_counts().await.unwrap().to_value()]);
}

async fn own(marketplace: &Marketplace) {
    let author = user();
    let mut odd = draft("Odd");
    odd.requirements =
        JsonObject::new(serde_json::json!({ "a": [1.5, -1, 18_446_744_073_709_551_615_u64, null], "b": {} })).unwrap();
    let agent = marketplace.agent_create(&author, odd).await.unwrap();
    let installed = marketplace
        .agent_install(&author, agent.summary.id, agent.requirements.clone())
        .await
        .unwrap();
    let figures = marketplace.agent_stats(&author, agent.summary.id).await.unwrap();
    let page = aios_marketplace::Listing {
        items: vec![installed.installation],
        total: Some(1),
        page: None,
        limit: 10,
        next_cursor: Some("x".to_owned()),
        prev_cursor: None,
    };
    check([page]);
    check([figures]);
    check([(true, Some(Rating::new(4).unwrap())), (false, None)]);
    check([Some(Arc::new(agent)), None]);
    let entry = marketplace.knowledge_create(&author, knowledge("Kept")).await.unwrap();
    check([vec![entry.clone()], Vec::new()]);
    check([Some(Arc::new(entry)), None]);
}
