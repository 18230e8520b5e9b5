//! What admins see of the database's work.

use std::process::Command;
use std::time::Duration;

use aios_test_support::{TestDatabase, block_on, on_both_databases};
use serde_json::{Value, json};

use crate::harness::{TestServer, User, text};

fn report(server: &TestServer) -> Value {
    server.get("admin/queries").by(User::Admin).send().expect(200).json()
}

/// The one member of the list whose member has this in it.
fn with<'a>(list: &'a Value, member: &str, part: &str) -> &'a Value {
    let list = list.as_array().unwrap();
    let mut found = list
        .iter()
        .filter(|item| item[member].as_str().is_some_and(|text| text.contains(part)));
    found.next().unwrap_or_else(|| panic!("{part} in {list:#?}"))
}

on_both_databases! {
    fn every_route_has_its_statements_with_lines_and_rows(database: &TestDatabase) {
        let server = TestServer::start(database);
        let agent = server.agent();
        server.get(&format!("marketplace/agents/{agent}/reviews")).send().expect(200);
        let told = report(&server);
        let route = with(&told["routes"], "route", "GET /api/v1/marketplace/agents/{id}/reviews");
        assert_eq!(route["requests"], 1, "{route:#}");
        let statement = with(&route["slowest"]["statements"], "sql", "agent_reviews");
        assert!(text(&statement["call_site"]).contains("store/reviews.rs:"), "{statement:#}");
        let query = with(&told["queries"], "fingerprint", &text(&statement["fingerprint"]));
        assert!(query["calls"].as_u64() >= Some(1) && query["rows"].is_u64(), "{query:#}");
        let times = &route["slowest"]["times"];
        assert!(times["database_ms"].as_f64().unwrap() > 0.0, "{times}");
        // The path itself is in nobody's figures.
        assert!(!told.to_string().contains(&agent));
        let relay = with(&told["routes"], "route", "relay of invalidations");
        assert!(relay["requests"].as_u64() >= Some(1));
    }

    fn parts_of_a_batch_are_requests_of_their_own(database: &TestDatabase) {
        let server = TestServer::start(database);
        let parts: Vec<Value> = (1..=8)
            .map(|number| json!({ "id": number.to_string(), "method": "GET", "path": format!("/api/v1/marketplace/agents?limit={number}") }))
            .collect();
        server.post("batch", &json!({ "requests": parts })).send().expect(200);
        let told = report(&server);
        let route = with(&told["routes"], "route", "GET /api/v1/marketplace/agents");
        assert_eq!(route["requests"], 8, "{route:#}");
        // Eight pages of other lengths are eight requests, and no query a row.
        assert_eq!(told["repeats"].as_array().unwrap().iter().filter(|repeat| repeat["kind"] == "n_plus_one").count(), 0);
    }

    fn slow_statements_show_their_plans_to_admins_and_no_values_to_logs(database: &TestDatabase) {
        let server = TestServer::start_with(database, |args| args.profile.slow_statement_threshold = Duration::ZERO);
        server.get("marketplace/agents?limit=7").send().expect(200);
        let told = report(&server);
        let query = with(&told["queries"], "sql", "marketplace_agents");
        let fingerprint = text(&query["fingerprint"]);
        let plan = server.get(&format!("admin/queries/{fingerprint}/plan")).by(User::Admin).send().expect(200).json();
        assert!(text(&plan["plan"]).contains("marketplace_agents"), "{plan:#}");
        // Plans are asked for one after the other: those of the slow ones were asked for before.
        let told = report(&server);
        let slowest = &with(&told["queries"], "fingerprint", &fingerprint)["slowest"];
        assert!(slowest["plan"].is_string() && slowest["took_ms"].is_f64(), "{slowest:#}");
        server.get("admin/queries/0000000000000001/plan").by(User::Admin).send().problem(404, "not-found");
        let refused = server.get(&format!("admin/queries/{fingerprint}/plan?analyze=maybe")).by(User::Admin).send();
        refused.problem(422, "invalid");
    }

    fn admins_get_advice_from_the_route_and_the_command_line(database: &TestDatabase) {
        let server = TestServer::start(database);
        let double = "CREATE INDEX idx_twice ON agent_reviews (agent_id, created_at DESC, id DESC)";
        aios_db::recording::execute(&mut database.connection(), double).unwrap();
        server.get("marketplace/agents?limit=7").send().expect(200);
        let answer = server.get("admin/advice").by(User::Admin).send().expect(200);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let told = answer.json();
        assert!(told["statements"].as_u64() > Some(0), "{told:#}");
        let redundant = with(&told["advice"], "subject", "idx_twice");
        assert_eq!(redundant["kind"], "redundant_index");
        assert!(text(&redundant["sql"][0]).starts_with("DROP INDEX"), "{redundant:#}");
        server.get("admin/advice").by(User::Ada).send().problem(403, "forbidden");
        let address = format!("http://{}", server.address());
        let url = match database.url().path() {
            Some(path) => format!("sqlite://{}", path.display()),
            // Another database of the same server, with no table in it.
            None => std::env::var("AIOS_TEST_POSTGRES_URL").unwrap(),
        };
        for arguments in [&["--server", &address][..], &[]] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_aios"));
            command.arg("advise").args(arguments).env("TOKEN", User::Admin.token()).env("DATABASE_URL", &url);
            let shown = command.output().unwrap();
            let printed = String::from_utf8_lossy(&shown.stdout);
            let is_there = database.url().path().is_some() || !arguments.is_empty();
            assert!(shown.status.success() && printed.contains("redundant index: idx_twice") == is_there, "{shown:?}");
            assert_eq!(printed.contains("--statements FILE"), arguments.is_empty(), "{printed}");
        }
        let mut stranger = Command::new(env!("CARGO_BIN_EXE_aios"));
        stranger.args(["advise", "--server", &address]).env("TOKEN", "none");
        assert!(!stranger.output().unwrap().status.success());
    }

    fn the_monitoring_page_holds_nothing_and_runs_nothing_else(database: &TestDatabase) {
        let server = TestServer::start(database);
        let page = server.get("/monitoring").send().expect(200);
        let policy = page.header("content-security-policy").unwrap().to_owned();
        assert!(policy.contains("default-src 'none'") && policy.contains("connect-src 'self'") && !policy.contains("unsafe"), "{policy}");
        assert!(page.header("content-type").unwrap().starts_with("text/html"));
    }

    fn a_request_that_runs_a_query_a_row_fails_under_test(database: &TestDatabase) {
        let server = TestServer::start(database);
        let database = server.marketplace.database().clone();
        let rows = block_on(database.write(|c| {
            for number in 0..6 {
                insert(c, number)?;
            }
            Ok(())
        }));
        assert!(rows.is_err(), "the server of the tests panics on it");
        let told = report(&server);
        assert_eq!(with(&told["repeats"], "kind", "n_plus_one")["most"], 6);
    }

    fn the_command_line_explains_in_the_database_and_by_way_of_a_server(database: &TestDatabase) {
        let server = TestServer::start(database);
        let url = match database.url().path() {
            Some(path) => format!("sqlite://{}", path.display()),
            None => std::env::var("AIOS_TEST_POSTGRES_URL").unwrap(),
        };
        let explain = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_aios"));
            command.arg("explain").args(arguments).env("TOKEN", User::Admin.token()).env("DATABASE_URL", &url);
            command.output().unwrap()
        };
        let shown = explain(&["SELECT 1 AS one"]);
        assert!(shown.status.success() && !shown.stdout.is_empty(), "{shown:?}");
        let refused = explain(&["nonsense"]);
        assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("aios: "), "{refused:?}");
        server.get("marketplace/agents?limit=7").send().expect(200);
        let told = report(&server);
        let fingerprint = text(&with(&told["queries"], "sql", "marketplace_agents")["fingerprint"]);
        let address = format!("http://{}", server.address());
        let shown = explain(&["--fingerprint", &fingerprint, "--server", &address]);
        assert!(String::from_utf8_lossy(&shown.stdout).contains("marketplace_agents"), "{shown:?}");
        let unknown = explain(&["--fingerprint", "0000000000000001", "--server", &address]);
        assert!(String::from_utf8_lossy(&unknown.stderr).contains("Query not found"), "{unknown:?}");
    }
}

/// One row for each call, with values that differ.
fn insert(connection: &mut aios_db::AnyConnection, number: usize) -> aios_db::DbResult<()> {
    let id = aios_db::store::outbox::InvalidationId::new();
    let now = "2026-01-31T12:00:00Z".parse().unwrap();
    aios_db::store::outbox::invalidation_insert(connection, id, &[format!("agent:{number}")], now)
}
