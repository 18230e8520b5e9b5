//! The OpenAPI document: the reviewed one in the repository, and what it refers to.

use serde_json::Value;

use crate::described::{document, operations};

#[test]
fn the_document_in_the_repository_is_the_one_that_is_served() {
    let kept = include_str!("../../../../docs/openapi.json");
    assert!(
        kept.trim_end() == aios_api::openapi_json().trim_end(),
        "the interface changed: look at `cargo run -p aios-server -- openapi | diff docs/openapi.json -`, and keep it with \
         `cargo run -p aios-server -- openapi > docs/openapi.json`"
    );
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(value: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                    let pointer = reference.strip_prefix('#').expect("a reference within the document");
                    assert!(document().pointer(pointer).is_some(), "{reference}");
                }
                members.values().for_each(walk);
            }
            Value::Array(items) => items.iter().for_each(walk),
            _ => {}
        }
    }
    assert!(document()["openapi"].as_str().unwrap().starts_with("3.1"));
    walk(document());
}

#[test]
fn every_operation_is_described_and_every_body_has_examples() {
    for (method, path, operation) in operations() {
        let summary = operation["summary"].as_str().unwrap_or_default();
        assert!(
            !summary.is_empty() && operation["operationId"].is_string(),
            "{method} {path}"
        );
        let body = operation.pointer("/requestBody/content/application~1json/schema");
        if let Some(schema) = body.and_then(|schema| schema["$ref"].as_str()) {
            let schema = document().pointer(schema.strip_prefix('#').unwrap()).unwrap();
            let text = schema.to_string();
            assert!(text.contains("\"example\""), "{method} {path}: no example in its body");
        }
    }
}
