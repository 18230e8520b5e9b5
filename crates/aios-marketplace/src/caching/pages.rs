//! Pages of agents in the cache, and the tags that make them stale: no more of them than those that a change may show on.

use std::ops::Deref;

use aios_db::store::agent_list::{AgentPage, Matched};
use aios_domain::{AgentFilter, PartialAgentSummary};
use serde::{Deserialize, Serialize};

use super::{tags, words};
use crate::Listing;

/// A page of agents, and what makes it stale.
///
/// It is read as the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentListing {
    listing: Listing<PartialAgentSummary>,
    /// The lots ([`tags::lot`]) of the agents on it.
    lots: Vec<u16>,
    /// Tags beside those that the question has.
    others: Vec<String>,
}

impl Deref for AgentListing {
    type Target = Listing<PartialAgentSummary>;

    fn deref(&self) -> &Self::Target {
        &self.listing
    }
}

impl AgentListing {
    pub(crate) fn new(filter: &AgentFilter, page: AgentPage, total: Option<i64>) -> Self {
        let mut lots: Vec<u16> = page.shown.iter().copied().map(tags::lot).collect();
        lots.sort_unstable();
        lots.dedup();
        let others = match page.matched {
            // What else is similar to the words, nobody can say.
            Matched::Forgiven => vec![tags::AGENTS.to_owned()],
            // The tag of its word says it all.
            Matched::Words => Vec::new(),
            Matched::All if page.gains_published => tags_of_new(filter),
            Matched::All => Vec::new(),
        };
        Self {
            listing: Listing { total, ..page.listing },
            lots,
            others,
        }
    }

    /// The page alone.
    pub fn into_listing(self) -> Listing<PartialAgentSummary> {
        self.listing
    }

    /// The tags that an answer bears in the cache which shows it, beside those of its [`Keeping`](super::Keeping).
    pub fn tags(&self) -> Vec<String> {
        let shown = self.lots.iter().map(|lot| tags::shown(*lot));
        shown.chain(self.others.iter().cloned()).collect()
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
