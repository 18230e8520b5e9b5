//! What someone typed, as words; and the words as each database's full-text search wants them. Input is never query syntax:
//! only letters and digits get through, each word quoted.

use std::collections::{BTreeMap, BTreeSet};

use aios_domain::SearchQuery;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};

use crate::connection::MultiBackend;
use crate::profile::RunQueryDsl;
use crate::{AnyConnection, DbResult, tokens};

/// More words than these don't narrow a search further.
const MAX_WORDS: usize = 10;
/// Longer words are cut: nothing is indexed under more.
const MAX_WORD_LENGTH: usize = 60;

/// The words of a search, in lower case. Each must be found, whole or as the beginning of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words(Vec<String>);

impl Words {
    pub(crate) fn of(query: &SearchQuery) -> Self {
        let mut words: Vec<String> = Vec::new();
        for word in query
            .as_str()
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
        {
            let word: String = word.to_lowercase().chars().take(MAX_WORD_LENGTH).collect();
            if !words.contains(&word) && words.len() < MAX_WORDS {
                words.push(word);
            }
        }
        Self(words)
    }

    /// Whether there is nothing to look for, as in a search for `+++`.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For PostgreSQL's `to_tsquery('simple', …)`: `write:* & code:*`.
    pub(crate) fn tsquery(&self) -> String {
        self.0
            .iter()
            .map(|word| format!("{word}:*"))
            .collect::<Vec<_>>()
            .join(" & ")
    }

    /// For SQLite's FTS5: `"write" * "code" *`.
    pub(crate) fn fts5(&self) -> String {
        self.0
            .iter()
            .map(|word| format!("\"{word}\" *"))
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// The words as SQLite's full-text index has them, parted by spaces; `None` where that is not known of one of them.
    pub(crate) fn folded(&self) -> Option<String> {
        let folded: Option<Vec<String>> = self.0.iter().map(|word| tokens::folded(word)).collect();
        folded.map(|words| words.join(" "))
    }

    /// The word, where it is the only one.
    pub(crate) fn alone(&self) -> Option<&str> {
        match self.0.as_slice() {
            [word] => Some(word),
            _ => None,
        }
    }

    /// The words parted by spaces.
    pub(crate) fn plain(&self) -> String {
        self.0.join(" ")
    }

    /// The words with those that no agent has replaced by the most similar ones that some have. `None` where nothing is
    /// replaced: then another search would find nothing either.
    ///
    /// Those with the same two letters at the beginning come before others, and with another first letter none are looked at:
    /// typos at the beginning are rare, and so few of all words are read. It sends two statements at most.
    pub(crate) fn corrected(&self, connection: &mut AnyConnection) -> DbResult<Option<Self>> {
        let mut corrected = self.clone();
        let mut open: Vec<&mut String> = corrected.0.iter_mut().filter(|word| allowed_edits(word) > 0).collect();
        for letters in [2, 1] {
            let beginnings: BTreeSet<String> = open.iter().map(|word| beginning(word, letters)).collect();
            if beginnings.is_empty() {
                break;
            }
            let known = known_words(connection, beginnings)?;
            open.retain_mut(|word| match correction(&known, word, &beginning(word, letters)) {
                Correction::Needless => false,
                Correction::To(better) => {
                    **word = better;
                    false
                }
                Correction::Unknown => true,
            });
        }
        Ok((corrected != *self).then_some(corrected))
    }
}

fn beginning(word: &str, letters: usize) -> String {
    word.chars().take(letters).collect()
}

/// What becomes of a word that may be misspelt.
enum Correction {
    /// Some agent has it, or a word that begins so.
    Needless,
    /// This is most like it.
    To(String),
    /// Nothing is like it.
    Unknown,
}

/// Looks for the word among the known ones with this beginning.
fn correction(known: &BTreeMap<String, i64>, word: &str, beginning: &str) -> Correction {
    let allowed = allowed_edits(word);
    let candidates = || {
        let from = known.range(beginning.to_owned()..);
        from.take_while(|(candidate, _)| candidate.starts_with(beginning))
            .filter(|&(_, &agents)| agents > 0)
    };
    if candidates().any(|(candidate, _)| candidate.starts_with(word)) {
        return Correction::Needless;
    }
    let best = candidates()
        .filter_map(|(candidate, &agents)| {
            let (edits, beginning) = edits_to_beginning(word, candidate, allowed)?;
            // Whole words before beginnings, and words of many agents before those of few.
            Some((edits, beginning.len() < candidate.len(), -agents, beginning))
        })
        .min();
    best.map_or(Correction::Unknown, |(_, _, _, better)| Correction::To(better))
}

/// A row of `search_words`: a word of agents' texts.
#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = Text)]
    word: String,
    /// How many agents have it, of those that one shard counts.
    #[diesel(sql_type = BigInt)]
    agents: i64,
}

/// The words of agents' texts with any of these beginnings, and how many agents have them: one range of the key a beginning.
/// Shards are added up here, which spares the database a sort.
fn known_words(connection: &mut AnyConnection, beginnings: BTreeSet<String>) -> DbResult<BTreeMap<String, i64>> {
    let ranges: Vec<String> = (0..beginnings.len())
        .map(|place| {
            let (from, to) = (2 * place + 1, 2 * place + 2);
            format!("SELECT word, agents FROM search_words WHERE word >= ${from} AND word < ${to}")
        })
        .collect();
    let mut query = sql_query(ranges.join(" UNION ALL ")).into_boxed::<MultiBackend>();
    for beginning in beginnings {
        let end = format!("{beginning}\u{10FFFF}");
        query = query.bind::<Text, _>(beginning).bind::<Text, _>(end);
    }
    let mut words = BTreeMap::new();
    for row in query.load::<Known>(connection)? {
        *words.entry(row.word).or_default() += row.agents;
    }
    Ok(words)
}

/// How many edits a word may be away from what was meant: none in short words, which all look alike.
fn allowed_edits(word: &str) -> usize {
    match word.chars().count() {
        0..=3 => 0,
        4..=7 => 1,
        _ => 2,
    }
}

/// How many insertions, deletions, substitutions and swaps of neighbours (optimal string alignment) turn `typed` into a
/// beginning of `word`, where that is at most `most`; and the longest beginning that is so near. Beginnings count, since a
/// search finds words by them: `postgrs` is near to `postgresql`.
fn edits_to_beginning(typed: &str, word: &str, most: usize) -> Option<(usize, String)> {
    let (typed, word): (Vec<char>, Vec<char>) = (typed.chars().collect(), word.chars().collect());
    if word.len() + most < typed.len() {
        return None;
    }
    // row[j]: the edits between what was typed so far and the first j letters of the word.
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=word.len()).collect();
    for (i, &from) in typed.iter().enumerate() {
        let mut row = Vec::with_capacity(word.len() + 1);
        row.push(i + 1);
        for (j, &to) in word.iter().enumerate() {
            let at = |row: &[usize], place: usize| row.get(place).copied().unwrap_or(usize::MAX / 2);
            let substituted = at(&last, j) + usize::from(from != to);
            let mut best = substituted.min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && typed.get(i - 1) == Some(&to) && word.get(j - 1) == Some(&from);
            if swapped {
                best = best.min(at(&before_last, j - 1) + 1);
            }
            row.push(best);
        }
        if row.iter().all(|&edits| edits > most) {
            return None;
        }
        before_last = std::mem::replace(&mut last, row);
    }
    let nearest = last
        .into_iter()
        .enumerate()
        .min_by_key(|&(letters, edits)| (edits, std::cmp::Reverse(letters)));
    let (letters, edits) = nearest.filter(|&(_, edits)| edits <= most)?;
    Some((edits, word.into_iter().take(letters).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Words {
        Words::of(&SearchQuery::new(text).unwrap())
    }

    #[test]
    fn only_letters_and_digits_get_through() {
        for text in [
            "\"a\" OR b*",
            "a & !b",
            "name:a ^b",
            "(a b",
            "a' OR 1=1 --b",
            "a\\b",
            "NEAR(a b)",
            "{a}+b",
        ] {
            let words = words(text);
            assert!(
                words.0.iter().all(|word| word.chars().all(char::is_alphanumeric)),
                "{words:?}"
            );
            assert!(
                words.0.contains(&"a".to_owned()) || words.0.contains(&"near".to_owned()),
                "{words:?}"
            );
        }
        assert!(words("+++").is_empty());
        assert_eq!(words("Write write CODE").tsquery(), "write:* & code:*");
        assert_eq!(words("Write-code").fts5(), "\"write\" * \"code\" *");
        assert_eq!(words("naïve 日本語 3d").plain(), "naïve 日本語 3d");
    }

    fn edits(typed: &str, word: &str, most: usize) -> Option<usize> {
        edits_to_beginning(typed, word, most).map(|(edits, _)| edits)
    }

    #[test]
    fn edits_are_counted_with_swaps_and_to_beginnings() {
        assert_eq!(edits("cusotmer", "customer", 2), Some(1));
        assert_eq!(edits("sumarise", "summarise", 2), Some(1));
        assert_eq!(edits("code", "core", 1), Some(1));
        assert_eq!(edits("code", "", 2), None);
        assert_eq!(edits("", "", 0), Some(0));
        assert_eq!(edits("abcd", "dcba", 2), None);
        assert_eq!(
            edits_to_beginning("postgrs", "postgresql", 1),
            Some((1, "postgres".to_owned()))
        );
        assert_eq!(edits_to_beginning("shedule", "scheduling", 1), None);
        assert_eq!(
            edits_to_beginning("shedul", "scheduling", 1),
            Some((1, "schedul".to_owned()))
        );
    }

    proptest::proptest! {
        #[test]
        fn one_edit_away_is_found_at_most_one_edit_away(word in "[a-z]{4,12}", at in 0_usize..12, letter in "[a-z]") {
            let at = at % word.len();
            let mut typo = word.clone();
            typo.replace_range(at..=at, &letter);
            proptest::prop_assert!(edits(&typo, &word, 2) <= Some(1));
            proptest::prop_assert!(edits(&typo, &word, 2).is_some());
            proptest::prop_assert_eq!(edits(&word, &word, 2), Some(0));
            typo.remove(at);
            proptest::prop_assert!(edits(&typo, &word, 2).is_some_and(|edits| edits <= 1));
        }
    }
}
