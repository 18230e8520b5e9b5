//! Searching by words, beginnings and near misses.

use aios_db::store::search_tiers::{TierChange, tiers_set};
use aios_domain::{AgentDraft, AgentName, AgentSort, Capability, Description, PartialAgentSummary, SearchQuery, Tag};
use aios_marketplace::{Marketplace, PageAt, PageRequest};
use aios_test_support::{TestDatabase, on_both_databases};

use crate::support::{draft, marketplace, published, searching, uncached, user};

async fn filled(database: &TestDatabase) -> Marketplace {
    let marketplace = marketplace(database);
    let author = user();
    for (name, description, tags, capabilities) in [
        (
            "Customer Whisperer",
            "Answers tickets in the tone of the house.",
            vec!["support"],
            vec!["draft replies"],
        ),
        (
            "Ledger Owl",
            "Reconciles invoices and tells the customer what is missing.",
            vec!["finance"],
            vec!["match payments"],
        ),
        (
            "PostgreSQL Tuner",
            "Reads plans and proposes indexes.",
            vec!["database", "performance"],
            vec!["explain queries"],
        ),
        (
            "Café Guide",
            "Finds a place to sit. Über-friendly, naïve on purpose; 日本語 too.",
            vec!["travel"],
            vec![],
        ),
        (
            "C++ Reviewer",
            "Knows node.js as well, and why 'NEAR' is not \"AND\".",
            vec!["code-review"],
            vec!["review code"],
        ),
    ] {
        let draft = AgentDraft {
            name: AgentName::new(name).unwrap(),
            description: Description::new(description).unwrap(),
            tags: tags.into_iter().map(|tag| Tag::new(tag).unwrap()).collect(),
            capabilities: capabilities
                .into_iter()
                .map(|text| Capability::new(text).unwrap())
                .collect(),
            ..draft(name)
        };
        marketplace.agent_create(&author, draft).await.unwrap();
    }
    marketplace
}

on_both_databases! {
    async fn words_and_beginnings_are_found_wherever_they_stand(database: &TestDatabase) {
        let marketplace = filled(database).await;
        for (words, names) in [
            ("customer", &["Customer Whisperer", "Ledger Owl"][..]),
            ("CUSTOMER", &["Customer Whisperer", "Ledger Owl"]),
            ("cust", &["Customer Whisperer", "Ledger Owl"]),
            ("customer invoice", &["Ledger Owl"]),
            ("finance", &["Ledger Owl"]),
            ("code-review", &["C++ Reviewer"]),
            ("expl", &["PostgreSQL Tuner"]),
            ("postgres", &["PostgreSQL Tuner"]),
            ("js", &["C++ Reviewer"]),
            ("node.js", &["C++ Reviewer"]),
            ("日本語", &["Café Guide"]),
            ("café", &["Café Guide"]),
        ] {
            assert_eq!(found(&marketplace, words).await, names, "{words}");
        }
    }

    async fn a_typo_is_forgiven_where_nothing_else_is_found(database: &TestDatabase) {
        let marketplace = filled(database).await;
        for (typo, name) in [
            ("cusotmer", "Customer Whisperer"),
            ("custmer", "Customer Whisperer"),
            ("postgrs", "PostgreSQL Tuner"),
            ("reveiwer", "C++ Reviewer"),
            ("fianance", "Ledger Owl"),
        ] {
            let names = found(&marketplace, typo).await;
            assert!(names.contains(&name.to_owned()), "{typo}: {names:?}");
        }
        assert!(found(&marketplace, "xylophone").await.is_empty());
    }

    async fn what_was_typed_is_never_query_syntax(database: &TestDatabase) {
        let marketplace = filled(database).await;
        for text in [
            "\"", "'", "''; DROP TABLE users; --", "*", "customer*", "^customer", "name:customer", "customer AND", "OR", "NOT",
            "NEAR(customer invoice, 5)", "(((", "a & | !", "customer:*", "\\", "%", "_", "<->", "{customer}", "+", "-customer",
            "🦀", "\u{202e}", "a\u{0301}", "customer \"", "AND OR NOT NEAR", "0x41", "1e5", "1.5.2", "-1",
        ] {
            let listed = marketplace.agent_list(searching(text, AgentSort::Relevance), PageRequest::first(10)).await;
            assert!(listed.is_ok(), "{text}: {listed:?}");
        }
        assert_eq!(found(&marketplace, "\"customer\" AND* invoice)").await, ["Ledger Owl"], "'and' is a word like others");
        assert_eq!(found(&marketplace, "\"customer* (invoice)").await, ["Ledger Owl"]);
        assert!(found(&marketplace, "+++").await.is_empty());
    }

    async fn pages_of_a_search_join_to_the_whole(database: &TestDatabase) {
        let marketplace = marketplace(database);
        let author = user();
        for place in 0..23 {
            let agent = draft(&format!("Planner {place}"));
            marketplace.agent_create(&author, agent).await.unwrap();
        }
        // "planer" has a typo: its pages are those of the forgiving search.
        for words in ["planner", "planer"] {
            for sort in [AgentSort::Relevance, AgentSort::Name, AgentSort::Popular] {
                let whole = marketplace.agent_list(searching(words, sort), PageRequest::first(100)).await.unwrap();
                assert_eq!((whole.items.len(), whole.total), (23, Some(23)), "{words}");
                let mut walked = Vec::new();
                let mut page = PageRequest::first(5);
                loop {
                    let listed = marketplace.agent_list(searching(words, sort), page.clone()).await.unwrap();
                    walked.extend(listed.items.iter().cloned());
                    match listed.next_cursor.clone() {
                        Some(cursor) => page.at = PageAt::Cursor(cursor),
                        None => break,
                    }
                }
                assert_eq!(walked, whole.items, "{words} by {}", sort.as_str());
            }
        }
    }

    async fn of_a_usual_word_the_best_known_come_first_and_pages_join(database: &TestDatabase) {
        let marketplace = uncached(database);
        let author = user();
        let mut connection = database.connection();
        for place in 0_i64..90 {
            let agent = published(&marketplace, &author, &format!("Planner {place}")).await.summary.id;
            let tier = match place { 0..10 => 3, 10..55 => 2, 55..70 => 1, _ => 0 };
            tiers_set(&mut connection, &[TierChange { agent, tier }]).unwrap();
        }
        // One of those that nobody knows matches better than all others, and one that is known.
        for (name, tier) in [("Planner, a planner for planners who plan", 0), ("Weekly", 3)] {
            let description = Description::new("A planner of weeks.").unwrap();
            let agent = marketplace.agent_create(&author, AgentDraft { description, ..draft(name) }).await.unwrap().summary.id;
            tiers_set(&mut connection, &[TierChange { agent, tier }]).unwrap();
        }
        let ask = async |at: PageAt, limit: u32| {
            let request = PageRequest { at, ..PageRequest::first(limit) };
            marketplace.agent_list(searching("planner", AgentSort::Relevance), request).await.unwrap()
        };
        let whole = ask(PageAt::Number(1), 100).await;
        assert_eq!((whole.items.len(), whole.total), (92, Some(92)));
        let places: Vec<Option<i64>> = whole.items.iter().map(place_in_name).collect();
        let band = |places: &[Option<i64>], from: i64, to: i64| places.iter().all(|place| place.is_none_or(|place| (from..to).contains(&place)));
        assert!(band(&places[..56], 0, 55) && band(&places[56..71], 55, 70) && band(&places[71..], 70, 90), "{places:?}");
        assert_eq!(whole.items[55].name.as_ref().unwrap().as_str(), "Weekly", "the worst match of those that are ranked as one");

        let mut walked = Vec::new();
        let mut at = PageAt::Number(1);
        let last = loop {
            let page = ask(at, 7).await;
            walked.extend(page.items.iter().cloned());
            match &page.next_cursor {
                Some(cursor) => at = PageAt::Cursor(cursor.clone()),
                None => break page,
            }
        };
        assert_eq!(walked, whole.items, "forwards");
        let mut back = last.items.clone();
        let mut before = last.prev_cursor.clone();
        while let Some(cursor) = before.take() {
            let page = ask(PageAt::Cursor(cursor), 7).await;
            assert!(page.next_cursor.is_some());
            back.splice(0..0, page.items.iter().cloned());
            before = page.into_listing().prev_cursor;
        }
        assert_eq!(back, whole.items, "backwards");
        for (number, expected) in (1..).zip(whole.items.chunks(9)) {
            assert_eq!(ask(PageAt::Number(number), 9).await.items, expected, "page {number}");
        }

        // A cursor stays good when the tiers change.
        let cursor = ask(PageAt::Number(2), 7).await.next_cursor.clone().unwrap();
        let ids = whole.items.iter().filter_map(|agent| agent.id);
        tiers_set(&mut connection, &ids.map(|agent| TierChange { agent, tier: 0 }).collect::<Vec<_>>()).unwrap();
        ask(PageAt::Cursor(cursor), 7).await;
        let few = ask(PageAt::Number(1), 100).await;
        assert_eq!(few.items.len(), 92);
    }

    async fn knowledge_is_searched_within_ones_own(database: &TestDatabase) {
        let marketplace = marketplace(database);
        let (ada, bea) = (user(), user());
        let entry = |title: &str, text: &str| aios_domain::KnowledgeDraft {
            title: aios_domain::KnowledgeTitle::new(title).unwrap(),
            source: aios_domain::KnowledgeSource::new("a test").unwrap(),
            content_type: aios_domain::ContentType::new("note").unwrap(),
            text_content: aios_domain::KnowledgeText::new(text).unwrap(),
            summary: None,
            tags: vec![],
            metadata: aios_domain::JsonObject::default(),
        };
        marketplace.knowledge_create(&ada, entry("Shipping", "We answer refunds within a day.")).await.unwrap();
        let best = marketplace.knowledge_create(&ada, entry("Refunds", "Granted for 30 days.")).await.unwrap();
        marketplace.knowledge_create(&bea, entry("Refunds", "Of somebody else.")).await.unwrap();
        let search = |text: &str| SearchQuery::new(text).unwrap();
        let found = marketplace.knowledge_search(&ada, search("refund"), 10).await.unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].id, best.id, "what stands in the title matches best");
        assert_eq!(marketplace.knowledge_search(&bea, search("refund"), 10).await.unwrap().len(), 1);
        assert!(marketplace.knowledge_search(&bea, search("shipping"), 10).await.unwrap().is_empty());
        assert!(marketplace.knowledge_search(&ada, search("\"*'("), 10).await.unwrap().is_empty());
    }
}

/// The names of what is found, best match first.
async fn found(marketplace: &Marketplace, words: &str) -> Vec<String> {
    let listed = marketplace
        .agent_list(searching(words, AgentSort::Relevance), PageRequest::first(10))
        .await
        .unwrap();
    listed
        .items
        .iter()
        .map(|agent| agent.name.as_ref().unwrap().to_string())
        .collect()
}

/// The number behind the name of a planner.
fn place_in_name(agent: &PartialAgentSummary) -> Option<i64> {
    agent.name.as_ref()?.as_str().strip_prefix("Planner ")?.parse().ok()
}
