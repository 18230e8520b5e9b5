//! Advice, from outside: what it says of a database full of agents on which every query of the service has run.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking, their helpers too"
)]

use std::sync::Arc;
use std::time::Duration;

use aios_db::advice::{
    Advice, AdviceKind, AdviceReport, AdviceSettings, Seen, advise, counted_by_postgres, read_statements,
};
use aios_db::profile::{OnRepeat, Profile, ProfileConfig};
use aios_db::{AnyConnection, DatabaseKind, DatabaseUrl, bulk, recording};
use aios_domain::Timestamp;
use aios_test_support::{PostgresServer, TestDatabase, on_both_databases};
use aios_workload::catalogue::{self, Sample, queries};
use aios_workload::seed::{SeedData, Size};

const AGENTS: u64 = 3_000;

fn now() -> Timestamp {
    "2026-11-25T00:00:00Z".parse().unwrap()
}

/// Ends when all that runs on the server began after this, thirty seconds later at the latest.
const WHEN_OTHERS_ARE_DONE: &str = "DO $$ DECLARE next xid8 := pg_snapshot_xmax(pg_current_snapshot()); BEGIN
    FOR turn IN 1..3000 LOOP
        EXIT WHEN pg_snapshot_xmin(pg_current_snapshot()) >= next;
        PERFORM pg_sleep(0.01);
    END LOOP;
END $$";

fn filled(database: &TestDatabase, agents: u64) -> AnyConnection {
    let mut connection = database.connection();
    let data = SeedData::new(1, Size::of_agents(agents), now()).unwrap();
    bulk::load(&mut connection, &data, &mut |_| {}).unwrap();
    catalogue::furnish(&mut connection, now()).unwrap();
    connection
}

/// A profiler that has heard every query of the service, each with its values.
fn heard(database: &TestDatabase, connection: &mut AnyConnection) -> Arc<Profile> {
    heard_by(&AdviceSettings::default(), database, connection)
}

fn heard_by(settings: &AdviceSettings, database: &TestDatabase, connection: &mut AnyConnection) -> Arc<Profile> {
    let config = ProfileConfig {
        slow: Duration::ZERO,
        on_repeat: OnRepeat::Report,
        advice: AdviceSettings {
            least_time: Duration::ZERO,
            ..settings.clone()
        },
        ..ProfileConfig::default()
    };
    let profile = Arc::new(Profile::new(&config, database.url()));
    let sample = Sample::of(connection, now()).unwrap();
    profile.watch(connection);
    for query in queries(database.kind()) {
        let ran = recording::rolled_back(connection, |connection| {
            profile.run(connection, |connection| query.run(connection, &sample))
        });
        ran.unwrap();
    }
    profile
}

fn of_kind(report: &AdviceReport, kind: AdviceKind) -> Vec<&Advice> {
    report.advice.iter().filter(|advice| advice.kind == kind).collect()
}

/// Missing indexes other than those of lists that are filtered by price model or verification as well. The schema goes without them on purpose:
/// each combination of filters and order would be an index that every change of a counter has to write.
fn needless(report: &AdviceReport) -> Vec<&Advice> {
    let is_filtered = |sql: &str| sql.contains("pricing_model = ?") || sql.contains("is_verified AND 1 = 1");
    let mut missing = of_kind(report, AdviceKind::MissingIndex);
    missing.retain(|advice| !advice.statements.iter().all(|statement| is_filtered(&statement.sql)));
    missing
}

on_both_databases! {
    async fn a_schema_that_serves_its_queries_gets_no_advice_and_a_dropped_index_is_named_again(database: &TestDatabase) {
        let mut connection = filled(database, AGENTS);
        let report = heard(database, &mut connection).advice().await.unwrap();
        assert!(report.statements > 20, "{report:#?}");
        assert!(of_kind(&report, AdviceKind::RedundantIndex).is_empty(), "{report:#?}");
        assert!(needless(&report).is_empty(), "{report:#?}");

        recording::execute(&mut connection, "DROP INDEX idx_agents_popular").unwrap();
        recording::execute(&mut connection, "DROP INDEX idx_installations_agent").unwrap();
        let report = heard(database, &mut connection).advice().await.unwrap();
        let how = match database.kind() {
            DatabaseKind::Postgres => "CREATE INDEX CONCURRENTLY",
            DatabaseKind::Sqlite => "CREATE INDEX",
        };
        for (table, keys) in [
            ("marketplace_agents", "(install_count DESC, rating_average DESC, id DESC) WHERE is_active"),
            ("agent_installations", "(agent_id"),
        ] {
            let missing = of_kind(&report, AdviceKind::MissingIndex);
            let Some(advice) = missing.iter().find(|advice| advice.sql[0].contains(keys)) else { panic!("{table}: {report:#?}") };
            assert!(advice.table == table && advice.sql[0].starts_with(how), "{advice:#?}");
            let measured = advice.measured.unwrap();
            assert!(measured.after * 2.0 <= measured.before && !advice.statements.is_empty(), "{advice:#?}");
        }
        // Asked again at once it is the same, and nothing was left behind by the trying.
        let invalid = aios_db::migrations::invalid_indexes(&mut connection).unwrap();
        assert!(invalid.is_empty());
        // What it says to run can be run, and then it says no more of it.
        for advice in of_kind(&report, AdviceKind::MissingIndex) {
            recording::execute(&mut connection, &advice.sql[0]).unwrap();
        }
        let report = heard(database, &mut connection).advice().await.unwrap();
        assert!(needless(&report).is_empty(), "{report:#?}");
    }

    fn statements_without_values_and_small_tables(database: &TestDatabase) {
        let mut connection = filled(database, AGENTS);
        recording::execute(&mut connection, "DROP INDEX idx_installations_agent").unwrap();
        let place = match database.kind() {
            DatabaseKind::Postgres => "$1",
            DatabaseKind::Sqlite => "?",
        };
        let text = format!(
            "SELECT count(*) FROM agent_installations WHERE agent_id = {place}; SELECT 1 FROM categories WHERE description = {place};"
        );
        let seen = read_statements(&text, database.kind()).unwrap();
        let report = advise(database.url(), &seen, &AdviceSettings::default()).unwrap();
        let [missing] = of_kind(&report, AdviceKind::MissingIndex)[..] else { panic!("{report:#?}") };
        assert_eq!((&*missing.table, missing.statements[0].calls), ("agent_installations", 1));
        // What can't be read or planned is told, and the rest goes on.
        let seen: Vec<Seen> = ["SELECT FROM WHERE", "SELECT nothing FROM agent_installations WHERE agent_id = 1"]
            .iter()
            .map(|sql| Seen { sql: (*sql).to_owned(), ..seen[0].clone() })
            .chain(seen.clone())
            .collect();
        let report = advise(database.url(), &seen, &AdviceSettings::default()).unwrap();
        assert!(report.notes.iter().any(|note| note.contains("could not be read")), "{report:#?}");
        assert!(report.notes.iter().any(|note| note.contains("could not be planned")), "{report:#?}");
        assert_eq!(of_kind(&report, AdviceKind::MissingIndex).len(), 1);
    }

    fn doubles_and_prefixes_are_redundant(database: &TestDatabase) {
        let mut connection = database.connection();
        for sql in [
            "CREATE INDEX idx_twice ON agent_reviews (agent_id, created_at DESC, id DESC)",
            "CREATE INDEX idx_part ON agent_reviews (agent_id, rating)",
            "CREATE INDEX idx_other ON agent_reviews (agent_id, rating DESC)",
        ] {
            recording::execute(&mut connection, sql).unwrap();
        }
        let report = advise(database.url(), &[], &AdviceSettings::default()).unwrap();
        let told: Vec<&str> = of_kind(&report, AdviceKind::RedundantIndex).iter().map(|advice| &*advice.subject).collect();
        assert_eq!(told, ["idx_part", "idx_twice"]);
        for advice in of_kind(&report, AdviceKind::RedundantIndex) {
            recording::execute(&mut connection, &advice.sql[0]).unwrap();
        }
        let report = advise(database.url(), &[], &AdviceSettings::default()).unwrap();
        assert!(of_kind(&report, AdviceKind::RedundantIndex).is_empty());
    }

    async fn an_index_that_nothing_reads_is_unused(database: &TestDatabase) {
        let mut connection = filled(database, 1_000);
        recording::execute(&mut connection, "CREATE INDEX idx_idle ON agent_reviews (title)").unwrap();
        let profile = heard(database, &mut connection);
        let told = |report: &AdviceReport| -> Vec<String> {
            of_kind(report, AdviceKind::UnusedIndex).iter().map(|advice| advice.subject.clone()).collect()
        };
        let young = profile.advice().await.unwrap();
        assert!(told(&young).is_empty() && young.notes.iter().any(|note| note.contains("too short")), "{young:#?}");
        let settings = AdviceSettings { youngest_counts: Duration::ZERO, ..AdviceSettings::default() };
        let report = match database.kind() {
            // It is told by the plans of what ran.
            DatabaseKind::Sqlite => heard_by(&settings, database, &mut connection).advice().await.unwrap(),
            DatabaseKind::Postgres => {
                // Counts reach the statistics when their connection has nothing more to do.
                recording::execute(&mut connection, "SELECT pg_stat_force_next_flush()").unwrap();
                Arc::new(advise(database.url(), &[], &settings).unwrap())
            }
        };
        let told = told(&report);
        assert!(told.contains(&"idx_idle".to_owned()), "{report:#?}");
        assert!(told.iter().all(|name| !name.ends_with("_pkey") && !name.starts_with("sqlite_autoindex")), "{told:?}");
    }

    fn what_is_mostly_empty_is_bloated(database: &TestDatabase) {
        let mut connection = filled(database, 2_000);
        let settings = AdviceSettings { least_bloat_bytes: 64 << 10, least_bloat_share: 0.1, ..AdviceSettings::default() };
        let bloated = |report: &AdviceReport| -> Vec<String> {
            let kinds = [AdviceKind::BloatedTable, AdviceKind::BloatedIndex, AdviceKind::DeadRows];
            let advice = report.advice.iter().filter(|advice| kinds.contains(&advice.kind));
            advice.map(|advice| format!("{}: {}", advice.kind.as_str(), advice.subject)).collect()
        };
        let full = advise(database.url(), &[], &settings).unwrap();
        assert!(!bloated(&full).iter().any(|told| told.contains("agent_reviews")), "{full:#?}");
        let (delete, after) = match database.kind() {
            DatabaseKind::Postgres => (
                "DELETE FROM agent_reviews WHERE id::text NOT LIKE '%0'",
                "ANALYZE agent_reviews",
            ),
            DatabaseKind::Sqlite => ("DELETE FROM agent_reviews", "SELECT 1"),
        };
        recording::execute(&mut connection, delete).unwrap();
        recording::execute(&mut connection, after).unwrap();
        let report = advise(database.url(), &[], &settings).unwrap();
        let told = bloated(&report);
        match database.kind() {
            DatabaseKind::Postgres => {
                assert!(told.contains(&"bloated_table: agent_reviews".to_owned()), "{report:#?}");
                assert!(told.iter().any(|told| told.starts_with("bloated_index: ")), "{report:#?}");
                // VACUUM (FULL) keeps what a transaction that is older than the deletion could see, in whichever database that runs.
                recording::execute(&mut connection, WHEN_OTHERS_ARE_DONE).unwrap();
                for advice in of_kind(&report, AdviceKind::BloatedIndex) {
                    recording::execute(&mut connection, &advice.sql[0]).unwrap();
                }
                recording::execute(&mut connection, "VACUUM (FULL, ANALYZE) agent_reviews").unwrap();
            }
            DatabaseKind::Sqlite => {
                assert_eq!(told, ["bloated_table: the database's file"], "{report:#?}");
                recording::execute(&mut connection, &report.advice.last().unwrap().sql[0]).unwrap();
            }
        }
        let report = advise(database.url(), &[], &settings).unwrap();
        assert!(!bloated(&report).iter().any(|told| told.contains("agent_reviews") || told.contains("file")), "{report:#?}");
    }
}

/// On a server of its own, whose roles and settings are nobody else's. What the machine's PostgreSQL comes without is left out.
#[test]
fn extensions_are_used_where_they_are_and_may_be() {
    let mut server = PostgresServer::start();
    let database = server.database();
    let mut connection = filled(&database, AGENTS);
    server.sql("CREATE ROLE reader LOGIN");
    server.sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader");
    server.sql("REVOKE TEMPORARY ON DATABASE postgres FROM PUBLIC");
    let as_reader: DatabaseUrl = server
        .url()
        .to_string()
        .replace("postgres@", "reader@")
        .parse()
        .unwrap();
    let add = |extension: &str| {
        let count = format!("SELECT count(*) FROM pg_available_extensions WHERE name = '{extension}'");
        let is_there = server.sql(&count).trim() == "1";
        if is_there {
            server.sql(&format!("CREATE EXTENSION {extension}"));
        }
        is_there
    };

    if add("hypopg") {
        recording::execute(&mut connection, "DROP INDEX idx_installations_agent").unwrap();
        let text = "SELECT count(*) FROM agent_installations WHERE agent_id = $1;";
        let seen = read_statements(text, DatabaseKind::Postgres).unwrap();
        // Who can't make a copy can have tried it by hypopg alone.
        let report = advise(&as_reader, &seen, &AdviceSettings::default()).unwrap();
        let [missing] = of_kind(&report, AdviceKind::MissingIndex)[..] else {
            panic!("{report:#?}")
        };
        assert!(
            missing.sql[0].ends_with("ON agent_installations (agent_id);"),
            "{missing:#?}"
        );
        assert_eq!(server.sql("SELECT count(*) FROM hypopg_list_indexes").trim(), "0");
        // Where it lies in a schema that nobody looks into, copies are made as ever.
        server.sql("CREATE SCHEMA apart; ALTER EXTENSION hypopg SET SCHEMA apart");
        let report = advise(&server.url(), &seen, &AdviceSettings::default()).unwrap();
        assert_eq!(of_kind(&report, AdviceKind::MissingIndex).len(), 1, "{report:#?}");
    }

    if add("pgstattuple") {
        recording::execute(
            &mut connection,
            "DELETE FROM agent_reviews WHERE id::text NOT LIKE '%0'",
        )
        .unwrap();
        recording::execute(&mut connection, "VACUUM (ANALYZE) agent_reviews").unwrap();
        let settings = AdviceSettings {
            least_bloat_bytes: 64 << 10,
            least_bloat_share: 0.1,
            ..AdviceSettings::default()
        };
        let how = |url: &DatabaseUrl| {
            let report = advise(url, &[], &settings).unwrap();
            let mut bloated = of_kind(&report, AdviceKind::BloatedTable);
            bloated.retain(|advice| advice.table == "agent_reviews");
            let [bloated] = bloated[..] else { panic!("{report:#?}") };
            let is_refused = report.notes.iter().any(|note| note.contains("pg_stat_scan_tables"));
            (bloated.reason.contains("measured by pgstattuple"), is_refused)
        };
        assert_eq!(how(&server.url()), (true, false));
        assert_eq!(how(&as_reader), (false, true));
        server.sql("GRANT pg_stat_scan_tables TO reader");
        assert_eq!(how(&as_reader), (true, false));
    }

    if add("pg_stat_statements") {
        let unloaded = counted_by_postgres(&mut connection).unwrap_err();
        assert!(unloaded.to_string().contains("shared_preload_libraries"), "{unloaded}");
        server.sql("ALTER SYSTEM SET shared_preload_libraries = pg_stat_statements");
        server.restart();
        server.sql("SELECT count(*) FROM agent_installations WHERE settings IS NULL");
        let mut connection = database.connection();
        let seen = counted_by_postgres(&mut connection).unwrap().unwrap();
        let counted = seen.iter().find(|seen| seen.sql.contains("settings IS NULL"));
        assert_eq!(counted.map(|seen| seen.calls), Some(1), "{seen:#?}");
    }
}
