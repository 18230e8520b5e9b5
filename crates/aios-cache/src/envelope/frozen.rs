//! Entries of every released format, as files: they must be read for ever.
//!
//! A file is never changed. A new case is added below and written by
//! `cargo test -p aios-cache --lib frozen -- --ignored`, which leaves alone what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::*;
use crate::serializer::{Json, MessagePack, Postcard, Raw, Serializer};

/// Something of each kind that the formats write differently.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Page {
    id: u64,
    name: String,
    stars: f64,
    change: i32,
    parent: Option<Box<Page>>,
    state: State,
    words: Vec<String>,
    counts: BTreeMap<String, i64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum State {
    Draft,
    Listed { since: u32 },
    Moved(String),
}

/// A page with so many words.
fn page(words: usize) -> Page {
    let child = |state, parent| Page {
        id: u64::MAX,
        name: "façade \u{1F980} \"quoted\"\n".to_owned(),
        stars: 4.75,
        change: -300,
        parent,
        state,
        words: Vec::new(),
        counts: BTreeMap::from([("installs".to_owned(), i64::MIN), ("views".to_owned(), 128)]),
    };
    let parent = child(State::Moved("elsewhere".to_owned()), None);
    let parent = child(State::Draft, Some(Box::new(parent)));
    Page {
        words: (0..words).map(|n| format!("the same word again, number {n}")).collect(),
        ..child(State::Listed { since: 1_700_000_000 }, Some(Box::new(parent)))
    }
}

struct Case {
    file: String,
    envelope: Envelope<'static>,
    compression: Compression,
}

/// One file of each kind, for one serializer.
fn cases_of<V: 'static>(name: &str, serializer: &dyn Serializer<V>, small: &V, large: &V) -> Vec<Case> {
    let envelope = |value: &V| Envelope {
        serializer: serializer.id(),
        schema: 300,
        created_unix_ms: 1_700_000_000_123,
        keep: Duration::from_secs(90_000),
        fresh: Duration::from_secs(300),
        stale: Duration::from_millis(3_600_500),
        load: Duration::from_micros(1_500),
        negative: false,
        tags: Vec::new(),
        payload: Cow::Owned(serializer.serialize(value).unwrap()),
    };
    let tags = vec![
        ("*", 3),
        ("n:pages", (1 << 53) - 1),
        ("t:page:1", 0),
        ("t:größe%25", 128),
    ];
    let tagged = Envelope {
        tags,
        ..envelope(small)
    };
    let negative = Envelope {
        negative: true,
        payload: Cow::default(),
        ..tagged.clone()
    };
    let empty = Envelope {
        schema: 0,
        created_unix_ms: 0,
        keep: Duration::ZERO,
        fresh: Duration::ZERO,
        stale: Duration::ZERO,
        load: Duration::ZERO,
        payload: Cow::default(),
        ..envelope(small)
    };
    let mut cases = Vec::new();
    let ways = [
        ("plain", Compression::none()),
        ("lz4", Compression::lz4().above(0)),
        ("zstd", Compression::zstd(3).above(0)),
    ];
    for (way, compression) in ways {
        let mut case = |kind, envelope| {
            let file = format!("v1-{name}-{way}-{kind}.bin");
            cases.push(Case {
                file,
                envelope,
                compression,
            });
        };
        case("untagged", envelope(small));
        case("tagged", tagged.clone());
        case("large", envelope(large));
        if way == "plain" {
            case("negative", negative.clone());
            case("empty", empty.clone());
        }
    }
    cases
}

fn texts() -> (String, String) {
    (
        "small and small and small again".repeat(3),
        "large and large and large again".repeat(700),
    )
}

fn cases() -> Vec<Case> {
    let (small, large) = (page(3), page(500));
    let (text, long) = texts();
    [
        cases_of("json", &Json, &small, &large),
        cases_of("msgpack", &MessagePack, &small, &large),
        cases_of("postcard", &Postcard, &small, &large),
        cases_of("raw", &Raw, &text, &long),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/frozen")
}

fn format_of(case: &Case) -> Format {
    Format {
        serializer: case.envelope.serializer,
        schema: case.envelope.schema,
        max_payload: MAX_PAYLOAD,
        compression: case.compression,
    }
}

#[test]
#[ignore = "writes the files that are missing"]
fn freeze() {
    for case in cases() {
        let path = directory().join(&case.file);
        if !path.exists() {
            std::fs::create_dir_all(directory()).unwrap();
            std::fs::write(path, seal(&case.envelope, &format_of(&case)).unwrap()).unwrap();
        }
    }
}

#[test]
fn every_frozen_entry_is_read_as_what_it_was() {
    for case in cases() {
        let bytes = std::fs::read(directory().join(&case.file)).unwrap();
        assert_eq!(
            open(&bytes, &format_of(&case)).as_ref(),
            Ok(&case.envelope),
            "{}",
            case.file
        );
        let compressed = !case.file.contains("plain");
        assert_eq!(bytes[8] & 2 != 0, compressed, "{}", case.file);
    }
}

#[test]
fn every_frozen_payload_is_read_as_the_value_it_was() {
    fn value<V: 'static>(serializer: &dyn Serializer<V>, name: &str, kind: &str) -> V {
        let bytes = std::fs::read(directory().join(format!("v1-{name}-{kind}.bin"))).unwrap();
        let format = Format {
            serializer: serializer.id(),
            schema: 300,
            max_payload: MAX_PAYLOAD,
            compression: Compression::none(),
        };
        serializer.deserialize(&open(&bytes, &format).unwrap().payload).unwrap()
    }
    let (text, long) = texts();
    for way in ["plain", "lz4", "zstd"] {
        for (kind, page, text) in [
            ("untagged", page(3), &text),
            ("tagged", page(3), &text),
            ("large", page(500), &long),
        ] {
            let kind = format!("{way}-{kind}");
            assert_eq!(value::<Page>(&Json, "json", &kind), page);
            assert_eq!(value::<Page>(&MessagePack, "msgpack", &kind), page);
            assert_eq!(value::<Page>(&Postcard, "postcard", &kind), page);
            assert_eq!(value::<String>(&Raw, "raw", &kind), *text);
        }
    }
}

#[test]
fn no_frozen_file_is_forgotten() {
    let known: BTreeSet<String> = cases().into_iter().map(|case| case.file).collect();
    let there: BTreeSet<String> = std::fs::read_dir(directory())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(there, known);
}
