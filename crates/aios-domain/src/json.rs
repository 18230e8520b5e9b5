//! JSON objects from outside, bounded in size and depth.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Invalid;

/// A JSON object of at most 64 KiB as text and 32 levels: settings, requirements, metadata.
///
/// ```
/// # use aios_domain::JsonObject;
/// assert!(JsonObject::new(serde_json::json!({"theme": "dark"})).is_ok());
/// assert!(JsonObject::new(serde_json::json!([1, 2])).is_err());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct JsonObject(Map<String, Value>);

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
        let object = Self(map);
        let mut size = 0;
        measure_map(&object.0, 1, &mut size)?;
        Ok(object)
    }

    /// Takes an object that was checked before, as one read back from the database.
    pub fn from_trusted(value: Value) -> Self {
        match value {
            Value::Object(map) => Self(map),
            _ => Self::default(),
        }
    }

    /// The object's members.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
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

impl TryFrom<Value> for JsonObject {
    type Error = Invalid;

    fn try_from(value: Value) -> Result<Self, Invalid> {
        Self::new(value)
    }
}

impl From<JsonObject> for Value {
    fn from(object: JsonObject) -> Self {
        Value::Object(object.0)
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
}
