//! How well words match an agent's text, for SQLite: a function that its connections have. PostgreSQL has one of its own.
//!
//! FTS5's own rank will not do: it depends on what else is in an index, and agents are found in several.

use diesel::sql_types::Text;
use diesel::{QueryResult, SqliteConnection};

/// What a word is worth in the name, the tags, the capabilities and the description: PostgreSQL's weights A to D.
const WEIGHTS: [f64; 4] = [1.0, 0.4, 0.2, 0.1];

/// A word that only begins with what was typed is worth so much of one that is it.
const BEGINNING: f64 = 0.75;

#[diesel::declare_sql_function]
extern "SQL" {
    /// The rank of an agent's name, tags, capabilities and description for words that are parted by spaces.
    fn aios_text_rank(name: Text, tags: Text, capabilities: Text, description: Text, words: Text) -> Double;
}

/// Gives a connection the function `aios_text_rank`.
pub(crate) fn register(connection: &mut SqliteConnection) -> QueryResult<()> {
    aios_text_rank_utils::register_impl(
        connection,
        |name: String, tags: String, capabilities: String, description: String, words: String| {
            text_rank([&name, &tags, &capabilities, &description], &words)
        },
    )
}

/// The sum over the words of what each is worth in each field, by the best word of the field.
fn text_rank(fields: [&str; 4], words: &str) -> f64 {
    let words: Vec<&str> = words.split(' ').collect();
    let mut rank = 0.0;
    for (field, weight) in fields.into_iter().zip(WEIGHTS) {
        let field = field.to_lowercase();
        let mut best = vec![0.0_f64; words.len()];
        for candidate in field.split(|c: char| !c.is_alphanumeric()) {
            for (word, best) in words.iter().zip(&mut best) {
                match candidate.strip_prefix(word) {
                    Some("") => *best = 1.0,
                    Some(_) => *best = best.max(BEGINNING),
                    None => {}
                }
            }
        }
        rank += weight * best.iter().sum::<f64>();
    }
    rank
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_before_tags_and_whole_words_before_beginnings() {
        let rank = |fields, words| text_rank(fields, words);
        let in_name = rank(["Mail Sorter", "[]", "[]", "Sorts."], "mail");
        let begins_in_name = rank(["Mailbox", "[]", "[]", "Sorts."], "mail");
        let in_tags = rank(["Sorter", r#"["triage","mail"]"#, "[]", "Sorts."], "mail");
        let in_description = rank(["Sorter", "[]", "[]", "Sorts MAIL."], "mail");
        let order = [in_name, begins_in_name, in_tags, in_description, 0.0];
        assert!(order.is_sorted_by(|one, other| one > other), "{order:?}");
    }

    #[test]
    fn more_words_that_are_found_rank_higher() {
        let fields = ["Mail Sorter", "[]", "[]", "Sorts by urgency."];
        assert!(text_rank(fields, "mail urgency") > text_rank(fields, "mail nothing"));
    }
}
