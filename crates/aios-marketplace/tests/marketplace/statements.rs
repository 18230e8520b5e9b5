//! Lists with related data take the same number of statements for one row and for a hundred.

use aios_domain::{AgentSort, Caller, JsonObject};
use aios_marketplace::{Marketplace, PageAt, PageRequest};
use aios_test_support::{TestDatabase, on_both_databases};

use crate::support::{all, marketplace, published, searching, stars, user};

/// What is read, and how many statements it takes.
const EXPECTED: [(&str, u64); 9] = [
    ("my agents with their agents, counted", 3),
    ("agents with their tags, counted", 2),
    ("agents by page number, counted", 2),
    ("agents found by words, counted", 2),
    ("agents by their ids", 1),
    ("reviews of an active agent, counted", 3),
    ("an agent for an anonymous caller", 1),
    ("an agent for a signed-in caller", 2),
    ("the marketplace at a glance", 5),
];

on_both_databases! {
    async fn the_number_of_rows_does_not_matter(database: &TestDatabase) {
        let marketplace = marketplace(database);
        let (author, reader) = (user(), user());
        let mut made = 0;
        for rows in [1, 10, 100] {
            while made < rows {
                made += 1;
                let agent = published(&marketplace, &author, &format!("Agent {made}")).await.summary.id;
                marketplace.agent_install(&reader, agent, JsonObject::default()).await.unwrap();
            }
            let first = marketplace.agent_list(all(AgentSort::Name), PageRequest::first(1)).await.unwrap();
            let reviewed = first.items[0].id.unwrap();
            for _ in 0..rows {
                marketplace.review_write(&user(), reviewed, stars(4)).await.unwrap();
            }
            assert_eq!(measured(&marketplace, &reader, rows).await, EXPECTED, "with {rows} rows");
        }
    }
}

async fn measured(marketplace: &Marketplace, reader: &Caller, rows: usize) -> [(&'static str, u64); 9] {
    let page = PageRequest::first(100);
    let second = PageRequest {
        at: PageAt::Number(2),
        limit: 1,
        ..page.clone()
    };
    let listed = marketplace
        .agent_list(all(AgentSort::Name), page.clone())
        .await
        .unwrap();
    assert_eq!(listed.items.len(), rows);
    let ids: Vec<_> = listed.items.iter().map(|agent| agent.id.unwrap()).collect();
    let agent = ids[0];

    let counter = Counter(marketplace);
    [
        (
            EXPECTED[0].0,
            counter
                .of(async { marketplace.my_agents(reader, page.clone()).await.unwrap().items.len() })
                .await,
        ),
        (
            EXPECTED[1].0,
            counter
                .of(marketplace.agent_list(all(AgentSort::Popular), page.clone()))
                .await,
        ),
        (
            EXPECTED[2].0,
            // With one row there is no second page, and one more statement finds the way back from beyond the end.
            if rows == 1 {
                EXPECTED[2].1
            } else {
                counter
                    .of(marketplace.agent_list(all(AgentSort::Popular), second))
                    .await
            },
        ),
        (
            EXPECTED[3].0,
            counter
                .of(marketplace.agent_list(searching("agent", AgentSort::Relevance), page.clone()))
                .await,
        ),
        (
            EXPECTED[4].0,
            counter
                .of(marketplace.agents_by_ids(ids, aios_domain::AgentFieldSet::ALL))
                .await,
        ),
        (
            EXPECTED[5].0,
            counter.of(marketplace.review_list(agent, None, page)).await,
        ),
        (EXPECTED[6].0, counter.of(marketplace.agent_get(agent, None)).await),
        (
            EXPECTED[7].0,
            counter.of(marketplace.agent_get(agent, Some(reader))).await,
        ),
        (EXPECTED[8].0, counter.of(marketplace.stats()).await),
    ]
}

struct Counter<'a>(&'a Marketplace);

impl Counter<'_> {
    async fn of<T>(&self, work: impl Future<Output = T>) -> u64 {
        let before = self.0.database().statement_count();
        work.await;
        self.0.database().statement_count() - before
    }
}
