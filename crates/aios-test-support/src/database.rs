//! A migrated database of its own for each test.

use std::env;
use std::fs;
use std::sync::OnceLock;

use aios_db::profile::{OnRepeat, ProfileConfig};
use aios_db::scratch::ScratchDatabase;
use aios_db::{Access, AnyConnection, Database, DatabaseConfig, DatabaseKind, DatabaseUrl, connect, migrations};
use tempfile::TempDir;

/// Where `cargo xtask test` says that its private PostgreSQL server is.
const SERVER_VARIABLE: &str = "AIOS_TEST_POSTGRES_URL";

/// A database that one test has for itself; it goes away with this value, whoever is still connected.
#[derive(Debug)]
pub struct TestDatabase {
    url: DatabaseUrl,
    _place: Place,
}

/// What has to be kept for the database to exist.
#[derive(Debug)]
enum Place {
    Server { _database: ScratchDatabase },
    Elsewhere,
    Directory { _directory: TempDir },
}

impl TestDatabase {
    /// A migrated database of either kind.
    pub fn new(kind: DatabaseKind) -> Self {
        match kind {
            DatabaseKind::Postgres => Self::postgres(),
            DatabaseKind::Sqlite => Self::sqlite(),
        }
    }

    /// A migrated PostgreSQL database: a copy of one that is migrated once for all tests.
    ///
    /// # Panics
    /// Without a server; run the tests by `cargo xtask test`.
    pub fn postgres() -> Self {
        Self::on_server(ScratchDatabase::migrated(&server_url()))
    }

    /// A PostgreSQL database without any table.
    ///
    /// # Panics
    /// As [`postgres`](Self::postgres).
    pub fn empty_postgres() -> Self {
        Self::on_server(ScratchDatabase::empty(&server_url()))
    }

    /// A migrated SQLite database in a temporary directory.
    pub fn sqlite() -> Self {
        static TEMPLATE: OnceLock<Vec<u8>> = OnceLock::new();
        let template = TEMPLATE.get_or_init(migrated_sqlite_file);
        let database = Self::empty_sqlite();
        let path = database.url.path().expect("a SQLite database is a file");
        fs::write(path, template).expect("the temporary directory can be written to");
        database
    }

    /// The place for a SQLite database in a temporary directory; the file is made by whoever connects first.
    pub fn empty_sqlite() -> Self {
        let directory = tempfile::Builder::new()
            .prefix("aios-test-")
            .tempdir()
            .expect("a temporary directory can be made");
        let url = DatabaseUrl::sqlite(directory.path().join("aios.db"));
        Self {
            url,
            _place: Place::Directory { _directory: directory },
        }
    }

    /// One that stands and falls with its server.
    pub(crate) fn elsewhere(url: DatabaseUrl) -> Self {
        Self {
            url,
            _place: Place::Elsewhere,
        }
    }

    /// Where it is.
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// Which database it is.
    pub fn kind(&self) -> DatabaseKind {
        self.url.kind()
    }

    /// One more connection, outside any pool.
    pub fn connection(&self) -> AnyConnection {
        connect(&self.url, Access::ReadWrite, None)
            .unwrap_or_else(|error| panic!("can't connect to {}: {error}", self.url))
    }

    /// A pool of connections, as a service has it. A query for each row of another makes it panic.
    pub fn pool(&self) -> Database {
        Database::new(&self.config())
    }

    /// What [`pool`](Self::pool) is made by.
    pub fn config(&self) -> DatabaseConfig {
        DatabaseConfig {
            profile: ProfileConfig {
                on_repeat: OnRepeat::Panic,
                ..ProfileConfig::default()
            },
            ..DatabaseConfig::new(self.url.clone())
        }
    }

    fn on_server(made: Result<ScratchDatabase, aios_db::scratch::ScratchError>) -> Self {
        let database = made.unwrap_or_else(|error| panic!("{error}"));
        Self {
            url: database.url().clone(),
            _place: Place::Server { _database: database },
        }
    }
}

fn server_url() -> String {
    match env::var(SERVER_VARIABLE) {
        Ok(url) if !url.is_empty() => url,
        _ => panic!("this test needs a PostgreSQL server: run `cargo xtask test`"),
    }
}

/// The bytes of a migrated file. Kept in memory, since nobody would remove a file at the end of the process.
fn migrated_sqlite_file() -> Vec<u8> {
    let database = TestDatabase::empty_sqlite();
    let mut connection = database.connection();
    migrations::run(&mut connection).unwrap_or_else(|error| panic!("{error}"));
    // The last connection that closes moves the write-ahead log into the file.
    drop(connection);
    fs::read(database.url.path().expect("a SQLite database is a file")).expect("the database was written")
}
