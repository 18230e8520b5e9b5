//! Holds answers against the OpenAPI document: a status, a media type or a member that it does not describe fails the test.

use std::sync::OnceLock;

use serde_json::{Map, Value};

use crate::harness::Reply;

/// The document.
pub(crate) fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| serde_json::from_str(&aios_api::openapi_json()).unwrap())
}

/// Every operation as method in upper case, path and description.
pub(crate) fn operations() -> impl Iterator<Item = (String, &'static str, &'static Value)> {
    let paths = document()["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().unwrap().iter();
        item.map(move |(method, operation)| (method.to_uppercase(), path.as_str(), operation))
    })
}

/// The path of the document to which a request's path belongs.
fn template(path: &str) -> Option<&'static str> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let asked: Vec<&str> = path.split('/').collect();
    let fits = |template: &str| {
        let parts: Vec<&str> = template.split('/').collect();
        parts.len() == asked.len()
            && parts
                .iter()
                .zip(&asked)
                .all(|(part, asked)| part == asked || (*part == "{id}" && !asked.is_empty()))
    };
    let paths = document()["paths"].as_object().unwrap().keys();
    // A path without variables comes before one that has some.
    paths
        .map(String::as_str)
        .filter(|template| fits(template))
        .min_by_key(|template| template.contains('{'))
}

/// Fails unless the document describes the answer.
pub(crate) fn check(reply: &Reply) {
    assert!(reply.headers.contains_key("x-request-id"), "{reply}");
    let Some(template) = template(&reply.path) else {
        assert!(
            reply.status == 404 || reply.status == 400,
            "at no path of the document: {reply}"
        );
        return;
    };
    let method = if reply.method == "HEAD" { "GET" } else { &reply.method };
    let operation = &document()["paths"][template][method.to_lowercase()];
    if operation.is_null() {
        let status = if method == "OPTIONS" { 204 } else { 405 };
        assert_eq!(reply.status, status, "not in the document: {reply}");
        return;
    }
    let answer = resolve(&operation["responses"][reply.status.to_string()]);
    assert!(
        !answer.is_null(),
        "{method} {template} does not describe {}: {reply}",
        reply.status
    );
    check_headers(answer, reply);
    let content = answer["content"].as_object();
    if reply.method == "HEAD" {
        assert!(reply.body.is_empty(), "{reply}");
        return;
    }
    let Some(content) = content.filter(|content| !content.is_empty()) else {
        assert!(reply.body.is_empty(), "a body where none is described: {reply}");
        return;
    };
    let media_type = reply
        .header("content-type")
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    let described = content.get(media_type);
    let described = described.unwrap_or_else(|| panic!("{media_type} is not described: {reply}"));
    if media_type.ends_with("json") {
        // With `fields` a list's agents are parts of what is described.
        let parts = reply.path.contains("fields=");
        if let Err(reason) = (Fit { parts }).fits(&reply.json(), &described["schema"], "$") {
            panic!("{reason}\n{reply}");
        }
    }
}

fn check_headers(answer: &Value, reply: &Reply) {
    let described = answer["headers"].as_object();
    for name in described.into_iter().flat_map(Map::keys) {
        assert!(reply.headers.contains_key(name.as_str()), "without {name}: {reply}");
    }
    for name in ["link", "location", "etag", "retry-after", "allow"] {
        let is_described = described
            .into_iter()
            .flat_map(Map::keys)
            .any(|described| described.eq_ignore_ascii_case(name));
        assert!(
            is_described || !reply.headers.contains_key(name),
            "{name} is not described: {reply}"
        );
    }
}

/// What a reference leads to, or the value itself.
pub(crate) fn resolve(value: &'static Value) -> &'static Value {
    let Some(reference) = value["$ref"].as_str() else {
        return value;
    };
    let target = reference
        .strip_prefix('#')
        .and_then(|pointer| document().pointer(pointer));
    resolve(target.unwrap_or_else(|| panic!("{reference} leads nowhere")))
}

/// Whether a value is what a schema describes, with no member that it does not.
struct Fit {
    /// Members that are described may be missing.
    parts: bool,
}

impl Fit {
    fn fits(&self, value: &Value, schema: &'static Value, at: &str) -> Result<(), String> {
        let schema = resolve(schema);
        if let Some(choices) = schema["oneOf"].as_array() {
            let mut failures = choices.iter().map(|choice| self.fits(value, choice, at));
            return if failures.any(|fit| fit.is_ok()) {
                Ok(())
            } else {
                Err(format!("{at}: {value} is none of what is described"))
            };
        }
        let allowed = match &schema["type"] {
            Value::String(one) => vec![one.as_str()],
            Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        if !allowed.is_empty() && !allowed.iter().any(|kind| is_a(value, kind)) {
            return Err(format!("{at}: {value} is not one of {allowed:?}"));
        }
        if value.is_null() {
            return Ok(());
        }
        if let Some(names) = schema["enum"].as_array()
            && !names.contains(value)
        {
            return Err(format!("{at}: {value} is not one of {names:?}"));
        }
        check_bounds(value, schema, at)?;
        match value {
            Value::Array(items) => items
                .iter()
                .enumerate()
                .try_for_each(|(place, item)| self.fits(item, &schema["items"], &format!("{at}[{place}]"))),
            Value::Object(object) => self.members_fit(object, schema, at),
            Value::String(text) => text_fits(text, schema, at),
            _ => Ok(()),
        }
    }

    fn members_fit(&self, object: &Map<String, Value>, schema: &'static Value, at: &str) -> Result<(), String> {
        let mut described = Vec::new();
        gather(schema, &mut described);
        if described.is_empty() {
            return Ok(());
        }
        for (name, value) in object {
            let Some((_, schema, _)) = described.iter().find(|(described, _, _)| name == described) else {
                return Err(format!("{at}.{name} is not described"));
            };
            self.fits(value, schema, &format!("{at}.{name}"))?;
        }
        match described
            .iter()
            .find(|(name, _, required)| *required && !self.parts && !object.contains_key(*name))
        {
            Some((name, _, _)) => Err(format!("{at}.{name} is missing")),
            None => Ok(()),
        }
    }
}

fn is_a(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the document speaks of a type {other}"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "lengths of test data are small")]
fn check_bounds(value: &Value, schema: &Value, at: &str) -> Result<(), String> {
    let (size, low, high) = match value {
        Value::Number(number) => (number.as_f64().unwrap(), "minimum", "maximum"),
        Value::String(text) => (text.chars().count() as f64, "minLength", "maxLength"),
        Value::Array(items) => (items.len() as f64, "minItems", "maxItems"),
        _ => return Ok(()),
    };
    let too_low = schema[low].as_f64().is_some_and(|low| size < low);
    let too_high = schema[high].as_f64().is_some_and(|high| size > high);
    if too_low || too_high {
        return Err(format!("{at}: {value} is out of bounds"));
    }
    Ok(())
}

fn text_fits(text: &str, schema: &Value, at: &str) -> Result<(), String> {
    let fits = match schema["format"].as_str() {
        Some("uuid") => uuid::Uuid::try_parse(text).is_ok_and(|id| id.to_string() == text),
        Some("date-time") => is_utc(text),
        Some("uri") => text.starts_with("https://") || text.starts_with("http://"),
        _ => true,
    };
    if fits {
        Ok(())
    } else {
        Err(format!("{at}: {text} is not in the format {}", schema["format"]))
    }
}

/// RFC 3339 in UTC with `Z`, and microseconds at most.
fn is_utc(text: &str) -> bool {
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    text.ends_with('Z') && fraction.len() <= 7 && text.parse::<chrono::DateTime<chrono::Utc>>().is_ok()
}

/// The members of a schema and of those it is made of: name, schema, and whether it must be there.
fn gather(schema: &'static Value, into: &mut Vec<(&'static str, &'static Value, bool)>) {
    let schema = resolve(schema);
    for part in schema["allOf"].as_array().into_iter().flatten() {
        gather(part, into);
    }
    let required = schema["required"].as_array();
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let is_required = required.is_some_and(|required| required.iter().any(|one| one == name));
        into.push((name, member, is_required));
    }
}
