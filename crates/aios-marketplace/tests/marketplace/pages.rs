//! Every list walked in both styles and both ways; pages far into a list, with its boundaries and without them.

use std::ops::AsyncFn;
use std::sync::Arc;

use aios_domain::{
    AgentFilter, AgentId, AgentSort, AgentSummary, CategoryName, ContentType, JsonObject, KnowledgeDraft,
    KnowledgeFilter, KnowledgeSource, KnowledgeText, KnowledgeTitle, PartialAgentSummary, Rating, Tag,
};
use aios_marketplace::{
    AgentListQuery, CountMode, FarPagePolicy, Listing, ManualClock, Marketplace, PageAt, PageRequest,
};
use aios_test_support::{TestDatabase, on_both_databases};
use chrono::TimeDelta;

use crate::support::{all, clock, draft, published, searching, stars, uncached_at, user};

/// Pages are far in lists of a few dozen rows.
const NEAR: FarPagePolicy = FarPagePolicy {
    beyond: 10,
    every: 7,
    refresh_after: TimeDelta::seconds(60),
    drop_after: TimeDelta::seconds(600),
    max_lists: 64,
    max_samplings: 2,
};

fn near(database: &TestDatabase) -> (Marketplace, Arc<ManualClock>) {
    let clock = clock();
    (uncached_at(database, Arc::clone(&clock)).far_pages(NEAR), clock)
}

fn page(at: PageAt, limit: u32) -> PageRequest {
    PageRequest {
        at,
        limit,
        count: CountMode::Exact,
    }
}

fn number(number: u32, limit: u32) -> PageRequest {
    page(PageAt::Number(number), limit)
}

/// Holds every page of a list, by number, forward by cursor, and backward, against the whole list; returns that.
async fn walked<T, Id: PartialEq + std::fmt::Debug>(
    list: impl AsyncFn(PageRequest) -> Listing<T>,
    id: impl Fn(&T) -> Id,
) -> Vec<Id> {
    let ids = |listing: &Listing<T>| listing.items.iter().map(&id).collect::<Vec<Id>>();
    let whole = list(number(1, 100)).await;
    let whole = ids(&whole);
    for limit in [1, 4, 7] {
        let size = usize::try_from(limit).unwrap();
        let pages: Vec<&[Id]> = whole.chunks(size).collect();
        let mut at = PageAt::Number(1);
        for (index, expected) in (1..).zip(&pages) {
            let by_number = list(number(index, limit)).await;
            assert_eq!(ids(&by_number), **expected, "page {index} of {limit}");
            let total = i64::try_from(whole.len()).unwrap();
            let count = i64::try_from(pages.len()).unwrap();
            assert_eq!(
                (by_number.total, by_number.pages(), by_number.page),
                (Some(total), Some(count), Some(index))
            );
            let by_cursor = list(page(at.clone(), limit)).await;
            assert_eq!(ids(&by_cursor), **expected, "page {index} of {limit} by cursor");
            assert_eq!(
                by_cursor.next_cursor.is_some(),
                usize::try_from(index).unwrap() < pages.len()
            );
            assert_eq!(by_cursor.prev_cursor.is_some(), index > 1);
            if let Some(next) = by_cursor.next_cursor {
                at = PageAt::Cursor(next);
            }
        }
        let beyond = list(number(u32::try_from(pages.len()).unwrap() + 3, limit)).await;
        assert!(beyond.items.is_empty() && beyond.next_cursor.is_none());
        assert_eq!(beyond.total, i64::try_from(whole.len()).ok());
        let mut before = beyond.prev_cursor;
        let mut back = Vec::new();
        while let Some(cursor) = before {
            let read = list(page(PageAt::Cursor(cursor), limit)).await;
            back.splice(0..0, ids(&read));
            before = read.prev_cursor;
        }
        assert_eq!(back, whole, "backward by {limit}");
    }
    whole
}

async fn agents(
    marketplace: &Marketplace,
    query: &AgentListQuery,
    request: PageRequest,
) -> Listing<PartialAgentSummary> {
    marketplace
        .agent_list(query.clone(), request)
        .await
        .unwrap()
        .into_listing()
}

fn id(agent: &PartialAgentSummary) -> AgentId {
    agent.id.unwrap()
}

async fn exactly(marketplace: &Marketplace, query: &AgentListQuery) -> Vec<AgentId> {
    agents(marketplace, query, number(1, 100))
        .await
        .items
        .iter()
        .map(id)
        .collect()
}

async fn ids(marketplace: &Marketplace, query: &AgentListQuery, request: PageRequest) -> Vec<AgentId> {
    agents(marketplace, query, request).await.items.iter().map(id).collect()
}

/// Agents of two categories that tie in everything but name and id; every third one has one of two tags.
async fn forty_agents(marketplace: &Marketplace) -> Vec<AgentSummary> {
    let author = user();
    let mut made = Vec::new();
    for place in 0..40 {
        let mut draft = draft(&format!("Spreadsheet agent {}", place % 9));
        let category = if place % 4 == 0 { "content" } else { "development" };
        draft.category = Some(CategoryName::new(category).unwrap());
        if place % 3 == 0 {
            draft.tags = vec![Tag::new("third").unwrap()];
        }
        made.push(marketplace.agent_create(&author, draft).await.unwrap().summary);
    }
    made
}

on_both_databases! {
    async fn every_order_of_agents_pages_both_ways_with_boundaries_and_without(database: &TestDatabase) {
        let (marketplace, _clock) = near(database);
        forty_agents(&marketplace).await;
        let sorts = [AgentSort::Popular, AgentSort::Installs, AgentSort::Recent, AgentSort::Rating, AgentSort::Name, AgentSort::Trending];
        let mut queries: Vec<AgentListQuery> = sorts.into_iter().map(all).collect();
        // As it is, filtered, found by words, and found by words that are misspelt.
        queries.push(searching("agent", AgentSort::Relevance));
        queries.push(searching("agent", AgentSort::Name));
        queries.push(searching("spreadsheat", AgentSort::Relevance));
        let tagged = AgentFilter { tags: vec![Tag::new("testing").unwrap()], ..AgentFilter::default() };
        queries.push(AgentListQuery { filter: tagged, ..all(AgentSort::Popular) });
        for query in &queries {
            let counted_off = walked(async |request| agents(&marketplace, query, request).await, id).await;
            assert!(counted_off.len() > 20, "{query:?}");
            marketplace.samplings_finished().await;
            let by_boundaries = walked(async |request| agents(&marketplace, query, request).await, id).await;
            assert_eq!(by_boundaries, counted_off, "{query:?}");
        }
    }

    async fn the_other_lists_page_both_ways_with_boundaries_and_without(database: &TestDatabase) {
        let (marketplace, _clock) = near(database);
        let reader = user();
        let made = forty_agents(&marketplace).await;
        for agent in &made {
            marketplace.agent_install(&reader, agent.id, JsonObject::default()).await.unwrap();
        }
        for place in 0..40 {
            marketplace.review_write(&user(), made[0].id, stars(1 + place % 5)).await.unwrap();
            let content_type = if place % 2 == 0 { "note" } else { "article" };
            marketplace.knowledge_create(&reader, text(place, content_type)).await.unwrap();
        }
        for _ in ["counted off", "by boundaries"] {
            let mine = walked(async |request| marketplace.my_agents(&reader, request).await.unwrap(), |row| row.installation.id).await;
            assert_eq!(mine.len(), 40);
            let reviews = async |rating| {
                let agent = made[0].id;
                walked(async |request| marketplace.review_list(agent, rating, request).await.unwrap().to_value(), |row| row.id).await
            };
            assert_eq!(reviews(None).await.len(), 40);
            assert_eq!(reviews(Some(Rating::new(2).unwrap())).await.len(), 8);
            let knowledge = async |filter: &KnowledgeFilter| {
                walked(async |request| marketplace.knowledge_list(&reader, filter.clone(), request).await.unwrap().to_value(), |row| row.id).await
            };
            assert_eq!(knowledge(&KnowledgeFilter::default()).await.len(), 40);
            let notes = KnowledgeFilter { content_type: Some(ContentType::new("note").unwrap()), tag: Some(Tag::new("kept").unwrap()) };
            assert_eq!(knowledge(&notes).await.len(), 20);
            marketplace.samplings_finished().await;
        }
    }

    async fn a_far_page_costs_the_statements_of_a_near_one(database: &TestDatabase) {
        let (marketplace, clock) = near(database);
        forty_agents(&marketplace).await;
        let query = all(AgentSort::Popular);
        let statements = || marketplace.database().statement_count();
        let asked = async |number_of_page| {
            let before = statements();
            ids(&marketplace, &query, number(number_of_page, 5)).await;
            let of_request = statements() - before;
            marketplace.samplings_finished().await;
            (of_request, statements() - before - of_request)
        };
        // Page and count; then the sample and its own count, beside the request.
        assert_eq!(asked(3).await, (2, 0), "ten rows before it: near");
        assert_eq!(asked(4).await, (2, 2));
        assert_eq!(asked(4).await, (2, 0));
        assert_eq!(asked(8).await, (2, 0));
        clock.advance(TimeDelta::seconds(60));
        assert_eq!(asked(8).await, (2, 2), "sampled again");
        assert_eq!(asked(8).await, (2, 0));
    }

    async fn boundaries_age_by_the_rows_before_a_page_until_they_are_sampled_again(database: &TestDatabase) {
        let (marketplace, clock) = near(database);
        forty_agents(&marketplace).await;
        let query = all(AgentSort::Recent);
        ids(&marketplace, &query, number(5, 5)).await;
        marketplace.samplings_finished().await;
        let before = exactly(&marketplace, &query).await;
        // Three newer agents: every row stands three places further down.
        let author = user();
        for name in ["Newer", "Newest", "Newest of all"] {
            clock.advance(TimeDelta::seconds(1));
            published(&marketplace, &author, name).await;
        }
        let now = exactly(&marketplace, &query).await;
        assert_eq!(now[3..], before);
        let stale = agents(&marketplace, &query, number(5, 5)).await;
        let shown: Vec<AgentId> = stale.items.iter().map(id).collect();
        assert_eq!(shown, before[20..25], "the page is where it was when the list was sampled");
        assert_eq!(stale.total, Some(43), "while rows are counted as they are");
        // Going on from there loses nothing and repeats nothing.
        let mut rest = shown;
        let mut next = stale.next_cursor;
        while let Some(cursor) = next {
            let read = agents(&marketplace, &query, page(PageAt::Cursor(cursor), 5)).await;
            rest.extend(read.items.iter().map(id));
            next = read.next_cursor;
        }
        assert_eq!(rest, before[20..]);
        // After a minute the stale ones answer once more, and the list is sampled again.
        clock.advance(TimeDelta::seconds(60));
        assert_eq!(ids(&marketplace, &query, number(5, 5)).await, before[20..25]);
        marketplace.samplings_finished().await;
        assert_eq!(ids(&marketplace, &query, number(5, 5)).await, now[20..25]);
        assert_eq!(ids(&marketplace, &query, number(9, 5)).await, now[40..]);
        // After ten without a question they are not used any more.
        published(&marketplace, &author, "Newest for good").await;
        clock.advance(TimeDelta::seconds(600));
        let now = exactly(&marketplace, &query).await;
        assert_eq!(ids(&marketplace, &query, number(5, 5)).await, now[20..25]);
    }

    async fn lists_share_no_boundaries(database: &TestDatabase) {
        let (marketplace, _clock) = near(database);
        forty_agents(&marketplace).await;
        let of = |category| AgentListQuery {
            filter: AgentFilter { category: Some(CategoryName::new(category).unwrap()), ..AgentFilter::default() },
            ..all(AgentSort::Name)
        };
        let before = marketplace.database().statement_count();
        ids(&marketplace, &of("development"), number(6, 4)).await;
        marketplace.samplings_finished().await;
        assert_eq!(marketplace.database().statement_count() - before, 4, "it was sampled");
        // Those of the whole list and of another order would lead elsewhere.
        for other in [all(AgentSort::Name), all(AgentSort::Recent), searching("agent", AgentSort::Name)] {
            let whole = exactly(&marketplace, &other).await;
            assert_eq!(ids(&marketplace, &other, number(6, 4)).await, whole[20..24], "{other:?}");
        }
        let content = exactly(&marketplace, &of("content")).await;
        assert_eq!(content.len(), 10);
        assert!(ids(&marketplace, &of("content"), number(6, 4)).await.is_empty());
        let development = exactly(&marketplace, &of("development")).await;
        assert_eq!(ids(&marketplace, &of("development"), number(6, 4)).await, development[20..24]);
    }

    async fn a_cursor_is_good_for_its_own_list_alone(database: &TestDatabase) {
        let (marketplace, _clock) = near(database);
        let (reader, stranger) = (user(), user());
        let made = forty_agents(&marketplace).await;
        for place in 0..3 {
            marketplace.review_write(&user(), made[0].id, stars(1 + place)).await.unwrap();
            marketplace.knowledge_create(&reader, text(place, "note")).await.unwrap();
            marketplace.agent_install(&reader, made[usize::try_from(place).unwrap()].id, JsonObject::default()).await.unwrap();
        }
        let refused = |error: aios_domain::Error| assert_eq!(error.kind(), aios_domain::ErrorKind::InvalidCursor);
        let at = |cursor: Option<String>| page(PageAt::Cursor(cursor.unwrap()), 1);

        let reviews = marketplace.review_list(made[0].id, None, number(1, 1)).await.unwrap().next_cursor.clone();
        refused(marketplace.review_list(made[1].id, None, at(reviews.clone())).await.unwrap_err());
        refused(marketplace.review_list(made[0].id, Some(Rating::new(1).unwrap()), at(reviews.clone())).await.unwrap_err());
        let knowledge = marketplace.knowledge_list(&reader, KnowledgeFilter::default(), number(1, 1)).await.unwrap().next_cursor.clone();
        refused(marketplace.knowledge_list(&stranger, KnowledgeFilter::default(), at(knowledge.clone())).await.unwrap_err());
        let notes = KnowledgeFilter { content_type: Some(ContentType::new("note").unwrap()), tag: None };
        let kept = KnowledgeFilter { content_type: None, tag: Some(Tag::new("kept").unwrap()) };
        for filter in [notes, kept] {
            refused(marketplace.knowledge_list(&reader, filter, at(knowledge.clone())).await.unwrap_err());
        }
        let mine = marketplace.my_agents(&reader, number(1, 1)).await.unwrap().next_cursor.clone();
        refused(marketplace.my_agents(&stranger, at(mine.clone())).await.unwrap_err());
        refused(marketplace.my_agents(&reader, at(knowledge)).await.unwrap_err());
        let listed = agents(&marketplace, &all(AgentSort::Popular), number(1, 1)).await.next_cursor;
        for filter in other_filters() {
            let query = AgentListQuery { filter, ..all(AgentSort::Popular) };
            refused(marketplace.agent_list(query, at(listed.clone())).await.unwrap_err());
        }
        for sort in [AgentSort::Recent, AgentSort::Rating, AgentSort::Name, AgentSort::Trending] {
            refused(marketplace.agent_list(all(sort), at(listed.clone())).await.unwrap_err());
        }
    }
}

/// Each filter of a list of agents, set alone.
fn other_filters() -> [AgentFilter; 7] {
    let none = AgentFilter::default;
    [
        AgentFilter {
            category: Some(CategoryName::new("content").unwrap()),
            ..none()
        },
        AgentFilter {
            tags: vec![Tag::new("third").unwrap()],
            ..none()
        },
        AgentFilter {
            min_rating: Some(1.0),
            ..none()
        },
        AgentFilter {
            is_verified: Some(false),
            ..none()
        },
        AgentFilter {
            is_featured: Some(false),
            ..none()
        },
        AgentFilter {
            pricing_model: Some(aios_domain::PricingModel::Free),
            ..none()
        },
        searching("agent", AgentSort::Popular).filter,
    ]
}

fn text(place: i64, content_type: &str) -> KnowledgeDraft {
    KnowledgeDraft {
        title: KnowledgeTitle::new(format!("Text {place}")).unwrap(),
        source: KnowledgeSource::new("test").unwrap(),
        content_type: ContentType::new(content_type).unwrap(),
        text_content: KnowledgeText::new("What is kept.").unwrap(),
        summary: None,
        tags: vec![Tag::new("kept").unwrap()],
        metadata: JsonObject::default(),
    }
}
