//! Writes of many rows: views, runs and imports take as many statements for a hundred rows as for two, and lose none.

use std::collections::BTreeMap;

use aios_db::DatabaseKind;
use aios_domain::{AgentDraft, AgentFilter, AgentId, AgentSort, ErrorKind, JsonObject, MAX_TAGS, Tag};
use aios_marketplace::registry::Registry;
use aios_marketplace::{AgentListQuery, ImportSummary, Marketplace, PageRequest};
use aios_test_support::{TestDatabase, on_both_databases};
use serde_json::json;

use crate::support::{all, draft, marketplace, published, uncached, user};

/// A registry's dump of so many servers, each of this version, all about databases.
fn dump(servers: usize, version: &str) -> Registry {
    dump_about(&["a database"], "tool", servers, version)
}

/// The same, about these topics in turn.
fn dump_about(topics: &[&str], kind: &str, servers: usize, version: &str) -> Registry {
    let server = |place: usize| {
        let name = format!("org.example/{kind}-{place}");
        let topic = topics[place % topics.len()];
        json!({ "server": {
            "name": name, "version": version, "description": format!("Queries {topic}, tool {place}, {version}."),
            "repository": { "url": format!("https://git.example.org/{name}"), "source": "git" },
        } })
    };
    let servers: Vec<_> = (0..servers).map(server).collect();
    let text = json!({ "servers": servers, "metadata": { "count": servers.len() } }).to_string();
    Registry::read(text.as_bytes()).unwrap()
}

async fn count<T>(marketplace: &Marketplace, work: impl Future<Output = T>) -> (u64, T) {
    let before = marketplace.database().statement_count();
    let answer = work.await;
    (marketplace.database().statement_count() - before, answer)
}

on_both_databases! {
    async fn views_take_the_same_statements_for_any_number_of_agents(database: &TestDatabase) {
        let marketplace = uncached(database);
        let author = user();
        let lock = u64::from(database.kind() == DatabaseKind::Postgres);
        for agents in [1, 2, 100] {
            let mut seen = Vec::new();
            for number in 0..agents {
                seen.push(published(&marketplace, &author, &format!("Agent {number}")).await.summary.id);
            }
            for &agent in &seen {
                marketplace.count_view(agent);
            }
            marketplace.count_view(seen[0]);
            marketplace.count_view(AgentId::new());
            let (statements, written) = count(&marketplace, marketplace.flush_views()).await;
            written.unwrap();
            assert_eq!(statements, lock + 2, "{agents} agents");
            let views = |agent| marketplace.agent_stats(&author, agent);
            assert_eq!(views(seen[0]).await.unwrap().total_views, 2);
            let last = views(seen[agents - 1]).await.unwrap();
            assert_eq!(last.total_views, last.recent_activity.view);
        }
    }

    async fn an_import_takes_the_same_statements_for_two_agents_and_for_a_hundred(database: &TestDatabase) {
        let marketplace = marketplace(database);
        // The tags that the servers of these dumps bear exist from here on.
        imported(&marketplace, dump(1, "1.0.0")).await;
        let lock = u64::from(database.kind() == DatabaseKind::Postgres);
        let mut counted = Vec::new();
        for agents in [3, 100] {
            let known = if agents == 3 { 1 } else { 3 };
            let (created, summary) = count(&marketplace, imported(&marketplace, dump(agents, "1.0.0"))).await;
            assert_eq!((summary.created, summary.unchanged), (agents - known, known));
            let (unchanged, summary) = count(&marketplace, imported(&marketplace, dump(agents, "1.0.0"))).await;
            assert_eq!(summary.unchanged, agents);
            counted.push((created, unchanged));
        }
        let (edited, summary) = count(&marketplace, imported(&marketplace, dump(100, "2.0.0"))).await;
        assert_eq!(summary.updated, 100);
        // The author, the known ones; the category is there; rows; tags known, borne; the category's number; the outbox.
        let created = 2 + 1 + 1 + 2 + 1 + 1;
        assert_eq!(counted, [(created, 2), (created, 2)]);
        // The same beginning; held and read again; rows; the outbox.
        assert_eq!(edited, 2 + lock + 1 + 1 + 1);
    }

    async fn an_import_takes_as_many_statements_for_six_categories_as_for_one(database: &TestDatabase) {
        let marketplace = marketplace(database);
        let topics = ["slack", "youtube", "calendars", "a workflow automation", "analytics", "kubernetes"];
        // The tags exist from here on.
        imported(&marketplace, dump_about(&topics, "first", 6, "1.0.0")).await;
        let numbers = async || -> BTreeMap<_, _> {
            let counts = marketplace.category_counts().await.unwrap().into_value();
            counts.into_iter().map(|it| (it.name.to_string(), it.count)).collect()
        };
        let before = numbers().await;
        assert!(before.len() >= topics.len() && before.values().sum::<i64>() == 6, "{before:?}");
        let (one, _) = count(&marketplace, imported(&marketplace, dump_about(&topics[..1], "one", 6, "1.0.0"))).await;
        let (six, _) = count(&marketplace, imported(&marketplace, dump_about(&topics, "six", 6, "1.0.0"))).await;
        // Several rows are locked in their order first.
        let lock = u64::from(database.kind() == DatabaseKind::Postgres);
        assert_eq!(six, one + lock);
        let after = numbers().await;
        let more = |category: &String| after[category] - before[category];
        let grown: Vec<_> = before.keys().map(more).filter(|&more| more > 0).collect();
        assert_eq!((grown.iter().filter(|&&more| more == 1).count(), grown.iter().sum::<i64>()), (5, 12), "{after:?}");
    }

    async fn an_agent_of_twenty_new_tags_takes_as_many_statements_as_one_of_two(database: &TestDatabase) {
        let marketplace = uncached(database);
        let author = user();
        published(&marketplace, &author, "First, whose author and category are there").await;
        let mut counted = Vec::new();
        for number in [2, MAX_TAGS] {
            let tags: Vec<Tag> = (0..number).map(|tag| Tag::new(format!("of-{number}-{tag}")).unwrap()).collect();
            let draft = AgentDraft { tags: tags.clone(), ..draft(&format!("Agent {number}")) };
            let (statements, agent) = count(&marketplace, marketplace.agent_create(&author, draft)).await;
            let agent = agent.unwrap().summary.id;
            for tag in tags {
                let filter = AgentFilter { tags: vec![tag], ..AgentFilter::default() };
                let bearing = AgentListQuery { filter, ..all(AgentSort::Popular) };
                let listed = marketplace.agent_list(bearing, PageRequest::first(2)).await.unwrap();
                let ids: Vec<_> = listed.items.iter().map(|listed| listed.id).collect();
                assert_eq!(ids, [Some(agent)]);
            }
            counted.push(statements);
        }
        assert_eq!(counted[0], counted[1]);
    }

    async fn runs_of_a_crowd_share_statements_and_each_is_counted(database: &TestDatabase) {
        let marketplace = uncached(database);
        let author = user();
        let agents = [
            published(&marketplace, &author, "First").await.summary.id,
            published(&marketplace, &author, "Second").await.summary.id,
        ];
        let callers: Vec<_> = (0..20).map(|_| user()).collect();
        for caller in &callers {
            for agent in agents {
                marketplace.agent_install(caller, agent, JsonObject::default()).await.unwrap();
            }
        }
        let stranger = user();
        let mut asked = Vec::new();
        for number in 0..200 {
            let caller = &callers[number % 20];
            let data = JsonObject::new(json!({ "number": number, "text": "Ünïcode \"quoted\"" })).unwrap();
            asked.push((caller.clone(), marketplace.agent_ran(caller, agents[number % 3 % 2], data)));
            if number % 50 == 0 {
                asked.push((stranger.clone(), marketplace.agent_ran(&stranger, agents[0], JsonObject::default())));
            }
        }
        let (callers_asked, runs): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
        let (statements, told) = count(&marketplace, futures_all(runs)).await;
        assert_eq!(statements, 3, "all that arrive before the first is written are one transaction");
        let mut counted: BTreeMap<_, i64> = BTreeMap::new();
        for (caller, told) in callers_asked.iter().zip(told) {
            match told {
                Ok(()) => *counted.entry(caller.id.0).or_default() += 1,
                Err(error) => assert_eq!((error.kind(), caller.id), (ErrorKind::NotFound, stranger.id)),
            }
        }
        assert_eq!(counted.values().sum::<i64>(), 200);
        for caller in &callers {
            let mine = marketplace.my_agents(caller, PageRequest::first(10)).await.unwrap();
            let uses: i64 = mine.items.iter().map(|it| it.installation.usage_count).sum();
            assert_eq!(uses, counted[&caller.id.0]);
            assert!(mine.items.iter().all(|it| it.installation.last_used.is_some()));
        }
        let mut events = 0;
        for agent in agents {
            events += marketplace.agent_stats(&author, agent).await.unwrap().recent_activity.run;
        }
        assert_eq!(events, 200, "an event each");
    }

    async fn a_run_is_written_where_its_caller_has_gone_away(database: &TestDatabase) {
        let marketplace = uncached(database);
        let (author, caller) = (user(), user());
        let agent = published(&marketplace, &author, "Run").await.summary.id;
        marketplace.agent_install(&caller, agent, JsonObject::default()).await.unwrap();
        let run = || marketplace.agent_ran(&caller, agent, JsonObject::default());
        drop(tokio::time::timeout(std::time::Duration::ZERO, run()).await);
        // The next one is written after it, by the same writer.
        run().await.unwrap();
        assert_eq!(marketplace.agent_stats(&author, agent).await.unwrap().recent_activity.run, 2);
    }
}

async fn imported(marketplace: &Marketplace, registry: Registry) -> ImportSummary {
    marketplace.import_registry(registry, &mut |_, _| {}).await.unwrap()
}

/// All of them at once, in their order.
async fn futures_all<T, F: Future<Output = T>>(futures: Vec<F>) -> Vec<T> {
    let mut futures: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        for (future, answer) in futures.iter_mut().filter(|(_, answer)| answer.is_none()) {
            if let std::task::Poll::Ready(ready) = future.as_mut().poll(context) {
                *answer = Some(ready);
            }
        }
        if futures.iter().all(|(_, answer)| answer.is_some()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    futures.into_iter().map(|(_, answer)| answer.unwrap()).collect()
}
