//! The databases the tests run on: SQLite in memory, and a PostgreSQL database of each test's own.

use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

/// A connection to either database.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

impl AnyConnection {
    pub fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    pub fn run(&mut self, sql: &str) {
        self.batch_execute(sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
    }
}

/// A database that goes when it is dropped.
pub struct Database {
    pub conn: AnyConnection,
    own: Option<OwnDatabase>,
}

struct OwnDatabase {
    server: String,
    name: String,
}

impl Database {
    pub fn sqlite() -> Self {
        let conn = SqliteConnection::establish(":memory:").expect("SQLite opens a database in memory");
        Self {
            conn: AnyConnection::Sqlite(conn),
            own: None,
        }
    }

    pub fn postgres() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let server = std::env::var("AIOS_TEST_POSTGRES_URL").unwrap_or_else(|_| {
            panic!(
                "AIOS_TEST_POSTGRES_URL is not set: run `cargo xtask test`, which starts a private PostgreSQL server"
            )
        });
        let name = format!(
            "pagination_{}_{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        connect(&server)
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .expect("the server lets the test create a database");
        let conn = connect(&with_database(&server, &name));
        Self {
            conn: AnyConnection::Postgres(conn),
            own: Some(OwnDatabase { server, name }),
        }
    }

    /// One of each.
    pub fn both() -> [Self; 2] {
        [Self::sqlite(), Self::postgres()]
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(own) = self.own.take() {
            let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", own.name);
            // A test that already fails must say why itself.
            let _ = connect(&own.server).batch_execute(&drop);
        }
    }
}

fn connect(url: &str) -> PgConnection {
    PgConnection::establish(url).unwrap_or_else(|error| panic!("AIOS_TEST_POSTGRES_URL: {error}"))
}

/// The URL with another database in its path.
fn with_database(server: &str, name: &str) -> String {
    let (base, query) = server
        .split_once('?')
        .map_or((server, ""), |(base, query)| (base, query));
    let authority_end = base.find("://").map_or(0, |at| at + 3);
    let root = match base[authority_end..].find('/') {
        Some(slash) => &base[..authority_end + slash],
        None => base,
    };
    match query {
        "" => format!("{root}/{name}"),
        query => format!("{root}/{name}?{query}"),
    }
}
