//! Questions whose answers are kept, in canonical form: equal questions are one, and nothing that is not part of the
//! question gets into the answer.

use std::sync::Arc;

use actix_web::http::header::HeaderValue;
use aios_domain::{AgentField, AgentFieldSet, AgentId, AgentSort, CategoryName, PricingModel, Rating, SearchQuery};
use aios_marketplace::{AgentListQuery, CountMode, Listing, PageAt, PageRequest};
use aios_pagination::http::Links;

use super::answer::Answer;

/// The routes whose answers are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Stats,
    Agents,
    Agent,
    Reviews,
    Categories,
    CategoryCounts,
    OpenApi,
    Docs,
    Monitoring,
}

impl Route {
    pub(crate) const ALL: [Self; 9] = [
        Self::Stats,
        Self::Agents,
        Self::Agent,
        Self::Reviews,
        Self::Categories,
        Self::CategoryCounts,
        Self::OpenApi,
        Self::Docs,
        Self::Monitoring,
    ];

    /// As the router and the metrics have it.
    pub(crate) fn pattern(self) -> &'static str {
        match self {
            Self::Stats => "/api/v1/marketplace/stats",
            Self::Agents => "/api/v1/marketplace/agents",
            Self::Agent => "/api/v1/marketplace/agents/{id}",
            Self::Reviews => "/api/v1/marketplace/agents/{id}/reviews",
            Self::Categories => "/api/v1/marketplace/categories",
            Self::CategoryCounts => "/api/v1/marketplace/categories/stats",
            Self::OpenApi => "/openapi.json",
            Self::Docs => "/docs",
            Self::Monitoring => "/monitoring",
        }
    }

    /// Whether somebody who is signed in gets another answer.
    pub(crate) fn depends_on_caller(self) -> bool {
        self == Self::Agent
    }
}

/// A question, and where its answer is.
pub(crate) struct Question {
    pub(crate) route: Route,
    pub(crate) place: Place,
    /// The agent that is viewed by asking.
    pub(crate) viewed: Option<AgentId>,
}

/// Where an answer is kept.
pub(crate) enum Place {
    /// In the cache, under this key: the path and the parameters that matter, decoded, in one order and coded again.
    Kept(Box<str>),
    /// For as long as the program runs.
    Pinned(Arc<Answer>),
}

/// A path and parameters of which each change would be another question.
pub(crate) struct Canonical {
    path: String,
    parameters: Vec<(&'static str, String)>,
}

impl Canonical {
    /// A path without parameters.
    pub(crate) fn path(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            parameters: Vec::new(),
        }
    }

    /// A page of agents.
    pub(crate) fn agents(query: &AgentListQuery, page: &PageRequest) -> Self {
        let AgentListQuery { filter, sort, fields } = query;
        // Not to be named where it is meant anyway.
        let sort = Some(sort.order()).filter(|sort| *sort != AgentSort::default());
        Self::path(Route::Agents.pattern())
            .with("category", filter.category.as_ref().map(CategoryName::as_str))
            .with(
                "tags",
                Some(filter.distinct_tags().join(",")).filter(|tags| !tags.is_empty()),
            )
            .with("search", filter.search.as_ref().map(SearchQuery::as_str))
            .with("pricing_model", filter.pricing_model.map(PricingModel::as_str))
            .with("min_rating", filter.min_rating.map(|stars| stars.to_string()))
            .with("is_verified", filter.is_verified.map(|flag| flag.to_string()))
            .with("is_featured", filter.is_featured.map(|flag| flag.to_string()))
            .with("sort", sort.map(AgentSort::as_str))
            .with("fields", named(*fields))
            .page(page, 20)
    }

    /// Agents that are named, in this order.
    pub(crate) fn agents_by_id(ids: &[AgentId], fields: AgentFieldSet) -> Self {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        Self::path(Route::Agents.pattern())
            .with("ids", Some(ids.join(",")))
            .with("fields", named(fields))
    }

    /// A page of an agent's reviews.
    pub(crate) fn reviews(agent: AgentId, rating: Option<Rating>, page: &PageRequest) -> Self {
        Self::path(format!("/api/v1/marketplace/agents/{agent}/reviews"))
            .with("rating", rating.map(|rating| rating.stars().to_string()))
            .page(page, 10)
    }

    fn with(mut self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        self.parameters.extend(value.map(|value| (name, value.into())));
        self
    }

    fn page(self, page: &PageRequest, default_limit: u32) -> Self {
        let PageRequest { at, limit, count } = page;
        let (number, cursor) = match at {
            PageAt::Number(number) => (Some(*number).filter(|&number| number > 1), None),
            PageAt::Cursor(cursor) => (None, Some(cursor.as_str())),
        };
        let count = match count {
            CountMode::Exact => None,
            CountMode::Estimated => Some("estimated"),
            CountMode::None => Some("none"),
        };
        self.with("page", number.map(|number| number.to_string()))
            .with("cursor", cursor)
            .with(
                "limit",
                Some(*limit)
                    .filter(|&limit| limit != default_limit)
                    .map(|limit| limit.to_string()),
            )
            .with("count", count)
    }

    /// The question at this route.
    pub(crate) fn question(&self, route: Route) -> Question {
        let mut key = form_urlencoded::Serializer::for_suffix(format!("{}?", self.path), self.path.len() + 1);
        key.extend_pairs(&self.parameters);
        Question {
            route,
            place: Place::Kept(key.finish().into()),
            viewed: None,
        }
    }

    /// The header `Link` (RFC 8288) of a page, numbered or read by cursor as it was asked for.
    pub(crate) fn links<T>(&self, listing: &Listing<T>) -> Option<HeaderValue> {
        let links = Links::new(&self.path, self.parameters.iter().map(|(name, value)| (name, value)));
        let links = match listing.page {
            Some(page) => {
                let pages = listing.pages().and_then(|pages| u64::try_from(pages).ok());
                links.numbered(u64::from(page), listing.limit, listing.next_cursor.is_some(), pages)
            }
            None => links.tokens(
                listing.prev_cursor.as_deref(),
                listing.next_cursor.as_deref(),
                listing.limit,
            ),
        };
        HeaderValue::from_str(&links.to_value()?).ok()
    }
}

/// The fields by name, where they are not all there are.
fn named(fields: AgentFieldSet) -> Option<String> {
    let all = AgentField::ALL;
    let names: Vec<&str> = all
        .iter()
        .filter(|&&field| fields.contains(field))
        .map(|field| field.as_str())
        .collect();
    (names.len() < all.len()).then(|| names.join(","))
}

#[cfg(test)]
mod tests {
    use aios_domain::{AgentFilter, Tag};

    use super::*;

    fn query() -> AgentListQuery {
        AgentListQuery {
            filter: AgentFilter::default(),
            sort: AgentSort::Popular,
            fields: AgentFieldSet::ALL,
        }
    }

    fn key(query: &AgentListQuery, page: &PageRequest) -> String {
        match Canonical::agents(query, page).question(Route::Agents).place {
            Place::Kept(key) => key.into(),
            Place::Pinned(_) => unreachable!("lists are kept"),
        }
    }

    #[test]
    fn defaults_are_dropped_and_the_rest_is_in_one_order() {
        assert_eq!(key(&query(), &PageRequest::first(20)), "/api/v1/marketplace/agents?");
        let mut asked = query();
        asked.filter.tags = ["b", "a", "b"].map(|tag| Tag::new(tag).unwrap()).into();
        asked.sort = AgentSort::Installs;
        asked.fields = AgentField::ALL.iter().rev().copied().collect();
        assert_eq!(
            key(&asked, &PageRequest::first(20)),
            "/api/v1/marketplace/agents?tags=a%2Cb"
        );
    }

    #[test]
    fn a_value_never_looks_like_two_parameters() {
        let mut one = query();
        one.filter.search = Some(SearchQuery::new("a&category=content").unwrap());
        let mut two = query();
        two.filter.search = Some(SearchQuery::new("a").unwrap());
        two.filter.category = Some(CategoryName::new("content").unwrap());
        let first = PageRequest::first(20);
        assert_eq!(
            key(&one, &first),
            "/api/v1/marketplace/agents?search=a%26category%3Dcontent"
        );
        assert_eq!(
            key(&two, &first),
            "/api/v1/marketplace/agents?category=content&search=a"
        );
    }

    #[test]
    fn whatever_changes_the_answer_changes_the_key() {
        let first = PageRequest::first(20);
        let mut queries = vec![query(); 10];
        queries[1].sort = AgentSort::Recent;
        queries[2].fields = [AgentField::Id].into_iter().collect();
        queries[3].filter.category = Some(CategoryName::new("content").unwrap());
        queries[4].filter.tags = vec![Tag::new("a").unwrap()];
        queries[5].filter.search = Some(SearchQuery::new("a").unwrap());
        queries[6].filter.pricing_model = Some(PricingModel::Free);
        queries[7].filter.min_rating = Some(4.0);
        queries[8].filter.is_verified = Some(true);
        queries[9].filter.is_featured = Some(true);
        let mut keys: Vec<String> = queries.iter().map(|query| key(query, &first)).collect();
        let at = [PageAt::Number(2), PageAt::Cursor("2".to_owned())];
        keys.extend(at.map(|at| key(&query(), &PageRequest { at, ..first.clone() })));
        keys.push(key(&query(), &PageRequest::first(21)));
        let counts = [CountMode::None, CountMode::Estimated];
        keys.extend(counts.map(|count| key(&query(), &PageRequest { count, ..first.clone() })));
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), all, "{keys:#?}");
    }
}
