//! JSON objects from outside, bounded in size and depth.

use std::sync::Arc;

use serde::de;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::Invalid;

/// A JSON object of at most 64 KiB as text and 32 levels: settings, requirements, metadata.
///
/// It is kept as its compact text, since many are kept and few are looked into: a tree of a few members takes 632 bytes for
/// each level, and an allocation for each name and text. Copies share the text. Two are equal where the same members have
/// the same values, in whatever order they were given.
///
/// In a format that people read (JSON) it is written as the object, in others (MessagePack) as the text.
/// Either can be read.
///
/// ```
/// # use aios_domain::JsonObject;
/// let object = JsonObject::new(serde_json::json!({ "theme": "dark" })).unwrap();
/// assert_eq!(object.as_str(), r#"{"theme":"dark"}"#);
/// assert!(JsonObject::new(serde_json::json!([1, 2])).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonObject(Option<Arc<str>>);

/// An object without members, which most are, takes no memory of its own.
const EMPTY: &str = "{}";

impl JsonObject {
    /// The longest an object may be as compact text, in bytes.
    pub const MAX_BYTES: usize = 64 * 1024;
    /// How many levels of objects and arrays an object may have, itself included.
    pub const MAX_DEPTH: usize = 32;

    /// Checks and keeps an object.
    ///
    /// # Errors
    /// [`Invalid`] for another JSON value, or one too large, too deep, or with a NUL character, which PostgreSQL can't store.
    pub fn new(value: Value) -> Result<Self, Invalid> {
        let Value::Object(map) = value else {
            return Err(Invalid::new("must be a JSON object"));
        };
        let mut size = 0;
        measure_map(&map, 1, &mut size)?;
        Ok(Self::of(map))
    }

    /// Takes an object that was checked before, as one read back from the database.
    pub fn from_trusted(value: Value) -> Self {
        match value {
            Value::Object(map) => Self::of(map),
            _ => Self::default(),
        }
    }

    fn of(map: Map<String, Value>) -> Self {
        if map.is_empty() {
            return Self::default();
        }
        // A map sorts its members, so equal objects have the same text.
        Self(Some(Value::Object(map).to_string().into()))
    }

    /// The object as compact JSON text, its members sorted by name.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or(EMPTY)
    }
}

impl Default for JsonObject {
    /// The object without members.
    fn default() -> Self {
        Self(None)
    }
}

impl Serialize for JsonObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            Value::from(self).serialize(serializer)
        } else {
            serializer.serialize_str(self.as_str())
        }
    }
}

impl<'de> Deserialize<'de> for JsonObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Either is read in any format: within a flattened struct serde does not tell which one it is.
        let value = match Value::deserialize(deserializer)? {
            Value::String(text) => serde_json::from_str(&text).map_err(de::Error::custom)?,
            value => value,
        };
        Self::new(value).map_err(de::Error::custom)
    }
}

fn measure(value: &Value, depth: usize, size: &mut usize) -> Result<(), Invalid> {
    match value {
        Value::Null | Value::Bool(_) => *size += 5,
        Value::Number(number) => *size += number.to_string().len(),
        Value::String(text) => measure_text(text, size)?,
        Value::Array(items) => {
            check_depth(depth)?;
            for item in items {
                *size += 1;
                measure(item, depth + 1, size)?;
            }
        }
        Value::Object(map) => measure_map(map, depth, size)?,
    }
    if *size > JsonObject::MAX_BYTES {
        return Err(Invalid::new("must be at most 64 KiB as JSON text"));
    }
    Ok(())
}

fn measure_map(map: &Map<String, Value>, depth: usize, size: &mut usize) -> Result<(), Invalid> {
    check_depth(depth)?;
    *size += 2;
    for (key, value) in map {
        measure_text(key, size)?;
        *size += 2;
        measure(value, depth + 1, size)?;
    }
    Ok(())
}

fn measure_text(text: &str, size: &mut usize) -> Result<(), Invalid> {
    *size += text.len() + 2;
    if text.contains('\0') {
        Err(Invalid::new("must not hold the NUL character"))
    } else {
        Ok(())
    }
}

fn check_depth(depth: usize) -> Result<(), Invalid> {
    if depth > JsonObject::MAX_DEPTH {
        Err(Invalid::new("must not be nested deeper than 32 levels"))
    } else {
        Ok(())
    }
}

impl From<&JsonObject> for Value {
    fn from(object: &JsonObject) -> Self {
        // The text was written from an object, or read as one, so it can be read.
        serde_json::from_str(object.as_str()).unwrap_or_else(|_| Value::Object(Map::new()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn depth_and_size_are_bounded() {
        let nested = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({ "a": inner }));
        assert!(JsonObject::new(nested(32)).is_ok());
        assert!(JsonObject::new(nested(33)).is_err());
        assert!(JsonObject::new(json!({ "a": "x".repeat(60_000) })).is_ok());
        assert!(JsonObject::new(json!({ "a": "x".repeat(70_000) })).is_err());
        assert!(JsonObject::new(json!({ "a": "\0" })).is_err());
    }

    #[test]
    fn members_in_any_order_make_the_same_object() {
        let one: JsonObject =
            serde_json::from_str(r#"{ "b": [1, 2.5, null], "a": { "d": 1, "c": "\u00fc" } }"#).unwrap();
        let other = JsonObject::new(json!({ "a": { "c": "ü", "d": 1 }, "b": [1, 2.5, null] })).unwrap();
        assert_eq!(one, other);
        assert_eq!(one.as_str(), r#"{"a":{"c":"ü","d":1},"b":[1,2.5,null]}"#);
        assert_eq!(serde_json::to_string(&one).unwrap(), one.as_str());
        assert_eq!(JsonObject::new(json!({})).unwrap(), JsonObject::default());
        assert_eq!(serde_json::to_string(&JsonObject::default()).unwrap(), "{}");
        // Either is read in any format.
        assert_eq!(
            serde_json::from_str::<JsonObject>(r#""{}""#).unwrap(),
            JsonObject::default()
        );
        assert!(serde_json::from_str::<JsonObject>(r#""words""#).is_err());
    }
}
