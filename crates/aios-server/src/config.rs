//! Configuration: flags, each with the same name in the environment. A bad value stops the start with a sentence that names
//! it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use aios_db::{DatabaseConfig, DatabaseUrl};
use aios_telemetry::LogFormat;
use clap::Args;

use crate::cache::CacheArgs;
use crate::edge::EdgeArgs;
use crate::pool::PoolArgs;
use crate::profile::ProfileArgs;
use crate::transport::TransportArgs;

/// Why the program does not start, or does not do what it was told.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(pub String);

impl StartError {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl From<aios_domain::Error> for StartError {
    fn from(error: aios_domain::Error) -> Self {
        let cause = std::error::Error::source(&error)
            .map(|cause| format!(" ({cause})"))
            .unwrap_or_default();
        Self(format!("{error}{cause}"))
    }
}

/// Where the data is.
#[derive(Args, Clone, Debug)]
pub struct DatabaseArgs {
    /// The database: postgres://USER@HOST/NAME, or sqlite://PATH.
    #[arg(
        long,
        env = "DATABASE_URL",
        value_name = "URL",
        default_value = "sqlite://data/aios.db",
        hide_env_values = true
    )]
    pub database_url: DatabaseUrl,
}

/// The secret that signs tokens.
#[derive(Args, Clone, Debug)]
pub struct SecretArgs {
    /// The secret with which tokens are signed (HS256), at least 32 bytes. On SQLite one is made and kept beside the
    /// database where none is given.
    #[arg(long, env = "JWT_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub jwt_secret: Option<String>,
}

/// How to serve.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    /// Where the data is.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// How it is connected to.
    #[command(flatten)]
    pub pool: PoolArgs,
    /// For how many days it is kept what happened to agents; figures look back thirty.
    #[arg(long, env = "ANALYTICS_RETENTION_DAYS", value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(30..=36_500))]
    pub analytics_retention_days: u32,
    /// How its work is watched.
    #[command(flatten)]
    pub profile: ProfileArgs,
    /// How answers are kept.
    #[command(flatten)]
    pub cache: CacheArgs,
    /// The CDN in front of the servers.
    #[command(flatten)]
    pub edge: EdgeArgs,
    /// The address to listen at.
    #[arg(long, env = "API_HOST", value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub api_host: IpAddr,
    /// The port to listen at; 0 for any that is free.
    #[arg(long, env = "API_PORT", value_name = "PORT", default_value_t = 8080)]
    pub api_port: u16,
    /// How clients reach it.
    #[command(flatten)]
    pub transport: TransportArgs,
    /// How many threads answer requests; as many as there are cores where nothing is said.
    #[arg(long, env = "API_WORKERS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub api_workers: Option<u16>,
    /// After how long a request is given up with 503, as in 30, 30s or 2m.
    #[arg(long, env = "REQUEST_TIMEOUT", value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub request_timeout: Duration,
    /// Serve /metrics at an address of its own and not with everything else, as in 127.0.0.1:9090.
    #[arg(long, env = "METRICS_ADDRESS", value_name = "ADDRESS:PORT")]
    pub metrics_address: Option<SocketAddr>,
    /// The secret that signs tokens.
    #[command(flatten)]
    pub secret: SecretArgs,
    /// Public keys with which tokens are checked (RS256, ES256, EdDSA): a JSON Web Key Set, as a file or a URL. Instead of
    /// a secret.
    #[arg(long, env = "JWT_JWKS", value_name = "FILE|URL", conflicts_with = "jwt_secret")]
    pub jwt_jwks: Option<String>,
    /// Whether an empty SQLite database is filled with a demonstration catalogue. PostgreSQL never is.
    #[arg(long, env = "DEMO_DATA", value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub demo_data: bool,
    /// How log lines are written: text or json. What is logged is said by RUST_LOG, as in info,aios_db=debug.
    #[arg(long, env = "LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

impl ServeArgs {
    /// # Errors
    /// A sentence that says which settings do not go together.
    pub(crate) fn database_config(&self) -> Result<DatabaseConfig, StartError> {
        let config = self
            .pool
            .config(self.database.database_url.clone(), self.request_timeout)?;
        Ok(DatabaseConfig {
            profile: self.profile.config(),
            ..config
        })
    }
}

/// Reads a time such as `30`, `90s`, `15m`, `12h` or `30d`; a bare number is seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let number_ends = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(number_ends);
    let refused = || "must be a time above 0 such as 30, 90s, 15m, 12h or 30d".to_owned();
    let number: u64 = number.parse().map_err(|_| refused())?;
    let seconds = match unit {
        "" | "s" => Some(number),
        "m" => number.checked_mul(60),
        "h" => number.checked_mul(3_600),
        "d" => number.checked_mul(86_400),
        _ => None,
    };
    let in_range = |seconds: &u64| (1..=3_650 * 86_400).contains(seconds);
    seconds.filter(in_range).map(Duration::from_secs).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_with_their_units() {
        assert_eq!(duration("30"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(duration("1d"), Ok(Duration::from_secs(86_400)));
        for bad in [
            "",
            "0",
            "s",
            "-1",
            "1.5s",
            "1w",
            "99999999999999999999",
            "18446744073709551615d",
            "30 s",
        ] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
