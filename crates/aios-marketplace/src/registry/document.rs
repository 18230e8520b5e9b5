//! The dump as JSON: which formats there are, and a reader of fields that can say where something is wrong.

use aios_domain::{Error, ErrorKind, Invalid, Result};
use serde_json::{Map, Value};

/// Where the registry itself puts what it knows of an entry.
pub(super) const OFFICIAL: &str = "io.modelcontextprotocol.registry/official";

/// The entries of a dump, whichever of the formats it has.
pub(super) fn entries(dump: &[u8]) -> Result<Vec<Value>> {
    let value: Value = serde_json::from_slice(dump).map_err(|error| {
        Error::new(
            ErrorKind::Malformed,
            format!("The file is not JSON ({error}); give the registry's dump as it was downloaded"),
        )
    })?;
    let entries = match value {
        Value::Array(entries) => Some(entries),
        Value::Object(mut object) => match object.remove("servers") {
            Some(Value::Array(entries)) => Some(entries),
            Some(_) => None,
            None => object.contains_key("name").then(|| vec![Value::Object(object)]),
        },
        _ => None,
    };
    entries.ok_or_else(|| {
        Error::new(
            ErrorKind::Malformed,
            "The file is JSON but no registry: it must be an array of servers, an object with such an array named \
             \"servers\", or one server.json object",
        )
    })
}

/// The name of an entry that may be broken in any way.
pub(super) fn name_of(entry: &Value) -> Option<String> {
    let server = entry.get("server").unwrap_or(entry);
    let name = server.get("name")?.as_str()?.trim();
    // A name that was refused for its length is not repeated in full.
    (!name.is_empty()).then(|| name.chars().take(200).collect())
}

/// A JSON object and where it stands in the entry.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    path: String,
    fields: &'a Map<String, Value>,
}

impl<'a> Node<'a> {
    /// The object at the root of an entry.
    pub(super) fn root(value: &'a Value) -> Result<Self, Invalid> {
        match value {
            Value::Object(fields) => Ok(Self {
                path: String::new(),
                fields,
            }),
            _ => Err(Invalid::new("must be a JSON object")),
        }
    }

    /// The first of these fields that is there; `null` is as good as missing. Formats differ in their spelling alone.
    fn find(&self, names: &[&str]) -> Option<(String, &'a Value)> {
        names.iter().find_map(|name| {
            let value = self.fields.get(*name).filter(|value| !value.is_null())?;
            Some((self.path_to(name), value))
        })
    }

    fn path_to(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    /// A text without the white space around it; an empty one is as good as missing.
    pub(super) fn text(&self, names: &[&str]) -> Result<Option<&'a str>, Invalid> {
        match self.find(names) {
            None => Ok(None),
            Some((_, Value::String(text))) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
            Some((path, _)) => Err(Invalid::new(format!("{path} must be text"))),
        }
    }

    /// A text that a type of the domain checks.
    pub(super) fn checked<T>(
        &self,
        names: &[&str],
        check: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Result<Option<T>, Invalid> {
        let Some(text) = self.text(names)? else {
            return Ok(None);
        };
        let path = self.find(names).map_or_else(String::new, |(path, _)| path);
        check(text)
            .map(Some)
            .map_err(|invalid| Invalid::new(format!("{path} {invalid}")))
    }

    /// Yes or no.
    pub(super) fn flag(&self, names: &[&str]) -> Result<Option<bool>, Invalid> {
        match self.find(names) {
            None => Ok(None),
            Some((_, Value::Bool(flag))) => Ok(Some(*flag)),
            Some((path, _)) => Err(Invalid::new(format!("{path} must be true or false"))),
        }
    }

    /// An object within this one.
    pub(super) fn object(&self, names: &[&str]) -> Result<Option<Self>, Invalid> {
        match self.find(names) {
            None => Ok(None),
            Some((path, Value::Object(fields))) => Ok(Some(Self { path, fields })),
            Some((path, _)) => Err(Invalid::new(format!("{path} must be an object"))),
        }
    }

    /// A list of objects; a missing one is empty.
    pub(super) fn objects(&self, names: &[&str]) -> Result<Vec<Self>, Invalid> {
        self.list(names)?
            .into_iter()
            .map(|(path, value)| match value {
                Value::Object(fields) => Ok(Self { path, fields }),
                _ => Err(Invalid::new(format!("{path} must be an object"))),
            })
            .collect()
    }

    /// A list of texts; a missing one is empty.
    pub(super) fn texts(&self, names: &[&str]) -> Result<Vec<&'a str>, Invalid> {
        self.list(names)?
            .into_iter()
            .map(|(path, value)| {
                value
                    .as_str()
                    .ok_or_else(|| Invalid::new(format!("{path} must be text")))
            })
            .collect()
    }

    fn list(&self, names: &[&str]) -> Result<Vec<(String, &'a Value)>, Invalid> {
        match self.find(names) {
            None => Ok(Vec::new()),
            Some((path, Value::Array(items))) => Ok(items
                .iter()
                .enumerate()
                .map(|(index, item)| (format!("{path}[{index}]"), item))
                .collect()),
            Some((path, _)) => Err(Invalid::new(format!("{path} must be a list"))),
        }
    }

    /// What is wrong with a field of this object.
    pub(super) fn wrong(&self, name: &str, message: &str) -> Invalid {
        Invalid::new(format!("{} {message}", self.path_to(name)))
    }
}
