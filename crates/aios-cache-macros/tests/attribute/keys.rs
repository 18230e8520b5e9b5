//! Keys and tags: templates, placeholders, arguments that are left out.

use aios_cache::{CacheKey, KeyText, Namespace, cached};

use crate::{Failure, cache};

#[derive(Clone)]
struct Query {
    text: String,
    page: u32,
}

/// A key that is made by hand, in one place.
fn listing_key(query: &Query) -> impl CacheKey + use<> {
    ("listing", query.text.clone(), query.page)
}

fn tags_of(query: &Query) -> Vec<String> {
    vec!["listings".to_owned(), format!("page:{}", query.page)]
}

const VERSION: u8 = 2;

#[derive(Clone)]
struct Listings {
    texts: Namespace<String>,
}

impl Listings {
    fn new() -> Self {
        Self {
            texts: cache().namespace("texts").build().unwrap(),
        }
    }

    #[cached(in = self.texts)]
    async fn plain(&self, text: &str, page: u32) -> Result<String, Failure> {
        Ok(format!("{text}{page}"))
    }

    #[cached(in = self.texts)]
    async fn nothing(&self) -> Result<String, Failure> {
        Ok(String::new())
    }

    #[cached(in = self.texts, key = "{text}")]
    async fn bare(&self, text: &str) -> Result<String, Failure> {
        Ok(text.to_owned())
    }

    #[cached(in = self.texts, key = "search:{query.text}:page-{query.page}-{{v}}", tags("search", "page:{query.page}", "{{x}}"))]
    async fn search(&self, query: Query) -> Result<String, Failure> {
        Ok(query.text)
    }

    #[cached(in = self.texts, key = "{self::VERSION}:{text.trim()}:{pair}", skip(note))]
    async fn expressions(&self, text: &str, pair: (u8, u8), note: &str) -> Result<String, Failure> {
        Ok(format!("{text}{pair:?}{note}"))
    }

    #[cached(in = self.texts, key = listing_key(query), tags = tags_of(query))]
    async fn by_hand(&self, query: &Query) -> Result<String, Failure> {
        Ok(query.text.clone())
    }

    #[cached(in = self.texts, tags("fixed", format!("page:{page}"), "{page}"))]
    async fn mixed_tags(&self, page: u32) -> Result<String, Failure> {
        Ok(page.to_string())
    }
}

#[test]
fn without_a_key_it_is_the_name_and_all_arguments() {
    let listings = Listings::new();
    assert_eq!(listings.plain_cached("a:b", 2).key(), "plain:a%3Ab:2");
    assert_eq!(listings.nothing_cached().key(), "nothing");
}

#[test]
fn one_placeholder_is_the_key_itself() {
    let listings = Listings::new();
    assert_eq!(listings.bare_cached("a:b").key(), KeyText::of("a:b").as_str());
}

#[test]
fn the_text_of_a_template_is_kept_and_the_parts_are_escaped() {
    let listings = Listings::new();
    let call = listings.search_cached(Query {
        text: "what: 100%".to_owned(),
        page: 3,
    });
    assert_eq!(call.key(), "search:what%3A 100%25:page-3-{v}");
    assert_eq!(call.tags(), ["search", "page:3", "{x}"]);
}

#[test]
fn placeholders_are_expressions_and_what_is_skipped_is_not_in_the_key() {
    let listings = Listings::new();
    assert_eq!(listings.expressions_cached(" x ", (1, 2), "a").key(), "2:x:%(1:2%)");
    assert_eq!(listings.expressions_cached("x", (1, 2), "b").key(), "2:x:%(1:2%)");
}

#[test]
fn keys_and_tags_may_be_expressions() {
    let listings = Listings::new();
    let query = Query {
        text: "x".to_owned(),
        page: 3,
    };
    let call = listings.by_hand_cached(&query);
    assert_eq!(call.key(), KeyText::of(&("listing", "x", 3)).as_str());
    assert_eq!(call.tags(), ["listings", "page:3"]);
    assert_eq!(listings.mixed_tags_cached(4).tags(), ["fixed", "page:4", "4"]);
}

#[tokio::test]
async fn a_template_with_text_is_the_same_key_as_the_tuple_of_its_parts() {
    #[cached(in = texts, key = "user:{id}:{name}")]
    async fn named(texts: Namespace<String>, id: u64, name: Option<&str>) -> Result<String, Failure> {
        Ok(format!("{id}{name:?}"))
    }
    let texts = Listings::new().texts;
    named(texts.clone(), 7, Some("a:b")).await.unwrap();
    named(texts.clone(), 7, None).await.unwrap();
    assert!(texts.at(&("user", 7, Some("a:b"))).peek().is_some());
    assert!(texts.at(&("user", 7, None::<&str>)).peek().is_some());
    assert!(texts.at(&("user", 7, "a")).peek().is_none());
}
