//! Agents over HTTP: their exact shape, edits that don't overwrite each other, pages and what leads to them.

use aios_test_support::{TestDatabase, on_both_databases};
use serde_json::{Value, json};

use crate::harness::{TestServer, User, members, text};

const SUMMARY: [&str; 16] = [
    "capabilities",
    "category",
    "created_at",
    "description",
    "icon_url",
    "id",
    "install_count",
    "is_featured",
    "is_verified",
    "name",
    "price",
    "pricing_model",
    "rating_average",
    "rating_count",
    "tags",
    "version",
];

on_both_databases! {
    fn an_agent_has_the_fields_of_the_contract_and_no_other(database: &TestDatabase) {
        let server = TestServer::start(database);
        let made = server.publish(&json!({ "category": "content", "tags": ["A b", "a-b", "c"], "price": 9.99,
            "pricing_model": "paid", "icon_url": "https://example.org/i.png" }));
        let id = text(&made["id"]);
        let reply = server.get(&format!("marketplace/agents/{id}")).send().expect(200);
        let agent = reply.json();
        let mut names: Vec<&str> = SUMMARY.to_vec();
        names.extend([
            "agent_type", "author_id", "configuration_schema", "is_active", "license", "published_at", "repository_url",
            "requirements", "updated_at", "user_installed", "user_rating", "view_count",
        ]);
        names.sort_unstable();
        assert_eq!(members(&agent), names);
        assert_eq!(agent["tags"], json!(["a-b", "c"]));
        assert_eq!((&agent["price"], &agent["license"], &agent["user_installed"]), (&json!(9.99), &Value::Null, &Value::Null));
        assert_eq!(agent["created_at"], "2026-01-31T12:00:00Z");
        assert_eq!(agent["author_id"], User::Ada.id().to_string());

        server.install(&id, User::Bea);
        server.review(&id, User::Bea, 4);
        let as_bea = server.get(&format!("marketplace/agents/{id}")).by(User::Bea).send().json();
        assert_eq!((&as_bea["user_installed"], &as_bea["user_rating"]), (&json!(true), &json!(4)));
        assert_eq!((&as_bea["install_count"], &as_bea["rating_average"]), (&json!(1), &json!(4.0)));
        let as_cay = server.get(&format!("marketplace/agents/{id}")).by(User::Cay).send().json();
        assert_eq!((&as_cay["user_installed"], &as_cay["user_rating"]), (&json!(false), &Value::Null));

        let listed = server.get("marketplace/agents").send().json();
        assert_eq!(members(&listed), ["agents", "limit", "next_cursor", "page", "pages", "prev_cursor", "total"]);
        assert_eq!(members(&listed["agents"][0]), SUMMARY);
        let some = server.get("marketplace/agents?fields=name,icon_url,category").send().json();
        assert_eq!(members(&some["agents"][0]), ["category", "icon_url", "name"]);
    }

    fn an_edit_is_guarded_by_its_etag(database: &TestDatabase) {
        let server = TestServer::start(database);
        let path = format!("marketplace/agents/{}", server.agent());
        let tag = server.get(&path).send().header("etag").unwrap().to_owned();
        let edit = |tag: &str, version: &str| {
            server.patch(&path, &json!({ "version": version })).by(User::Ada).header("If-Match", tag).send()
        };
        server.install(path.rsplit('/').next().unwrap(), User::Bea);
        edit(&tag, "1.1.0").expect(200);
        edit(&tag, "1.2.0").problem(412, "precondition-failed");
        edit("\"nonsense\"", "1.2.0").problem(412, "precondition-failed");
        edit("*", "1.2.0").expect(200);
        let version = server.get(&path).send().json()["version"].clone();
        assert_eq!(version, "1.2.0");
        let price = server.patch(&path, &json!({ "price": 5 })).by(User::Ada).send();
        assert_eq!(price.invalid_fields(), ["price"]);
        server.patch(&path, &json!({ "is_verified": true })).by(User::Ada).send().problem(403, "forbidden");
        let verified = server.patch(&path, &json!({ "is_verified": true })).by(User::Admin).send().expect(200).json();
        assert_eq!(verified["is_verified"], true);
    }

    fn a_withdrawn_agent_is_gone_from_everywhere_but_its_installations(database: &TestDatabase) {
        let server = TestServer::start(database);
        let id = server.agent();
        server.install(&id, User::Bea);
        let path = format!("marketplace/agents/{id}");
        server.delete(&path).by(User::Ada).send().expect(204);
        server.get(&path).send().problem(404, "not-found");
        server.get(&format!("{path}/reviews")).send().problem(404, "not-found");
        server.delete(&path).by(User::Ada).send().problem(404, "not-found");
        assert_eq!(server.get("marketplace/agents").send().json()["total"], 0);
        let mine = server.get("marketplace/my-agents").by(User::Bea).send().json();
        assert_eq!((&mine["total"], &mine["installations"][0]["agent"]["is_active"]), (&json!(1), &json!(false)));
        let gone = server.delete(&format!("{path}/install")).by(User::Bea).send().expect(200).json();
        assert_eq!(gone["message"], "Agent uninstalled successfully");
    }

    fn pages_lead_to_each_other_by_cursor_link_and_number(database: &TestDatabase) {
        let server = TestServer::start(database);
        for place in 0..7 {
            server.publish(&json!({ "name": format!("Agent {place}") }));
        }
        for sort in ["popular", "installs", "recent", "rating", "name", "trending"] {
            let whole = server.get(&format!("marketplace/agents?sort={sort}&limit=100")).send().json();
            let ids = |list: &Value| -> Vec<String> { list["agents"].as_array().unwrap().iter().map(|a| text(&a["id"])).collect() };
            let all = ids(&whole);
            assert_eq!(all.len(), 7);
            // Forward by link of a numbered page, then by cursor; backward by cursor to the first page again.
            let first = server.get(&format!("marketplace/agents?sort={sort}&limit=3")).send();
            assert!(first.link("prev").is_none() && first.link("last").unwrap().contains("page=3"));
            let second = server.get(&first.link("next").unwrap()).send().json();
            assert_eq!((&second["page"], &second["pages"]), (&json!(2), &json!(3)));
            assert_eq!(ids(&second), all[3..6], "{sort}");
            let cursor = |list: &Value, name: &str| format!("marketplace/agents?sort={sort}&limit=3&cursor={}", text(&list[name]));
            let third = server.get(&cursor(&second, "next_cursor")).send();
            assert_eq!(ids(&third.json()), all[6..], "{sort}");
            assert_eq!((&third.json()["page"], &third.json()["next_cursor"]), (&Value::Null, &Value::Null));
            let back = server.get(&third.link("prev").unwrap()).send().json();
            assert_eq!(ids(&back), all[3..6], "{sort}");
            let start = server.get(&cursor(&back, "prev_cursor")).send().json();
            assert_eq!((ids(&start), &start["prev_cursor"]), (all[..3].to_vec(), &Value::Null), "{sort}");
        }
        let by_name = server.get("marketplace/agents?sort=name&limit=2").send().json();
        let foreign = format!("marketplace/agents?sort=recent&cursor={}", text(&by_name["next_cursor"]));
        server.get(&foreign).send().problem(400, "invalid-cursor");
        let filtered = format!("marketplace/agents?sort=name&category=content&cursor={}", text(&by_name["next_cursor"]));
        server.get(&filtered).send().problem(400, "invalid-cursor");
        let mut ids: Vec<String> = by_name["agents"].as_array().unwrap().iter().map(|a| text(&a["id"])).collect();
        ids.reverse();
        let picked = server.get(&format!("marketplace/agents?ids={}", ids.join(","))).send().json();
        let order: Vec<String> = picked["agents"].as_array().unwrap().iter().map(|a| text(&a["id"])).collect();
        assert_eq!(order, ids);
    }
}
