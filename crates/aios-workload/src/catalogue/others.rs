//! The marketplace at a glance, categories, knowledge, and what waits for caches and edges.

use aios_db::DatabaseKind;
use aios_db::store::outbox::InvalidationId;
use aios_db::store::{self, categories, edge_purges, knowledge, outbox, stats, totals};
use aios_domain::{
    AgentFilter, CategoryDraft, CategoryName, DisplayName, KnowledgeFilter, PricingModel, SearchQuery, Tag,
};
use chrono::TimeDelta;

use super::sample::{EDGE, first, text};
use super::{Query, query};

pub(super) fn queries(kind: DatabaseKind) -> Vec<Query> {
    let mut queries = glance();
    queries.extend(entries(kind));
    queries.extend(invalidations());
    queries.extend(purges());
    queries
}

fn glance() -> Vec<Query> {
    vec![
        query!(Upkeep, "a sign of life", |s| store::ping()),
        query!(Read, "the marketplace at a glance", |s| stats::marketplace_stats()),
        query!(Read, "how many agents and installations", |s| {
            totals::marketplace_totals()
        }),
        query!(Read, "how many agents, where that is kept", |s| totals::agent_total(
            &paid()
        )),
        query!(Read, "categories", |s| categories::category_list()),
        query!(Read, "categories with their counts", |s| categories::category_counts()),
        query!(Change, "making a category", |s| categories::category_insert(
            &category(),
            s.now
        )),
    ]
}

const FULL_TEXT: &str = "the words are looked up in the full-text index, over all users' entries";

fn entries(_: DatabaseKind) -> Vec<Query> {
    let of_type = || KnowledgeFilter {
        content_type: Some(text(0).content_type),
        tag: None,
    };
    let tagged = || KnowledgeFilter {
        content_type: None,
        tag: Some(Tag::from_trusted("reports".to_owned())),
    };
    vec![
        query!(Read, "an entry of knowledge", |s| knowledge::knowledge_find(
            s.reader, s.entry
        )),
        query!(Read, "a user's knowledge", |s| knowledge::knowledge_list(
            &s.paging(),
            s.reader,
            &KnowledgeFilter::default(),
            &first(),
        )),
        query!(Read, "a user's knowledge of one type", |s| knowledge::knowledge_list(
            &s.paging(),
            s.reader,
            &of_type(),
            &first()
        )),
        query!(Read, "a user's knowledge with a tag", |s| knowledge::knowledge_list(
            &s.paging(),
            s.reader,
            &tagged(),
            &first()
        )),
        query!(Read, "searching a user's knowledge", |s| knowledge::knowledge_search(
            s.reader,
            &SearchQuery::from_trusted("budget 777".to_owned()),
            super::sample::PAGE,
        ))
        .planned_anew()
        .few_sorted("those of one user's entries that match")
        .allow("knowledge_entries", FULL_TEXT)
        .allow("knowledge_fts", FULL_TEXT),
        query!(
            Change,
            "keeping an entry of knowledge",
            |s| knowledge::knowledge_insert(s.reader, &text(7), s.now)
        ),
        query!(Change, "replacing an entry of knowledge", |s| {
            knowledge::knowledge_replace(s.reader, s.entry, &text(8), s.now)
        }),
        query!(Change, "deleting an entry of knowledge", |s| {
            knowledge::knowledge_delete(s.reader, s.entry)
        }),
    ]
}

fn invalidations() -> Vec<Query> {
    vec![
        query!(Change, "noting what became stale", |s| outbox::invalidation_insert(
            InvalidationId::new(),
            &["agents".to_owned()],
            s.now,
        )),
        query!(Upkeep, "what is stale in caches", |s| outbox::invalidation_list(
            None, 100
        )),
        query!(Upkeep, "what else is stale in caches", |s| outbox::invalidation_list(
            Some(s.invalidation),
            100
        )),
        query!(Upkeep, "forgetting what caches have heard", |s| {
            outbox::invalidation_delete(&[s.invalidation])
        }),
        query!(Upkeep, "forgetting what no cache keeps", |s| {
            outbox::invalidation_delete_before(s.now - TimeDelta::hours(1))
        }),
    ]
}

fn purges() -> Vec<Query> {
    vec![
        query!(Upkeep, "asking for purges", |s| edge_purges::edge_purge_ask(
            EDGE,
            &tags(),
            s.now,
            s.now
        )),
        query!(Upkeep, "purges that are due", |s| edge_purges::edge_purge_due(
            EDGE,
            s.now + TimeDelta::seconds(9),
            100
        )),
        query!(Upkeep, "having purged", |s| edge_purges::edge_purge_done(
            EDGE, &s.purges, s.now
        )),
        query!(Upkeep, "forgetting purges", |s| edge_purges::edge_purge_forget(
            EDGE,
            &tags()
        )),
        query!(Upkeep, "how many purges there are", |s| edge_purges::edge_purge_count(
            EDGE, s.now
        )),
        query!(Upkeep, "asking for a purge of everything", |s| {
            edge_purges::edge_purge_ask_everything(EDGE, s.now, s.now)
        }),
        query!(Upkeep, "forgetting purges of an edge that is gone", |s| {
            edge_purges::edge_purge_delete_before(s.now - TimeDelta::days(1))
        }),
    ]
}

fn tags() -> [String; 2] {
    ["agent:1".to_owned(), "agent:2".to_owned()]
}

fn paid() -> AgentFilter {
    AgentFilter {
        pricing_model: Some(PricingModel::Paid),
        ..AgentFilter::default()
    }
}

fn category() -> CategoryDraft {
    CategoryDraft {
        name: CategoryName::from_trusted("catalogue".to_owned()),
        display_name: DisplayName::from_trusted("Catalogue".to_owned()),
        description: None,
        icon: None,
        color: None,
        sort_order: 90,
    }
}
