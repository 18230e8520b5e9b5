//! Words of a text as SQLite's full-text index has them, for looking along an order instead: a function of its connections.
//!
//! The index parts texts by FTS5's tokenizer `unicode61` with `remove_diacritics 2`. What is said here of a character is what that
//! one does, which a test compares for all of them; of others nothing is said, and the index is asked.

use diesel::sql_types::Text;
use diesel::{QueryResult, SqliteConnection};

#[diesel::declare_sql_function]
extern "SQL" {
    /// Whether an agent's name, tags, capabilities and description have all of these folded words, which are parted by
    /// spaces, whole or as beginnings; NULL where only the index knows.
    fn aios_has_words(name: Text, tags: Text, capabilities: Text, description: Text, words: Text) -> Nullable<Bool>;
}

/// Gives a connection the function `aios_has_words`.
pub(crate) fn register(connection: &mut SqliteConnection) -> QueryResult<()> {
    aios_has_words_utils::register_impl(
        connection,
        |name: String, tags: String, capabilities: String, description: String, words: String| {
            has_words([&name, &tags, &capabilities, &description], &words)
        },
    )
}

/// The word as the index has it; `None` where that is not known, or where it would be parted.
pub(crate) fn folded(word: &str) -> Option<String> {
    word.chars()
        .map(|letter| match part(letter) {
            Part::Letter(folded) => Some(folded),
            Part::Between | Part::Unknown => None,
        })
        .collect()
}

/// What the tokenizer makes of a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// A letter or digit, folded.
    Letter(char),
    /// It parts words.
    Between,
    /// It is not said here.
    Unknown,
}

/// À to ÿ without case and diacritics; the two signs among them part words.
const LATIN_1: [char; 32] = [
    'a', 'a', 'a', 'a', 'a', 'a', 'æ', 'c', 'e', 'e', 'e', 'e', 'i', 'i', 'i', 'i', 'ð', 'n', 'o', 'o', 'o', 'o', 'o',
    '×', 'ø', 'u', 'u', 'u', 'u', 'y', 'þ', 'ß',
];

/// Pictures that Unicode 6.1 has, which is the one that the tokenizer knows.
const OLD_PICTURES: [std::ops::RangeInclusive<char>; 17] = [
    '\u{1F300}'..='\u{1F320}',
    '\u{1F330}'..='\u{1F335}',
    '\u{1F337}'..='\u{1F37C}',
    '\u{1F380}'..='\u{1F393}',
    '\u{1F3A0}'..='\u{1F3C4}',
    '\u{1F3C6}'..='\u{1F3CA}',
    '\u{1F3E0}'..='\u{1F3F0}',
    '\u{1F400}'..='\u{1F43E}',
    '\u{1F440}'..='\u{1F440}',
    '\u{1F442}'..='\u{1F4F7}',
    '\u{1F4F9}'..='\u{1F4FC}',
    '\u{1F500}'..='\u{1F53D}',
    '\u{1F540}'..='\u{1F543}',
    '\u{1F550}'..='\u{1F567}',
    '\u{1F5FB}'..='\u{1F640}',
    '\u{1F645}'..='\u{1F64F}',
    '\u{1F680}'..='\u{1F6C5}',
];

fn part(letter: char) -> Part {
    match letter {
        'A'..='Z' => Part::Letter(letter.to_ascii_lowercase()),
        // Cyrillic of Russian, without its letters with marks; kana, ideographs and Hangul syllables.
        'a'..='z'
        | '0'..='9'
        | 'а'..='и'
        | 'к'..='я'
        | '\u{3041}'..='\u{3096}'
        | '\u{30A1}'..='\u{30FA}'
        | '\u{4E00}'..='\u{9FCC}'
        | '\u{AC00}'..='\u{D7A3}' => Part::Letter(letter),
        'А'..='И' | 'К'..='Я' => char::from_u32(u32::from(letter) + 32).map_or(Part::Unknown, Part::Letter),
        // Spaces, dashes, quotation marks, dots; arrows, shapes, dingbats.
        '\u{1}'..='\u{7f}'
        | '×'
        | '÷'
        | '\u{A0}'
        | '\u{2010}'..='\u{2027}'
        | '\u{2030}'..='\u{205E}'
        | '\u{3000}'..='\u{3003}'
        | '\u{2190}'..='\u{21FF}'
        | '\u{2500}'..='\u{26FF}'
        | '\u{2701}'..='\u{2767}' => Part::Between,
        'ÿ' => Part::Letter('y'),
        'À'..='ÿ' => {
            let place = (u32::from(letter) - 0xC0) % 32;
            let folded = usize::try_from(place).ok().and_then(|place| LATIN_1.get(place));
            folded.map_or(Part::Unknown, |&folded| Part::Letter(folded))
        }
        '\u{1F300}'..='\u{1F64F}' | '\u{1F680}'..='\u{1F6FF}' | '\u{1F900}'..='\u{1F9FF}' => {
            let is_old = OLD_PICTURES.iter().any(|pictures| pictures.contains(&letter));
            // What Unicode 6.1 has not assigned is as a letter to the tokenizer.
            if is_old { Part::Between } else { Part::Letter(letter) }
        }
        _ => Part::Unknown,
    }
}

/// Whether the fields have all the words; `None` where a word is missing that a character of no known kind may hide.
fn has_words(fields: [&str; 4], words: &str) -> Option<bool> {
    let mut missing: Vec<&str> = words.split(' ').collect();
    let mut is_sure = true;
    for field in fields {
        if field.is_ascii() {
            for token in field.split(|letter: char| !letter.is_ascii_alphanumeric()) {
                missing.retain(|word| !begins(token, word));
            }
        } else {
            is_sure &= unless_ascii(field, &mut missing);
        }
        if missing.is_empty() {
            return Some(true);
        }
    }
    is_sure.then_some(false)
}

/// Whether a token of ASCII begins with a folded word.
fn begins(token: &str, word: &str) -> bool {
    token
        .as_bytes()
        .get(..word.len())
        .is_some_and(|beginning| beginning.eq_ignore_ascii_case(word.as_bytes()))
}

/// Takes the words of a text from those that are missing, and tells whether every character of it is known.
fn unless_ascii(text: &str, missing: &mut Vec<&str>) -> bool {
    let (mut is_sure, mut is_token_sure) = (true, true);
    let mut token = String::new();
    for kind in text.chars().map(part).chain([Part::Between]) {
        match kind {
            Part::Letter(letter) => token.push(letter),
            Part::Between => {
                if is_token_sure {
                    missing.retain(|word| !token.starts_with(word));
                }
                token.clear();
                is_token_sure = true;
            }
            // It may part what stands around it, or belong to it.
            Part::Unknown => (is_sure, is_token_sure) = (false, false),
        }
    }
    is_sure
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection as _;
    use diesel::prelude::*;
    use diesel::sql_types::{BigInt, Integer};
    use proptest::prelude::*;

    use super::*;

    const INDEX: &str = "CREATE VIRTUAL TABLE texts USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2'); \
                         CREATE VIRTUAL TABLE words USING fts5vocab (texts, 'instance');";

    fn index() -> SqliteConnection {
        let mut connection = SqliteConnection::establish(":memory:").unwrap();
        connection.batch_execute(INDEX).unwrap();
        connection
    }

    #[derive(QueryableByName)]
    struct Token {
        #[diesel(sql_type = Text)]
        term: String,
        #[diesel(sql_type = BigInt)]
        doc: i64,
    }

    #[test]
    fn every_character_of_which_something_is_said_is_as_the_index_has_it() {
        let known: Vec<char> = ('\0'..=char::MAX)
            .filter(|&letter| part(letter) != Part::Unknown)
            .collect();
        let mut connection = index();
        connection
            .transaction(|connection| {
                for &letter in &known {
                    diesel::sql_query("INSERT INTO texts (rowid, text) VALUES ($1, $2)")
                        .bind::<Integer, _>(u32::from(letter).cast_signed())
                        .bind::<Text, _>(format!("x{letter}y"))
                        .execute(connection)?;
                }
                QueryResult::Ok(())
            })
            .unwrap();
        let tokens: Vec<Token> = diesel::sql_query("SELECT term, doc FROM words ORDER BY doc, \"offset\"")
            .load(&mut connection)
            .unwrap();
        let mut found = std::collections::BTreeMap::<i64, Vec<String>>::new();
        for token in tokens {
            found.entry(token.doc).or_default().push(token.term);
        }
        assert!(known.len() > 30_000);
        let otherwise = known.iter().filter(|&&letter| {
            let expected = match part(letter) {
                Part::Letter(folded) => vec![format!("x{folded}y")],
                _ => vec!["x".to_owned(), "y".to_owned()],
            };
            found.get(&i64::from(u32::from(letter))) != Some(&expected)
        });
        let otherwise: Vec<String> = otherwise.map(|&letter| format!("{:x}", u32::from(letter))).collect();
        assert_eq!(otherwise, Vec::<String>::new());
    }

    #[test]
    fn words_are_found_across_fields_and_by_their_beginnings() {
        let fields = ["Mail Sorter", r#"["café"]"#, "[]", "Sorts – quickly."];
        for (words, found) in [
            ("mail", Some(true)),
            ("sort quick cafe", Some(true)),
            ("mai so caf qui", Some(true)),
            ("ail", Some(false)),
            ("mail nothing", Some(false)),
        ] {
            assert_eq!(has_words(fields, words), found, "{words}");
        }
        // An ohm's sign may be a letter or not.
        let odd = ["Mail", "[]", "[]", "5Ω wire"];
        assert_eq!(has_words(odd, "wire mail"), Some(true));
        assert_eq!(has_words(odd, "5"), None);
        assert_eq!(folded("naïve").as_deref(), Some("naive"));
        assert_eq!(folded("5Ω"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn it_finds_what_the_index_finds(
            fields in prop::array::uniform4("([a-cA-C0é–Ω日ÀŁ\u{301}]{0,3}[ ,.\"]){0,4}"),
            words in prop::collection::vec("[abc0e日]{1,3}", 1..3),
        ) {
            let mut connection = index();
            let text = fields.join(" . ");
            diesel::sql_query("INSERT INTO texts (text) VALUES ($1)").bind::<Text, _>(&text).execute(&mut connection).unwrap();
            let query = words.iter().map(|word| format!("\"{word}\" *")).collect::<Vec<_>>().join(" ");
            let found: Vec<Token> = diesel::sql_query("SELECT '' AS term, rowid AS doc FROM texts WHERE texts MATCH $1")
                .bind::<Text, _>(query)
                .load(&mut connection)
                .unwrap();
            let told = has_words([&fields[0], &fields[1], &fields[2], &fields[3]], &words.join(" "));
            prop_assert!(told.is_none_or(|told| told == (found.len() == 1)), "{text:?} {words:?} {told:?}");
        }
    }
}
