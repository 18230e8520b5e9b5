//! How migrations run, shown with migrations of the tests' own: tables in use, concurrent builds, edited files, rebuilt tables.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aios_db::migrations::{InvalidIndex, MigrationError, MigrationState, Migrator, Patience, invalid_indexes};
use aios_db::{AnyConnection, catalog};
use aios_test_support::{TestDatabase, on_both_databases};
use diesel::connection::SimpleConnection;
use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types};
use tempfile::TempDir;

/// Migrations in a directory, written by a test.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with(self, name: &str, up: &str, down: &str) -> Self {
        let folder = self.0.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("up.sql"), up).unwrap();
        fs::write(folder.join("down.sql"), down).unwrap();
        self
    }

    /// As `with`, outside a transaction.
    fn with_single(self, name: &str, up: &str, down: &str) -> Self {
        let files = self.with(name, up, down);
        fs::write(
            files.0.path().join(name).join("metadata.toml"),
            "run_in_transaction = false\n",
        )
        .unwrap();
        files
    }

    fn migrator(&self) -> Migrator {
        Migrator::in_directory(self.0.path()).unwrap()
    }
}

const TABLE: (&str, &str, &str) = ("1_table", "CREATE TABLE things (a integer)", "DROP TABLE things");

fn table() -> Files {
    Files::new().with(TABLE.0, TABLE.1, TABLE.2)
}

fn execute(connection: &mut AnyConnection, sql: &str) {
    connection.batch_execute(sql).unwrap();
}

#[derive(QueryableByName)]
struct Text {
    #[diesel(sql_type = sql_types::Text)]
    value: String,
}

fn ask(connection: &mut AnyConnection, sql: &str) -> String {
    sql_query(sql).get_result::<Text>(connection).unwrap().value
}

fn states(files: &Files, connection: &mut AnyConnection) -> Vec<MigrationState> {
    let status = files.migrator().status(connection).unwrap();
    status.into_iter().map(|migration| migration.state).collect()
}

/// Waits for locks so briefly that it may do so in a test; a pause is whatever `sleep` does.
fn impatient(attempts: u32, sleep: impl FnMut(Duration) + Send + 'static) -> Patience {
    Patience {
        lock_timeout: Duration::from_millis(20),
        attempts,
        sleep: Box::new(sleep),
        ..Patience::default()
    }
}

#[test]
fn a_table_in_use_is_waited_for_without_a_queue_of_readers() {
    let database = TestDatabase::empty_postgres();
    let files = table();
    let mut connection = database.connection();
    files.migrator().run(&mut connection).unwrap();
    let files = files.with(
        "2_column",
        "ALTER TABLE things ADD COLUMN b text",
        "ALTER TABLE things DROP COLUMN b",
    );

    let (mut holder, mut reader) = (database.connection(), database.connection());
    execute(&mut holder, "BEGIN; SELECT a FROM things");
    let pauses = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&pauses);
    let patience = impatient(10, move |pause| {
        // Between two attempts readers come through, though the holder still reads.
        execute(&mut reader, "SET lock_timeout TO '5s'; SELECT a FROM things");
        let mut pauses = seen.lock().unwrap();
        pauses.push(pause.as_secs());
        if pauses.len() == 7 {
            execute(&mut holder, "COMMIT");
        }
    });
    let applied = files.migrator().with_patience(patience).run(&mut connection).unwrap();
    assert_eq!(applied, ["2_column"]);
    assert_eq!(
        *pauses.lock().unwrap(),
        [1, 2, 4, 8, 16, 16, 16],
        "pauses grow up to a bound"
    );
    assert_eq!(
        ask(&mut connection, "SELECT current_setting('lock_timeout') AS value"),
        "0",
        "and is set back"
    );
    execute(&mut connection, "SELECT b FROM things");
}

#[test]
fn a_table_that_stays_in_use_leaves_the_migration_pending() {
    let database = TestDatabase::empty_postgres();
    let files = table();
    let mut connection = database.connection();
    files.migrator().run(&mut connection).unwrap();
    let files = files.with(
        "2_more",
        "CREATE TABLE more (a integer); ALTER TABLE things ADD b text",
        "SELECT 1",
    );
    let before = catalog::describe(&mut connection).unwrap();

    let mut holder = database.connection();
    execute(&mut holder, "BEGIN; SELECT a FROM things");
    let tries = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&tries);
    let patience = impatient(3, move |_| *counted.lock().unwrap() += 1);
    let refused = files
        .migrator()
        .with_patience(patience)
        .run(&mut connection)
        .unwrap_err();
    assert!(refused.to_string().contains("at a quieter time"), "{refused}");
    assert_eq!(*tries.lock().unwrap(), 2, "a pause between each two of three attempts");
    assert_eq!(
        states(&files, &mut connection),
        [MigrationState::Applied, MigrationState::Pending]
    );
    assert_eq!(
        catalog::describe(&mut connection).unwrap(),
        before,
        "nothing of it is left"
    );
}

#[test]
fn locks_have_a_time_limit_in_a_transaction_and_none_outside() {
    let database = TestDatabase::empty_postgres();
    let look = |table: &str| format!("CREATE TABLE {table} AS SELECT current_setting('lock_timeout') AS value");
    let files = Files::new()
        .with("1_inside", &look("inside"), "DROP TABLE inside")
        .with_single("2_outside", &look("outside"), "DROP TABLE outside");
    let mut connection = database.connection();
    // As a role or a database may have it.
    execute(&mut connection, "SET lock_timeout TO '7s'");
    files.migrator().run(&mut connection).unwrap();
    assert_eq!(ask(&mut connection, "SELECT value FROM inside"), "2s");
    assert_eq!(ask(&mut connection, "SELECT value FROM outside"), "0");
}

#[test]
fn an_index_whose_build_broke_off_is_built_anew() {
    let database = TestDatabase::empty_postgres();
    let files = Files::new()
        .with(
            TABLE.0,
            "CREATE TABLE things AS SELECT 1 AS a FROM generate_series(1, 2)",
            TABLE.2,
        )
        .with_single(
            "2_index",
            "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS things_a ON things (a)",
            "DROP INDEX CONCURRENTLY IF EXISTS things_a",
        );
    let mut connection = database.connection();
    let refused = files.migrator().run(&mut connection).unwrap_err();
    assert!(
        matches!(&refused, MigrationError::Failed { name, .. } if name == "2_index"),
        "{refused}"
    );
    let left = InvalidIndex {
        name: "things_a".to_owned(),
        table: "things".to_owned(),
        is_being_built: false,
    };
    assert_eq!(invalid_indexes(&mut connection).unwrap(), [left]);
    assert_eq!(
        states(&files, &mut connection),
        [MigrationState::Applied, MigrationState::Pending]
    );

    // IF NOT EXISTS alone would take the broken one for done.
    execute(
        &mut connection,
        "DELETE FROM things WHERE ctid <> (SELECT min(ctid) FROM things)",
    );
    assert_eq!(files.migrator().run(&mut connection).unwrap(), ["2_index"]);
    assert_eq!(invalid_indexes(&mut connection).unwrap(), []);
    let refused = connection.batch_execute("INSERT INTO things VALUES (1)").unwrap_err();
    assert!(refused.to_string().contains("things_a"), "the index holds: {refused}");

    // Built, but not written down, as where the program died between the two.
    execute(
        &mut connection,
        "DELETE FROM __diesel_schema_migrations WHERE version = '2'",
    );
    assert_eq!(files.migrator().run(&mut connection).unwrap(), ["2_index"]);
    assert_eq!(files.migrator().revert(&mut connection).unwrap(), "2_index");
    assert!(connection.batch_execute("INSERT INTO things VALUES (1)").is_ok());
}

#[test]
fn writers_go_on_while_an_index_is_built() {
    let database = TestDatabase::empty_postgres();
    let files = table().with_single(
        "2_index",
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS things_a ON things (a)",
        "DROP INDEX CONCURRENTLY IF EXISTS things_a",
    );
    let (mut connection, mut old, mut writer) = (database.connection(), database.connection(), database.connection());
    files.migrator().run_next(&mut connection).unwrap();
    // The build waits for this transaction to end.
    execute(&mut old, "BEGIN; INSERT INTO things VALUES (1)");
    std::thread::scope(|scope| {
        let building = scope.spawn(|| files.migrator().run(&mut connection).unwrap());
        while invalid_indexes(&mut writer).unwrap().is_empty() {
            std::thread::yield_now();
        }
        assert!(invalid_indexes(&mut writer).unwrap()[0].is_being_built);
        execute(&mut writer, "SET lock_timeout TO '5s'; INSERT INTO things VALUES (2)");
        execute(&mut old, "COMMIT");
        assert_eq!(building.join().unwrap(), ["2_index"]);
    });
    assert_eq!(invalid_indexes(&mut writer).unwrap(), []);
}

on_both_databases! {
    fn a_file_that_changed_is_told_and_stops_the_next_run(database: &TestDatabase) {
        // On top of the program's own, which a directory's migrator does not know: an empty database is made of it.
        let empty = emptied(database);
        let mut connection = empty.connection();
        let files = Files::new().with("1_table", "CREATE TABLE things (\n    a integer\n)", TABLE.2);
        files.migrator().run(&mut connection).unwrap();
        assert_eq!(states(&files, &mut connection), [MigrationState::Applied]);

        let files = files.with("1_table", "CREATE TABLE things (\r\n    a integer\r\n)", TABLE.2);
        assert_eq!(states(&files, &mut connection), [MigrationState::Applied], "line endings do not matter");

        let files = files.with("1_table", "CREATE TABLE things (\n    a bigint\n)", TABLE.2);
        assert_eq!(states(&files, &mut connection), [MigrationState::Edited]);
        let refused = files.migrator().run(&mut connection).unwrap_err();
        assert!(refused.to_string().contains("put the files back as they were"), "{refused}");
        assert_eq!(files.migrator().redo(&mut connection).unwrap(), "1_table");
        assert_eq!(states(&files, &mut connection), [MigrationState::Applied]);

        execute(&mut connection, "DELETE FROM __aios_migration_checksums");
        assert_eq!(states(&files, &mut connection), [MigrationState::Unverified]);
        assert!(files.migrator().run(&mut connection).unwrap().is_empty(), "it is not guessed that it changed");
    }

    fn a_failure_names_the_migration_and_leaves_it_pending(database: &TestDatabase) {
        let empty = emptied(database);
        let mut connection = empty.connection();
        let files = table();
        files.migrator().run(&mut connection).unwrap();
        // The table that it makes second is there already.
        let both = "CREATE TABLE more (a integer); CREATE TABLE things (a integer)";
        let files = files.with("2_again", both, "DROP TABLE more");
        let failure = files.migrator().run(&mut connection).unwrap_err();
        assert!(matches!(&failure, MigrationError::Failed { name, .. } if name == "2_again"), "{failure}");
        assert_eq!(states(&files, &mut connection), [MigrationState::Applied, MigrationState::Pending]);
        // Neither the lock, nor a transaction, nor half of it is left behind.
        assert!(files.migrator().run(&mut empty.connection()).unwrap_err().to_string().contains("2_again"));
        assert!(connection.batch_execute("SELECT a FROM more").is_err());
    }

    fn the_status_waits_for_no_migration_and_changes_nothing(database: &TestDatabase) {
        let empty = emptied(database);
        let (mut migrating, mut asking) = (empty.connection(), empty.connection());
        let hold = match &migrating {
            AnyConnection::Postgres(_) => {
                format!("SELECT pg_advisory_lock({})", i64::from_be_bytes(*b"aios-mig"))
            }
            AnyConnection::Sqlite(_) => "BEGIN IMMEDIATE".to_owned(),
        };
        execute(&mut migrating, &hold);
        assert_eq!(states(&table(), &mut asking), [MigrationState::Pending]);
        assert_eq!(catalog::tables(&mut asking).unwrap(), []);
    }
}

fn emptied(database: &TestDatabase) -> TestDatabase {
    match database.kind() {
        aios_db::DatabaseKind::Postgres => TestDatabase::empty_postgres(),
        aios_db::DatabaseKind::Sqlite => TestDatabase::empty_sqlite(),
    }
}

#[test]
fn a_table_of_sqlite_is_rebuilt_with_its_referrers_in_place() {
    let database = TestDatabase::empty_sqlite();
    let rebuild = |condition: &str| {
        format!(
            "CREATE TABLE new_parents (id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT '' ); \
             INSERT INTO new_parents (id) SELECT id FROM parents {condition}; \
             DROP TABLE parents; ALTER TABLE new_parents RENAME TO parents;"
        )
    };
    let files = Files::new().with(
        "1_tables",
        "CREATE TABLE parents (id INTEGER PRIMARY KEY); \
         CREATE TABLE children (parent INTEGER NOT NULL REFERENCES parents (id) ON DELETE CASCADE); \
         INSERT INTO parents VALUES (1), (2); INSERT INTO children VALUES (1), (2);",
        "DROP TABLE children; DROP TABLE parents;",
    );
    let mut connection = database.connection();
    files.migrator().run(&mut connection).unwrap();
    let children = "SELECT CAST(count(*) AS TEXT) AS value FROM children";

    let files = files.with("2_rebuild", &rebuild("WHERE id = 1"), "SELECT 1");
    let refused = files.migrator().run(&mut connection).unwrap_err();
    assert!(
        matches!(&refused, MigrationError::BrokenReferences(tables) if *tables == ["children"]),
        "{refused}"
    );
    assert_eq!(
        states(&files, &mut connection),
        [MigrationState::Applied, MigrationState::Pending]
    );
    assert!(
        connection.batch_execute("SELECT name FROM parents").is_err(),
        "all of it was taken back"
    );

    let files = files.with("2_rebuild", &rebuild(""), "SELECT 1");
    assert_eq!(files.migrator().run(&mut connection).unwrap(), ["2_rebuild"]);
    execute(&mut connection, "SELECT name FROM parents");
    assert_eq!(
        ask(&mut connection, children),
        "2",
        "dropping the old table cascaded to nothing"
    );
    execute(&mut connection, "DELETE FROM parents WHERE id = 1");
    assert_eq!(
        ask(&mut connection, children),
        "1",
        "references hold again, of the new table"
    );
}
