//! Pages of agents in the cache, and the tags that make them stale: no more of them than those that a change may show on.

use std::ops::Deref;
use std::time::Duration;

use aios_cache::{Cached, Origin};
use aios_db::store::agent_list::{AgentPage, Matched};
use aios_domain::{AgentFilter, PartialAgentSummary};
use serde::{Deserialize, Serialize};

use super::{tags, words};
use crate::Listing;

/// A page of agents as it is kept: without a total that was counted, which is kept for all pages of a list together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeptPage {
    listing: Listing<PartialAgentSummary>,
    pub(crate) matched: Matched,
    /// The lots ([`tags::lot`]) of the agents on it.
    lots: Vec<u16>,
    /// Tags beside those that the question has.
    others: Vec<String>,
}

impl KeptPage {
    pub(super) fn summaries(&self) -> &[PartialAgentSummary] {
        &self.listing.items
    }

    /// What it points to beside the agents, in bytes.
    pub(super) fn size_of_rest(&self) -> usize {
        let cursors = [&self.listing.next_cursor, &self.listing.prev_cursor];
        let texts = cursors.into_iter().flatten().chain(&self.others);
        texts.map(|text| size_of_val(text) + text.len()).sum::<usize>() + size_of_val(self.lots.as_slice())
    }

    pub(crate) fn new(filter: &AgentFilter, page: AgentPage) -> Self {
        let mut lots: Vec<u16> = page.shown.iter().copied().map(tags::lot).collect();
        lots.sort_unstable();
        lots.dedup();
        let others = match page.matched {
            // What else is similar to the words, nobody can say.
            Matched::Forgiven => vec![tags::AGENTS.to_owned()],
            Matched::All if page.gains_published => tags_of_new(filter),
            // Of a search the tag of its word says it all.
            Matched::All | Matched::Words => Vec::new(),
        };
        Self {
            listing: page.listing,
            matched: page.matched,
            lots,
            others,
        }
    }

    pub(super) fn tags(&self) -> Vec<String> {
        let shown = self.lots.iter().map(|lot| tags::shown(*lot));
        shown.chain(self.others.iter().cloned()).collect()
    }
}

/// A page of agents with its total. It is read as the page.
#[derive(Clone, Debug)]
pub struct AgentListing {
    page: KeptPage,
    age: Duration,
    fresh_for: Duration,
    was_kept: bool,
}

impl Deref for AgentListing {
    type Target = Listing<PartialAgentSummary>;

    fn deref(&self) -> &Self::Target {
        &self.page.listing
    }
}

impl AgentListing {
    pub(crate) fn new(page: Cached<KeptPage>, total: Option<Cached<Option<i64>>>) -> Self {
        let of_total = total.as_ref().map(Cached::fresh_for);
        let was_read = |origin| origin == Origin::Loader;
        Self {
            age: page.age(),
            fresh_for: of_total.map_or(page.fresh_for(), |of_total| of_total.min(page.fresh_for())),
            was_kept: !was_read(page.origin()) && !total.as_ref().is_some_and(|total| was_read(total.origin())),
            page: {
                let mut page = page.into_value();
                if let Some(total) = total {
                    page.listing.total = *total;
                }
                page
            },
        }
    }

    /// The page alone.
    pub fn into_listing(self) -> Listing<PartialAgentSummary> {
        self.page.listing
    }

    /// The tags that an answer bears in the cache which shows it, beside those of its [`Keeping`](super::Keeping).
    pub fn tags(&self) -> Vec<String> {
        self.page.tags()
    }

    /// How long ago the page was read.
    pub fn age(&self) -> Duration {
        self.age
    }

    /// How long page and total are fresh.
    pub fn fresh_for(&self) -> Duration {
        self.fresh_for
    }

    /// Whether both were kept, and nothing was read for this call.
    pub fn was_kept(&self) -> bool {
        self.was_kept
    }
}

/// The tags that a list has whatever is on it: changes of agents that it can't show leave it fresh.
pub(super) fn tags_of_query(filter: &AgentFilter) -> Vec<String> {
    match &filter.search {
        // Words of which nothing can be told.
        Some(search) => words::tags_of_search(search).map_or_else(|| vec![tags::AGENTS.to_owned()], Vec::from),
        None => vec![tag_of_filter(filter)],
    }
}

/// The narrowest tag of what moves agents between lists and within them.
fn tag_of_filter(filter: &AgentFilter) -> String {
    match (&filter.category, filter.is_featured) {
        (_, Some(true)) => tags::FEATURED.to_owned(),
        (Some(category), _) => tags::listed_in(category),
        (None, _) => tags::LISTED.to_owned(),
    }
}

/// Those of lists that a new agent may be in. It is neither featured nor verified, and nobody has rated it.
fn tags_of_new(filter: &AgentFilter) -> Vec<String> {
    let is_for_others = filter.is_featured == Some(true)
        || filter.is_verified == Some(true)
        || filter.min_rating.is_some_and(|rating| rating > 0.0);
    match &filter.category {
        _ if is_for_others => Vec::new(),
        Some(category) => vec![tags::new_in(category)],
        None => vec![tags::NEW.to_owned()],
    }
}

/// By which a total becomes wrong: an edit that leaves an agent where it was listed moves no number, as long as nothing but the
/// category is asked for.
pub(super) fn tags_of_total(filter: &AgentFilter, matched: Matched) -> Vec<String> {
    let of_category = AgentFilter {
        category: filter.category.clone(),
        ..AgentFilter::default()
    };
    if filter.search.is_some() {
        let mut tags = tags_of_query(filter);
        if matched == Matched::Forgiven {
            tags.push(tags::AGENTS.to_owned());
        }
        return tags;
    }
    match &filter.category {
        _ if *filter != of_category => {
            let mut tags = tags_of_new(filter);
            tags.push(tag_of_filter(filter));
            tags
        }
        Some(category) => vec![tags::number_of_agents_in(category)],
        None => vec![tags::NUMBER_OF_AGENTS.to_owned()],
    }
}

/// The tag of a list at the edge, where it is made stale by any change of an agent that it may show.
pub(super) fn edge_tag(filter: &AgentFilter) -> String {
    match (&filter.category, filter.is_featured) {
        (_, Some(true)) => tags::FEATURED.to_owned(),
        (Some(category), _) => tags::agents_in(category),
        (None, _) => tags::AGENTS.to_owned(),
    }
}
