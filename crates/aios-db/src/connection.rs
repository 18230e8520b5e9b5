//! One connection to either database, chosen by the URL's scheme.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::result::Error;
use diesel::{Connection, ConnectionError, PgConnection, QueryResult, SqliteConnection};

#[allow(
    missing_docs,
    unreachable_pub,
    clippy::pedantic,
    reason = "the derive writes a module of its own"
)]
mod any {
    use super::{PgConnection, SqliteConnection};

    /// A connection to PostgreSQL or to SQLite. Queries of diesel's own language run on either; what one of them alone
    /// can do is reached by matching on the variant, in few and named places.
    #[derive(diesel::MultiConnection)]
    pub enum AnyConnection {
        /// PostgreSQL.
        Postgres(PgConnection),
        /// SQLite.
        Sqlite(SqliteConnection),
    }
}

pub use any::{AnyConnection, MultiBackend};

impl AnyConnection {
    /// Which database this is a connection to.
    pub fn kind(&self) -> DatabaseKind {
        match self {
            Self::Postgres(_) => DatabaseKind::Postgres,
            Self::Sqlite(_) => DatabaseKind::Sqlite,
        }
    }
}

/// The two databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DatabaseKind {
    /// PostgreSQL 14 or newer.
    Postgres,
    /// The bundled SQLite.
    Sqlite,
}

impl fmt::Display for DatabaseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postgres => "PostgreSQL",
            Self::Sqlite => "SQLite",
        })
    }
}

/// Where the data is: `postgres://USER@HOST/NAME` or `sqlite://PATH`.
///
/// It is shown without its password.
///
/// ```
/// use aios_db::{DatabaseKind, DatabaseUrl};
///
/// let url: DatabaseUrl = "sqlite://data/aios.db".parse()?;
/// assert_eq!(url.kind(), DatabaseKind::Sqlite);
/// let url: DatabaseUrl = "postgres://ada:secret@localhost/aios".parse()?;
/// assert_eq!(url.to_string(), "postgres://ada:***@localhost/aios");
/// # Ok::<(), aios_db::DatabaseUrlError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(Target);

#[derive(Clone, PartialEq, Eq)]
enum Target {
    Postgres(String),
    Sqlite(PathBuf),
}

/// Why a database URL is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseUrlError {
    /// Neither of the two schemes.
    #[error("the database URL must begin with postgres:// or sqlite://")]
    Scheme,
    /// `sqlite://` with nothing behind it.
    #[error("the database URL sqlite:// must name a file, as in sqlite://data/aios.db")]
    NoPath,
    /// TLS is asked of a libpq that has none.
    #[error(
        "the database URL asks for TLS (sslmode={0}), which this build does not have: use a build with the feature `tls`, \
         or sslmode=disable on a network you trust"
    )]
    NoTls(String),
}

impl DatabaseUrl {
    /// A SQLite database in this file.
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self(Target::Sqlite(path.into()))
    }

    /// Which database it is.
    pub fn kind(&self) -> DatabaseKind {
        match self.0 {
            Target::Postgres(_) => DatabaseKind::Postgres,
            Target::Sqlite(_) => DatabaseKind::Sqlite,
        }
    }

    /// The same, where PostgreSQL's client gives up connecting after so long (whole seconds, at least two), and finds out
    /// within a minute that a server is gone without a word. What the URL says of this itself is left as it is.
    #[must_use]
    pub fn connecting_within(&self, time: Duration) -> Self {
        let Target::Postgres(url) = &self.0 else {
            return self.clone();
        };
        let seconds = time.as_secs().max(2).to_string();
        let mut url = url.clone();
        for (name, value) in [
            ("connect_timeout", seconds.as_str()),
            ("keepalives_idle", "30"),
            ("keepalives_interval", "10"),
            ("keepalives_count", "3"),
            // What was sent and never acknowledged is not asked after by these, and would be sent again for a quarter of an hour.
            ("tcp_user_timeout", "60000"),
        ] {
            let is_given = |part: &str| part.split('=').next() == Some(name);
            if !url.split(['?', '&']).skip(1).any(is_given) {
                let sign = if url.contains('?') { '&' } else { '?' };
                url.push(sign);
                url.push_str(name);
                url.push('=');
                url.push_str(value);
            }
        }
        Self(Target::Postgres(url))
    }

    /// The file of a SQLite database.
    pub fn path(&self) -> Option<&Path> {
        match &self.0 {
            Target::Postgres(_) => None,
            Target::Sqlite(path) => Some(path),
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, DatabaseUrlError> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            let mode = text.split(['?', '&']).find_map(|part| part.strip_prefix("sslmode="));
            if let Some(mode @ ("require" | "verify-ca" | "verify-full")) = mode
                && !cfg!(feature = "tls")
            {
                return Err(DatabaseUrlError::NoTls(mode.to_owned()));
            }
            return Ok(Self(Target::Postgres(text.to_owned())));
        }
        let path = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:"));
        match path {
            Some("") => Err(DatabaseUrlError::NoPath),
            Some(path) => Ok(Self::sqlite(path)),
            None => Err(DatabaseUrlError::Scheme),
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Target::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Target::Postgres(url) => {
                let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
                let authority = rest.split(['/', '?']).next().unwrap_or_default();
                let tail = rest.get(authority.len()..).unwrap_or_default();
                // A password may also stand among the parameters; what is shown ends before them.
                let path = tail.split('?').next().unwrap_or_default();
                match authority.rsplit_once('@') {
                    Some((user, host)) => match user.split_once(':') {
                        Some((user, _password)) => write!(f, "{scheme}://{user}:***@{host}{path}"),
                        None => write!(f, "{scheme}://{user}@{host}{path}"),
                    },
                    None => write!(f, "{scheme}://{authority}{path}"),
                }
            }
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It may read and write.
    ReadWrite,
    /// It may read alone; SQLite's readers are opened so, and a write through one fails.
    ReadOnly,
}

/// Opens a connection that is set up for this service.
///
/// SQLite: WAL, full synchronisation (what was acknowledged survives a power cut), foreign keys, five seconds' patience with
/// another writer. PostgreSQL: times in UTC, and no statement longer than `statement_timeout`.
///
/// # Errors
/// The database's own words for why it can't be reached, without the password.
pub fn connect(
    url: &DatabaseUrl,
    access: Access,
    statement_timeout: Option<Duration>,
) -> Result<AnyConnection, ConnectionError> {
    match &url.0 {
        Target::Postgres(url) => {
            let mut connection = PgConnection::establish(url)?;
            let timeout = statement_timeout.map_or(0, |timeout| timeout.as_millis());
            connection
                .batch_execute(&format!("SET timezone TO 'UTC'; SET statement_timeout TO {timeout}"))
                .map_err(ConnectionError::CouldntSetupConfiguration)?;
            Ok(AnyConnection::Postgres(connection))
        }
        Target::Sqlite(path) => {
            if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                std::fs::create_dir_all(folder).map_err(|error| {
                    ConnectionError::BadConnection(format!("can't make the folder {}: {error}", folder.display()))
                })?;
            }
            let mut connection = SqliteConnection::establish(&path.to_string_lossy())?;
            // The busy time-out comes first: switching to WAL takes a lock that another process may hold.
            let set_up = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                          PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384; \
                          PRAGMA mmap_size = 268435456;";
            set_up_patiently(&mut connection, set_up).map_err(ConnectionError::CouldntSetupConfiguration)?;
            register_functions(&mut connection).map_err(ConnectionError::CouldntSetupConfiguration)?;
            if access == Access::ReadOnly {
                connection
                    .batch_execute("PRAGMA query_only = ON;")
                    .map_err(ConnectionError::CouldntSetupConfiguration)?;
            }
            Ok(AnyConnection::Sqlite(connection))
        }
    }
}

/// Gives a connection the functions that our statements call.
pub(crate) fn register_functions(connection: &mut SqliteConnection) -> QueryResult<()> {
    crate::rank::register(connection)?;
    crate::tokens::register(connection)
}

/// Two that switch a new database to WAL at once would wait for each other, so SQLite refuses one of them without waiting.
fn set_up_patiently(connection: &mut SqliteConnection, set_up: &str) -> QueryResult<()> {
    const PAUSE: Duration = Duration::from_millis(20);
    for _ in 0..250 {
        match connection.batch_execute(set_up) {
            Err(Error::DatabaseError(_, why)) if why.message().contains("database is locked") => {
                std::thread::sleep(PAUSE);
            }
            done => return done,
        }
    }
    connection.batch_execute(set_up)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_shown_without_passwords() {
        for (url, shown) in [
            ("postgres://u:p@h:5432/d?x=y", "postgres://u:***@h:5432/d"),
            ("postgres://u@h/d", "postgres://u@h/d"),
            ("postgresql://h/d?password=secret", "postgresql://h/d"),
            ("postgres://u:p%40q@h", "postgres://u:***@h"),
            ("sqlite://data/aios.db", "sqlite://data/aios.db"),
            ("sqlite:/tmp/x.db", "sqlite:///tmp/x.db"),
        ] {
            let parsed: DatabaseUrl = url.parse().unwrap();
            assert_eq!(parsed.to_string(), shown);
            assert!(!format!("{parsed:?}").contains("secret"));
        }
    }

    #[test]
    fn what_a_url_says_of_time_outs_stays() {
        let url: DatabaseUrl = "postgres://h/d?connect_timeout=9&x=y".parse().unwrap();
        let Target::Postgres(url) = url.connecting_within(Duration::from_secs(5)).0 else {
            panic!("it was one of PostgreSQL")
        };
        assert_eq!(
            url,
            "postgres://h/d?connect_timeout=9&x=y&keepalives_idle=30&keepalives_interval=10&keepalives_count=3\
             &tcp_user_timeout=60000"
        );
        let url: DatabaseUrl = "postgres://h/d".parse().unwrap();
        let Target::Postgres(url) = url.connecting_within(Duration::from_millis(1)).0 else {
            panic!("it was one of PostgreSQL")
        };
        assert!(url.starts_with("postgres://h/d?connect_timeout=2&keepalives"), "{url}");
    }

    #[test]
    fn other_urls_are_refused_with_a_sentence() {
        assert_eq!("mysql://h/d".parse::<DatabaseUrl>(), Err(DatabaseUrlError::Scheme));
        assert_eq!("sqlite://".parse::<DatabaseUrl>(), Err(DatabaseUrlError::NoPath));
        if !cfg!(feature = "tls") {
            let refused = "postgres://h/d?sslmode=require".parse::<DatabaseUrl>();
            assert_eq!(refused, Err(DatabaseUrlError::NoTls("require".to_owned())));
        }
    }
}
