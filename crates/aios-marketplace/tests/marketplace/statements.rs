//! Lists with related data take the same number of statements for one row and for a hundred, the same question again takes
//! none, and what a write makes stale costs it one.

use aios_db::DatabaseKind;
use aios_domain::{
    AgentChanges, AgentFieldSet, AgentId, AgentSort, Caller, CategoryDraft, CategoryName, DisplayName, JsonObject,
    Version,
};
use aios_marketplace::{Marketplace, PageAt, PageRequest, Precondition};
use aios_test_support::{TestDatabase, on_both_databases};

use crate::support::{admin, all, draft, marketplace, published, searching, stars, uncached, user};

/// What is asked.
#[derive(Clone, Copy, Debug)]
enum Question {
    MyAgents,
    AgentsWithTags,
    SecondPage,
    FoundByWords,
    ByIds,
    Reviews,
    AgentForAnybody,
    AgentForUser,
    Stats,
    Categories,
    CategoryCounts,
    AgentStats,
}

/// How many statements it takes when nothing is kept yet.
const COLD: [(Question, u64); 12] = [
    (Question::MyAgents, 3),
    (Question::AgentsWithTags, 2),
    (Question::SecondPage, 2),
    (Question::FoundByWords, 3),
    (Question::ByIds, 1),
    (Question::Reviews, 3),
    (Question::AgentForAnybody, 1),
    (Question::AgentForUser, 2),
    (Question::Stats, 5),
    (Question::Categories, 1),
    (Question::CategoryCounts, 1),
    (Question::AgentStats, 4),
];

/// Who asks about which agents.
struct Asked {
    author: Caller,
    reader: Caller,
    agents: Vec<AgentId>,
}

impl Question {
    async fn ask(self, marketplace: &Marketplace, asked: &Asked) {
        let page = PageRequest::first(100);
        let first = asked.agents[0];
        match self {
            Self::MyAgents => {
                let mine = marketplace.my_agents(&asked.reader, page).await.unwrap();
                assert_eq!(mine.items.len(), asked.agents.len());
            }
            Self::AgentsWithTags => {
                let listed = marketplace.agent_list(all(AgentSort::Popular), page).await.unwrap();
                assert_eq!(listed.items.len(), asked.agents.len());
            }
            Self::SecondPage => {
                let at = PageAt::Number(2);
                let second = PageRequest { at, limit: 1, ..page };
                marketplace.agent_list(all(AgentSort::Popular), second).await.unwrap();
            }
            Self::FoundByWords => {
                let query = searching("agent", AgentSort::Relevance);
                marketplace.agent_list(query, page).await.unwrap();
            }
            Self::ByIds => {
                let by_ids = marketplace.agents_by_ids(&asked.agents, AgentFieldSet::ALL).await;
                assert_eq!(by_ids.unwrap().0.len(), asked.agents.len());
            }
            Self::Reviews => drop(marketplace.review_list(first, None, page).await.unwrap()),
            Self::AgentForAnybody => drop(marketplace.agent_get(first, None).await.unwrap()),
            Self::AgentForUser => drop(marketplace.agent_get(first, Some(&asked.reader)).await.unwrap()),
            Self::Stats => drop(marketplace.stats().await.unwrap()),
            Self::Categories => drop(marketplace.category_list().await.unwrap()),
            Self::CategoryCounts => drop(marketplace.category_counts().await.unwrap()),
            Self::AgentStats => {
                marketplace.agent_stats(&asked.author, first).await.unwrap();
            }
        }
    }
}

on_both_databases! {
    async fn the_number_of_rows_does_not_matter_and_the_second_time_costs_nothing(database: &TestDatabase) {
        let writing = marketplace(database);
        let mut asked = Asked { author: user(), reader: user(), agents: Vec::new() };
        for rows in [1, 10, 100] {
            while asked.agents.len() < rows {
                let name = format!("Agent {}", asked.agents.len());
                let agent = published(&writing, &asked.author, &name).await.summary.id;
                writing.agent_install(&asked.reader, agent, JsonObject::default()).await.unwrap();
                asked.agents.push(agent);
            }
            for _ in 0..rows {
                writing.review_write(&user(), asked.agents[0], stars(4)).await.unwrap();
            }
            for (question, statements) in COLD {
                // With one row there is no second page, and one more statement finds the way back from beyond the end.
                if rows == 1 && matches!(question, Question::SecondPage) {
                    continue;
                }
                let fresh = marketplace(database);
                let counted = count(&fresh, question.ask(&fresh, &asked)).await;
                assert_eq!(counted, statements, "{question:?} with {rows} rows");
                assert_eq!(count(&fresh, question.ask(&fresh, &asked)).await, 0, "{question:?} again");
            }
        }
    }

    async fn a_crowd_that_reads_different_agents_takes_few_statements(database: &TestDatabase) {
        let (writing, author) = (marketplace(database), user());
        let mut agents = Vec::new();
        for number in 0..100 {
            agents.push(published(&writing, &author, &format!("Agent {number}")).await.summary.id);
        }
        for reading in [marketplace(database), uncached(database)] {
            let crowd = agents.iter().map(|&id| {
                let reading = reading.clone();
                tokio::spawn(async move { reading.agent_get(id, None).await.unwrap().agent.summary.id })
            });
            let crowd: Vec<_> = crowd.collect();
            let mut read = Vec::new();
            let statements = count(&reading, async {
                for reader in crowd {
                    read.push(reader.await.unwrap());
                }
            });
            // Loads under way when the first ask, and those that gather the others; how many is a matter of timing.
            assert!((1..=20).contains(&statements.await));
            assert_eq!(read, agents, "everybody has the agent that was asked for");
        }
        // One that there is not is told so among others that there are.
        let reading = marketplace(database);
        let (there, not) = tokio::join!(reading.agent_get(agents[0], None), reading.agent_get(AgentId::new(), None));
        assert!(there.is_ok());
        assert_eq!(not.unwrap_err().kind(), aios_domain::ErrorKind::NotFound);
    }

    async fn a_write_pays_one_statement_for_what_it_makes_stale(database: &TestDatabase) {
        let marketplace = marketplace(database);
        let (author, reader) = (user(), user());
        let agent = published(&marketplace, &author, "First, which makes the tag").await.summary.id;
        let renamed = AgentChanges { version: Some(Version::new("2.0.0").unwrap()), ..AgentChanges::default() };
        let security = CategoryDraft {
            name: CategoryName::new("security").unwrap(),
            display_name: DisplayName::new("Security").unwrap(),
            description: None,
            icon: None,
            color: None,
            sort_order: 7,
        };
        let (nothing, none) = (JsonObject::default, Precondition::None);
        let counted = [
            ("publish", count(&marketplace, marketplace.agent_create(&author, draft("Second"))).await),
            ("edit", count(&marketplace, marketplace.agent_update(&author, agent, renamed, none)).await),
            ("install", count(&marketplace, marketplace.agent_install(&reader, agent, nothing())).await),
            ("run", count(&marketplace, marketplace.agent_ran(&reader, agent, nothing())).await),
            ("review", count(&marketplace, marketplace.review_write(&reader, agent, stars(5))).await),
            ("review again", count(&marketplace, marketplace.review_write(&reader, agent, stars(4))).await),
            ("uninstall", count(&marketplace, marketplace.agent_uninstall(&reader, agent)).await),
            ("withdraw", count(&marketplace, marketplace.agent_withdraw(&author, agent)).await),
            ("make a category", count(&marketplace, marketplace.category_create(&admin(), security)).await),
        ];
        // The last of each is the outbox's. PostgreSQL locks the agent's row in a statement of its own.
        let lock = u64::from(database.kind() == DatabaseKind::Postgres);
        assert_eq!(counted, [
            ("publish", 6 + 1),
            ("edit", lock + 2 + 1),
            ("install", lock + 5 + 1),
            ("run", 2 + 1),
            ("review", lock + 7 + 1),
            ("review again", lock + 7 + 1),
            ("uninstall", lock + 3 + 1),
            ("withdraw", lock + 3 + 1),
            ("make a category", 1 + 1),
        ]);
        let refused = count(&marketplace, marketplace.agent_ran(&reader, agent, nothing())).await;
        assert_eq!(refused, 1, "what is refused makes nothing stale");
    }
}

async fn count<T>(marketplace: &Marketplace, work: impl Future<Output = T>) -> u64 {
    let before = marketplace.database().statement_count();
    work.await;
    marketplace.database().statement_count() - before
}
