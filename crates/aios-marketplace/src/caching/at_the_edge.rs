//! Tags at the edge: which of them answers bear there, under which names, and which paths show them to a CDN without tags.

use super::tags;

/// The name of a tag in the headers `Cache-Tag` and `Surrogate-Key`, by which CDNs purge: with the prefix that all keys of
/// this marketplace have, since a CDN may serve others, too.
///
/// ```
/// assert_eq!(aios_marketplace::edge_key("aios", "agents:content"), "aios:agents:content");
/// ```
pub fn edge_key(prefix: &str, tag: &str) -> String {
    format!("{prefix}:{tag}")
}

/// Whether an answer that everybody may see bears this tag at the edge. What is a user's own is kept at no edge, and no answer
/// is a number alone; lists bear fewer tags there, since each takes room in every answer.
pub(crate) fn is_at_the_edge(tag: &str) -> bool {
    !tags::is_of_one_user(tag) && !tags::is_number(tag) && !tags::is_of_lists(tag)
}

/// The paths that show what bears a tag, for a CDN that purges by path (CloudFront): as few as can be told from a path. A `*`
/// at the end stands for anything. A tag that is not known shows everywhere.
///
/// Which category a list is of stands in its query, in whatever place, so every list goes with each. Lists by `ids` are found
/// where `ids` comes first in the query, which the function in `deploy/cdn/cloudfront` sees to.
///
/// ```
/// let paths = aios_marketplace::edge_paths("reviews:0190b2c4");
/// assert_eq!(paths, ["/api/v1/marketplace/agents/0190b2c4/reviews*"]);
/// ```
pub fn edge_paths(tag: &str) -> Vec<String> {
    const LISTS: &[&str] = &["agents", "agents?*", "stats", "categories/stats"];
    let of_api = |path: &str| format!("/api/v1/marketplace/{path}");
    let (kind, name) = tag.split_once(':').unwrap_or((tag, ""));
    match (kind, name) {
        ("agent", id) if !id.is_empty() => vec![
            // Its reviews, too: whether there are any to show depends on whether the agent is.
            of_api(&format!("agents/{id}*")),
            of_api("agents?ids=*"),
        ],
        ("reviews", agent) if !agent.is_empty() => vec![of_api(&format!("agents/{agent}/reviews*"))],
        ("agents" | "featured", _) => LISTS.iter().copied().map(of_api).collect(),
        ("categories", "") => vec![of_api("categories*"), of_api("stats")],
        _ if !is_at_the_edge(tag) => Vec::new(),
        _ => vec!["/*".to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use aios_db::store::outbox::EVERYTHING;
    use aios_domain::{AgentId, CategoryName, UserId};

    use super::*;

    #[test]
    fn every_tag_that_is_shown_to_all_has_paths_of_its_own() {
        let (agent, category) = (AgentId::new(), CategoryName::new("content").unwrap());
        for tag in [
            tags::AGENTS.to_owned(),
            tags::FEATURED.to_owned(),
            tags::CATEGORIES.to_owned(),
            tags::agent(agent),
            tags::agents_in(&category),
            tags::reviews_of(agent),
        ] {
            let paths = edge_paths(&tag);
            assert!(is_at_the_edge(&tag) && !paths.is_empty(), "{tag}");
            assert!(
                paths.iter().all(|path| path.starts_with("/api/v1/marketplace/")),
                "{paths:?}"
            );
        }
        assert_eq!(edge_paths(EVERYTHING), ["/*"]);
        assert_eq!(edge_paths("made-up-by-hand"), ["/*"]);
    }

    #[test]
    fn what_is_a_users_own_is_at_no_edge() {
        let user = UserId::new();
        let number = tags::NUMBER_OF_AGENTS.to_owned();
        let (listed, shown) = (tags::LISTED.to_owned(), tags::shown(7));
        for tag in [
            tags::user(user),
            tags::knowledge_of(user),
            number,
            listed,
            shown,
            "word:abc".to_owned(),
        ] {
            assert!(!is_at_the_edge(&tag) && edge_paths(&tag).is_empty(), "{tag}");
        }
    }
}
