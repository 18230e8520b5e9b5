//! PostgreSQL databases that go away again: for tests, and for comparing schemas. No part of a running service.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::result::Error as QueryError;
use diesel::{ConnectionError, PgConnection, QueryableByName, RunQueryDsl, sql_query, sql_types};

use crate::connection::{Access, AnyConnection, DatabaseKind, DatabaseUrl, DatabaseUrlError, connect};
use crate::migrations::{self, MigrationError};

/// The advisory lock under which the template is made: the bytes of "aios-tpl".
const TEMPLATE_LOCK: i64 = i64::from_be_bytes(*b"aios-tpl");

/// A database of its own on a PostgreSQL server; dropped, with everybody's connections to it, when this value is.
#[derive(Debug)]
pub struct ScratchDatabase {
    server: DatabaseUrl,
    name: String,
    url: DatabaseUrl,
    /// The same as it was put together, password included.
    location: String,
}

/// Why there is no scratch database.
#[derive(Debug, thiserror::Error)]
pub enum ScratchError {
    /// The server's URL is not one of PostgreSQL.
    #[error("{0} is not the URL of a PostgreSQL server; it looks like postgres://USER@HOST:PORT/postgres")]
    NotPostgres(String),
    /// The server's URL can't be read.
    #[error(transparent)]
    Url(#[from] DatabaseUrlError),
    /// The server can't be reached.
    #[error("can't reach the PostgreSQL server for scratch databases: {0}")]
    Connection(#[from] ConnectionError),
    /// The server refused.
    #[error("the PostgreSQL server for scratch databases refuses: {0}")]
    Query(#[from] QueryError),
    /// The template could not be migrated.
    #[error(transparent)]
    Migration(#[from] MigrationError),
}

impl ScratchDatabase {
    /// A database without any table.
    ///
    /// # Errors
    /// When the server can't be reached, or its user may not create databases.
    pub fn empty(server_url: &str) -> Result<Self, ScratchError> {
        let (mut server, scratch) = Self::named(server_url)?;
        server.batch_execute(&format!("CREATE DATABASE {}", scratch.name))?;
        Ok(scratch)
    }

    /// A database with all migrations. They run once for a server and set of migrations; each further database is a copy.
    ///
    /// # Errors
    /// As [`empty`](Self::empty), and when a migration fails.
    pub fn migrated(server_url: &str) -> Result<Self, ScratchError> {
        let (mut server, scratch) = Self::named(server_url)?;
        let template = template(&mut server, server_url)?;
        // Copying files is the faster way where nothing is synchronised to disk; PostgreSQL 14 knows no other.
        let strategy = if version(&mut server)? >= 150_000 {
            "STRATEGY file_copy"
        } else {
            ""
        };
        server.batch_execute(&format!(
            "CREATE DATABASE {} TEMPLATE {template} {strategy}",
            scratch.name
        ))?;
        Ok(scratch)
    }

    /// Where it is.
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// The URL in full, with a password if it has one: for other programs, not for logs.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// A connection to the server, and a database that does not exist yet.
    fn named(server_url: &str) -> Result<(PgConnection, Self), ScratchError> {
        let server: DatabaseUrl = server_url.parse()?;
        let connection = open(&server)?;
        let name = format!("aios_scratch_{}", uuid::Uuid::now_v7().simple());
        let location = with_database(server_url, &name);
        let scratch = Self {
            server,
            name,
            url: location.parse()?,
            location,
        };
        Ok((connection, scratch))
    }
}

impl Drop for ScratchDatabase {
    fn drop(&mut self) {
        let dropped = open(&self.server).and_then(|mut server| {
            Ok(server.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name))?)
        });
        if let Err(error) = dropped {
            tracing::warn!(%error, name = self.name, "a scratch database is left behind");
        }
    }
}

fn open(server: &DatabaseUrl) -> Result<PgConnection, ScratchError> {
    let refused = || ScratchError::NotPostgres(server.to_string());
    if server.kind() != DatabaseKind::Postgres {
        return Err(refused());
    }
    match connect(server, Access::ReadWrite, None)? {
        AnyConnection::Postgres(connection) => Ok(connection),
        AnyConnection::Sqlite(_) => Err(refused()),
    }
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = sql_types::Bool)]
    yes: bool,
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = sql_types::Integer)]
    number: i32,
}

fn version(server: &mut PgConnection) -> Result<i32, QueryError> {
    let version: Version =
        sql_query("SELECT current_setting('server_version_num')::integer AS number").get_result(server)?;
    Ok(version.number)
}

/// The name of the migrated template. Of the processes that want it at once, one makes it.
fn template(server: &mut PgConnection, server_url: &str) -> Result<String, ScratchError> {
    let name = format!("aios_template_{:016x}", migrations::fingerprint(DatabaseKind::Postgres));
    if exists(server, &name)? {
        return Ok(name);
    }
    // Waiting in the server is right here: whoever holds the lock runs nothing that waits for other transactions.
    server.batch_execute(&format!("SELECT pg_advisory_lock({TEMPLATE_LOCK})"))?;
    let made = if exists(server, &name)? {
        Ok(())
    } else {
        make_template(server, server_url, &name)
    };
    server.batch_execute(&format!("SELECT pg_advisory_unlock({TEMPLATE_LOCK})"))?;
    made.map(|()| name)
}

/// Makes the template under another name, so that what has its name is complete.
fn make_template(server: &mut PgConnection, server_url: &str, name: &str) -> Result<(), ScratchError> {
    let unfinished = format!("{name}_unfinished");
    server.batch_execute(&format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)"))?;
    server.batch_execute(&format!("CREATE DATABASE {unfinished}"))?;
    let url: DatabaseUrl = with_database(server_url, &unfinished).parse()?;
    let mut connection = connect(&url, Access::ReadWrite, Some(Duration::from_secs(300)))?;
    migrations::run(&mut connection)?;
    drop(connection);
    // The server lets go of a closed connection a moment later, and renames no database that has one.
    server.batch_execute(&format!(
        "ALTER DATABASE {unfinished} ALLOW_CONNECTIONS false; \
         SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{unfinished}'; \
         ALTER DATABASE {unfinished} RENAME TO {name}"
    ))?;
    Ok(())
}

fn exists(server: &mut PgConnection, name: &str) -> Result<bool, QueryError> {
    let query = format!("SELECT EXISTS (SELECT FROM pg_database WHERE datname = '{name}') AS yes");
    let answer: Answer = sql_query(query).get_result(server)?;
    Ok(answer.yes)
}

/// The same URL with another database.
fn with_database(url: &str, name: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    let (location, parameters) = rest
        .split_once('?')
        .map_or((rest, String::new()), |(location, parameters)| {
            (location, format!("?{parameters}"))
        });
    let authority = location.split('/').next().unwrap_or_default();
    format!("{scheme}://{authority}/{name}{parameters}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_in_a_url_is_replaced() {
        for (url, replaced) in [
            ("postgres://u:p@h:5432/postgres", "postgres://u:p@h:5432/x"),
            ("postgresql://h", "postgresql://h/x"),
            ("postgres://h/?host=/tmp/a", "postgres://h/x?host=/tmp/a"),
            (
                "postgres://u@%2Ftmp%2Fa:1/d?sslmode=disable",
                "postgres://u@%2Ftmp%2Fa:1/x?sslmode=disable",
            ),
        ] {
            assert_eq!(with_database(url, "x"), replaced);
        }
    }

    #[test]
    fn a_sqlite_url_is_refused() {
        let file = std::env::temp_dir().join("never-made.db");
        let refused = ScratchDatabase::empty(&format!("sqlite://{}", file.display()));
        assert!(matches!(refused, Err(ScratchError::NotPostgres(_))));
        assert!(!file.exists());
    }
}
