//! How clients reach the server: TLS, time-outs for those that are slow, and how many may come at once.

use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::config::duration;

/// How clients reach the server.
#[derive(Args, Clone, Debug)]
pub struct TransportArgs {
    /// The server's certificate and those that lead to its authority, in PEM: TLS is spoken then, and nothing else. Read again
    /// once a minute and on SIGHUP.
    #[arg(long, env = "TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM.
    #[arg(long, env = "TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Whether HTTP/2 is spoken without TLS too, with clients that begin with it (h2c by prior knowledge). For servers behind a
    /// proxy: a connection on which nothing at all is said is then kept without a time limit.
    #[arg(long, env = "HTTP2_CLEARTEXT", value_name = "BOOL", default_value_t = false, action = clap::ArgAction::Set, conflicts_with = "tls_cert")]
    pub http2_cleartext: bool,
    /// For how long a connection is kept that asks nothing. Longer than the proxy in front of the server keeps its own.
    #[arg(long, env = "KEEP_ALIVE", value_name = "TIME", default_value = "75s", value_parser = duration)]
    pub keep_alive: Duration,
    /// How long a client may take for the TLS handshake, for the head of its first request, and to hear of a connection's end.
    #[arg(long, env = "CLIENT_TIMEOUT", value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub client_timeout: Duration,
    /// How long a client may take to send a body, which is 1 MiB at most.
    #[arg(long, env = "CLIENT_BODY_TIMEOUT", value_name = "TIME", default_value = "20s", value_parser = duration)]
    pub client_body_timeout: Duration,
    /// How many connections are open at a time; more wait until one is closed.
    #[arg(long, env = "MAX_CONNECTIONS", value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub max_connections: u32,
    /// How many connections the system lets wait.
    #[arg(long, env = "LISTEN_BACKLOG", value_name = "N", default_value_t = 1_024, value_parser = clap::value_parser!(u16).range(1..=65_535))]
    pub listen_backlog: u16,
}

impl TransportArgs {
    /// Each worker's share of the connections, rounded up.
    pub(crate) fn connections_per_worker(&self, workers: NonZero<u16>) -> usize {
        let share = self.max_connections.div_ceil(workers.get().into());
        usize::try_from(share).unwrap_or(usize::MAX)
    }

    /// The files with the certificate and its key, where TLS is spoken.
    pub(crate) fn tls_files(&self) -> Option<TlsFiles> {
        let (cert, key) = (self.tls_cert.clone()?, self.tls_key.clone()?);
        Some(TlsFiles { cert, key })
    }
}

/// Where a certificate and its key are.
#[derive(Clone, Debug)]
pub(crate) struct TlsFiles {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}
