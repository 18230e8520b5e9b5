//! The serializers' readers: they never panic, and what they read they read again when it was written once more.
#![no_main]

use std::collections::BTreeMap;

use aios_cache::serializer::{Json, MessagePack, Postcard, Raw, Serializer};
use libfuzzer_sys::fuzz_target;
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Sample {
    id: u64,
    #[serde(default)]
    change: i32,
    text: Option<String>,
    bytes: Vec<u8>,
    list: Vec<Kind>,
    map: BTreeMap<String, Vec<(u8, i128)>>,
    parent: Option<Box<Sample>>,
    letter: char,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Unit,
    Newtype(Box<Kind>),
    Tuple(bool, Option<u16>),
    Struct { a: [u8; 3], b: Vec<Kind> },
}

fuzz_target!(|data: &[u8]| {
    let Some((which, bytes)) = data.split_first() else {
        return;
    };
    match which % 4 {
        0 => again::<Sample>(&Json, bytes),
        1 => again::<Sample>(&MessagePack, bytes),
        2 => again::<Sample>(&Postcard, bytes),
        _ => again::<String>(&Raw, bytes),
    }
});

fn again<V: std::fmt::Debug + PartialEq + 'static>(serializer: &dyn Serializer<V>, bytes: &[u8]) {
    if let Ok(value) = serializer.deserialize(bytes) {
        let written = serializer.serialize(&value).expect("it was read");
        assert_eq!(serializer.deserialize(&written).expect("it was written"), value);
    }
}
