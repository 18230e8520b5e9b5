//! The environment variables of a server as a JSON Schema of the agent's settings.

use std::collections::BTreeMap;

use aios_domain::Invalid;
use serde_json::{Map, Value, json};

use super::document::Node;

/// Longer than any variable's name.
const MAX_NAME: usize = 128;
/// Where a description stops.
const MAX_DESCRIPTION: usize = 500;

/// Words that make a variable secret, unless its last word says that it only points at the secret.
const SECRET_WORDS: &[&str] = &[
    "APIKEY",
    "AUTH",
    "COOKIE",
    "CREDENTIAL",
    "CREDENTIALS",
    "KEY",
    "MNEMONIC",
    "PASS",
    "PASSPHRASE",
    "PASSWD",
    "PASSWORD",
    "PAT",
    "PRIVATE",
    "SECRET",
    "SECRETS",
    "SEED",
    "TOKEN",
    "TOKENS",
];
const POINTING_WORDS: &[&str] = &[
    "ADDRESS", "DIR", "ENABLED", "ENDPOINT", "FILE", "FORMAT", "HOST", "ID", "LIMIT", "METHOD", "MODE", "NAME", "PATH",
    "PORT", "TIMEOUT", "TTL", "TYPE", "URI", "URL", "USER", "USERNAME",
];

/// One variable, as the packages that know it describe it.
struct Variable<'a> {
    first: Node<'a>,
    /// In how many packages it must be set.
    required_in: usize,
}

/// The names of all variables, sorted.
pub(super) fn names<'a>(packages: &[Node<'a>]) -> Result<Vec<&'a str>, Invalid> {
    Ok(variables(packages)?.into_keys().collect())
}

/// The schema; an empty object where there is nothing to set.
pub(super) fn schema(packages: &[Node<'_>]) -> Result<Value, Invalid> {
    let variables = variables(packages)?;
    if variables.is_empty() {
        return Ok(json!({}));
    }
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, variable) in &variables {
        properties.insert((*name).to_owned(), property(name, &variable.first)?);
        // Whoever runs one package needs only its own variables.
        if variable.required_in == packages.len() {
            required.push(*name);
        }
    }
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
    });
    if !required.is_empty()
        && let Some(fields) = schema.as_object_mut()
    {
        fields.insert("required".to_owned(), json!(required));
    }
    Ok(schema)
}

fn variables<'a>(packages: &[Node<'a>]) -> Result<BTreeMap<&'a str, Variable<'a>>, Invalid> {
    let mut all: BTreeMap<&str, Variable<'_>> = BTreeMap::new();
    for package in packages {
        for node in package.objects(&["environmentVariables", "environment_variables"])? {
            let name = node
                .text(&["name"])?
                .ok_or_else(|| node.wrong("name", "must not be missing or empty"))?;
            if name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
                return Err(node.wrong("name", &format!("must be one line of at most {MAX_NAME} characters")));
            }
            let is_required = node.flag(&["isRequired", "is_required"])?.unwrap_or(false);
            let variable = all.entry(name).or_insert(Variable {
                first: node,
                required_in: 0,
            });
            variable.required_in += usize::from(is_required);
        }
    }
    Ok(all)
}

fn property(name: &str, node: &Node<'_>) -> Result<Value, Invalid> {
    let is_secret = match node.flag(&["isSecret", "is_secret"])? {
        Some(said) => said || is_secret(name),
        None => is_secret(name),
    };
    let mut property = Map::new();
    let format = node.text(&["format"])?;
    let kind = format
        .filter(|format| matches!(*format, "number" | "boolean"))
        .unwrap_or("string");
    property.insert("type".to_owned(), json!(kind));
    // What stands in the description of the older format is often an example; a secret's is better forgotten.
    let description = node
        .text(&["description"])?
        .filter(|text| !is_secret || text.contains(char::is_whitespace));
    if let Some(text) = description {
        let text: String = text.chars().take(MAX_DESCRIPTION).collect();
        property.insert("description".to_owned(), json!(text));
    }
    if is_secret {
        property.insert("format".to_owned(), json!("password"));
        property.insert("writeOnly".to_owned(), json!(true));
    } else {
        let choices = node.texts(&["choices"])?;
        if !choices.is_empty() {
            property.insert("enum".to_owned(), json!(choices));
        }
        if let Some(default) = node.text(&["default"])? {
            property.insert("default".to_owned(), typed(kind, default));
        }
    }
    Ok(Value::Object(property))
}

/// Registries write every default as text; the schema's has the type of the variable where the text allows it.
fn typed(kind: &str, text: &str) -> Value {
    let read = || serde_json::from_str::<Value>(text).ok();
    match kind {
        "number" => read().filter(Value::is_number),
        "boolean" => read().filter(Value::is_boolean),
        _ => None,
    }
    .unwrap_or_else(|| json!(text))
}

/// Whether a variable's name says that its value must not be shown.
fn is_secret(name: &str) -> bool {
    let upper = name.to_uppercase();
    let words: Vec<&str> = upper
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    words.iter().any(|word| SECRET_WORDS.contains(word))
        && words.last().is_some_and(|last| !POINTING_WORDS.contains(last))
}

#[cfg(test)]
mod tests {
    use super::is_secret;

    #[test]
    fn names_tell_secrets() {
        for name in [
            "API_KEY",
            "apiKey_token",
            "GITHUB_PERSONAL_ACCESS_TOKEN",
            "MSSQL_PASSWORD",
            "PRIVATE_KEY",
            "X-Api-Key",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "MYSQL_HOST",
            "AWS_ACCESS_KEY_ID",
            "KEY_PATH",
            "MONKEY",
            "TOKENIZER",
            "CREDENTIALS_FILE",
            "AUTH_URL",
            "",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
