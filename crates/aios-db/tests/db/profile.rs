//! The profiler, from outside: what it knows of statements that ran on either database.

use std::time::Duration;

use aios_db::profile::{
    Context, ExplainMode, Fingerprint, OnRepeat, Plan, ProfileConfig, QueryFigures, RepeatKind, explain, in_parts,
};
use aios_db::store::outbox::{InvalidationId, invalidation_delete, invalidation_insert, invalidation_list};
use aios_db::{AnyConnection, Database, DatabaseConfig, DatabaseKind, DbResult};
use aios_domain::ErrorKind;
use aios_test_support::{TestDatabase, on_both_databases};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

/// A pool that reports and does not panic.
fn pool(database: &TestDatabase, change: impl FnOnce(&mut ProfileConfig)) -> Database {
    let mut config = DatabaseConfig::new(database.url().clone());
    change(&mut config.profile);
    Database::new(&config)
}

fn insert(connection: &mut AnyConnection, number: usize) -> DbResult<InvalidationId> {
    let id = InvalidationId::new();
    let now = "2026-01-31T12:00:00Z".parse().unwrap();
    invalidation_insert(connection, id, &[format!("agent:{number}")], now)?;
    Ok(id)
}

fn list(connection: &mut AnyConnection, most: u32) -> DbResult<usize> {
    Ok(invalidation_list(connection, None, most)?.len())
}

/// What is known of the one form of statement whose SQL has this in it.
fn known(database: &Database, part: &str) -> QueryFigures {
    let mut found = database.profile().report().queries;
    found.retain(|query| query.sql.contains(part));
    assert_eq!(found.len(), 1, "{part}: {found:#?}");
    found.remove(0)
}

on_both_databases! {
    async fn statements_are_counted_by_form_with_rows_and_the_line_they_run_from(database: &TestDatabase) {
        let database = pool(database, |_| {});
        let ids = database.write(|c| (0..3).map(|number| insert(c, number)).collect::<DbResult<Vec<_>>>()).await.unwrap();
        database.read(|c| list(c, 2)).await.unwrap();
        database.read(|c| list(c, 100)).await.unwrap();
        let inserted = known(&database, "INSERT INTO");
        assert_eq!((inserted.calls, inserted.rows, inserted.failures), (3, Some(3), 0));
        let listed = known(&database, "SELECT");
        assert_eq!((listed.calls, listed.rows), (2, Some(5)));
        let site = listed.call_site.unwrap();
        assert!(site.contains("store/outbox.rs:"), "{site}");
        assert!(listed.max >= listed.mean && listed.total >= listed.max && listed.p99 >= listed.p95, "times have their order");
        // A list of ids is one form however long it is.
        let (first, rest) = (ids[..1].to_vec(), ids[1..].to_vec());
        database.write(move |c| invalidation_delete(c, &first)).await.unwrap();
        database.write(move |c| invalidation_delete(c, &rest)).await.unwrap();
        let deleted = known(&database, "DELETE");
        assert_eq!((deleted.calls, deleted.rows), (2, Some(3)));
        assert_eq!(database.statement_count(), 7);
    }

    async fn statements_that_fail_are_counted(database: &TestDatabase) {
        let database = pool(database, |_| {});
        let failed = database.read(|c| Ok(diesel::sql_query("SELECT * FROM nowhere").execute(c)?)).await;
        assert!(failed.is_err());
        let query = known(&database, "nowhere");
        assert_eq!((query.calls, query.failures, query.rows), (1, 1, None));
    }

    async fn more_forms_than_there_is_room_for_are_counted_together(database: &TestDatabase) {
        let database = pool(database, |profile| profile.fingerprints = 2);
        for number in 0..5 {
            let sql = format!("SELECT 1 AS n{number}");
            database.read(move |c| Ok(diesel::sql_query(&*sql).execute(c)?)).await.unwrap();
        }
        let report = database.profile().report();
        assert_eq!(report.queries.len(), 3);
        assert_eq!(report.queries.iter().map(|query| query.calls).sum::<u64>(), 5);
        assert_eq!(report.queries[2].sql, "all other statements");
    }

    async fn a_request_knows_where_its_time_went_and_what_it_ran(database: &TestDatabase) {
        let database = pool(database, |_| {});
        let request = Context::request("GET", "/agents/{id}");
        let within = async {
            database.read(|c| list(c, 2)).await.unwrap();
            // A task of its own: the handle that it was given says for whom it runs.
            let handle = database.in_context();
            tokio::spawn(async move { handle.read(|c| list(c, 3)).await }).await.unwrap().unwrap();
        };
        request.clone().scope(within).await;
        let times = request.times();
        assert!(times.database > Duration::ZERO && times.thread > Duration::ZERO, "{times:?}");
        assert_eq!(times.total(), times.queue + times.thread + times.pool + times.database);
        assert!(database.profile().report().routes.is_empty(), "it is not over");
        drop(request);
        let [route] = &database.profile().report().routes[..] else { panic!("one route") };
        assert_eq!((&*route.route, route.requests, route.statements), ("GET /agents/{id}", 1, 2));
        let [statement] = &route.worst.as_ref().unwrap().statements[..] else { panic!("one form") };
        assert_eq!((statement.calls, statement.rows), (2, Some(0)));
        assert_eq!(statement.fingerprint, known(&database, "SELECT").fingerprint);
        // What runs for nobody is nobody's.
        database.read(|c| list(c, 2)).await.unwrap();
        assert_eq!(database.profile().report().routes[0].requests, 1);
    }

    async fn a_query_a_row_is_told_once_a_route_with_its_cure(database: &TestDatabase) {
        let database = pool(database, |profile| profile.repeats = 3);
        for route in ["/one", "/one", "/other"] {
            let request = async {
                for number in 1..=4 {
                    database.read(move |c| list(c, number)).await.unwrap();
                }
                database.read(move |c| list(c, 5)).await.unwrap();
            };
            Context::request("GET", route).scope(request).await;
        }
        let found = database.profile().report().repeats;
        let told: Vec<_> = found.iter().map(|repeat| (repeat.kind, &*repeat.route, repeat.requests, repeat.most)).collect();
        assert_eq!(told, [(RepeatKind::NPlusOne, "GET /one", 2, 5), (RepeatKind::NPlusOne, "GET /other", 1, 5)]);
        assert!(found[0].cure.contains("invalidation_insert"), "{}", found[0].cure);
        assert!(found[0].call_site.as_ref().unwrap().contains("store/outbox.rs:"));
    }

    async fn the_same_values_again_are_a_duplicate_and_no_query_a_row(database: &TestDatabase) {
        let database = pool(database, |profile| profile.on_repeat = OnRepeat::Panic);
        let request = async {
            for _ in 0..9 {
                database.read(|c| list(c, 2)).await.unwrap();
            }
        };
        Context::request("GET", "/twice").scope(request).await;
        let found = database.profile().report().repeats;
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].kind, found[0].requests, found[0].most), (RepeatKind::Duplicate, 1, 9));
    }

    async fn a_query_a_row_fails_a_test(database: &TestDatabase) {
        let database = database.pool();
        let rows = |rows: usize| database.write(move |c| (0..rows).try_for_each(|number| insert(c, number).map(drop)));
        rows(5).await.unwrap();
        let failed = rows(6).await.unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::Internal, "it panicked: {failed}");
        // Over several operations of one request just as well.
        let request = async {
            for number in 1..=5 {
                database.read(move |c| list(c, number)).await?;
            }
            database.read(|c| list(c, 6)).await
        };
        let failed = Context::request("GET", "/rows").scope(request).await.unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::Internal);
        // The pool goes on.
        rows(1).await.unwrap();
    }

    async fn jobs_page_through_their_work_and_parts_are_no_rows(database: &TestDatabase) {
        let database = database.pool();
        let job = async {
            for number in 1..=20 {
                database.read(move |c| list(c, number)).await?;
            }
            database.read(|c| in_parts(|| (1..=20).try_for_each(|number| list(c, number).map(drop)))).await
        };
        Context::job("a job").scope(job).await.unwrap();
        assert!(database.profile().report().repeats.is_empty());
        assert_eq!(known(&database, "SELECT").calls, 40);
    }

    async fn attempts_that_lost_a_race_are_no_repetition(database: &TestDatabase) {
        let database = database.pool();
        let mut attempts = 0;
        let write = database.write(move |c| {
            attempts += 1;
            insert(c, attempts)?;
            insert(c, attempts + 100)?;
            if attempts < 5 {
                return Err(lost_race().into());
            }
            Ok(())
        });
        write.await.unwrap();
        assert_eq!(known(&database, "INSERT").calls, 10);
        assert!(database.profile().report().repeats.is_empty());
    }

    async fn slow_statements_are_explained_beside_the_request(database: &TestDatabase) {
        let database = pool(database, |profile| profile.slow = Duration::ZERO);
        let request = async { database.read(|c| list(c, 7)).await.unwrap() };
        Context::request("GET", "/slow").scope(request).await;
        let fingerprint = known(&database, "SELECT").fingerprint;
        // Plans are asked for one after the other: when this one is there, the example's is.
        let plan = database.profile().explain(fingerprint, ExplainMode::Plan).await.unwrap();
        let worst = known(&database, "SELECT").worst.unwrap();
        assert_eq!(worst.plan, plan);
        let Plan::Explained(plan) = plan else { panic!("{plan:?}") };
        assert!(plan.contains("cache_invalidations"), "{plan}");
        assert!(worst.binds.unwrap().contains('7'));
        assert_eq!(worst.route.as_deref(), Some("GET /slow"));
        assert!(worst.call_site.unwrap().contains("store/outbox.rs:"));
        assert_eq!(database.profile().explain(Fingerprint::of("SELECT nothing"), ExplainMode::Plan).await, None);
    }

    async fn quick_statements_are_not_explained_but_can_be(database: &TestDatabase) {
        let database = pool(database, |profile| profile.slow = Duration::MAX);
        database.read(|c| list(c, 7)).await.unwrap();
        let query = known(&database, "SELECT");
        assert!(query.worst.is_none());
        let plan = database.profile().explain(query.fingerprint, ExplainMode::Plan).await.unwrap();
        assert!(matches!(&plan, Plan::Explained(plan) if plan.contains("cache_invalidations")), "{plan:?}");
    }

    async fn analyzing_runs_a_statement_and_changes_nothing(database: &TestDatabase) {
        let kind = database.kind();
        let database = pool(database, |profile| profile.slow = Duration::ZERO);
        database.write(|c| insert(c, 1)).await.unwrap();
        database.read(|c| list(c, 7)).await.unwrap();
        let analyze = async |part| {
            let fingerprint = known(&database, part).fingerprint;
            database.profile().explain(fingerprint, ExplainMode::Analyze).await.unwrap()
        };
        let (read, write) = (analyze("SELECT").await, analyze("INSERT").await);
        let Plan::Explained(read) = read else { panic!("{read:?}") };
        assert_eq!(read.contains("actual"), kind == DatabaseKind::Postgres, "{read}");
        if kind == DatabaseKind::Postgres {
            assert!(matches!(&write, Plan::Failed(why) if why.contains("read-only transaction")), "{write:?}");
        }
        let rows = database.read(|c| list(c, 100)).await.unwrap();
        assert_eq!(rows, 1);
    }

    fn only_one_statement_is_explained_and_it_is_not_run(database: &TestDatabase) {
        let mut connection = database.connection();
        let limit = Duration::from_secs(5);
        for sql in ["SELECT 1; DELETE FROM users", "COMMIT", "nonsense", "SELECT 1) ; DROP TABLE tags --"] {
            let explained = explain(&mut connection, sql, None, ExplainMode::Analyze, limit);
            assert!(explained.is_err() || database.kind() == DatabaseKind::Sqlite, "{sql}: {explained:?}");
        }
        explain(&mut connection, "DELETE FROM tags", None, ExplainMode::Plan, limit).unwrap();
        // The connection is as it was.
        insert(&mut connection, 1).unwrap();
        assert_eq!(list(&mut connection, 10).unwrap(), 1);
        assert_eq!(tags(&mut connection), 0);
    }

    fn values_are_planned_with_whatever_they_hold(database: &TestDatabase) {
        let mut connection = database.connection();
        let sql = match database.kind() {
            DatabaseKind::Postgres => "SELECT id FROM users WHERE display_name = $1 AND created_at > $2 LIMIT $3",
            DatabaseKind::Sqlite => "SELECT id FROM users WHERE display_name = ? AND created_at > ? LIMIT ?",
        };
        for binds in [
            Some(r#"["it's'); DROP TABLE users; --", Sql(2026-01-31T12:00:00Z), 7]"#),
            Some("[Object {}]"),
            Some("[1]"),
            None,
        ] {
            let plan = explain(&mut connection, sql, binds, ExplainMode::Plan, Duration::from_secs(5)).unwrap();
            assert!(plan.contains("users"), "{plan}");
            assert!(plan.contains("it''s") || binds.is_none_or(|binds| !binds.contains("it's")) || database.kind() == DatabaseKind::Sqlite);
        }
        let unknown = explain(&mut connection, sql, None, ExplainMode::Analyze, Duration::from_secs(5));
        assert_eq!(unknown.is_err(), database.kind() == DatabaseKind::Postgres);
    }
}

fn lost_race() -> diesel::result::Error {
    diesel::result::Error::DatabaseError(
        diesel::result::DatabaseErrorKind::SerializationFailure,
        Box::new("made up by the test".to_owned()),
    )
}

fn tags(connection: &mut AnyConnection) -> i64 {
    diesel::select(diesel::dsl::sql::<BigInt>("(SELECT count(*) FROM tags)"))
        .get_result(connection)
        .unwrap()
}
