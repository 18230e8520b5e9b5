//! For how long an answer may be used again, by whom, and by which keys it is purged: the headers that say so.

use std::time::Duration;

use actix_web::http::header::HeaderValue;
use aios_marketplace::Keeping;

/// How soon clients must see what changed. A cache in front of the server is told of each change, a client is not: what a
/// writer looks for at once is short here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// One thing and what is said of it.
    Subject,
    /// Lists.
    List,
    /// Figures over everything, categories.
    Figures,
    /// What changes with the program alone.
    Document,
}

impl Class {
    /// For so many seconds a client may use it without asking.
    fn client_seconds(self) -> u64 {
        match self {
            Self::Subject => 5,
            Self::List => 15,
            Self::Figures => 60,
            Self::Document => 300,
        }
    }
}

/// Seconds for which an old answer may be shown while a new one is fetched, at the edge.
const EDGE_WHILE_REVALIDATING: u64 = 60;
/// Seconds for which an old answer is better than none.
const IF_ERROR: u64 = 86_400;
/// The longest header of tags, in bytes. Proxies with buffers of 4 KiB, which is a usual default, must still take the whole
/// head of the answer; Cloudflare and Fastly take 16 KiB, and 1 KiB a tag.
const LONGEST_TAGS: usize = 1_024;

/// The headers. Values are shared where many answers have the same.
#[derive(Clone)]
pub(crate) struct Freshness {
    pub(super) cache_control: HeaderValue,
    pub(super) cdn_cache_control: HeaderValue,
    /// `Cache-Tag` (Cloudflare) and `Surrogate-Key` (Fastly, Varnish); missing where they would be too long.
    pub(super) tags: Option<(HeaderValue, HeaderValue)>,
}

impl Freshness {
    /// `prefix` tells this marketplace's tags from those of others behind the same edge.
    pub(crate) fn of(class: Class, keeping: &Keeping, prefix: &str) -> Self {
        let tags: Vec<String> = keeping.edge_tags.iter().map(|tag| format!("{prefix}:{tag}")).collect();
        let list = |separator| HeaderValue::from_str(&tags.join(separator)).ok();
        let length: usize = tags.iter().map(|tag| tag.len() + 1).sum();
        let tags = list(",").zip(list(" ")).filter(|_| length <= LONGEST_TAGS);
        // What can't be purged must not stay at the edge.
        let edge = if tags.is_some() {
            edge(keeping.ttl)
        } else {
            "no-store".to_owned()
        };
        Self {
            cache_control: value(&client(class)),
            cdn_cache_control: value(&edge),
            tags,
        }
    }

    /// Bytes beyond what every answer has.
    pub(super) fn weight(&self) -> usize {
        self.tags.as_ref().map_or(0, |(tags, _)| tags.len() * 2)
    }
}

fn client(class: Class) -> String {
    let seconds = class.client_seconds();
    format!("public, max-age={seconds}, stale-while-revalidate={seconds}, stale-if-error={IF_ERROR}")
}

fn edge(ttl: Duration) -> String {
    let seconds = ttl.as_secs();
    format!("public, max-age={seconds}, stale-while-revalidate={EDGE_WHILE_REVALIDATING}, stale-if-error={IF_ERROR}")
}

fn value(text: &str) -> HeaderValue {
    // Words and digits.
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("no-store"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(tags: usize) -> Freshness {
        let tags = (0..tags).map(|place| format!("agent:{place:036}")).collect();
        let ttl = Duration::from_secs(300);
        Freshness::of(
            Class::List,
            &Keeping {
                stale: Duration::ZERO,
                ttl,
                tags: Vec::new(),
                edge_tags: tags,
            },
            "aios",
        )
    }

    #[test]
    fn the_same_tags_are_written_for_each_kind_of_edge() {
        let (tags, keys) = of(2).tags.unwrap();
        let both = [0, 1].map(|place| format!("aios:agent:{place:036}"));
        assert_eq!(
            (tags.to_str().unwrap(), keys.to_str().unwrap()),
            (&*both.join(","), &*both.join(" "))
        );
    }

    #[test]
    fn what_has_too_many_tags_is_not_for_the_edge() {
        let many = of(100);
        assert!(many.tags.is_none());
        assert_eq!(many.cdn_cache_control, "no-store");
        assert!(
            of(20)
                .cdn_cache_control
                .to_str()
                .unwrap()
                .starts_with("public, max-age=300,")
        );
    }
}
