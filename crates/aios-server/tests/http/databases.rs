//! Databases that are busy, that are away, and that have replicas, as clients see it.

use std::time::Duration;

use aios_db::DatabaseKind;
use aios_test_support::{PostgresServer, TestDatabase, eventually, on_both_databases};
use serde_json::json;

use crate::harness::{TestServer, User};

/// The value of a metric, where this process's metrics are this server's.
fn metric(server: &TestServer, name: &str) -> Option<f64> {
    let reply = server.get("/metrics").send();
    let text = String::from_utf8((reply.status == 200).then_some(reply.body)?).unwrap();
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.rsplit(' ').next().unwrap().parse().unwrap())
}

on_both_databases! {
    fn a_database_that_is_busy_is_told_from_one_that_is_away(database: &TestDatabase) {
        let server = TestServer::start_with(database, |args| {
            args.pool.database_pool_size = 1;
            args.pool.database_max_overflow = 0;
            args.pool.database_wait_timeout = Duration::from_secs(1);
        });
        // The only connection that writes is in use until the test lets go.
        let held = server.hold_writer();
        let draft = json!({ "name": "Late", "description": "There is no connection left." });
        let reply = server.post("marketplace/agents", &draft).by(User::Ada).send();
        reply.problem(503, "overloaded");
        assert!(reply.header("retry-after").is_some(), "{reply}");
        let pool = if database.kind() == DatabaseKind::Sqlite { "write" } else { "primary" };
        let refused = format!("aios_db_shed_total{{pool=\"{pool}\",why=\"waited_too_long\"}}");
        assert!(metric(&server, &refused).is_none_or(|refused| refused >= 1.0));
        held.let_go();
        server.agent();
    }
}

#[test]
fn a_server_survives_that_its_database_goes_away_and_comes_back() {
    let mut postgres = PostgresServer::start();
    let server = TestServer::start(&postgres.database());
    let agent = server.agent();
    server.get("/readyz").send().expect(200);

    postgres.stop();
    // What is kept is answered; what is not is asked for in vain.
    let unheard = "marketplace/agents?search=unheard";
    let reply = server.get(unheard).send();
    reply.problem(503, "unavailable");
    assert!(reply.header("retry-after").is_some(), "{reply}");
    server.get("/readyz").send().problem(503, "unavailable");
    let draft = json!({ "name": "Late", "description": "There is no database." });
    server
        .post("marketplace/agents", &draft)
        .by(User::Ada)
        .send()
        .problem(503, "unavailable");
    assert!(metric(&server, "aios_db_unreachable_total{pool=\"primary\"}").is_none_or(|refused| refused >= 2.0));

    postgres.restart();
    eventually("the database is reached again", || {
        server.get("/readyz").send().status == 200
    });
    server.get(unheard).send().expect(200);
    server.install(&agent, User::Bea);
    server.agent();
}

#[test]
fn who_writes_reads_it_at_once_whatever_answers() {
    let postgres = PostgresServer::start();
    let database = postgres.database();
    let replica = postgres.replica();
    let server = TestServer::start_with(&database, |args| args.pool.database_replica_urls = vec![replica.url()]);
    let answered = || {
        server
            .marketplace
            .database()
            .pools()
            .iter()
            .find(|pool| pool.name == "replica-1")
            .unwrap()
            .done
    };
    let mut number = 0;
    eventually("the replica answers", || {
        number += 1;
        server
            .get(&format!("marketplace/agents?search=word{number}"))
            .send()
            .expect(200);
        answered() > 0
    });
    for pause in [false, true] {
        if pause {
            replica.sql("SELECT pg_wal_replay_pause()");
        }
        for _ in 0..5 {
            let agent = server.agent();
            server.get(&format!("marketplace/agents/{agent}")).send().expect(200);
            server.install(&agent, User::Bea);
            let mine = server
                .get("marketplace/my-agents")
                .by(User::Bea)
                .send()
                .expect(200)
                .json();
            assert!(mine.to_string().contains(&agent), "{mine}");
        }
    }
}
