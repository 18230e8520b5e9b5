//! Who may do what: every operation of the OpenAPI document, asked by nobody, a user, another user, the author and an admin.

use aios_test_support::{TestDatabase, on_both_databases};
use serde_json::{Value, json};

use crate::described;
use crate::harness::{SECRET, TestServer, User, text};

/// An operation and the status that each caller gets, in the order: no token, the user, another user, the author, an admin.
struct Row {
    method: &'static str,
    path: &'static str,
    statuses: [u16; 5],
}

const CALLERS: [Option<User>; 5] = [
    None,
    Some(User::Bea),
    Some(User::Cay),
    Some(User::Ada),
    Some(User::Admin),
];

const fn row(method: &'static str, path: &'static str, statuses: [u16; 5]) -> Row {
    Row { method, path, statuses }
}

/// Anybody may.
const OPEN: [u16; 5] = [200; 5];

/// The agent is Ada's and Bea has it installed; the entry is Bea's.
const TABLE: [Row; 35] = [
    row("GET", "/api/v1/marketplace/stats", OPEN),
    row("GET", "/api/v1/marketplace/agents", OPEN),
    row("POST", "/api/v1/marketplace/agents", [401, 201, 201, 201, 201]),
    row("POST", "/api/v1/marketplace/agents/search", OPEN),
    row("GET", "/api/v1/marketplace/agents/{id}", OPEN),
    row("PATCH", "/api/v1/marketplace/agents/{id}", [401, 403, 403, 200, 200]),
    row("DELETE", "/api/v1/marketplace/agents/{id}", [401, 403, 403, 204, 204]),
    row(
        "POST",
        "/api/v1/marketplace/agents/{id}/install",
        [401, 400, 200, 200, 200],
    ),
    row(
        "DELETE",
        "/api/v1/marketplace/agents/{id}/install",
        [401, 200, 404, 404, 404],
    ),
    row("GET", "/api/v1/marketplace/my-agents", [401, 200, 200, 200, 200]),
    row(
        "POST",
        "/api/v1/marketplace/agents/{id}/reviews",
        [401, 200, 200, 200, 200],
    ),
    row("GET", "/api/v1/marketplace/agents/{id}/reviews", OPEN),
    row("GET", "/api/v1/marketplace/categories", OPEN),
    row("POST", "/api/v1/marketplace/categories", [401, 403, 403, 403, 201]),
    row("GET", "/api/v1/marketplace/categories/stats", OPEN),
    row(
        "GET",
        "/api/v1/marketplace/agents/{id}/stats",
        [401, 403, 403, 200, 200],
    ),
    row(
        "POST",
        "/api/v1/marketplace/agents/{id}/events",
        [401, 202, 404, 404, 404],
    ),
    row("POST", "/api/v1/knowledge/content", [401, 201, 201, 201, 201]),
    row("GET", "/api/v1/knowledge/content", [401, 200, 200, 200, 200]),
    row("GET", "/api/v1/knowledge/content/{id}", [401, 200, 404, 404, 404]),
    row("PUT", "/api/v1/knowledge/content/{id}", [401, 200, 404, 404, 404]),
    row("DELETE", "/api/v1/knowledge/content/{id}", [401, 204, 404, 404, 404]),
    row("POST", "/api/v1/knowledge/search", [401, 200, 200, 200, 200]),
    row("POST", "/api/v1/batch", OPEN),
    row("GET", "/api/v1/admin/queries", [401, 403, 403, 403, 200]),
    // What it is asked for is no fingerprint.
    row("GET", "/api/v1/admin/queries/{id}/plan", [401, 403, 403, 403, 404]),
    row("GET", "/api/v1/admin/advice", [401, 403, 403, 403, 200]),
    row("GET", "/livez", OPEN),
    row("GET", "/readyz", OPEN),
    row("GET", "/health", OPEN),
    row("GET", "/metrics", OPEN),
    row("GET", "/openapi.json", OPEN),
    row("GET", "/docs", OPEN),
    row("GET", "/monitoring", OPEN),
    row("GET", "/", [302; 5]),
];

#[test]
fn the_table_has_a_row_for_every_operation_and_no_other() {
    let mut documented: Vec<String> = described::operations()
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    let mut listed: Vec<String> = TABLE.iter().map(|row| format!("{} {}", row.method, row.path)).collect();
    documented.sort();
    listed.sort();
    assert_eq!(documented, listed);
}

on_both_databases! {
    fn every_operation_answers_each_caller_as_the_table_says(database: &TestDatabase) {
        let server = TestServer::start(database);
        for row in &TABLE {
            for (caller, status) in CALLERS.into_iter().zip(row.statuses) {
                // A second server of the process has no metrics of its own.
                if row.path == "/metrics" {
                    let found = server.get("/metrics").by_anybody(caller).send().status;
                    assert!(found == 200 || found == 404, "/metrics: {found}");
                    continue;
                }
                let reply = asked(&server, row, caller);
                assert_eq!(reply.status, status, "{caller:?}: {reply}");
                if reply.status >= 400 {
                    reply.any_problem();
                }
            }
        }
    }

    fn tokens_that_are_no_good_are_refused_wherever_a_token_counts(database: &TestDatabase) {
        let server = TestServer::start(database);
        let agent = server.agent();
        let good = User::Ada.token();
        let parts: Vec<&str> = good.split('.').collect();
        let caller = aios_domain::Caller {
            id: aios_domain::UserId(User::Ada.id()),
            email: None,
            role: aios_domain::Role::Admin,
        };
        let expired = aios_api::sign_token(SECRET.as_bytes(), &caller, 1_000_000_000).unwrap();
        let foreign = aios_api::sign_token(b"the secret of somebody else entirely", &caller, 4_102_444_800).unwrap();
        // {"alg":"none","typ":"JWT"}
        let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", parts[1]);
        let headers = [
            format!("Bearer {expired}"),
            format!("Bearer {foreign}"),
            format!("Bearer {unsigned}"),
            format!("Bearer {}.{}.{}", parts[0], parts[1], parts[2].chars().rev().collect::<String>()),
            format!("Bearer {}.{}", parts[0], parts[1]),
            "Bearer".to_owned(),
            "Bearer ".to_owned(),
            "Bearer not-a-token".to_owned(),
            format!("Basic {good}"),
            good.clone(),
        ];
        for header in headers {
            for path in ["marketplace/my-agents".to_owned(), format!("marketplace/agents/{agent}")] {
                let reply = server.get(&path).header("Authorization", &header).send();
                reply.problem(401, "unauthenticated");
            }
        }
        server.get("marketplace/my-agents").header("authorization", &format!("bearer {good}")).send().expect(200);
    }
}

/// The answer to one caller, each time about things that nobody else in the table has touched.
fn asked(server: &TestServer, row: &Row, caller: Option<User>) -> crate::harness::Reply {
    let path = if row.path.contains("/knowledge/") {
        let body = knowledge();
        let entry = server
            .post("knowledge/content", &body)
            .by(User::Bea)
            .send()
            .expect(201)
            .json();
        row.path.replace("{id}", &text(&entry["id"]))
    } else if row.path.contains("{id}") {
        let agent = server.agent();
        server.install(&agent, User::Bea);
        row.path.replace("{id}", &agent)
    } else {
        row.path.to_owned()
    };
    let ask = server.ask(row.method, &path).by_anybody(caller);
    match body_of(row) {
        Some(body) => ask.json(&body).send(),
        None => ask.send(),
    }
}

fn body_of(row: &Row) -> Option<Value> {
    let end = row.path.rsplit('/').next().unwrap();
    match (row.method, end) {
        ("POST", "agents") => Some(json!({ "name": "New", "description": "Does something." })),
        ("POST", "search") => Some(json!({ "query": "something" })),
        ("POST", "batch") => Some(json!({
            "requests": [{ "id": "a", "method": "GET", "path": "/api/v1/marketplace/my-agents" }]
        })),
        ("PATCH", _) => Some(json!({ "version": "1.0.1" })),
        ("POST", "reviews") => Some(json!({ "rating": 4 })),
        ("POST", "categories") => Some(json!({ "name": "security", "display_name": "Security" })),
        ("POST", "events") => Some(json!({ "event_type": "run" })),
        ("POST" | "PUT", _) if row.path.contains("/knowledge/") => Some(knowledge()),
        _ => None,
    }
}

fn knowledge() -> Value {
    json!({ "title": "T", "source": "a test", "content_type": "note", "text_content": "Something." })
}
