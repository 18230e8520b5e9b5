//! The keys of cached lists. Everything that an answer depends on is in its key, and what does not change it is not.

use aios_cache::{CacheKey, KeyText};
use aios_db::store::agent_list::AgentListQuery;
use aios_domain::{AgentFilter, CategoryName, ContentType, KnowledgeFilter, PricingModel, SearchQuery, Tag};
use uuid::Uuid;

use crate::{CountMode, PageAt, PageRequest};

/// A page of a list.
struct Page<'a>(&'a PageRequest);

impl CacheKey for Page<'_> {
    fn write_key(&self, key: &mut KeyText) {
        let PageRequest { at, limit, count } = self.0;
        match at {
            PageAt::Number(number) => key.part("n").part(&(*number).max(1)),
            PageAt::Cursor(cursor) => key.part("c").part(cursor),
        };
        let count: u8 = match count {
            CountMode::Exact => 0,
            CountMode::Estimated => 1,
            CountMode::None => 2,
        };
        key.part(limit).part(&count);
    }
}

/// A page of a list of agents.
pub(super) struct AgentPage<'a>(pub(super) &'a AgentListQuery, pub(super) &'a PageRequest);

impl CacheKey for AgentPage<'_> {
    fn write_key(&self, key: &mut KeyText) {
        let AgentListQuery { filter, sort, fields } = self.0;
        key.part(&Page(self.1))
            .part(sort.order().as_str())
            .part(&fields.bits())
            .part(&Filter(filter));
    }
}

/// Which agents are listed.
pub(super) struct Filter<'a>(pub(super) &'a AgentFilter);

impl CacheKey for Filter<'_> {
    fn write_key(&self, key: &mut KeyText) {
        let filter = self.0;
        let flags = (
            filter.is_verified,
            filter.is_featured,
            filter.min_rating.map(f64::to_bits),
        );
        key.part(&filter.category.as_ref().map(CategoryName::as_str))
            .part(filter.distinct_tags().as_slice())
            .part(&filter.search.as_ref().map(SearchQuery::as_str))
            .part(&filter.pricing_model.map(PricingModel::as_str))
            .part(&flags);
    }
}

/// A page of what belongs to one thing: a user's installations, an agent's reviews.
pub(super) struct PageOf<'a>(pub(super) Uuid, pub(super) &'a PageRequest);

impl CacheKey for PageOf<'_> {
    fn write_key(&self, key: &mut KeyText) {
        key.part(&self.0).part(&Page(self.1));
    }
}

/// A page of a user's knowledge entries.
pub(super) struct KnowledgePage<'a>(
    pub(super) Uuid,
    pub(super) &'a KnowledgeFilter,
    pub(super) &'a PageRequest,
);

impl CacheKey for KnowledgePage<'_> {
    fn write_key(&self, key: &mut KeyText) {
        let Self(user, filter, page) = self;
        key.part(user)
            .part(&filter.content_type.as_ref().map(ContentType::as_str))
            .part(&filter.tag.as_ref().map(Tag::as_str))
            .part(&Page(page));
    }
}

#[cfg(test)]
mod tests {
    use aios_domain::{AgentField, AgentFieldSet, AgentSort};

    use super::*;

    fn query() -> AgentListQuery {
        AgentListQuery {
            filter: AgentFilter::default(),
            sort: AgentSort::Popular,
            fields: AgentFieldSet::ALL,
        }
    }

    fn text(query: &AgentListQuery, page: &PageRequest) -> String {
        KeyText::of(&AgentPage(query, page)).as_str().to_owned()
    }

    #[test]
    fn whatever_changes_the_answer_changes_the_key() {
        let first = PageRequest::first(20);
        let mut queries = vec![query(); 11];
        queries[1].sort = AgentSort::Recent;
        queries[2].fields = [AgentField::Id].into_iter().collect();
        queries[3].filter.category = Some(CategoryName::new("content").unwrap());
        queries[4].filter.tags = vec![Tag::new("a").unwrap()];
        queries[5].filter.search = Some(SearchQuery::new("a").unwrap());
        queries[6].filter.pricing_model = Some(PricingModel::Free);
        queries[7].filter.min_rating = Some(4.0);
        queries[8].filter.is_verified = Some(true);
        queries[9].filter.is_featured = Some(true);
        queries[10].filter.is_featured = Some(false);
        let mut keys: Vec<String> = queries.iter().map(|query| text(query, &first)).collect();
        let pages = [
            PageRequest {
                at: PageAt::Number(2),
                ..first.clone()
            },
            PageRequest {
                at: PageAt::Cursor("2".to_owned()),
                ..first.clone()
            },
            PageRequest {
                limit: 21,
                ..first.clone()
            },
            PageRequest {
                count: CountMode::None,
                ..first.clone()
            },
            PageRequest {
                count: CountMode::Estimated,
                ..first.clone()
            },
        ];
        keys.extend(pages.iter().map(|page| text(&query(), page)));
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), all, "{keys:#?}");
    }

    #[test]
    fn the_same_question_in_other_words_has_the_same_key() {
        let tags = |tags: &[&str]| tags.iter().map(|tag| Tag::new(tag).unwrap()).collect();
        let (mut one, mut other) = (query(), query());
        one.filter.tags = tags(&["a", "b"]);
        other.filter.tags = tags(&["b", "a", "b"]);
        other.sort = AgentSort::Installs;
        let zeroth = PageRequest {
            at: PageAt::Number(0),
            ..PageRequest::first(20)
        };
        assert_eq!(text(&one, &PageRequest::first(20)), text(&other, &zeroth));
    }
}
