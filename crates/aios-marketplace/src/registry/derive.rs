//! Category, tags and capabilities by the table of concepts: no word, no claim.

use std::collections::BTreeMap;

use aios_domain::{Capability, CategoryName, Invalid, Tag};

use super::concepts::{CONCEPTS, Concept, Kind};
use super::words::Words;

/// What a word counts in the name of a server.
const IN_NAME: u32 = 3;
/// What a word counts in its description.
const IN_DESCRIPTION: u32 = 1;
/// A category below this score is a guess, and none is given.
const MIN_SCORE: u32 = 2;
/// How many derived tags an agent gets at most, and how many capabilities.
const MAX_TAGS: usize = 8;
const MAX_CAPABILITIES: usize = 6;

/// What is known of a server.
pub(super) struct Evidence<'a> {
    pub(super) registry_name: &'a str,
    pub(super) name: &'a str,
    pub(super) description: &'a str,
    /// Where its packages are published: npm, pypi …
    pub(super) packages: &'a [&'a str],
    pub(super) is_remote: bool,
    pub(super) is_deprecated: bool,
}

/// What follows from it.
#[derive(Debug)]
pub(super) struct Derived {
    pub(super) category: Option<CategoryName>,
    pub(super) tags: Vec<Tag>,
    pub(super) capabilities: Vec<Capability>,
}

/// Looks every concept up in the name and the description.
pub(super) fn derive(evidence: &Evidence<'_>) -> Result<Derived, Invalid> {
    let last = evidence.registry_name.rsplit('/').next().unwrap_or_default();
    let name = Words::of(&format!("{last} {}", evidence.name));
    let description = Words::of(&without_boilerplate(evidence.description));
    let mut found: Vec<(u32, &Concept)> = CONCEPTS
        .iter()
        .filter_map(|concept| Some((strength(concept, &name, &description)?, concept)))
        .collect();
    let category = category(&found);
    // What stands in the name first, then what speaks for the category that was chosen; the sort keeps the table's
    // order.
    found.sort_by_key(|(strength, concept)| {
        let fits = concept.category.map(|(kind, _)| kind) == category;
        std::cmp::Reverse((*strength, fits))
    });
    Ok(Derived {
        category: category.map(|kind| CategoryName::new(kind.name())).transpose()?,
        tags: tags(evidence, &found)?,
        capabilities: capabilities(&found)?,
    })
}

fn strength(concept: &Concept, name: &Words, description: &Words) -> Option<u32> {
    let keywords = || concept.keywords.iter().copied();
    if keywords().any(|keyword| name.has(keyword.trim_start_matches('='))) {
        Some(IN_NAME)
    } else {
        // A keyword that counts in names alone keeps its `=` and is found nowhere.
        keywords()
            .any(|keyword| description.has(keyword))
            .then_some(IN_DESCRIPTION)
    }
}

fn category(found: &[(u32, &Concept)]) -> Option<Kind> {
    let mut scores: BTreeMap<Kind, u32> = BTreeMap::new();
    for (strength, concept) in found {
        if let Some((kind, weight)) = concept.category {
            *scores.entry(kind).or_default() += strength * weight;
        }
    }
    let score = |kind: &Kind| scores.get(kind).copied().unwrap_or(0);
    // The first of the best: `max_by_key` would give the last.
    let best = Kind::ALL.into_iter().rev().max_by_key(score)?;
    (score(&best) >= MIN_SCORE).then_some(best)
}

fn tags(evidence: &Evidence<'_>, found: &[(u32, &Concept)]) -> Result<Vec<Tag>, Invalid> {
    let derived = found.iter().flat_map(|(_, concept)| concept.tags.iter().copied());
    let mut names: Vec<&str> = Vec::new();
    for name in std::iter::once("mcp").chain(derived) {
        if names.len() < MAX_TAGS && !names.contains(&name) {
            names.push(name);
        }
    }
    let by_fact = [("remote", evidence.is_remote), ("deprecated", evidence.is_deprecated)];
    names.extend(by_fact.into_iter().filter(|(_, holds)| *holds).map(|(name, _)| name));
    for (registry, tag) in [
        ("npm", "npm"),
        ("pypi", "pypi"),
        ("docker", "docker"),
        ("oci", "docker"),
        ("nuget", "nuget"),
    ] {
        if evidence.packages.contains(&registry) && !names.contains(&tag) {
            names.push(tag);
        }
    }
    names.into_iter().map(Tag::new).collect()
}

fn capabilities(found: &[(u32, &Concept)]) -> Result<Vec<Capability>, Invalid> {
    let mut names: Vec<&str> = Vec::new();
    for capability in found.iter().filter_map(|(_, concept)| concept.capability) {
        if names.len() < MAX_CAPABILITIES && !names.contains(&capability) {
            names.push(capability);
        }
    }
    names.into_iter().map(Capability::new).collect()
}

/// The description without the sentences' parts that say "this is an MCP server for such and such a client".
fn without_boilerplate(description: &str) -> String {
    let mut text = description.to_lowercase();
    for phrase in [
        "model context protocol",
        "mcp-compatible",
        "claude code",
        "claude desktop",
        "vs code",
        "visual studio code",
        "ai coding",
        "source code on github",
        "open source",
        "open-source",
        "https://github.com",
        "github.com",
        "natural language",
        "large language models",
        "agentic workflows",
    ] {
        text = text.replace(phrase, " \u{b7} ");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn derived(name: &str, description: &str) -> Derived {
        derive(&Evidence {
            registry_name: &format!("org.example/{name}"),
            name,
            description,
            packages: &["npm", "oci"],
            is_remote: true,
            is_deprecated: false,
        })
        .unwrap()
    }

    fn category_of(name: &str, description: &str) -> Option<String> {
        derived(name, description).category.map(CategoryName::into_string)
    }

    #[test]
    fn the_name_outweighs_the_description() {
        let found = category_of(
            "slack",
            "Search messages; written in Python, see the repository for a code sample",
        );
        assert_eq!(found.as_deref(), Some("communication"));
    }

    #[test]
    fn no_word_no_category() {
        assert_eq!(
            category_of(
                "frobnicator",
                "An MCP server for Frobnicator, for Claude Code and VS Code"
            ),
            None
        );
        assert_eq!(category_of("", ""), None);
    }

    #[test]
    fn facts_of_the_entry_become_tags() {
        let derived = derived("postgres", "Query databases");
        let tags: Vec<&str> = derived.tags.iter().map(Tag::as_str).collect();
        assert_eq!(tags, ["mcp", "database", "remote", "npm", "docker"]);
        assert_eq!(derived.capabilities[0].as_str(), "query-databases");
    }

    #[test]
    fn the_table_is_sound() {
        for concept in CONCEPTS {
            let mut seen = HashSet::new();
            for keyword in concept.keywords {
                assert!(seen.insert(keyword), "{keyword} stands twice in a row");
                let plain = keyword.trim_start_matches('=');
                let findable = Words::of(plain).has(plain);
                assert!(
                    findable,
                    "{keyword} is never found: more than three words, or not lower case"
                );
            }
            assert!(
                concept
                    .tags
                    .iter()
                    .all(|tag| Tag::new(tag).is_ok_and(|made| made.as_str() == *tag))
            );
            assert!(concept.capability.is_none_or(|text| Capability::new(text).is_ok()));
        }
    }

    #[test]
    fn a_tie_goes_to_the_narrower_category() {
        assert_eq!(category_of("", "calendar and email").as_deref(), Some("communication"));
    }
}
