//! What the open loop asks for: all agents by popularity, lists that people look at, words that they search, and users.

use std::collections::BTreeMap;

use aios_benches::error::{BenchError, Result};
use aios_benches::exchange::Client;
use aios_benches::request::Request;
use aios_benches::traffic::Catalogue;
use serde_json::Value;

use crate::rows::{LISTING, ids};
use crate::servers::{Server, Stage};

/// Users who write.
const USERS: u32 = 300;
/// Words that are searched.
const WORDS: usize = 300;

/// Orders, and how often each is chosen.
const SORTS: [(&str, f64); 5] = [
    ("", 50.0),
    ("sort=recent", 15.0),
    ("sort=rating", 15.0),
    ("sort=trending", 15.0),
    ("sort=name", 5.0),
];

/// Filters, and how often each is chosen.
const FILTERS: [(&str, f64); 10] = [
    ("", 45.0),
    ("category=productivity", 8.0),
    ("category=development", 8.0),
    ("category=content", 6.0),
    ("category=analysis", 6.0),
    ("category=automation", 6.0),
    ("category=communication", 6.0),
    ("is_featured=true", 8.0),
    ("pricing_model=free", 5.0),
    ("min_rating=4", 2.0),
];

/// How many of those who look at a list go on to each of its pages.
const DEPTHS: [f64; 4] = [70.0, 18.0, 8.0, 4.0];

/// Asks a server for everything. The one without a cache, so that the other one's is not filled by it.
pub(crate) fn gather(stage: &Stage, server: &Server, exponent: f64) -> Result<Catalogue> {
    let mut shelf = Shelf {
        client: Client::new(server.address),
        host: server.address.to_string(),
    };
    let (agents, words) = shelf.agents_and_words()?;
    let users = (1..=USERS).map(|number| stage.token(Some(&format!("00000000-0000-7000-8000-{number:012x}"))));
    Ok(Catalogue {
        agents,
        exponent,
        listings: shelf.listings()?,
        words,
        users: users.collect::<Result<_>>()?,
        admin: stage.token(None)?,
        host: shelf.host,
    })
}

struct Shelf {
    client: Client,
    host: String,
}

impl Shelf {
    fn get(&mut self, target: &str) -> Result<Value> {
        let answer = self.client.send(&Request::new("GET", target, &self.host).done())?;
        if answer.status != 200 {
            return Err(BenchError::new(format!(
                "GET {target} is answered with status {}",
                answer.status
            )));
        }
        answer.json()
    }

    /// Every agent, the most popular first; and the tags that agents bear, the most usual first.
    fn agents_and_words(&mut self) -> Result<(Vec<String>, Vec<String>)> {
        let (mut agents, mut words) = (Vec::new(), BTreeMap::<String, u64>::new());
        let mut target = format!("{LISTING}?limit=100&count=none&fields=id,tags");
        loop {
            let page = self.get(&target)?;
            agents.extend(ids(&page));
            for tag in tags(&page) {
                *words.entry(tag).or_default() += 1;
            }
            let Some(cursor) = page.get("next_cursor").and_then(Value::as_str) else {
                break;
            };
            target = format!("{LISTING}?limit=100&count=none&fields=id,tags&cursor={cursor}");
        }
        let mut words: Vec<(String, u64)> = words.into_iter().collect();
        words.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        words.truncate(WORDS);
        Ok((agents, words.into_iter().map(|(word, _)| word).collect()))
    }

    /// Each sort with each filter, and the pages after the first by their cursors.
    fn listings(&mut self) -> Result<Vec<(String, f64)>> {
        let mut listings = Vec::new();
        for (sort, sort_weight) in SORTS {
            for (filter, filter_weight) in FILTERS {
                let mut cursor: Option<String> = None;
                for depth in DEPTHS {
                    let target = target(filter, sort, cursor.as_deref());
                    let page = self.get(&target)?;
                    listings.push((target, sort_weight * filter_weight * depth));
                    cursor = page.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
                    if cursor.is_none() {
                        break;
                    }
                }
            }
        }
        Ok(listings)
    }
}

/// Tags that are one word, as people search for.
fn tags(page: &Value) -> Vec<String> {
    let agents = page.get("agents").and_then(Value::as_array).into_iter().flatten();
    let tags = agents.filter_map(|agent| agent.get("tags")?.as_array()).flatten();
    tags.filter_map(Value::as_str)
        .filter(|tag| tag.chars().all(|letter| letter.is_ascii_alphanumeric()))
        .map(str::to_owned)
        .collect()
}

fn target(filter: &str, sort: &str, cursor: Option<&str>) -> String {
    let cursor = cursor.map(|cursor| format!("cursor={cursor}"));
    let parts = [Some(filter.to_owned()), Some(sort.to_owned()), cursor];
    let parts: Vec<String> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return LISTING.to_owned();
    }
    format!("{LISTING}?{}", parts.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_have_what_they_need() {
        assert_eq!(target("", "", None), LISTING);
        assert_eq!(target("a=b", "", Some("c")), format!("{LISTING}?a=b&cursor=c"));
    }

    #[test]
    fn words_are_tags_without_spaces() {
        let page = serde_json::json!({ "agents": [{ "tags": ["mail", "two words"] }, { "tags": ["iot"] }, {}] });
        assert_eq!(tags(&page), ["mail", "iot"]);
    }
}
