//! Lists of agents: filtered, searched, ordered, paged. One statement a page, and one to count.

mod lister;
mod matching;
mod rows;

use aios_domain::{AgentFieldSet, AgentFilter, AgentId, AgentSort, Error, PartialAgentSummary};
use aios_pagination::CursorCodec;
use serde::{Deserialize, Serialize};

use self::lister::Lister;
use self::matching::Matching;
use crate::paging::{CountMode, ListTask, Listing, PageRequest, Paging};
use crate::search::Words;
use crate::store::tag_filter::TagCondition;
use crate::{AnyConnection, DbError, DbResult};

/// Which agents are listed, in which order, and what is read of them.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentListQuery {
    /// Which.
    pub filter: AgentFilter,
    /// In which order.
    pub sort: AgentSort,
    /// Only these columns are read.
    pub fields: AgentFieldSet,
}

/// A page of agents, and what a cache has to know of it.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentPage {
    /// The page.
    pub listing: Listing<PartialAgentSummary>,
    /// How the agents were found.
    pub matched: Matched,
    /// Which agents the page shows, also where their ids were not asked for.
    pub shown: Vec<AgentId>,
    /// Whether an agent that is published now might be on this very page, or shift what is on it. A new agent has neither
    /// installations nor ratings nor views, so it stands at the end of the orders by these, and first among the newest.
    pub gains_published: bool,
}

/// How agents were matched with the words of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Matched {
    /// There is no search.
    All,
    /// Every word is found, whole or as a beginning.
    Words,
    /// Nothing was found so, and words that may be misspelt were forgiven.
    Forgiven,
}

/// A page of the active agents that pass the filter. Where a search finds nothing, words that may be misspelt are forgiven.
///
/// # Errors
/// `InvalidCursor`; invalid input for [`AgentSort::Relevance`] without a search; those of the database.
pub fn agent_list(
    connection: &mut AnyConnection,
    paging: &Paging<'_>,
    query: &AgentListQuery,
    request: &PageRequest,
) -> DbResult<AgentPage> {
    let tagged = TagCondition::of(connection, &query.filter.tags)?;
    let lister = |matching| Lister {
        paging,
        query,
        request,
        tagged: match &matching {
            Matching::All => tagged.clone(),
            // What a search finds comes from its index, and is not met along an order.
            _ => tagged.for_counting(),
        },
        matching,
    };
    let Some(search) = &query.filter.search else {
        if query.sort == AgentSort::Relevance {
            return Err(Error::invalid_field("sort", "must not be relevance without a search").into());
        }
        return lister(Matching::All).list(connection);
    };
    let words = Words::of(search);
    if words.is_empty() {
        return Ok(AgentPage {
            listing: Listing::empty(request),
            matched: Matched::Words,
            shown: Vec::new(),
            gains_published: false,
        });
    }
    let found = lister(Matching::Words(words.clone())).list(connection);
    // Nothing found, or a cursor that was not made for the strict search: perhaps it was made for the forgiving one.
    let found_something = match &found {
        Ok(page) => !page.listing.items.is_empty() || page.listing.prev_cursor.is_some(),
        Err(error) => !is_invalid_cursor(error),
    };
    if found_something {
        return found;
    }
    match forgiving(connection, &words)? {
        Some(matching) => match (lister(matching).list(connection), found) {
            (Err(error), Err(first)) if is_invalid_cursor(&error) => Err(first),
            (forgiven, _) => forgiven,
        },
        None => found,
    }
}

/// How many active agents pass the filter, where they are matched in this way; `None` where `count` does not want to know.
///
/// # Errors
/// Those of the database.
pub fn agent_count(
    connection: &mut AnyConnection,
    cursors: &CursorCodec,
    filter: &AgentFilter,
    count: CountMode,
    matched: Matched,
) -> DbResult<Option<i64>> {
    let words = filter.search.as_ref().map(Words::of);
    let matching = match (words, matched) {
        (None, _) => Matching::All,
        (Some(words), _) if words.is_empty() => return Ok(Some(0)),
        (Some(words), Matched::All | Matched::Words) => Matching::Words(words),
        (Some(words), Matched::Forgiven) => match forgiving(connection, &words)? {
            Some(matching) => matching,
            None => return Ok(Some(0)),
        },
    };
    let lister = Lister {
        paging: &Paging {
            cursors,
            task: ListTask::Page(&()),
        },
        query: &AgentListQuery {
            filter: filter.clone(),
            sort: AgentSort::default(),
            fields: AgentFieldSet::ALL,
        },
        request: &PageRequest {
            count,
            ..PageRequest::first(1)
        },
        matching,
        tagged: TagCondition::default(),
    };
    lister.count(connection)
}

fn forgiving(connection: &mut AnyConnection, words: &Words) -> DbResult<Option<Matching>> {
    Ok(words.corrected(connection)?.map(Matching::Corrected))
}

fn is_invalid_cursor(error: &DbError) -> bool {
    matches!(error, DbError::Domain(error) if error.kind() == aios_domain::ErrorKind::InvalidCursor)
}
