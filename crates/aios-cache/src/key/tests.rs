//! No two inputs share a text, and no text has a control character.

use std::collections::HashMap;
use std::fmt::{Debug, Display};

use proptest::prelude::*;

use super::{CacheKey, KeyText, with_key};

fn text<K: CacheKey + ?Sized>(key: &K) -> String {
    with_key(key, str::to_owned)
}

/// A type of a user's that has as many parts as it likes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Scope {
    Everyone,
    One(String),
    Within(String, Vec<String>),
    Nested(Box<Scope>),
    Listed(Vec<Scope>),
}

impl CacheKey for Scope {
    fn write_key(&self, key: &mut KeyText) {
        match self {
            Self::Everyone => {}
            Self::One(name) => {
                key.text(name);
            }
            Self::Within(name, list) => {
                key.display(name).part(list);
            }
            Self::Nested(inner) => {
                key.text("nested").part(inner).part(&());
            }
            Self::Listed(list) => {
                key.text("listed").part("").part("").part(list);
            }
        }
    }
}

/// Pieces from which ambiguous texts are most easily made.
fn tricky() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        ":", "%", "%(", "%)", "%-", "%+", "%3A", "a", "(", ")", "-", "+", "3A", "\0", "\n", "\u{7f}", "\u{85}",
        "\u{a0}", "é", "日",
    ]);
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

fn scope() -> impl Strategy<Value = Scope> {
    let leaf = prop_oneof![
        Just(Scope::Everyone),
        tricky().prop_map(Scope::One),
        (tricky(), prop::collection::vec(tricky(), 0..3)).prop_map(|(name, list)| Scope::Within(name, list)),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|scope| Scope::Nested(Box::new(scope))),
            prop::collection::vec(inner, 0..3).prop_map(Scope::Listed),
        ]
    })
}

/// Every text there is for these values must be another.
fn all_differ<K: CacheKey + Debug + PartialEq>(keys: impl IntoIterator<Item = K>) {
    let mut seen = HashMap::new();
    for key in keys {
        let text = text(&key);
        assert!(!text.chars().any(char::is_control), "{text:?}");
        if let Some(other) = seen.insert(text, format!("{key:?}")) {
            panic!("{other} and {key:?} share a text");
        }
    }
}

/// All lists of up to two of these.
fn lists<T: Clone>(of: &[T]) -> Vec<Vec<T>> {
    let mut lists = vec![Vec::new()];
    lists.extend(of.iter().map(|one| vec![one.clone()]));
    lists.extend(
        of.iter()
            .flat_map(|one| of.iter().map(|other| vec![one.clone(), other.clone()])),
    );
    lists
}

const TEXTS: [&str; 9] = ["", "a", ":", "%", "a:", "%-", "%(", "%)", "%+"];

#[test]
fn lists_of_lists_of_options_all_differ() {
    let options: Vec<_> = TEXTS.iter().map(|text| Some(*text)).chain([None]).collect();
    all_differ(lists(&lists(&options)));
}

#[test]
fn options_of_options_of_lists_all_differ() {
    let lists: Vec<Option<Vec<Option<&str>>>> = lists(&[None, Some(""), Some("a"), Some("%-")])
        .into_iter()
        .map(Some)
        .chain([None])
        .collect();
    let options = lists.into_iter().map(Some).chain([None]).collect::<Vec<_>>();
    let pairs = options
        .iter()
        .flat_map(|one| options.iter().map(move |other| (one.clone(), other.clone())));
    all_differ(pairs);
    all_differ(options.iter().cloned().map(Some).chain([None]));
}

#[test]
fn tuples_that_are_split_differently_differ() {
    let halves: Vec<_> = TEXTS
        .iter()
        .flat_map(|one| TEXTS.iter().map(move |other| (*one, *other)))
        .collect();
    all_differ(halves.iter().copied());
    all_differ(
        halves
            .iter()
            .flat_map(|pair| TEXTS.iter().map(move |text| (*pair, *text))),
    );
    all_differ(
        halves
            .iter()
            .flat_map(|pair| TEXTS.iter().map(move |text| (*text, *pair))),
    );
}

#[test]
fn flat_and_nested_forms_of_the_same_texts_differ() {
    let forms = [
        text("a:b"),
        text(&("a", "b")),
        text(&("a", "b", "c")),
        text(&(("a", "b"), "c")),
        text(&("a", ("b", "c"))),
        text(&[["a", "b", "c"]]),
        text(&vec![vec!["a"], vec!["b", "c"]]),
    ];
    all_differ(forms);
}

#[test]
fn what_needs_no_escape_stays_as_it_is() {
    assert_eq!(
        text("0191f7a2-7c1e-7000-8000-00000000002a"),
        "0191f7a2-7c1e-7000-8000-00000000002a"
    );
    assert_eq!(text(&String::from("with blanks, ünïcode")), "with blanks, ünïcode");
    assert_eq!(text(&(true, 'x', -5_i8, u128::MAX)), format!("true:x:-5:{}", u128::MAX));
    assert_eq!(text(&Some(&Box::new("a"))), "a");
    assert_eq!(text(&()), "");
    assert_eq!(text(&("a",)), "a");
    assert_eq!(text(&None::<u8>), "%-");
    assert_eq!(text(&[1_u8; 0]), "%.");
    assert_eq!(text(&[""]), "%(%)");
    assert_eq!(text("a\u{a0}b"), "a\u{a0}b");
}

#[test]
fn control_characters_colons_and_percents_are_escaped() {
    assert_eq!(text("a:b%c\n\u{85}"), "a%3Ab%25c%0A%C2%85");
}

#[cfg(feature = "uuid")]
#[test]
fn a_uuid_is_written_with_hyphens() {
    assert_eq!(text(&uuid::Uuid::nil()), "00000000-0000-0000-0000-000000000000");
}

#[test]
fn keys_longer_than_the_room_in_place_are_whole() {
    let part = "x".repeat(100);
    assert_eq!(
        text(&(&part, ":".repeat(100), 1)),
        format!("{part}:{}:1", "%3A".repeat(100))
    );
}

#[test]
fn a_display_that_fails_is_not_what_it_wrote_so_far() {
    struct Fails;
    impl Display for Fails {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("half")?;
            Err(std::fmt::Error)
        }
    }
    struct Key;
    impl CacheKey for Key {
        fn write_key(&self, key: &mut KeyText) {
            key.display(&Fails);
        }
    }
    assert_eq!(text(&Key), "half%!");
}

proptest! {
    #[test]
    fn two_texts_share_one_only_if_equal(one in tricky(), other in tricky()) {
        prop_assert_eq!(one == other, text(&one) == text(&other));
    }

    #[test]
    fn two_users_types_share_one_only_if_equal(one in scope(), other in scope(), third in scope()) {
        prop_assert_eq!(one == other, text(&one) == text(&other));
        prop_assert_eq!(one == other, text(&(&one, &third)) == text(&(&other, &third)));
        prop_assert_eq!(one == third, text(&(&third, &other)) == text(&(&one, &other)));
        prop_assert_eq!((&one, &other) == (&other, &third), text(&(&one, &other)) == text(&(&other, &third)));
        prop_assert!(!text(&one).chars().any(char::is_control));
    }

    #[test]
    fn any_list_of_texts_differs_from_any_other(one in prop::collection::vec(any::<String>(), 0..4), at in any::<usize>()) {
        // The same characters, split elsewhere.
        let all: String = one.concat();
        let at = all.char_indices().map(|(at, _)| at).nth(at % (all.chars().count() + 1)).unwrap_or(all.len());
        let other = vec![all[..at].to_owned(), all[at..].to_owned()];
        prop_assert_eq!(one == other, text(&one) == text(&other));
    }

    #[test]
    fn the_quick_way_and_the_long_way_write_the_same(key in any::<String>()) {
        prop_assert_eq!(text(&key), KeyText::of(&key).as_str().to_owned());
        prop_assert_eq!(text(&Some(&key)), KeyText::of(&Some(&key)).as_str().to_owned());
    }
}
