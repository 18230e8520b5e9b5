//! Text as a set of words and of two or three words in a row, for looking up keywords.

use std::collections::HashSet;

/// The words of a text in lower case, and every two and three in a row joined by spaces.
#[derive(Clone, Debug, Default)]
pub(super) struct Words(HashSet<String>);

impl Words {
    /// Takes a text apart: a word is a run of letters and digits.
    pub(super) fn of(text: &str) -> Self {
        let lower = text.to_lowercase();
        let words: Vec<&str> = lower
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        let runs = (1..=3).flat_map(|length| words.windows(length).map(|run| run.join(" ")));
        Self(runs.collect())
    }

    /// Whether the text has this word, or these words in a row.
    pub(super) fn has(&self, keyword: &str) -> bool {
        self.0.contains(keyword)
    }
}

#[cfg(test)]
mod tests {
    use super::Words;

    #[test]
    fn words_and_runs_are_found_whole() {
        let words = Words::of("A Project-Management tool; für Köche (v2)");
        for present in ["project", "project management", "a project management", "für", "v2"] {
            assert!(words.has(present), "{present}");
        }
        for absent in [
            "proj",
            "management project",
            "a tool",
            "project management tool für",
            "",
        ] {
            assert!(!words.has(absent), "{absent}");
        }
    }
}
