//! The tags of searches: the beginnings of words. An agent whose text changes makes those searches stale that look for words
//! which begin as one of its own does, and no others.
//!
//! Each word of a search must be found in an agent, so the tag of one of them is enough. What must never happen is that a
//! database finds a word in an agent's text whose beginning is not among the tags of that text. Databases differ in where
//! words end and in which letters they take for the same, beyond ASCII most of all. So a text with anything else than ASCII in
//! a word makes every search stale, and a search without a word of ASCII letters and digits bears no tag of a word.

use std::collections::BTreeSet;

use aios_domain::{AgentSummary, SearchQuery};

/// What these tags begin with.
pub(super) const KIND: &str = "word";

/// So many words of a search are looked for at least.
const LOOKED_FOR: usize = 10;

/// Letters of a word by which searches are told apart.
const LETTERS: usize = 3;

/// The tags of a search. `None` where none of its words tells which agents may match.
pub(super) fn tags_of_search(search: &SearchQuery) -> Option<[String; 2]> {
    let words = search.as_str().split(|c: char| !c.is_alphanumeric());
    // Of more words than these the last ones are not looked for.
    let looked_for = words.filter(|word| !word.is_empty()).take(LOOKED_FOR);
    let mut readable = looked_for.filter(|word| word.is_ascii()).peekable();
    // A short word says little.
    let first = *readable.peek()?;
    let best = readable.find(|word| word.len() >= LETTERS).unwrap_or(first);
    Some([beginning(best), any()])
}

/// The tags of the searches that may find an agent with this text, now or before it was changed.
pub(super) fn tags_of_agent(agent: &AgentSummary) -> BTreeSet<String> {
    let mut tags = BTreeSet::new();
    let mut add = |text: &str| tags_of_text(text, &mut tags);
    add(agent.name.as_str());
    add(agent.description.as_str());
    agent.tags.iter().for_each(|tag| add(tag.as_str()));
    agent
        .capabilities
        .iter()
        .for_each(|capability| add(capability.as_str()));
    tags
}

fn tags_of_text(text: &str, tags: &mut BTreeSet<String>) {
    for chunk in text.split(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric()) {
        if !chunk.is_ascii() {
            tags.insert(any());
        }
        // Words in a chunk that is parted by other characters; and what follows digits, since "1e5x" may be a number and a word.
        let words = chunk.split(|c: char| !c.is_ascii_alphanumeric());
        let behind_digits = chunk.split(|c: char| !c.is_ascii_alphabetic());
        for word in words.chain(behind_digits).filter(|word| !word.is_empty()) {
            tags.insert(beginning(word));
            // By which shorter words are told apart.
            let first = word.get(..1).unwrap_or(word);
            tags.insert(beginning(first));
        }
    }
}

/// The tag of all that begins as this word of ASCII does.
fn beginning(word: &str) -> String {
    let letters = if word.len() < LETTERS { 1 } else { LETTERS };
    let letters = word.get(..letters).unwrap_or(word);
    format!("{KIND}:{}", letters.to_ascii_lowercase())
}

/// The tag of all searches.
fn any() -> String {
    format!("{KIND}:*")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_search(text: &str) -> Option<String> {
        tags_of_search(&SearchQuery::new(text).unwrap()).map(|[tag, _]| tag)
    }

    fn of_text(text: &str) -> BTreeSet<String> {
        let mut tags = BTreeSet::new();
        tags_of_text(text, &mut tags);
        tags
    }

    #[test]
    fn a_search_bears_the_beginning_of_one_of_its_words() {
        for (search, tag) in [
            ("mail", Some("word:mai")),
            ("MAILBOX", Some("word:mai")),
            ("ai", Some("word:a")),
            ("a mail", Some("word:mai")),
            ("to mail letters", Some("word:mai")),
            ("\u{fc}ber mail", Some("word:mai")),
            ("caf\u{e9}", None),
            ("+++", None),
        ] {
            assert_eq!(of_search(search).as_deref(), tag, "{search}");
        }
    }

    #[test]
    fn a_text_bears_the_beginnings_of_all_its_words() {
        let tags = of_text("Reads mail, code-review & 1e5x.");
        for search in ["read", "mai", "code", "rev", "review", "x", "1e5", "r", "co"] {
            assert!(tags.contains(&of_search(search).unwrap()), "{search}: {tags:?}");
        }
        assert!(!tags.contains("word:*") && !tags.contains("word:evi"), "{tags:?}");
    }

    #[test]
    fn a_text_with_other_letters_concerns_every_search() {
        for text in ["caf\u{e9}", "a\u{301}bc", "don\u{2019}t", "\u{65e5}\u{672c}"] {
            assert!(of_text(text).contains("word:*"), "{text}");
        }
        assert!(of_text("well\u{2014}known").contains("word:kno"));
    }
}
