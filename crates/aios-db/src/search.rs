//! What someone typed, as words; and the words as each database's full-text search wants them. Input is never query syntax:
//! only letters and digits get through, each word quoted.

use std::collections::{BTreeMap, BTreeSet};

use aios_domain::{Error, SearchQuery};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use crate::connection::DatabaseKind;
use crate::profile::RunQueryDsl;
use crate::raw::prepared;
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
        // Words of either beginning: what the first round has read, the second does not read again.
        let mut known = BTreeMap::new();
        for letters in [2, 1] {
            // Shorter words would take more edits.
            let least = open.iter().map(|word| word.chars().count() - allowed_edits(word)).min();
            let Some(least) = least else { break };
            let mut beginnings: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for word in &open {
                let read = beginnings.entry(beginning(word, letters)).or_default();
                read.extend((letters == 1).then(|| beginning(word, 2)));
            }
            let ranges = beginnings.iter().flat_map(|(beginning, but)| ranges(beginning, but));
            known_words(connection, ranges.collect(), least, &mut known)?;
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

/// The words with a beginning, but for those with a longer one, as ranges from one word on up to another.
fn ranges(beginning: &str, but: &[String]) -> Vec<(String, String)> {
    let end = |beginning: &str| format!("{beginning}\u{10FFFF}");
    let but: BTreeSet<&String> = but.iter().collect();
    let mut ranges = Vec::new();
    let mut from = beginning.to_owned();
    for longer in but {
        ranges.push((from, longer.clone()));
        from = end(longer);
    }
    ranges.push((from, end(beginning)));
    ranges
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
    let mut edits = Edits::of(word, allowed);
    let best = candidates()
        .filter_map(|(candidate, &agents)| {
            let (edits, beginning) = edits.nearest_beginning(candidate)?;
            // Whole words before beginnings, and words of many agents before those of few.
            Some((edits, beginning.len() < candidate.len(), -agents, beginning))
        })
        .min();
    best.map_or(Correction::Unknown, |(_, _, _, better)| Correction::To(better))
}

/// Rows of `search_words`, words and numbers of agents by turns, parted by spaces: thousands of rows take the database and the
/// driver longer to hand over than one text.
#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = Nullable<Text>)]
    words: Option<String>,
}

/// Reads the words of agents' texts in these ranges that have at least so many letters, and how many agents have them. The
/// rows of a word are added up here, which spares the database a sort.
fn known_words(
    connection: &mut AnyConnection,
    ranges: Vec<(String, String)>,
    least: usize,
    words: &mut BTreeMap<String, i64>,
) -> DbResult<()> {
    let joined = match connection.kind() {
        DatabaseKind::Postgres => "string_agg(word || ' ' || agents, ' ')",
        DatabaseKind::Sqlite => "group_concat(word || ' ' || agents, ' ')",
    };
    let statements: Vec<String> = (0..ranges.len())
        .map(|place| {
            let (from, to, letters) = (3 * place + 1, 3 * place + 2, 3 * place + 3);
            format!(
                "SELECT {joined} AS words FROM search_words \
                 WHERE word >= ${from} AND word < ${to} AND length(word) >= ${letters}"
            )
        })
        .collect();
    let least = i64::try_from(least).unwrap_or(i64::MAX);
    let mut query = prepared(statements.join(" UNION ALL "));
    for (from, to) in ranges {
        query = query.bind::<Text, _>(from).bind::<Text, _>(to).bind::<BigInt, _>(least);
    }
    for known in query.load::<Known>(connection)? {
        let mut parts = known.words.as_deref().unwrap_or_default().split(' ');
        while let (Some(word), Some(agents)) = (parts.next(), parts.next()) {
            let agents: i64 = agents.parse().map_err(Error::internal)?;
            match words.get_mut(word) {
                Some(all) => *all += agents,
                None => {
                    words.insert(word.to_owned(), agents);
                }
            }
        }
    }
    Ok(())
}

/// How many edits a word may be away from what was meant: none in short words, which all look alike.
fn allowed_edits(word: &str) -> usize {
    match word.chars().count() {
        0..=3 => 0,
        4..=7 => 1,
        _ => 2,
    }
}

#[cfg(test)]
fn edits_to_beginning(typed: &str, word: &str, most: usize) -> Option<(usize, String)> {
    Edits::of(typed, most).nearest_beginning(word)
}

/// A typed word being compared with others, in room that is made once.
struct Edits {
    typed: Vec<char>,
    most: usize,
    word: Vec<char>,
    /// The edits between what was typed so far and the first j letters of the word, without the last letter but one, without
    /// the last, and with it.
    before_last: Vec<usize>,
    last: Vec<usize>,
    row: Vec<usize>,
}

impl Edits {
    fn of(typed: &str, most: usize) -> Self {
        Self {
            typed: typed.chars().collect(),
            most,
            word: Vec::new(),
            before_last: Vec::new(),
            last: Vec::new(),
            row: Vec::new(),
        }
    }

    /// How many insertions, deletions, substitutions and swaps of neighbours (optimal string alignment) turn what was typed
    /// into a beginning of `word`, where that is at most `most`; and the longest beginning that is so near. Beginnings count,
    /// since a search finds words by them: `postgrs` is near to `postgresql`.
    fn nearest_beginning(&mut self, word: &str) -> Option<(usize, String)> {
        let Self {
            typed,
            most,
            word: letters,
            before_last,
            last,
            row,
        } = self;
        letters.clear();
        // A longer beginning takes more insertions.
        letters.extend(word.chars().take(typed.len() + *most));
        if letters.len() + *most < typed.len() {
            return None;
        }
        before_last.clear();
        last.clear();
        last.extend(0..=letters.len());
        for (i, &from) in typed.iter().enumerate() {
            row.clear();
            row.push(i + 1);
            for (j, &to) in letters.iter().enumerate() {
                let at = |row: &[usize], place: usize| row.get(place).copied().unwrap_or(usize::MAX / 2);
                let substituted = at(last, j) + usize::from(from != to);
                let mut best = substituted.min(at(last, j + 1) + 1).min(at(row, j) + 1);
                let swapped = i > 0 && j > 0 && typed.get(i - 1) == Some(&to) && letters.get(j - 1) == Some(&from);
                if swapped {
                    best = best.min(at(before_last, j - 1) + 1);
                }
                row.push(best);
            }
            if row.iter().all(|edits| edits > most) {
                return None;
            }
            std::mem::swap(before_last, last);
            std::mem::swap(last, row);
        }
        let nearest = last
            .iter()
            .enumerate()
            .min_by_key(|&(letters, &edits)| (edits, std::cmp::Reverse(letters)));
        let (count, &edits) = nearest.filter(|(_, edits)| *edits <= most)?;
        Some((edits, letters.iter().take(count).collect()))
    }
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
