//! Old events go away while others read and write.

use aios_db::AnyConnection;
use aios_db::store::agents::agent_insert;
use aios_db::store::analytics::{NewEvent, events_insert, events_prune};
use aios_db::store::users::user_ensure;
use aios_domain::{Caller, EventKind, JsonObject, Role, Timestamp, UserId};
use aios_test_support::{TestDatabase, on_both_databases, plain_draft};
use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types};

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = sql_types::BigInt)]
    number: i64,
}

on_both_databases! {
    fn nobody_waits_for_a_batch_that_is_being_deleted(database: &TestDatabase) {
        let (mut pruner, mut other) = (database.connection(), database.connection());
        let now: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        let user = Caller { id: UserId::new(), email: None, role: Role::User };
        user_ensure(&mut other, &user, now).unwrap();
        let agent = agent_insert(&mut other, &plain_draft("Run"), user.id, now).unwrap().summary.id;
        let runs = |at| {
            vec![NewEvent { agent, user: user.id, kind: EventKind::Run, data: JsonObject::default(), at }; 10]
        };
        events_insert(&mut other, &runs(now - TimeDelta::days(400))).unwrap();
        events_insert(&mut other, &runs(now)).unwrap();

        let (begin, patience) = match &other {
            AnyConnection::Postgres(_) => ("BEGIN", "SET lock_timeout TO '5s'"),
            AnyConnection::Sqlite(_) => ("BEGIN IMMEDIATE", "PRAGMA busy_timeout = 0"),
        };
        other.batch_execute(patience).unwrap();
        pruner.batch_execute(begin).unwrap();
        assert_eq!(events_prune(&mut pruner, now - TimeDelta::days(365), 100).unwrap(), Some(10));
        // Not committed yet: readers see what was there.
        let read = sql_query("SELECT count(*) AS number FROM agent_analytics").get_result::<Number>(&mut other);
        assert_eq!(read.unwrap().number, 20);
        if let AnyConnection::Postgres(_) = &other {
            // Nor do writers wait, of new events or of the agent itself.
            events_insert(&mut other, &runs(now)).unwrap();
            other.batch_execute("UPDATE marketplace_agents SET view_count = view_count + 1").unwrap();
        }
        pruner.batch_execute("COMMIT").unwrap();
    }
}
