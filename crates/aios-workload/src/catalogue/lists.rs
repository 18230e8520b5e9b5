//! Lists of agents: every order, each filter, pages by cursor and by number, and their totals.

use aios_db::store::agent_list::{self, AgentListQuery, Matched};
use aios_db::{AnyConnection, CountMode, DatabaseKind, DbResult, ListTask, PageAt, PageRequest, Paging};
use aios_domain::{AgentFilter, AgentSort, PricingModel, SearchQuery};

use super::sample::{Sample, first, listed};
use super::{Query, query};

/// The orders that differ.
pub(super) const SORTS: [AgentSort; 5] = [
    AgentSort::Popular,
    AgentSort::Recent,
    AgentSort::Rating,
    AgentSort::Name,
    AgentSort::Trending,
];

/// A filter, told by words.
type Filter = (&'static str, fn(&Sample) -> AgentFilter);

fn any() -> AgentFilter {
    AgentFilter::default()
}

/// The filters that lists are read with in every order.
const FILTERS: [Filter; 12] = [
    ("all", |_| any()),
    ("one category", |s| AgentFilter {
        category: Some(s.category.clone()),
        ..any()
    }),
    ("a small category", |s| AgentFilter {
        category: Some(s.small_category.clone()),
        ..any()
    }),
    ("featured", |_| AgentFilter {
        is_featured: Some(true),
        ..any()
    }),
    ("verified", |_| AgentFilter {
        is_verified: Some(true),
        ..any()
    }),
    ("paid", |_| AgentFilter {
        pricing_model: Some(PricingModel::Paid),
        ..any()
    }),
    ("rated 4 or better", |_| AgentFilter {
        min_rating: Some(4.0),
        ..any()
    }),
    ("a common tag", |s| AgentFilter {
        tags: vec![s.common_tag.clone()],
        ..any()
    }),
    ("a middling tag", |s| AgentFilter {
        tags: vec![s.middling_tag.clone()],
        ..any()
    }),
    ("a rare tag", |s| AgentFilter {
        tags: vec![s.rare_tag.clone()],
        ..any()
    }),
    ("any of three tags", |s| AgentFilter {
        tags: vec![s.common_tag.clone(), s.middling_tag.clone(), s.rare_tag.clone()],
        ..any()
    }),
    ("paid and verified in one category", |s| AgentFilter {
        category: Some(s.category.clone()),
        pricing_model: Some(PricingModel::Paid),
        is_verified: Some(true),
        ..any()
    }),
];

/// The filters whose totals are kept, and the others.
const COUNTED: [(Filter, bool); 10] = [
    (FILTERS[0], true),
    (FILTERS[1], true),
    (FILTERS[3], true),
    (FILTERS[4], true),
    (FILTERS[5], true),
    (FILTERS[11], true),
    (FILTERS[7], true),
    (FILTERS[9], true),
    (FILTERS[6], true),
    (FILTERS[10], false),
];

const COUNTING: &str = "no total is kept for such a filter: those that pass are counted";
const ONE_PAGE: &str = "the rows of one page, found by their keys";
const SAMPLING: &str = "sampled once in a while beside the requests, from end to end";

pub(super) fn queries(kind: DatabaseKind) -> Vec<Query> {
    let mut queries = Vec::new();
    for sort in SORTS {
        let by = sort.as_str();
        for (which, filter) in FILTERS {
            let query = query!(Read, format!("agents by {by}: {which}"), |s| {
                agent_list::agent_list(&s.paging(), &listed(sort, filter(s)), &first())
            });
            queries.push(bounded(query, which));
        }
        for (which, filter) in &FILTERS[..2] {
            let filter = *filter;
            queries.push(query!(Read, format!("agents by {by}: {which}, next page"), |s| {
                agent_list::agent_list(
                    &s.paging(),
                    &listed(sort, filter(s)),
                    &s.second(&listed(sort, filter(s))),
                )
            }));
        }
    }
    queries.extend(by_number());
    queries.extend(COUNTED.map(|((which, filter), is_kept)| {
        let query = query!(Read, format!("how many agents: {which}"), |s| agent_list::agent_count(
            &s.cursors,
            &filter(s),
            CountMode::Exact,
            Matched::All,
        ));
        if is_kept {
            query
        } else {
            query
                .buffers(u64::MAX)
                .allow("marketplace_agents", COUNTING)
                .allow("others", COUNTING)
        }
    }));
    queries.extend(searches(kind));
    queries.extend(searches_counted());
    queries
}

/// Filters of which one row in many passes are given more room. Those by tags sort the agents of tags that are not common.
fn bounded(query: Query, which: &str) -> Query {
    if which.contains("tag") {
        query.buffers(20_000).sorted(4_000)
    } else if which.contains(" and ") {
        query.buffers(4_000)
    } else {
        query
    }
}

fn by_number() -> [Query; 3] {
    let at = |number| PageRequest {
        at: PageAt::Number(number),
        ..first()
    };
    let popular = || listed(AgentSort::Popular, any());
    [
        query!(Read, "agents by popular: page 500", |s| agent_list::agent_list(
            &s.paging(),
            &popular(),
            &at(500)
        ))
        .buffers(10_000)
        .few_sorted(ONE_PAGE),
        // Of 20,000 agents it is almost the last.
        query!(Read, "agents by popular: page 900", |s| agent_list::agent_list(
            &s.paging(),
            &popular(),
            &at(900)
        ))
        .buffers(1_200)
        .few_sorted(ONE_PAGE),
        Query::new(
            "agents by popular: sampling its boundaries",
            "agent_list::agent_list",
            super::Work::Upkeep,
            move |connection, s| s.sample_boundaries(connection, &popular()),
        )
        .buffers(u64::MAX)
        .sorted(1_000)
        .allow("marketplace_agents", SAMPLING),
    ]
}

/// A search with these words.
pub(super) fn searched(words: &str, sort: AgentSort) -> AgentListQuery {
    let search = Some(SearchQuery::from_trusted(words.to_owned()));
    listed(sort, AgentFilter { search, ..any() })
}

const FIFTY: &str = "the first fifty with a usual word turn up soon, which the bound on pages proves";
const SEARCH: &str = "of what matches, the agents of the highest tiers are ranked";

fn searches(_: DatabaseKind) -> Vec<Query> {
    let asked = [
        ("a common word", "data", AgentSort::Relevance),
        ("a word that nobody has", "zorvaline", AgentSort::Relevance),
        ("two words", "summarise reports", AgentSort::Relevance),
        ("a misspelt word", "cusotmer", AgentSort::Relevance),
        ("a common word, by popularity", "data", AgentSort::Popular),
    ];
    let queries = asked.map(|(which, words, sort)| {
        query!(Read, format!("search: {which}"), |s| agent_list::agent_list(
            &s.paging(),
            &searched(words, sort),
            &first(),
        ))
        // At most the agents of the highest tier, and fifty of each below, whatever their number.
        .buffers(2_000)
        .sorted(1_200)
        .few_sorted(SEARCH)
        .allow("marketplace_agents", FIFTY)
        .allow("agents_fts", SEARCH)
    });
    queries.into()
}

fn searches_counted() -> [Query; 2] {
    let counted = |which: &str, words: &'static str| {
        query!(Read, format!("how many agents: {which}"), |s| agent_list::agent_count(
            &s.cursors,
            &searched(words, AgentSort::Relevance).filter,
            CountMode::Exact,
            Matched::Words,
        ))
    };
    [
        counted("found by a common word", "data"),
        counted("found by two words", "summarise reports")
            .buffers(u64::MAX)
            .allow("marketplace_agents", COUNTING)
            .allow("agents_fts", COUNTING),
    ]
}

impl Sample {
    fn sample_boundaries(&self, connection: &mut AnyConnection, query: &AgentListQuery) -> DbResult<()> {
        let task = ListTask::Sample {
            listing: self.listing,
            every: 1_000,
            found: &|_| {},
        };
        let paging = Paging {
            cursors: &self.cursors,
            task,
        };
        agent_list::agent_list(connection, &paging, query, &first()).map(drop)
    }
}
