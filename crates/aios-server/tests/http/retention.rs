//! What happened to agents is kept for as long as the configuration says.

use aios_db::store::analytics::{NewEvent, activity_since, events_insert};
use aios_domain::{AgentId, EventKind, JsonObject, Timestamp, UserId};
use aios_test_support::{TestDatabase, eventually, on_both_databases};
use chrono::TimeDelta;

use crate::harness::{START, TestServer, User};

on_both_databases! {
    fn a_server_deletes_events_that_are_too_old(database: &TestDatabase) {
        let agent: uuid::Uuid = {
            let server = TestServer::start(database);
            let agent = server.agent();
            server.install(&agent, User::Ada);
            agent.parse().unwrap()
        };
        let agent = AgentId(agent);
        let (mut connection, now) = (database.connection(), START.parse::<Timestamp>().unwrap());
        for (days, count) in [(31, 1_500), (29, 2)] {
            let at = now - TimeDelta::days(days);
            let run = NewEvent {
                agent,
                user: UserId(User::Ada.id()),
                kind: EventKind::Run,
                data: JsonObject::default(),
                at,
            };
            events_insert(&mut connection, &vec![run; count]).unwrap();
        }
        let mut runs = || activity_since(&mut connection, agent, Timestamp::UNIX_EPOCH).unwrap().run;
        drop(TestServer::start(database));
        assert_eq!(runs(), 1_502, "a year is kept where nothing is said");

        let server = TestServer::start_with(database, |args| args.analytics_retention_days = 30);
        eventually("the old events are gone", || runs() == 2);
        let metrics = server.get("/metrics").send();
        if metrics.status == 200 {
            let text = String::from_utf8(metrics.body).unwrap();
            assert!(text.contains("aios_analytics_pruned_total"), "{text}");
        }
    }
}
