//! Several requests in one: each part is answered as if it came alone, and nothing gets through that would not alone.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use aios_test_support::{TestDatabase, block_on, on_both_databases};
use serde_json::{Value, json};

use crate::harness::{Reply, TestServer, User, members, text};

/// A batch of `GET`s, named after their places.
fn gets(paths: &[&str]) -> Value {
    let parts = paths.iter().enumerate();
    parts
        .map(|(place, path)| json!({ "id": place.to_string(), "method": "GET", "path": path }))
        .collect()
}

fn ask(server: &TestServer, user: Option<User>, parts: &Value) -> Reply {
    let body = json!({ "requests": parts });
    server.post("batch", &body).by_anybody(user).send()
}

/// The answers of a batch.
fn answers(server: &TestServer, user: Option<User>, parts: &Value) -> Vec<Value> {
    let reply = ask(server, user, parts).expect(200);
    assert_eq!(reply.header("cache-control"), Some("private, no-store"));
    let answers = reply.json()["responses"].as_array().unwrap().clone();
    let ids = |parts: &Value| -> Vec<Value> {
        parts
            .as_array()
            .unwrap()
            .iter()
            .map(|part| part["id"].clone())
            .collect()
    };
    assert_eq!(ids(&json!(answers)), ids(parts), "the answers come in the order asked");
    answers
}

fn statuses(answers: &[Value]) -> Vec<u64> {
    answers
        .iter()
        .map(|answer| answer["status"].as_u64().unwrap())
        .collect()
}

/// What a part says, without what differs from one answer to the next.
fn told(body: &Value) -> Value {
    let mut body = body.clone();
    if let Some(members) = body.as_object_mut() {
        members.remove("view_count");
    }
    body
}

on_both_databases! {
    fn parts_are_counted_under_their_own_routes(database: &TestDatabase) {
        let server = TestServer::start(database);
        let of_part = r#"method="GET",route="/api/v1/marketplace/categories",status="200""#;
        let of_batch = r#"method="POST",route="/api/v1/batch",status="200""#;
        let Some(parts) = server.counted(of_part) else { return };
        let batches = server.counted(of_batch).unwrap();
        let paths: Vec<String> = (0..3).map(|number| format!("/api/v1/marketplace/categories?{number}")).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        answers(&server, None, &gets(&paths));
        // Tests of this process share the recorder.
        assert!(server.counted(of_part).unwrap() >= parts + 3);
        assert!(server.counted(of_batch).unwrap() > batches);
    }

    fn parts_are_answered_as_if_they_came_alone(database: &TestDatabase) {
        let server = TestServer::start(database);
        let agent = server.agent();
        server.review(&agent, User::Bea, 4);
        let paths = [
            "/api/v1/marketplace/stats".to_owned(),
            "/api/v1/marketplace/agents?limit=1&sort=name".to_owned(),
            format!("/api/v1/marketplace/agents/{agent}"),
            format!("/api/v1/marketplace/agents/{agent}/reviews"),
            "/api/v1/marketplace/categories".to_owned(),
            "/api/v1/marketplace/my-agents".to_owned(),
            "/api/v1/knowledge/content".to_owned(),
            "/api/v1/marketplace/agents?limit=0".to_owned(),
            "/api/v1/marketplace/agents?cursor=x".to_owned(),
            "/api/v1/nothing".to_owned(),
        ];
        let parts = gets(&paths.iter().map(String::as_str).collect::<Vec<_>>());
        for user in [None, Some(User::Bea)] {
            for (path, answer) in paths.iter().zip(answers(&server, user, &parts)) {
                let alone = server.get(path).by_anybody(user).send();
                assert_eq!(answer["status"], alone.status, "{path}");
                assert_eq!(told(&answer["body"]), told(&alone.json()), "{path}");
                let names = alone.headers.keys().map(ureq::http::HeaderName::as_str);
                let mut names: Vec<&str> = names.filter(|name| !matches!(*name, "content-length" | "date")).collect();
                names.sort_unstable();
                names.dedup();
                assert_eq!(members(&answer["headers"]), names, "{path}");
                for name in ["content-type", "cache-control", "link", "etag", "www-authenticate"] {
                    assert_eq!(answer["headers"][name].as_str(), alone.header(name), "{path}: {name}");
                }
            }
        }
    }

    fn searches_may_be_parts_too(database: &TestDatabase) {
        let server = TestServer::start(database);
        server.agent();
        let entry = json!({ "title": "Refunds", "source": "handbook", "content_type": "article", "text_content": "Kindly." });
        server.post("knowledge/content", &entry).by(User::Bea).send().expect(201);
        let search = |id: &str, path: &str, query: &str| {
            json!({ "id": id, "method": "POST", "path": path, "body": { "query": query } })
        };
        let parts = json!([
            search("agents", "/api/v1/marketplace/agents/search", "plain"),
            search("texts", "/api/v1/knowledge/search", "refunds"),
            { "id": "none", "method": "POST", "path": "/api/v1/knowledge/search" },
            { "id": "type", "method": "POST", "path": "/api/v1/knowledge/search", "headers": { "Content-Type": "text/plain" }, "body": {} },
            { "id": "bad", "method": "POST", "path": "/api/v1/knowledge/search", "body": [1] },
        ]);
        let answers = answers(&server, Some(User::Bea), &parts);
        assert_eq!(statuses(&answers), [200, 200, 415, 415, 422]);
        assert_eq!(answers[0]["body"]["total"], 1);
        assert_eq!(answers[1]["body"][0]["title"], "Refunds");
    }

    fn each_part_is_its_own_callers(database: &TestDatabase) {
        let server = TestServer::start(database);
        let agent = server.agent();
        server.install(&agent, User::Bea);
        server.review(&agent, User::Bea, 5);
        let path = format!("/api/v1/marketplace/agents/{agent}");
        let part = |id: &str, path: &str, user: User| {
            let token = format!("Bearer {}", user.token());
            json!({ "id": id, "method": "GET", "path": path, "headers": { "authorization": token } })
        };
        let nobodys = |id: &str, path: &str| json!({ "id": id, "method": "GET", "path": path });
        let mine = "/api/v1/marketplace/my-agents";
        let parts = json!([
            part("a", &path, User::Bea), part("b", &path, User::Cay), nobodys("c", &path),
            part("d", mine, User::Bea), part("e", mine, User::Cay), nobodys("f", mine),
            { "id": "g", "method": "GET", "path": mine, "headers": { "Authorization": "Bearer x" } },
        ]);
        for _ in 0..2 {
            let told = answers(&server, None, &parts);
            assert_eq!(statuses(&told), [200, 200, 200, 200, 200, 401, 401]);
            let standing = |place: usize| (&told[place]["body"]["user_installed"], &told[place]["body"]["user_rating"]);
            assert_eq!(standing(0), (&json!(true), &json!(5)));
            assert_eq!(standing(1), (&json!(false), &Value::Null));
            assert_eq!(standing(2), (&Value::Null, &Value::Null));
            assert_eq!((&told[3]["body"]["total"], &told[4]["body"]["total"]), (&json!(1), &json!(0)));
            assert_eq!(told[5]["headers"]["www-authenticate"], "Bearer");
        }
        // The batch's token holds for the parts that bring none, and for no others.
        let told = answers(&server, Some(User::Bea), &parts);
        assert_eq!(statuses(&told), [200, 200, 200, 200, 200, 200, 401]);
        assert_eq!(told[2]["body"]["user_installed"], true);
        assert_eq!((&told[4]["body"]["total"], &told[5]["body"]["total"]), (&json!(0), &json!(1)));
    }

    fn equal_parts_are_asked_once(database: &TestDatabase) {
        let server = TestServer::start_with(database, |args| args.cache.cache_enabled = false);
        let path = format!("/api/v1/marketplace/agents/{}", server.agent());
        let counted = |parts: &Value| {
            let before = server.marketplace.database().statement_count();
            let told = answers(&server, None, parts);
            (server.marketplace.database().statement_count() - before, told)
        };
        let (statements, told) = counted(&gets(&vec![path.as_str(); 50]));
        assert_eq!(statements, 1);
        assert!(told.iter().all(|answer| answer["status"] == 200 && answer["body"] == told[0]["body"]));
        let categories = "/api/v1/marketplace/categories";
        let named = |id: &str, name: &str, value: &str| json!({ "id": id, "method": "GET", "path": categories, "headers": { name: value } });
        let parts = json!([named("a", "Accept", "*/*"), named("b", "accept", "*/*"), named("c", "Accept", "text/html")]);
        assert_eq!(counted(&parts).0, 2, "names of headers are the same in any case, values are not");
    }

    fn parts_that_may_not_be_asked_fail_alone(database: &TestDatabase) {
        let server = TestServer::start(database);
        let agent = format!("/api/v1/marketplace/agents/{}", server.agent());
        let part = |method: &str, path: &str| json!({ "method": method, "path": path });
        let with = |name: &str, value: &str| json!({ "method": "GET", "path": agent, "headers": { name: value } });
        let bad = [
            (400, part("POST", "/api/v1/batch")), (400, part("GET", "/api/v1/batch")), (400, part("POST", "/api/v1/b%61tch")),
            (404, part("GET", "/api/v1/Batch")), (400, part("GET", "/metrics")), (400, part("GET", "/api/v1/../../metrics")),
            (400, part("GET", "/api/v1/%2e%2e/%2e%2e/metrics")), (400, part("GET", "/api/v1//marketplace/stats")),
            (400, part("GET", "http://example.org/api/v1/marketplace/stats")), (400, part("GET", "//example.org/api/v1/x")),
            (400, part("GET", "/api/v1/marketplace/stats#x")), (400, part("GET", "/api/v1/marketplace/agents?a=b c")),
            (400, part("GET", "")), (400, with("Host", "example.org")), (400, with("X-Forwarded-For", "192.0.2.1")),
            (400, with("Content-Length", "5")), (400, with("Transfer-Encoding", "chunked")), (400, with("Accept-Encoding", "br")),
            (400, with("X-HTTP-Method-Override", "DELETE")), (400, with("Accept", "a\r\nb")), (400, with("Acc ept", "a")),
            (400, json!({ "method": "GET", "path": agent, "body": {} })),
            (400, json!({ "method": "GET", "path": agent, "headers": { "accept": "a", "Accept": "a" } })),
            (405, part("DELETE", &agent)), (405, part("PATCH", &agent)), (405, part("HEAD", &agent)), (405, part("get", &agent)),
            (405, part("POST", "/api/v1/marketplace/agents")), (405, part("TRACE", &agent)), (405, part("", &agent)),
            (404, part("GET", "/api/v1/nothing")),
        ];
        let mut parts: Vec<Value> = bad.iter().map(|(_, part)| part.clone()).collect();
        parts.push(part("GET", &agent));
        for (place, part) in parts.iter_mut().enumerate() {
            part["id"] = json!(place.to_string());
        }
        let told = answers(&server, Some(User::Ada), &json!(parts));
        for ((status, part), answer) in bad.iter().zip(&told) {
            assert_eq!(answer["status"], *status, "{part}: {answer}");
            assert_eq!(answer["headers"]["content-type"], "application/problem+json", "{part}");
            assert_eq!(answer["headers"]["cache-control"], "no-store", "{part}");
            assert_eq!(answer["body"]["status"], *status, "{part}");
            assert!(!text(&answer["headers"]["x-request-id"]).is_empty(), "{part}");
            assert_eq!(answer["headers"]["allow"].is_string(), *status == 405, "{part}");
        }
        assert_eq!(told.last().unwrap()["status"], 200, "the last one is good");
        server.get(&agent).send().expect(200);
    }

    fn batches_are_bounded_and_their_parts_told_apart(database: &TestDatabase) {
        let server = TestServer::start(database);
        let stats = "/api/v1/marketplace/stats";
        let refused = |parts: &Value| ask(&server, None, parts).invalid_fields();
        assert_eq!(refused(&json!([])), ["requests"]);
        assert_eq!(refused(&gets(&[stats; 51])), ["requests"]);
        assert_eq!(answers(&server, None, &gets(&[stats; 50])).len(), 50);
        let named = |ids: &[&str]| -> Value {
            ids.iter().map(|id| json!({ "id": id, "method": "GET", "path": stats })).collect()
        };
        let long = "ü".repeat(65);
        assert_eq!(refused(&named(&["a", "b", "a"])), ["requests[2].id"]);
        assert_eq!(refused(&named(&["", &long])), ["requests[0].id", "requests[1].id"]);
        assert_eq!(answers(&server, None, &named(&["A", "a", &long[2..]])).len(), 3);
        assert_eq!(refused(&json!([{ "id": 1, "method": "GET", "path": stats }])), ["requests[0].id"]);
        assert_eq!(refused(&json!([{ "id": "a", "path": stats }])), ["requests[0]"]);
        server.post("batch", &json!({})).send().problem(422, "invalid");
        server.ask("POST", "batch").header("Content-Type", "application/json").body("{").send().problem(400, "malformed");
        server.ask("POST", "batch").body("{}").send().problem(415, "unsupported-media-type");
        server.get("batch").send().problem(405, "method-not-allowed");
        let large = json!([{ "id": "a", "method": "GET", "path": format!("/api/v1/{}", "a".repeat(1 << 20)) }]);
        ask(&server, None, &large).problem(413, "payload-too-large");
    }

    fn answers_beyond_8_mib_together_are_refused_and_the_others_are_not(database: &TestDatabase) {
        let server = TestServer::start(database);
        let long = json!({
            "title": "Long", "source": "a test", "content_type": "note", "text_content": format!("{}!", "üüüü ".repeat(99_999)),
        });
        let id = text(&server.post("knowledge/content", &long).by(User::Bea).send().expect(201).json()["id"]);
        let path = format!("/api/v1/knowledge/content/{id}");
        let mut paths = vec![path.as_str(); 10];
        paths.push("/api/v1/knowledge/content?tag=none");
        let told = answers(&server, Some(User::Bea), &gets(&paths));
        assert_eq!(statuses(&told), [200, 200, 200, 200, 200, 200, 200, 200, 200, 413, 200]);
        assert_eq!(told[9]["body"]["type"], "/docs#problem-payload-too-large");
        assert_eq!(told[8]["body"]["text_content"], long["text_content"]);
    }

    fn parts_are_named_after_their_batch(database: &TestDatabase) {
        let server = TestServer::start(database);
        let mut parts = gets(&["/api/v1/marketplace/stats", "/api/v1/marketplace/stats", "/api/v1/nothing", "/metrics", "/api/v1/x"]);
        parts[4]["headers"] = json!({ "X-Request-Id": "mine" });
        let body = json!({ "requests": parts });
        let reply = server.post("batch", &body).header("X-Request-Id", "b-1").send().expect(200);
        let told = reply.json();
        let names: Vec<&str> = (0..5).map(|place| told["responses"][place]["headers"]["x-request-id"].as_str().unwrap()).collect();
        assert_eq!(names, ["b-1.1", "b-1.1", "b-1.2", "b-1", "mine"]);
        assert_eq!(reply.header("x-request-id"), Some("b-1"));
    }

    fn a_part_that_takes_too_long_fails_alone(database: &TestDatabase) {
        let server = TestServer::start_with(database, |args| {
            args.request_timeout = Duration::from_secs(2);
            args.pool.database_pool_size = 1;
            args.pool.database_max_overflow = 0;
        });
        let agent = format!("/api/v1/marketplace/agents/{}", server.agent());
        server.get(&agent).send().expect(200);
        // Somebody holds the connections that read until the test lets go.
        let (held, is_held) = mpsc::channel();
        let (let_go, may_go) = mpsc::channel::<()>();
        let may_go = std::sync::Arc::new(std::sync::Mutex::new(may_go));
        let holders: Vec<_> = (0..2)
            .map(|_| {
                let (marketplace, held, may_go) = (server.marketplace.clone(), held.clone(), may_go.clone());
                thread::spawn(move || {
                    block_on(marketplace.database().read(move |_connection| {
                        let _ = held.send(());
                        let _ = may_go.lock().unwrap().recv();
                        Ok(())
                    }))
                })
            })
            .collect();
        drop(held);
        // PostgreSQL has one connection here, SQLite two that read.
        is_held.recv().unwrap();
        if database.kind() == aios_db::DatabaseKind::Sqlite {
            is_held.recv().unwrap();
        }
        let told = answers(&server, None, &gets(&[&agent, "/api/v1/marketplace/agents?search=unheard", &agent]));
        assert_eq!(statuses(&told), [200, 503, 200]);
        assert_eq!(told[1]["body"]["type"], "/docs#problem-timeout");
        drop(let_go);
        for holder in holders {
            holder.join().unwrap().unwrap();
        }
    }
}
