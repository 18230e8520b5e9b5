//! What is kept, what a write makes stale, and what may lag.

use std::time::Duration;

use aios_cache::Cache;
use aios_cache::time::ManualClock;
use aios_domain::{
    AgentChanges, AgentId, AgentSort, Caller, CategoryDraft, CategoryName, ContentType, Description, DisplayName,
    ErrorKind, JsonObject, KnowledgeDraft, KnowledgeFilter, KnowledgeId, KnowledgeSource, KnowledgeText,
    KnowledgeTitle, SearchQuery, Version,
};
use aios_marketplace::{AgentListQuery, Marketplace, PageAt, PageRequest, Precondition};
use aios_test_support::{TestDatabase, on_both_databases};

use crate::random_writes::{RandomWrites, questions};
use crate::support::{admin, all, marketplace, published, searching, stars, uncached, user, with_cache};

fn page() -> PageRequest {
    PageRequest::first(100)
}

fn in_category(name: &str) -> AgentListQuery {
    let mut query = all(AgentSort::Popular);
    query.filter.category = Some(CategoryName::new(name).unwrap());
    query
}

fn featured() -> AgentListQuery {
    let mut query = all(AgentSort::Popular);
    query.filter.is_featured = Some(true);
    query
}

fn no_changes() -> AgentChanges {
    AgentChanges::default()
}

async fn names(marketplace: &Marketplace, query: AgentListQuery) -> Vec<String> {
    let listed = marketplace.agent_list(query, page()).await.unwrap();
    listed
        .items
        .iter()
        .map(|agent| agent.name.as_ref().unwrap().to_string())
        .collect()
}

async fn edit(marketplace: &Marketplace, id: AgentId, changes: AgentChanges) {
    marketplace
        .agent_update(&admin(), id, changes, Precondition::None)
        .await
        .unwrap();
}

/// How many statements it takes.
async fn cost<T>(marketplace: &Marketplace, work: impl Future<Output = T>) -> u64 {
    let before = marketplace.database().statement_count();
    work.await;
    marketplace.database().statement_count() - before
}

on_both_databases! {
    async fn a_new_agent_is_listed_at_once_and_a_withdrawn_one_is_not(database: &TestDatabase) {
        let marketplace = marketplace(database);
        let author = user();
        assert!(names(&marketplace, all(AgentSort::Popular)).await.is_empty());
        assert!(names(&marketplace, in_category("development")).await.is_empty());
        assert_eq!(marketplace.stats().await.unwrap().total_agents, 0);
        let agent = published(&marketplace, &author, "New").await.summary.id;
        assert_eq!(names(&marketplace, all(AgentSort::Popular)).await, ["New"]);
        assert_eq!(names(&marketplace, in_category("development")).await, ["New"]);
        assert_eq!(marketplace.stats().await.unwrap().total_agents, 1);
        let counts = marketplace.category_counts().await.unwrap();
        assert_eq!(counts.iter().map(|category| category.count).sum::<i64>(), 1);

        marketplace.agent_withdraw(&author, agent).await.unwrap();
        assert!(names(&marketplace, all(AgentSort::Popular)).await.is_empty());
        assert!(names(&marketplace, in_category("development")).await.is_empty());
        assert_eq!(marketplace.agent_get(agent, None).await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(marketplace.review_list(agent, None, page()).await.unwrap_err().kind(), ErrorKind::NotFound);
        assert!(marketplace.agents_by_ids(&[agent], aios_domain::AgentFieldSet::ALL).await.unwrap().0.is_empty());
    }

    async fn an_edit_shows_wherever_the_agent_was_or_is(database: &TestDatabase) {
        let marketplace = marketplace(database);
        let agent = published(&marketplace, &user(), "Mover").await.summary.id;
        for query in [in_category("development"), in_category("content"), featured()] {
            names(&marketplace, query).await;
        }
        marketplace.agent_get(agent, None).await.unwrap();
        let to_content = AgentChanges { category: Some(Some(CategoryName::new("content").unwrap())), ..no_changes() };
        edit(&marketplace, agent, to_content).await;
        assert!(names(&marketplace, in_category("development")).await.is_empty());
        assert_eq!(names(&marketplace, in_category("content")).await, ["Mover"]);
        assert_eq!(marketplace.agent_get(agent, None).await.unwrap().agent.summary.category.as_ref().unwrap().as_str(), "content");

        edit(&marketplace, agent, AgentChanges { is_featured: Some(true), ..no_changes() }).await;
        assert_eq!(names(&marketplace, featured()).await, ["Mover"]);
        assert_eq!(marketplace.stats().await.unwrap().featured_agents.len(), 1);
        edit(&marketplace, agent, AgentChanges { is_featured: Some(false), ..no_changes() }).await;
        assert!(names(&marketplace, featured()).await.is_empty());
        assert!(marketplace.stats().await.unwrap().featured_agents.is_empty());

        edit(&marketplace, agent, AgentChanges { is_active: Some(false), ..no_changes() }).await;
        assert!(names(&marketplace, in_category("content")).await.is_empty());
        edit(&marketplace, agent, AgentChanges { is_active: Some(true), ..no_changes() }).await;
        assert_eq!(names(&marketplace, in_category("content")).await, ["Mover"]);
    }

    async fn lists_that_cannot_show_an_agent_stay_when_it_changes(database: &TestDatabase) {
        let marketplace = marketplace(database);
        let agent = published(&marketplace, &user(), "Developer").await.summary.id;
        names(&marketplace, in_category("content")).await;
        names(&marketplace, featured()).await;
        edit(&marketplace, agent, AgentChanges { is_verified: Some(true), ..no_changes() }).await;
        assert_eq!(cost(&marketplace, names(&marketplace, in_category("content"))).await, 0);
        assert_eq!(cost(&marketplace, names(&marketplace, featured())).await, 0);
        assert_ne!(cost(&marketplace, names(&marketplace, in_category("development"))).await, 0);
    }

    async fn an_edit_touches_the_pages_that_show_the_agent_and_no_others(database: &TestDatabase) {
        let marketplace = marketplace(database);
        let author = user();
        let mut ids = Vec::new();
        for place in 0..8 {
            ids.push(published(&marketplace, &author, &format!("Agent {place}")).await.summary.id);
        }
        // In lots of their own, so that none is made stale for another.
        let shown = ids[0];
        let page_of = |number: u32| PageRequest { at: PageAt::Number(number), ..PageRequest::first(4) };
        let list = async |number: u32| marketplace.agent_list(all(AgentSort::Name), page_of(number)).await.unwrap();
        let (first, second) = (list(1).await, list(2).await);
        assert!(first.items.iter().any(|agent| agent.id == Some(shown)));
        if first.tags().iter().any(|tag| second.tags().contains(tag)) {
            // One run in three hundred: two of the agents share a lot.
            return;
        }
        let version = |version: &str| AgentChanges { version: Some(Version::new(version).unwrap()), ..no_changes() };
        edit(&marketplace, shown, version("9.9.9")).await;
        assert_eq!(cost(&marketplace, list(2)).await, 0, "a page without it");
        assert_eq!(list(1).await.items[0].version.as_ref().unwrap().as_str(), "9.9.9");

        let description = Some(Description::new("Quite another text.").unwrap());
        edit(&marketplace, shown, AgentChanges { description, ..no_changes() }).await;
        assert_eq!(cost(&marketplace, list(2)).await, 0);
        assert_eq!(list(1).await.items[0].description.as_ref().unwrap().as_str(), "Quite another text.");
        // What may move it concerns every list.
        let name = Some(aios_domain::AgentName::new("Zebra").unwrap());
        edit(&marketplace, shown, AgentChanges { name, ..no_changes() }).await;
        assert_eq!(list(2).await.items[3].name.as_ref().unwrap().as_str(), "Zebra");
    }

    async fn a_publication_touches_the_pages_that_the_agent_comes_on(database: &TestDatabase) {
        let marketplace = marketplace(database);
        let author = user();
        for place in 0..4 {
            let agent = published(&marketplace, &author, &format!("Agent {place}")).await.summary.id;
            marketplace.agent_install(&user(), agent, JsonObject::default()).await.unwrap();
        }
        let list = async |sort: AgentSort, limit: u32| marketplace.agent_list(all(sort), PageRequest::first(limit)).await.unwrap();
        for sort in [AgentSort::Popular, AgentSort::Recent, AgentSort::Name, AgentSort::Rating] {
            list(sort, 2).await;
            list(sort, 4).await;
        }
        published(&marketplace, &author, "Agent of tomorrow").await;
        assert_eq!(cost(&marketplace, list(AgentSort::Popular, 2)).await, 1, "others are installed more: it is counted, and not read");
        assert_eq!(cost(&marketplace, list(AgentSort::Popular, 4)).await, 1, "something follows the last page now");
        assert_eq!(list(AgentSort::Recent, 2).await.items[0].name.as_ref().unwrap().as_str(), "Agent of tomorrow");
        assert_eq!(cost(&marketplace, list(AgentSort::Name, 2)).await, 1);
        assert_eq!(cost(&marketplace, list(AgentSort::Rating, 2)).await, 1, "it is without a rating as these are");
    }

    async fn a_search_is_touched_by_what_it_may_find(database: &TestDatabase) {
        let marketplace = marketplace(database);
        let author = user();
        published(&marketplace, &author, "Invoice Reader").await;
        let find = async |words: &str| names(&marketplace, searching(words, AgentSort::Relevance)).await;
        assert_eq!(find("invoice").await, ["Invoice Reader"]);
        assert_eq!(find("invoce").await, ["Invoice Reader"], "a typo is forgiven");
        assert!(find("calendar").await.is_empty());
        let other = published(&marketplace, &author, "Mail Sorter").await.summary.id;
        assert_eq!(cost(&marketplace, find("invoice")).await, 0);
        assert_ne!(cost(&marketplace, find("invoce")).await, 0, "nobody can say what else is similar");
        let description = Some(Description::new("Finds the invoice in your calendar.").unwrap());
        edit(&marketplace, other, AgentChanges { description, ..no_changes() }).await;
        assert_eq!(find("invoice").await.len(), 2);
        assert_eq!(find("calendar").await, ["Mail Sorter"]);
        let description = Some(Description::new("Finds nothing.").unwrap());
        edit(&marketplace, other, AgentChanges { description, ..no_changes() }).await;
        assert_eq!(find("invoice").await, ["Invoice Reader"]);
        assert!(find("calendar").await.is_empty());
    }

    async fn whatever_is_written_every_list_is_as_if_nothing_were_kept(database: &TestDatabase) {
        let (kept, read) = (marketplace(database), uncached(database));
        let mut writes = RandomWrites::new(kept.clone());
        for _ in 0..6 {
            writes.publish().await;
        }
        let questions = questions();
        for step in 0..40 {
            let done = writes.one().await;
            for (query, page) in &questions {
                let (kept, read) = (kept.agent_list(query.clone(), page.clone()), read.agent_list(query.clone(), page.clone()));
                let (kept, read) = (kept.await.unwrap(), read.await.unwrap());
                let asked = || format!("step {step}, {done}: {query:?} {page:?}");
                assert_eq!(kept.items, read.items, "{}", asked());
                assert_eq!((kept.total, kept.pages()), (read.total, read.pages()), "{}", asked());
                assert_eq!(kept.next_cursor.is_some(), read.next_cursor.is_some(), "{}", asked());
                assert_eq!(kept.prev_cursor.is_some(), read.prev_cursor.is_some(), "{}", asked());
            }
        }
    }

    async fn an_installation_shows_at_once_to_its_user_and_on_the_agent_and_later_in_lists(database: &TestDatabase) {
        let clock = ManualClock::new();
        let marketplace = with_cache(database, &Cache::builder().clock(clock.clone()).build());
        let (author, bea) = (user(), user());
        let agent = published(&marketplace, &author, "Popular").await.summary.id;
        let installs = async |marketplace: &Marketplace| {
            marketplace.agent_list(all(AgentSort::Popular), page()).await.unwrap().items[0].install_count.unwrap()
        };
        assert_eq!(installs(&marketplace).await, 0);
        assert_eq!(marketplace.agent_get(agent, Some(&bea)).await.unwrap().user_installed, Some(false));
        assert!(marketplace.my_agents(&bea, page()).await.unwrap().items.is_empty());
        assert_eq!(marketplace.agent_stats(&author, agent).await.unwrap().active_installs, 0);

        marketplace.agent_install(&bea, agent, JsonObject::default()).await.unwrap();
        let seen = marketplace.agent_get(agent, Some(&bea)).await.unwrap();
        assert_eq!((seen.user_installed, seen.agent.summary.install_count), (Some(true), 1));
        let mine = marketplace.my_agents(&bea, page()).await.unwrap();
        assert_eq!((mine.items.len(), mine.items[0].agent.summary.install_count), (1, 1));
        assert_eq!(marketplace.agent_stats(&author, agent).await.unwrap().active_installs, 1);
        assert_eq!(cost(&marketplace, marketplace.agent_list(all(AgentSort::Popular), page())).await, 0, "lists stay");
        assert_eq!(installs(&marketplace).await, 0);
        clock.advance(Duration::from_secs(600));
        assert_eq!(installs(&marketplace).await, 1);

        marketplace.agent_ran(&bea, agent, JsonObject::default()).await.unwrap();
        assert_eq!(marketplace.my_agents(&bea, page()).await.unwrap().items[0].installation.usage_count, 1);
        marketplace.agent_uninstall(&bea, agent).await.unwrap();
        let seen = marketplace.agent_get(agent, Some(&bea)).await.unwrap();
        assert_eq!((seen.user_installed, seen.agent.summary.install_count), (Some(false), 0));
        assert!(marketplace.my_agents(&bea, page()).await.unwrap().items.is_empty());
    }

    async fn a_review_shows_at_once_and_touches_nobody_else(database: &TestDatabase) {
        let marketplace = marketplace(database);
        let (bea, cay) = (user(), user());
        let one = published(&marketplace, &user(), "One").await.summary.id;
        let other = published(&marketplace, &user(), "Other").await.summary.id;
        for agent in [one, other] {
            assert_eq!(marketplace.review_list(agent, None, page()).await.unwrap().total, Some(0));
            marketplace.agent_get(agent, Some(&bea)).await.unwrap();
            marketplace.agent_get(agent, Some(&cay)).await.unwrap();
        }
        marketplace.review_write(&bea, one, stars(2)).await.unwrap();
        assert_eq!(marketplace.review_list(one, None, page()).await.unwrap().total, Some(1));
        let seen = marketplace.agent_get(one, Some(&bea)).await.unwrap();
        assert_eq!((seen.user_rating.unwrap().stars(), seen.agent.summary.rating_count), (2, 1));
        marketplace.review_write(&bea, one, stars(5)).await.unwrap();
        let seen = marketplace.agent_get(one, Some(&bea)).await.unwrap();
        assert_eq!((seen.user_rating.unwrap().stars(), seen.agent.summary.rating_count), (5, 1));
        assert_eq!(cost(&marketplace, marketplace.review_list(other, None, page())).await, 0);
        assert_eq!(cost(&marketplace, marketplace.agent_get(other, Some(&cay))).await, 0);
    }

    async fn a_new_category_is_there_at_once(database: &TestDatabase) {
        let marketplace = marketplace(database);
        let before = marketplace.category_list().await.unwrap().len();
        assert_eq!(marketplace.category_counts().await.unwrap().len(), before);
        assert_eq!(marketplace.stats().await.unwrap().total_categories, i64::try_from(before).unwrap());
        let security = CategoryDraft {
            name: CategoryName::new("security").unwrap(),
            display_name: DisplayName::new("Security").unwrap(),
            description: None,
            icon: None,
            color: None,
            sort_order: 7,
        };
        marketplace.category_create(&admin(), security).await.unwrap();
        assert_eq!(marketplace.category_list().await.unwrap().len(), before + 1);
        assert_eq!(marketplace.category_counts().await.unwrap().len(), before + 1);
        assert_eq!(marketplace.stats().await.unwrap().total_categories, i64::try_from(before + 1).unwrap());
    }

    async fn knowledge_is_its_owners_and_changes_at_once(database: &TestDatabase) {
        let marketplace = marketplace(database);
        let (ada, bea) = (user(), user());
        let everything = KnowledgeFilter::default;
        let refunds = || SearchQuery::new("refunds").unwrap();
        assert!(marketplace.knowledge_list(&ada, everything(), page()).await.unwrap().items.is_empty());
        assert!(marketplace.knowledge_search(&ada, refunds(), 10).await.unwrap().is_empty());
        let entry = marketplace.knowledge_create(&ada, knowledge("How we answer refunds")).await.unwrap();
        assert_eq!(marketplace.knowledge_list(&ada, everything(), page()).await.unwrap().items.len(), 1);
        assert_eq!(marketplace.knowledge_search(&ada, refunds(), 10).await.unwrap().len(), 1);
        assert_eq!(marketplace.knowledge_get(&ada, entry.id).await.unwrap().content.title.as_str(), "How we answer refunds");
        assert_eq!(marketplace.knowledge_get(&bea, entry.id).await.unwrap_err().kind(), ErrorKind::NotFound);
        assert!(marketplace.knowledge_search(&bea, refunds(), 10).await.unwrap().is_empty());

        marketplace.knowledge_replace(&ada, entry.id, knowledge("How we answer complaints")).await.unwrap();
        assert_eq!(marketplace.knowledge_get(&ada, entry.id).await.unwrap().content.title.as_str(), "How we answer complaints");
        assert!(marketplace.knowledge_search(&ada, refunds(), 10).await.unwrap().is_empty());
        assert_eq!(cost(&marketplace, marketplace.knowledge_get(&ada, entry.id)).await, 0);
        marketplace.knowledge_delete(&ada, entry.id).await.unwrap();
        assert_eq!(marketplace.knowledge_get(&ada, entry.id).await.unwrap_err().kind(), ErrorKind::NotFound);
        assert!(marketplace.knowledge_list(&ada, everything(), page()).await.unwrap().items.is_empty());
    }

    async fn long_texts_are_not_kept(database: &TestDatabase) {
        let marketplace = marketplace(database);
        let ada = user();
        let long = KnowledgeDraft {
            text_content: KnowledgeText::new("word ".repeat(60_000)).unwrap(),
            ..knowledge("A book")
        };
        let id = marketplace.knowledge_create(&ada, long).await.unwrap().id;
        for _ in 0..2 {
            assert_eq!(cost(&marketplace, marketplace.knowledge_get(&ada, id)).await, 1);
            assert_eq!(cost(&marketplace, marketplace.knowledge_list(&ada, KnowledgeFilter::default(), page())).await, 2);
        }
    }

    async fn that_there_is_no_such_agent_is_remembered_for_half_a_minute(database: &TestDatabase) {
        let clock = ManualClock::new();
        let marketplace = with_cache(database, &Cache::builder().clock(clock.clone()).build());
        let (nobody, nothing) = (AgentId::new(), KnowledgeId::new());
        let ask = async || {
            assert_eq!(marketplace.agent_get(nobody, None).await.unwrap_err().kind(), ErrorKind::NotFound);
            assert_eq!(marketplace.knowledge_get(&user_of_the_test(), nothing).await.unwrap_err().kind(), ErrorKind::NotFound);
        };
        assert_eq!(cost(&marketplace, ask()).await, 2);
        assert_eq!(cost(&marketplace, ask()).await, 0);
        let nobodies = [nobody];
        let by_ids = marketplace.agents_by_ids(&nobodies, aios_domain::AgentFieldSet::ALL);
        assert_eq!(cost(&marketplace, by_ids).await, 0);
        clock.advance(Duration::from_secs(30));
        assert_eq!(cost(&marketplace, ask()).await, 2);
    }

    async fn a_list_is_counted_once_until_its_number_changes(database: &TestDatabase) {
        let marketplace = marketplace(database);
        let ada = user();
        let agent = published(&marketplace, &ada, "Counted").await;
        let list = async |query: AgentListQuery| {
            let before = marketplace.database().statement_count();
            let listed = marketplace.agent_list(query, page()).await.unwrap();
            (listed.total, marketplace.database().statement_count() - before)
        };
        assert_eq!(list(all(AgentSort::Popular)).await, (Some(1), 2));
        assert_eq!(list(all(AgentSort::Recent)).await, (Some(1), 1), "the same number in another order");
        assert_eq!(list(in_category("content")).await, (Some(0), 2));

        let edit = |changes: AgentChanges| marketplace.agent_update(&ada, agent.summary.id, changes, Precondition::None);
        let description = Some(Description::new("Does something else.").unwrap());
        edit(AgentChanges { description, ..AgentChanges::default() }).await.unwrap();
        assert_eq!(list(all(AgentSort::Popular)).await, (Some(1), 1), "it is read anew, and not counted");

        let category = Some(Some(CategoryName::new("content").unwrap()));
        edit(AgentChanges { category, ..AgentChanges::default() }).await.unwrap();
        assert_eq!(list(in_category("content")).await, (Some(1), 2));
        published(&marketplace, &ada, "Another").await;
        assert_eq!(list(all(AgentSort::Popular)).await, (Some(2), 2));
        marketplace.agent_withdraw(&ada, agent.summary.id).await.unwrap();
        assert_eq!(list(all(AgentSort::Popular)).await, (Some(1), 2));
        assert_eq!(list(in_category("content")).await, (Some(0), 2));
    }

    async fn answers_live_as_long_as_they_are_set_to(database: &TestDatabase) {
        let clock = ManualClock::new();
        let marketplace = with_cache(database, &Cache::builder().clock(clock.clone()).build());
        published(&marketplace, &user(), "Kept").await;
        let bea = user();
        let ask = async || {
            let mut costs = Vec::new();
            costs.push(cost(&marketplace, marketplace.my_agents(&bea, page())).await);
            costs.push(cost(&marketplace, marketplace.agent_list(all(AgentSort::Popular), page())).await);
            costs.push(cost(&marketplace, marketplace.agent_list(featured(), page())).await);
            costs.push(cost(&marketplace, marketplace.stats()).await);
            costs
        };
        // Beyond all of them: 600 s, and a fifth.
        assert_eq!(ask().await, [2, 2, 2, 5]);
        assert_eq!(ask().await, [0; 4]);
        clock.advance(Duration::from_secs(60));
        assert_eq!(ask().await, [2, 0, 0, 0], "a user's own: 60 s");
        clock.advance(Duration::from_secs(301));
        assert_eq!(ask().await, [2, 2, 0, 0], "lists: 300 s, and up to 60 s more while they are refreshed");
        clock.advance(Duration::from_secs(361));
        assert_eq!(ask().await, [2, 2, 2, 5], "featured and stats: 600 s, and up to 120 s more");
    }

    async fn an_agent_is_shown_for_an_hour_while_it_is_read_anew(database: &TestDatabase) {
        let clock = ManualClock::new();
        let marketplace = with_cache(database, &Cache::builder().clock(clock.clone()).build());
        let agent = published(&marketplace, &user(), "Seldom seen").await.summary.id;
        assert_eq!(cost(&marketplace, marketplace.agent_get(agent, None)).await, 1);
        clock.advance(Duration::from_secs(299 - 30));
        assert!(!marketplace.agent_shared(agent).await.unwrap().1.is_stale(), "300 s, less up to a tenth");
        clock.advance(Duration::from_secs(3_000));
        assert!(marketplace.agent_shared(agent).await.unwrap().1.is_stale());
        // What is written shows at once, whatever its age.
        marketplace.agent_install(&user(), agent, JsonObject::default()).await.unwrap();
        assert_eq!(marketplace.agent_get(agent, None).await.unwrap().agent.summary.install_count, 1);
        clock.advance(Duration::from_secs(300 + 3_601));
        assert_eq!(cost(&marketplace, marketplace.agent_get(agent, None)).await, 1, "an hour later it is gone");
    }

    async fn an_agent_that_somebody_asked_for_is_read_anew_when_it_changes(database: &TestDatabase) {
        let marketplace = marketplace(database);
        let (seen, unseen) = (published(&marketplace, &user(), "Seen").await, published(&marketplace, &user(), "Unseen").await);
        let (seen, unseen) = (seen.summary.id, unseen.summary.id);
        marketplace.agent_get(seen, None).await.unwrap();
        let writes = [seen, unseen].map(|agent| {
            let marketplace = marketplace.clone();
            async move { marketplace.agent_install(&user(), agent, JsonObject::default()).await.unwrap() }
        });
        let [of_seen, of_unseen] = writes;
        let without = cost(&marketplace, of_unseen).await;
        let before = marketplace.database().statement_count();
        of_seen.await;
        // Whoever asks first joins the load, or finds it done: it is one statement either way.
        let kept = marketplace.agent_get(seen, None).await.unwrap();
        assert_eq!(kept.agent.summary.install_count, 1);
        assert_eq!(marketplace.database().statement_count() - before, without + 1);
        assert_eq!(cost(&marketplace, marketplace.agent_get(seen, None)).await, 0);
    }

    async fn a_view_counts_whether_the_agent_was_read_or_kept(database: &TestDatabase) {
        let marketplace = marketplace(database);
        let author = user();
        let agent = published(&marketplace, &author, "Seen").await.summary.id;
        for _ in 0..25 {
            marketplace.agent_get(agent, None).await.unwrap();
        }
        marketplace.flush_views().await.unwrap();
        assert_eq!(uncached(database).agent_stats(&author, agent).await.unwrap().total_views, 25);
    }

    async fn whatever_is_read_is_the_same_without_a_cache(database: &TestDatabase) {
        let (kept, read) = (marketplace(database), uncached(database));
        let bea = user();
        for place in 0..5 {
            let agent = published(&kept, &user(), &format!("Agent {place}")).await.summary.id;
            kept.agent_install(&bea, agent, JsonObject::default()).await.unwrap();
        }
        for _ in 0..2 {
            assert_eq!(
                *kept.agent_list(all(AgentSort::Recent), page()).await.unwrap(),
                *read.agent_list(all(AgentSort::Recent), page()).await.unwrap()
            );
            assert_eq!(kept.my_agents(&bea, page()).await.unwrap(), read.my_agents(&bea, page()).await.unwrap());
            assert_eq!(*kept.stats().await.unwrap(), *read.stats().await.unwrap());
            assert_ne!(cost(&read, read.stats()).await, 0);
        }
    }

    async fn popular_things_are_there_after_a_warm_up(database: &TestDatabase) {
        let marketplace = marketplace(database);
        let agent = published(&marketplace, &user(), "Warm").await.summary.id;
        let warmed = marketplace.warm_up().await;
        // Categories, their counts, figures, featured agents, five orders, each category's first page, and popular agents.
        assert_eq!((warmed.loaded, warmed.failed.len()), (3 + 1 + 5 + 6 + 1, 0), "{warmed}");
        assert_eq!(cost(&marketplace, marketplace.agent_get(agent, None)).await, 0);
        let first = || PageRequest::first(20);
        assert_eq!(cost(&marketplace, marketplace.stats()).await, 0);
        assert_eq!(cost(&marketplace, marketplace.category_counts()).await, 0);
        assert_eq!(cost(&marketplace, marketplace.agent_list(all(AgentSort::Recent), first())).await, 0);
        assert_eq!(cost(&marketplace, marketplace.agent_list(in_category("content"), first())).await, 0);
        assert_eq!(cost(&marketplace, marketplace.warm_up()).await, 1, "it is asked who is popular; what is there is not loaded again");
        let off = uncached(database);
        assert_eq!(cost(&off, off.warm_up()).await, 0, "nothing is loaded for nobody");
    }
}

fn user_of_the_test() -> Caller {
    Caller {
        id: aios_domain::UserId(uuid::Uuid::from_u128(7)),
        ..user()
    }
}

pub(crate) fn knowledge(title: &str) -> KnowledgeDraft {
    KnowledgeDraft {
        title: KnowledgeTitle::new(title).unwrap(),
        source: KnowledgeSource::new("handbook").unwrap(),
        content_type: ContentType::new("article").unwrap(),
        text_content: KnowledgeText::new("Kindly.").unwrap(),
        summary: None,
        tags: Vec::new(),
        metadata: JsonObject::default(),
    }
}
