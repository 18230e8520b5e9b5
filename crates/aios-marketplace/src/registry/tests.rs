//! Dumps in every format, with everything that can be wrong in them.

use aios_domain::{ErrorKind, PricingModel, Tag};
use serde_json::{Value, json};

use super::*;

const FIRST_FORMAT: &[u8] = include_bytes!("fixtures/first-format.json");
const CURRENT_FORMAT: &[u8] = include_bytes!("fixtures/current-format.json");

fn read(dump: &Value) -> Registry {
    Registry::read(dump.to_string().as_bytes()).unwrap()
}

fn entry<'a>(registry: &'a Registry, name: &str) -> &'a RegistryEntry {
    let found = registry
        .entries
        .iter()
        .find(|entry| entry.registry_name.as_str() == name);
    found.unwrap_or_else(|| panic!("{name} is missing; refused: {:?}", registry.refusals))
}

fn tags(entry: &RegistryEntry) -> Vec<&str> {
    entry.draft.tags.iter().map(Tag::as_str).collect()
}

/// A minimal entry with some fields set otherwise.
fn with(fields: &Value) -> Value {
    let mut server = json!({"name": "org.example/thing", "description": "A thing.", "version": "1.0.0"});
    for (field, value) in fields.as_object().unwrap() {
        server[field] = value.clone();
    }
    server
}

#[test]
fn the_first_format_reads() {
    let registry = Registry::read(FIRST_FORMAT).unwrap();
    let queue = entry(&registry, "io.github.fictional-tools/mcp-server-harbour-postgres");
    let draft = &queue.draft;
    assert_eq!(draft.name.as_str(), "Harbour PostgreSQL");
    assert_eq!(draft.category.as_ref().unwrap().as_str(), "development");
    assert_eq!(draft.version.as_str(), "0.4.1");
    assert_eq!(draft.pricing.model(), PricingModel::Free);
    assert_eq!(draft.agent_type.as_str(), "mcp-server");
    assert_eq!(draft.license, None);
    assert_eq!(tags(queue), ["mcp", "database", "sql", "npm", "docker"]);
    assert_eq!(queue.released_at, Some("2025-05-16T18:56:49Z".parse().unwrap()));
    assert_eq!(queue.is_latest, Some(true));

    let requirements = Value::from(&draft.requirements);
    assert_eq!(requirements["packages"][0]["name"], "@fictional/harbour-postgres");
    assert_eq!(requirements["environment"], json!(["HARBOUR_PASSWORD", "HARBOUR_URL"]));
    let schema = Value::from(&draft.configuration_schema);
    assert_eq!(
        schema["properties"]["HARBOUR_PASSWORD"],
        json!({"type": "string", "format": "password", "writeOnly": true}),
        "the example of a secret is not kept"
    );
    assert_eq!(
        schema["properties"]["HARBOUR_URL"]["description"],
        "postgres://127.0.0.1/harbour"
    );
}

#[test]
fn the_current_format_reads() {
    let registry = Registry::read(CURRENT_FORMAT).unwrap();
    let mail = entry(&registry, "com.example.post/inbox-bridge");
    let draft = &mail.draft;
    assert_eq!(draft.name.as_str(), "Inbox Bridge", "the title is taken as it is");
    assert_eq!(draft.category.as_ref().unwrap().as_str(), "communication");
    assert_eq!(
        draft.icon_url.as_ref().unwrap().as_str(),
        "https://cdn.example.com/inbox.png"
    );
    assert_eq!(
        draft.repository_url.as_ref().unwrap().as_str(),
        "https://git.example.com/post/inbox-bridge"
    );
    assert_eq!(tags(mail), ["mcp", "email", "remote", "pypi"]);
    assert_eq!(mail.released_at, Some("2025-11-02T09:30:00.123456Z".parse().unwrap()));

    let schema = Value::from(&draft.configuration_schema);
    assert_eq!(schema["required"], json!(["POST_TOKEN"]));
    assert_eq!(schema["properties"]["POST_TOKEN"]["writeOnly"], true);
    assert_eq!(
        schema["properties"]["POST_TOKEN"]["description"],
        "Token of the post office, under Settings."
    );
    assert_eq!(
        schema["properties"]["POST_FOLDER"],
        json!({"type": "string", "description": "Which folder to read.", "enum": ["inbox", "archive"], "default": "inbox"})
    );
    assert_eq!(
        schema["properties"]["POST_LIMIT"]["default"],
        json!(50),
        "a number as a number"
    );
    let requirements = Value::from(&draft.requirements);
    assert_eq!(
        requirements["remotes"],
        json!([{"transport": "streamable-http", "url": "https://post.example.com/{tenant}/mcp"}])
    );
    assert_eq!(requirements["packages"][0]["transport"], "stdio");
    assert_eq!(requirements["website_url"], "https://post.example.com");
}

#[test]
fn bad_entries_are_refused_with_place_and_reason_and_stop_nothing() {
    for dump in [FIRST_FORMAT, CURRENT_FORMAT] {
        let registry = Registry::read(dump).unwrap();
        let told: Vec<String> = registry.refusals.iter().map(Refusal::to_string).collect();
        let expected: Value = serde_json::from_slice(include_bytes!("fixtures/refusals.json")).unwrap();
        let key = if dump == FIRST_FORMAT { "first" } else { "current" };
        assert_eq!(json!(told), expected[key]);
    }
}

#[test]
fn the_newest_version_of_a_name_wins() {
    let registry = Registry::read(CURRENT_FORMAT).unwrap();
    let loom = entry(&registry, "org.example/sheet-loom");
    assert_eq!(loom.draft.version.as_str(), "1.10.0", "numbers are compared as numbers");
    assert_eq!(registry.superseded, 2);

    let version = |version: &str, latest: bool, day: &str| {
        json!({
            "server": with(&json!({"version": version, "description": format!("Of {day}.")})),
            "_meta": {"io.modelcontextprotocol.registry/official": {"isLatest": latest, "publishedAt": format!("{day}T00:00:00Z")}},
        })
    };
    let kept = |versions: &[Value]| {
        let registry = read(&json!({ "servers": versions }));
        assert_eq!((registry.entries.len(), registry.superseded), (1, versions.len() - 1));
        let draft = &registry.entries[0].draft;
        format!("{} {}", draft.version, draft.description)
    };
    let release = version("2.0.0", false, "2025-01-01");
    let candidate = version("2.0.0-rc.9", true, "2025-02-01");
    assert_eq!(
        kept(&[release.clone(), candidate.clone()]),
        "2.0.0 Of 2025-01-01.",
        "a release beats its candidates"
    );
    assert_eq!(
        kept(&[candidate, release.clone()]),
        "2.0.0 Of 2025-01-01.",
        "in any order"
    );
    let flagged = version("2.0.0", true, "2024-01-01");
    assert_eq!(
        kept(&[flagged.clone(), release.clone()]),
        "2.0.0 Of 2024-01-01.",
        "then the registry's word"
    );
    let later = version("2.0.0", false, "2025-03-01");
    assert_eq!(kept(&[later, release.clone()]), "2.0.0 Of 2025-03-01.", "then the date");
    assert_eq!(kept(&[release.clone(), release]), "2.0.0 Of 2025-01-01.");
}

#[test]
fn every_shape_of_a_dump_is_understood() {
    let server = with(&json!({}));
    for dump in [
        json!([server]),
        json!({"servers": [server]}),
        json!({"servers": [{"server": server, "_meta": {}}], "metadata": {"count": 1}}),
        json!([{"server": server}]),
        server.clone(),
    ] {
        assert_eq!(read(&dump).entries.len(), 1, "{dump}");
    }
    assert_eq!(read(&json!([])), Registry::default());
}

#[test]
fn what_is_no_registry_says_what_one_is() {
    for dump in [
        &b""[..],
        b"{",
        b"7",
        b"\"text\"",
        b"{}",
        br#"{"servers": 5}"#,
        b"\xff\xfe",
    ] {
        let error = Registry::read(dump).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{dump:?}");
        assert!(error.detail().starts_with("The file is"), "{}", error.detail());
    }
}

#[test]
fn a_server_without_a_description_is_described_by_what_is_known() {
    let registry = read(&with(
        &json!({"name": "io.github.someone/mcp-server-lighthouse", "description": "  "}),
    ));
    let draft = &registry.entries[0].draft;
    assert!(
        draft
            .description
            .as_str()
            .starts_with("Lighthouse, a server for the Model Context Protocol.")
    );
    assert_eq!(draft.category, None, "what we wrote ourselves proves nothing");
    assert!(draft.capabilities.is_empty());
}

#[test]
fn a_deprecated_server_is_tagged_whichever_field_says_so() {
    let registry = Registry::read(CURRENT_FORMAT).unwrap();
    assert_eq!(tags(entry(&registry, "org.example/retired")), ["mcp", "deprecated"]);
    let official = json!({"io.modelcontextprotocol.registry/official": {"status": "deprecated"}});
    let registry = read(&json!([{"server": with(&json!({})), "_meta": official}]));
    assert_eq!(tags(&registry.entries[0]), ["mcp", "deprecated"]);
}

#[test]
fn versions_are_taken_from_packages_where_the_entry_has_none() {
    let packages = json!([{"identifier": "a", "version": "latest"}, {"identifier": "b", "version": "3.1"}]);
    let registry = read(&with(&json!({"version": null, "packages": packages})));
    assert_eq!(registry.entries[0].draft.version.as_str(), "3.1");
    let registry = read(&with(&json!({"version": "newest", "packages": packages})));
    assert!(registry.refusals[0].reason.starts_with("version must be a version"));
}

#[test]
fn a_variable_is_required_only_where_every_package_requires_it() {
    let package = |name: &str, required: bool| {
        json!({"identifier": name, "environmentVariables": [
            {"name": "SHARED", "isRequired": true}, {"name": name, "isRequired": required}
        ]})
    };
    let registry = read(&with(
        &json!({"packages": [package("ONE", true), package("TWO", false)]}),
    ));
    let schema = Value::from(&registry.entries[0].draft.configuration_schema);
    assert_eq!(schema["required"], json!(["SHARED"]));
    assert_eq!(schema["properties"].as_object().unwrap().len(), 3);
}

#[test]
fn too_much_of_anything_is_refused() {
    let long = "x".repeat(6_000);
    let variables: Vec<Value> = (0..2_000)
        .map(|n| json!({"name": format!("V{n}"), "description": "d ".repeat(40)}))
        .collect();
    for (fields, reason) in [
        (json!({"name": "n".repeat(201)}), "name must be at most 200"),
        (json!({"title": "t".repeat(101)}), "title must be at most 100"),
        (json!({"description": long}), "description must be at most 5000"),
        (
            json!({"packages": vec![json!({}); 101]}),
            "packages must have at most 100",
        ),
        (
            json!({"packages": [{"identifier": long}]}),
            "packages[0].identifier must be at most 2048",
        ),
        (
            json!({"packages": [{"environmentVariables": [{"name": "v".repeat(129)}]}]}),
            "packages[0].environmentVariables[0].name must be",
        ),
        (
            json!({"packages": [{"environmentVariables": variables}]}),
            "environment variables must be at most 64 KiB",
        ),
    ] {
        let registry = read(&with(&fields));
        let told = &registry
            .refusals
            .first()
            .unwrap_or_else(|| panic!("accepted: {reason}"))
            .reason;
        assert!(told.starts_with(reason), "{told}");
        assert!(registry.refusals[0].name.as_ref().unwrap().chars().count() <= 200);
    }
}
