//! Migrations: servers that start at once, databases that are newer or differ, a step back, failures that change nothing.

use std::sync::Barrier;
use std::thread;

use aios_db::migrations::{MigrationError, MigrationState, names, redo, revert, run, run_next, status};
use aios_db::{AnyConnection, DatabaseKind};
use aios_test_support::{TestDatabase, on_both_databases};
use diesel::connection::SimpleConnection;

fn execute(connection: &mut AnyConnection, sql: &str) {
    connection.batch_execute(sql).unwrap();
}

fn states(connection: &mut AnyConnection) -> Vec<MigrationState> {
    status(connection)
        .unwrap()
        .into_iter()
        .map(|migration| migration.state)
        .collect()
}

/// Starts `servers` on an empty database at the same moment; hands back how many migrations each applied.
fn start_at_once(database: &TestDatabase, servers: usize) -> Vec<usize> {
    let barrier = Barrier::new(servers);
    thread::scope(|scope| {
        let start = || {
            barrier.wait();
            run(&mut database.connection()).unwrap().len()
        };
        let servers: Vec<_> = (0..servers).map(|_| scope.spawn(start)).collect();
        servers.into_iter().map(|server| server.join().unwrap()).collect()
    })
}

#[test]
fn servers_that_start_at_once_on_empty_sqlite_share_the_work() {
    let applied = start_at_once(&TestDatabase::empty_sqlite(), 8);
    assert_eq!(
        applied.iter().sum::<usize>(),
        names(DatabaseKind::Sqlite).count(),
        "{applied:?}"
    );
}

#[test]
fn servers_that_start_at_once_on_empty_postgres_share_the_work() {
    let applied = start_at_once(&TestDatabase::empty_postgres(), 8);
    assert_eq!(
        applied.iter().sum::<usize>(),
        names(DatabaseKind::Postgres).count(),
        "{applied:?}"
    );
}

#[test]
fn both_sides_have_the_same_migrations() {
    assert!(names(DatabaseKind::Postgres).eq(names(DatabaseKind::Sqlite)));
}

on_both_databases! {
    fn a_migrated_database_needs_nothing(database: &TestDatabase) {
        let mut connection = database.connection();
        assert!(run(&mut connection).unwrap().is_empty());
        assert_eq!(run_next(&mut connection).unwrap(), None);
        assert!(states(&mut connection).iter().all(|state| *state == MigrationState::Applied));
    }

    fn the_last_one_is_taken_back_and_applied_again(database: &TestDatabase) {
        let mut connection = database.connection();
        let last = names(database.kind()).last().unwrap();
        assert_eq!(revert(&mut connection).unwrap(), last);
        assert_eq!(states(&mut connection).last(), Some(&MigrationState::Pending));
        assert_eq!(run(&mut connection).unwrap(), [last]);
        assert_eq!(redo(&mut connection).unwrap(), last);
        assert_eq!(states(&mut connection).last(), Some(&MigrationState::Applied));
    }

    fn all_of_them_can_be_taken_back(database: &TestDatabase) {
        let mut connection = database.connection();
        for name in names(database.kind()).collect::<Vec<_>>().into_iter().rev() {
            assert_eq!(revert(&mut connection).unwrap(), name);
        }
        assert!(matches!(revert(&mut connection), Err(MigrationError::NothingToRevert)));
    }

    fn a_newer_database_is_refused(database: &TestDatabase) {
        let mut connection = database.connection();
        execute(&mut connection, "INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000000')");
        let refused = run(&mut connection).unwrap_err();
        assert!(matches!(&refused, MigrationError::Newer(versions) if *versions == ["20991231000000"]), "{refused}");
        assert_eq!(states(&mut connection).last(), Some(&MigrationState::Unknown));
        assert!(matches!(revert(&mut connection), Err(MigrationError::Newer(_))));
    }

    fn an_edited_migration_is_refused_until_it_is_applied_again(database: &TestDatabase) {
        let mut connection = database.connection();
        let last = names(database.kind()).last().unwrap();
        execute(
            &mut connection,
            "UPDATE __aios_migration_checksums SET checksum = 1 \
             WHERE version = (SELECT max(version) FROM __diesel_schema_migrations)",
        );
        let refused = run(&mut connection).unwrap_err();
        assert!(matches!(&refused, MigrationError::Edited(edited) if *edited == [last]), "{refused}");
        redo(&mut connection).unwrap();
        assert!(run(&mut connection).unwrap().is_empty());
    }
}

#[test]
fn rows_without_their_referents_stop_a_migration_of_sqlite() {
    let database = TestDatabase::sqlite();
    let mut connection = database.connection();
    revert(&mut connection).unwrap();
    execute(
        &mut connection,
        "PRAGMA foreign_keys = OFF; \
         INSERT INTO agent_tags (agent_id, tag_id) VALUES (randomblob(16), randomblob(16)); \
         PRAGMA foreign_keys = ON;",
    );
    let refused = run(&mut connection).unwrap_err();
    assert!(
        matches!(&refused, MigrationError::BrokenReferences(tables) if *tables == ["agent_tags"]),
        "{refused}"
    );
    let refused = connection.batch_execute("INSERT INTO agent_tags (agent_id, tag_id) VALUES (x'00', x'00')");
    assert!(
        refused.unwrap_err().to_string().contains("FOREIGN KEY"),
        "foreign keys are on again"
    );
}

#[test]
fn a_start_with_nothing_to_migrate_does_not_look_at_every_row() {
    let database = TestDatabase::sqlite();
    let mut connection = database.connection();
    execute(
        &mut connection,
        "PRAGMA foreign_keys = OFF; INSERT INTO agent_tags (agent_id, tag_id) VALUES (randomblob(16), randomblob(16))",
    );
    assert!(run(&mut connection).unwrap().is_empty());
}
