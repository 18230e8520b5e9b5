//! Each built-in format holds what the conformance test asks for, and what its own page says.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::*;

/// One of each kind of thing that serde knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Sample {
    unsigned: u64,
    signed: i64,
    float: f64,
    truth: bool,
    letter: char,
    text: String,
    bytes: Vec<u8>,
    option: Option<Box<Sample>>,
    list: Vec<Kind>,
    map: BTreeMap<String, (i8, u128)>,
    newtype: Newtype,
    unit: (),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Newtype(u16);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Kind {
    Unit,
    Newtype(Box<Kind>),
    Tuple(u8, String),
    Struct { a: i32, b: Vec<Kind> },
}

fn kind() -> impl Strategy<Value = Kind> {
    let leaf = prop_oneof![
        Just(Kind::Unit),
        (any::<u8>(), any::<String>()).prop_map(|(a, b)| Kind::Tuple(a, b))
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|kind| Kind::Newtype(Box::new(kind))),
            (any::<i32>(), prop::collection::vec(inner, 0..3)).prop_map(|(a, b)| Kind::Struct { a, b }),
        ]
    })
}

fn sample() -> impl Strategy<Value = Sample> {
    let numbers = (any::<u64>(), any::<i64>(), any::<f64>(), any::<u16>());
    let texts = (any::<bool>(), any::<char>(), any::<String>(), any::<Vec<u8>>());
    let map = prop::collection::btree_map(any::<String>(), (any::<i8>(), any::<u128>()), 0..3);
    let leaf =
        (numbers, texts, prop::collection::vec(kind(), 0..3), map).prop_map(|(numbers, texts, list, map)| Sample {
            unsigned: numbers.0,
            signed: numbers.1,
            float: numbers.2,
            truth: texts.0,
            letter: texts.1,
            text: texts.2,
            bytes: texts.3,
            option: None,
            list,
            map,
            newtype: Newtype(numbers.3),
            unit: (),
        });
    let leaf = leaf.boxed();
    (leaf.clone(), prop::option::of(leaf)).prop_map(|(outer, inner)| Sample {
        option: inner.map(Box::new),
        ..outer
    })
}

fn holds<S, V>(serializer: &S, value: &V, seed: u64) -> Result<(), TestCaseError>
where
    S: Serializer<V>,
    V: Clone + std::fmt::Debug + PartialEq,
{
    conformance::check(serializer, [value.clone()], seed).map_err(|error| TestCaseError::fail(error.to_string()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn json_holds(value in sample(), seed in any::<u64>()) {
        holds(&Json, &value, seed)?;
    }

    #[test]
    fn messagepack_holds(value in sample(), seed in any::<u64>()) {
        holds(&MessagePack, &value, seed)?;
    }

    #[test]
    fn postcard_holds(value in sample(), seed in any::<u64>()) {
        holds(&Postcard, &value, seed)?;
    }

    #[test]
    fn raw_holds(bytes in any::<Vec<u8>>(), text in any::<String>(), seed in any::<u64>()) {
        holds(&Raw, &Bytes::from(bytes.clone()), seed)?;
        holds(&Raw, &Arc::<[u8]>::from(bytes.as_slice()), seed)?;
        holds(&Raw, &bytes, seed)?;
        holds(&Raw, &Arc::<str>::from(text.as_str()), seed)?;
        holds(&Raw, &text, seed)?;
    }
}

#[test]
fn the_identifiers_are_fixed() {
    let serializers: [&dyn Serializer<String>; 4] = [&Json, &MessagePack, &Postcard, &Raw];
    assert_eq!(serializers.map(Serializer::id), [1, 2, 3, 4]);
}

#[test]
fn what_follows_a_value_is_an_error() {
    let serializers: [&dyn Serializer<(u8, String)>; 3] = [&Json, &MessagePack, &Postcard];
    for serializer in serializers {
        let mut bytes = serializer.serialize(&(1, "a".to_owned())).unwrap();
        for more in [b"1", b"\xC0", b"\xC1", b"\xDD", b"}"] {
            bytes.extend(more);
            assert!(serializer.deserialize(&bytes).is_err());
            bytes.pop();
        }
        assert!(serializer.deserialize(&bytes[..bytes.len() - 1]).is_err());
        assert!(serializer.deserialize(&[]).is_err());
    }
}

#[test]
fn text_that_is_none_is_an_error() {
    assert!(Serializer::<String>::deserialize(&Raw, b"\xFF").is_err());
    assert!(Serializer::<Arc<str>>::deserialize(&Raw, b"\xFF").is_err());
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Before {
    id: u32,
    name: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct After {
    #[serde(default)]
    stars: u8,
    name: String,
    id: u32,
}

#[test]
fn json_and_messagepack_read_fields_by_name() {
    let old = Before {
        id: 5,
        name: "a".to_owned(),
    };
    let new = After {
        stars: 0,
        name: "a".to_owned(),
        id: 5,
    };
    assert_eq!(
        Json.deserialize(&Json.serialize(&old).unwrap()).ok().as_ref(),
        Some(&new)
    );
    assert_eq!(
        Json.deserialize(&Json.serialize(&new).unwrap()).ok().as_ref(),
        Some(&old)
    );
    assert_eq!(
        MessagePack
            .deserialize(&MessagePack.serialize(&old).unwrap())
            .ok()
            .as_ref(),
        Some(&new)
    );
    assert_eq!(
        MessagePack
            .deserialize(&MessagePack.serialize(&new).unwrap())
            .ok()
            .as_ref(),
        Some(&old)
    );
}

/// Keeps nothing of a map but what it says its length is.
#[derive(Debug, PartialEq, Serialize)]
struct Hint(usize);

impl<'de> Deserialize<'de> for Hint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Look;
        impl<'de> Visitor<'de> for Look {
            type Value = Hint;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Hint, A::Error> {
                let hint = map.size_hint().unwrap_or(0);
                while map.next_entry::<(), ()>()?.is_some() {}
                Ok(Hint(hint))
            }
        }
        deserializer.deserialize_map(Look)
    }
}

#[test]
fn a_list_that_claims_more_than_there_is_gets_no_room_for_it() {
    // Units take no byte in postcard, so a map of 100,000 is three bytes, and may well be.
    assert_eq!(Postcard.deserialize(&[0xA0, 0x8D, 0x06]).map_err(drop), Ok(Hint(3)));
    assert_eq!(
        MessagePack.deserialize(&[0x82, 0xC0, 0xC0, 0xC0, 0xC0]).map_err(drop),
        Ok(Hint(2))
    );
    for claims in [
        vec![0xDD, 0xFF, 0xFF, 0xFF, 0xFF],
        vec![0xDF, 0xFF, 0xFF, 0xFF, 0xFF],
        vec![0xC6, 0xFF, 0xFF, 0xFF, 0xFF],
    ] {
        assert!(Serializer::<Vec<u64>>::deserialize(&MessagePack, &claims).is_err());
        assert!(Serializer::<HashMap<u64, u64>>::deserialize(&MessagePack, &claims).is_err());
        assert!(Serializer::<String>::deserialize(&MessagePack, &claims).is_err());
    }
    let claims = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01];
    assert!(Serializer::<Vec<u64>>::deserialize(&Postcard, &claims).is_err());
    assert!(Serializer::<HashMap<u64, u64>>::deserialize(&Postcard, &claims).is_err());
    assert!(Serializer::<String>::deserialize(&Postcard, &claims).is_err());
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Chain {
    next: Option<Box<Chain>>,
}

/// JSON and MessagePack tell no level of this from another, so whatever is not null has endlessly many.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Endless(Option<Box<Endless>>);

/// As deep as asked for.
fn nested(depth: usize) -> (Kind, Chain, Vec<Kind>) {
    let deeper = |kind, _| Kind::Newtype(Box::new(kind));
    let kind = (0..depth).fold(Kind::Unit, deeper);
    let deeper = |inner, _| Chain {
        next: Some(Box::new(inner)),
    };
    let chain = (0..depth).fold(Chain { next: None }, deeper);
    let list = (0..depth / 2).fold(Vec::new(), |b, _| vec![Kind::Struct { a: 0, b }]);
    (kind, chain, list)
}

fn reads<V: DeserializeOwned + Serialize + 'static>(value: &V) -> [bool; 3] {
    let serializers: [&dyn Serializer<V>; 3] = [&Json, &MessagePack, &Postcard];
    serializers.map(|serializer| serializer.deserialize(&serializer.serialize(value).unwrap()).is_ok())
}

#[test]
fn what_is_nested_too_deep_is_an_error_and_no_stack_overflow() {
    let (kind, chain, list) = nested(40);
    assert_eq!([reads(&kind), reads(&chain), reads(&list)], [[true; 3]; 3]);
    for byte in [0_u8, 1, 3, 0x81, 0x91, 0x82, 0x92, b'[', b'{', 0xC7, 0xD4] {
        let deep = vec![byte; 2_000_000];
        let deep_enum: Vec<u8> = b"\x81\xA7Newtype".repeat(200_000);
        for serializer in [&Json as &dyn Serializer<Kind>, &MessagePack, &Postcard] {
            assert!(serializer.deserialize(&deep).is_err());
            assert!(serializer.deserialize(&deep_enum).is_err());
        }
        let deep_chain: Vec<u8> = b"\x81\xA4next".repeat(200_000);
        for serializer in [&Json as &dyn Serializer<Chain>, &MessagePack, &Postcard] {
            assert!(serializer.deserialize(&deep).is_err());
            assert!(serializer.deserialize(&deep_chain).is_err());
        }
        for serializer in [&MessagePack as &dyn Serializer<Endless>, &Postcard] {
            assert!(serializer.deserialize(&deep).is_err());
        }
    }
}
