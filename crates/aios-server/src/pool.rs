//! The settings of the database's connections.

use std::time::Duration;

use aios_db::{DatabaseConfig, DatabaseKind, DatabaseUrl};
use clap::Args;

use crate::config::{StartError, duration};

/// How the database is connected to.
#[derive(Args, Clone, Debug)]
pub struct PoolArgs {
    /// PostgreSQL servers that replicate the database and answer reads, separated by commas. Each URL stands for one server.
    #[arg(
        long,
        env = "DATABASE_REPLICA_URLS",
        value_name = "URL,…",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub database_replica_urls: Vec<DatabaseUrl>,
    /// How many database connections are kept, to each server.
    #[arg(long, env = "DATABASE_POOL_SIZE", value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub database_pool_size: u32,
    /// How many more are opened under load.
    #[arg(long, env = "DATABASE_MAX_OVERFLOW", value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub database_max_overflow: u32,
    /// How many operations may wait for a connection; more are refused at once with 503.
    #[arg(long, env = "DATABASE_MAX_WAITING", value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub database_max_waiting: u32,
    /// For how long an operation waits for a connection before it is refused with 503. One whose request is given up for
    /// REQUEST_TIMEOUT waits no longer.
    #[arg(long, env = "DATABASE_WAIT_TIMEOUT", value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub database_wait_timeout: Duration,
    /// How long opening a connection may take.
    #[arg(long, env = "DATABASE_CONNECT_TIMEOUT", value_name = "TIME", default_value = "5s", value_parser = duration)]
    pub database_connect_timeout: Duration,
    /// How long PostgreSQL may work on a statement; REQUEST_TIMEOUT where nothing is said.
    #[arg(long, env = "DATABASE_STATEMENT_TIMEOUT", value_name = "TIME", value_parser = duration)]
    pub database_statement_timeout: Option<Duration>,
    /// After how long without use a connection is closed that is more than DATABASE_POOL_SIZE.
    #[arg(long, env = "DATABASE_IDLE_TIMEOUT", value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub database_idle_timeout: Duration,
    /// After how long a connection is replaced by a new one.
    #[arg(long, env = "DATABASE_MAX_LIFETIME", value_name = "TIME", default_value = "30m", value_parser = duration)]
    pub database_max_lifetime: Duration,
    /// An operation that holds a connection for longer is told in the log, with its place in the code.
    #[arg(long, env = "DATABASE_HOLD_WARNING", value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub database_hold_warning: Duration,
}

impl PoolArgs {
    pub(crate) fn config(&self, url: DatabaseUrl, request_timeout: Duration) -> Result<DatabaseConfig, StartError> {
        let is_postgres = |url: &DatabaseUrl| url.kind() == DatabaseKind::Postgres;
        if !self.database_replica_urls.is_empty() && !is_postgres(&url) {
            return Err(StartError::new(
                "DATABASE_REPLICA_URLS needs a DATABASE_URL that begins with postgres://: SQLite has no replicas",
            ));
        }
        if let Some(other) = self.database_replica_urls.iter().find(|url| !is_postgres(url)) {
            return Err(StartError::new(format!(
                "DATABASE_REPLICA_URLS names {other}, which is no PostgreSQL server: each must begin with postgres://"
            )));
        }
        Ok(DatabaseConfig {
            replicas: self.database_replica_urls.clone(),
            pool_size: self.database_pool_size,
            max_overflow: self.database_max_overflow,
            max_waiting: self.database_max_waiting as usize,
            wait_timeout: self.database_wait_timeout,
            connect_timeout: self.database_connect_timeout,
            statement_timeout: self.database_statement_timeout.unwrap_or(request_timeout),
            idle_timeout: self.database_idle_timeout,
            max_lifetime: self.database_max_lifetime,
            hold_warning: self.database_hold_warning,
            ..DatabaseConfig::new(url)
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::{Command, FromArgMatches};

    use super::*;

    fn config(url: &str, arguments: &[&str]) -> Result<DatabaseConfig, String> {
        let command = PoolArgs::augment_args(Command::new("aios"));
        let matches = command.get_matches_from([&["aios"], arguments].concat());
        let args = PoolArgs::from_arg_matches(&matches).unwrap();
        args.config(url.parse().unwrap(), Duration::from_secs(8))
            .map_err(|refused| refused.0)
    }

    #[test]
    fn a_statement_takes_no_longer_than_a_request_may_unless_told_otherwise() {
        let seconds = Duration::from_secs;
        let untold = config("postgres://h/d", &[]).unwrap();
        assert_eq!(untold.statement_timeout, seconds(8));
        let told = config("postgres://h/d", &["--database-statement-timeout", "3s"]).unwrap();
        assert_eq!(told.statement_timeout, seconds(3));
    }

    #[test]
    fn replicas_are_postgresql_s() {
        let urls = "postgres://a/d,postgres://b/d";
        let two = config("postgres://h/d", &["--database-replica-urls", urls]).unwrap();
        assert_eq!(two.replicas.len(), 2);
        let refused = config("sqlite://x.db", &["--database-replica-urls", urls]).unwrap_err();
        assert!(
            refused.starts_with("DATABASE_REPLICA_URLS needs a DATABASE_URL"),
            "{refused}"
        );
        let refused = config("postgres://h/d", &["--database-replica-urls", "sqlite://x.db"]).unwrap_err();
        assert!(
            refused.contains("sqlite://x.db, which is no PostgreSQL server"),
            "{refused}"
        );
    }
}
