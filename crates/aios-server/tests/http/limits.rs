//! What is refused, and how: every bad input is a problem document, none a 500.

use std::time::Duration;

use aios_test_support::{TestDatabase, on_both_databases};
use serde_json::json;

use crate::harness::{TestServer, User};

on_both_databases! {
    fn bodies_are_bounded_and_json_alone(database: &TestDatabase) {
        let server = TestServer::start(database);
        let post = || server.ask("POST", "marketplace/agents/search");
        post().header("Content-Type", "application/json").body("{").send().problem(400, "malformed");
        post().header("Content-Type", "application/json").body("{} {}").send().problem(400, "malformed");
        post().header("Content-Type", "text/plain").body("{}").send().problem(415, "unsupported-media-type");
        post().header("Content-Type", "application/json; charset=latin1").body("{}").send().problem(415, "unsupported-media-type");
        let gzip = post().header("Content-Type", "application/json").header("Content-Encoding", "gzip").body("{}");
        gzip.send().problem(415, "unsupported-media-type");
        let large = format!("{{\"query\": \"{}\"}}", "x".repeat(1024 * 1024));
        post().header("Content-Type", "application/json").body(large).send().problem(413, "payload-too-large");
        let deep = format!("{{\"event_type\": \"run\", \"event_data\": {}{}}}", "[".repeat(500), "]".repeat(500));
        let event = server.ask("POST", &format!("marketplace/agents/{}/events", server.agent())).by(User::Bea);
        event.header("Content-Type", "application/json").body(deep).send().problem(400, "malformed");
        assert_eq!(post().json(&json!({ "limit": "many", "query": "x" })).send().invalid_fields(), ["limit"]);
        assert_eq!(post().json(&json!({ "page": 1, "cursor": "x" })).send().invalid_fields(), ["cursor"]);
    }

    fn parameters_are_bounded(database: &TestDatabase) {
        let server = TestServer::start(database);
        for (query, field) in [
            ("limit=0", "limit"), ("limit=101", "limit"), ("limit=-1", "limit"), ("limit=1e9", "limit"),
            ("page=0", "page"), ("page=99999999999999999999", "page"), ("page=1&cursor=x", "cursor"),
            ("min_rating=NaN", "min_rating"), ("min_rating=5.1", "min_rating"), ("min_rating=inf", "min_rating"),
            ("sort=best", "sort"), ("sort=relevance", "sort"), ("is_verified=maybe", "is_verified"),
            ("pricing_model=cheap", "pricing_model"), ("fields=id,secret", "fields"), ("count=all", "count"),
            ("ids=1", "ids"), ("category=A%20B", "category"), ("tags=c%2B%2B", "tags"), ("limit=1&limit=2", "limit"),
        ] {
            let reply = server.get(&format!("marketplace/agents?{query}")).send();
            assert_eq!(reply.invalid_fields(), [field], "{query}");
        }
        let many = vec![uuid::Uuid::nil().to_string(); 101].join(",");
        assert_eq!(server.get(&format!("marketplace/agents?ids={many}")).send().invalid_fields(), ["ids"]);
        server.get("marketplace/agents?unknown=%FF&limit=1&also=%00").send().expect(200);
        server.get("marketplace/agents?search=%00%FF%27%22").send().expect(200);
        server.get("marketplace/agents?page=1000000").send().expect(200);
        for cursor in ["x", "AQQA", "%00", "AQQAOZWHTYkfnEJ8pANYBUmSJEmSJBFACFUPWSga-1CvgtWd48xl_kXguB0MS21W_nojZXnpGbaB"] {
            server.get(&format!("marketplace/agents?cursor={cursor}")).send().problem(400, "invalid-cursor");
        }
        server.get(&format!("marketplace/agents?cursor={}", "A".repeat(5000))).send().problem(400, "invalid-cursor");
    }

    fn paths_and_methods_that_are_not_there_are_told_apart(database: &TestDatabase) {
        let server = TestServer::start(database);
        server.get("/api/v1/nothing").send().problem(404, "not-found");
        server.get("marketplace/agents/not-an-id").send().problem(404, "not-found");
        let wrong = server.delete("marketplace/agents").send();
        wrong.problem(405, "method-not-allowed");
        assert_eq!(wrong.header("allow"), Some("GET, HEAD, POST, OPTIONS"));
        assert_eq!(server.ask("OPTIONS", "marketplace/stats").send().expect(204).header("allow"), Some("GET, HEAD, OPTIONS"));
        let head = server.ask("HEAD", "marketplace/stats").send().expect(200);
        assert!(head.body.is_empty());
        let named = server.get("/livez").header("X-Request-Id", "abc-123").send();
        assert_eq!(named.header("x-request-id"), Some("abc-123"));
        let renamed = server.get("/livez").header("X-Request-Id", "no spaces, please").send();
        assert_ne!(renamed.header("x-request-id"), Some("no spaces, please"));
    }

    fn a_request_that_takes_too_long_is_given_up_with_503(database: &TestDatabase) {
        let server = TestServer::start_with(database, |args| {
            args.request_timeout = Duration::from_secs(1);
            args.pool.database_pool_size = 1;
            args.pool.database_max_overflow = 0;
        });
        // The only connection that writes is in use until the test lets go.
        let held = server.hold_writer();
        let reply = server
            .post("marketplace/agents", &json!({ "name": "Late", "description": "Too late." }))
            .by(User::Ada)
            .send();
        reply.problem(503, "timeout");
        assert!(reply.header("retry-after").is_some(), "{reply}");
        held.let_go();
        server.agent();
    }
}
