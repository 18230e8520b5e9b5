//! The settings of the engine.

use std::time::Duration;

use super::RedisEngine;
use super::clock::ServerClock;
use super::connections::Connections;
use super::connector::Connector;
use super::keys::Names;
use super::topology::{Login, RedisConfigError, Target, Topology};

/// What a [`RedisEngine`] is built from; see [`RedisEngine::from_url`] and [`RedisEngine::builder`].
#[derive(Debug, Clone)]
#[must_use = "nothing is built before `build`"]
pub struct RedisBuilder {
    target: Target,
    sentinel_login: Login,
    /// In PEM; empty means those that the system trusts.
    root_certificates: Vec<u8>,
    prefix: String,
    connections: usize,
    connect_timeout: Duration,
    response_timeout: Duration,
}

impl RedisBuilder {
    pub(super) fn new(target: Target) -> Self {
        Self {
            target,
            sentinel_login: Login::default(),
            root_certificates: Vec::new(),
            prefix: "aios".to_owned(),
            connections: 4,
            connect_timeout: Duration::from_millis(500),
            response_timeout: Duration::from_millis(200),
        }
    }

    /// The name and password for the servers, instead of the URL's.
    pub fn login(mut self, username: Option<&str>, password: &str) -> Self {
        self.target.login = Login {
            username: username.map(str::to_owned),
            password: Some(password.to_owned()),
        };
        self
    }

    /// The name and password for the Sentinels, which are asked for none where this is not called.
    pub fn sentinel_login(mut self, username: Option<&str>, password: &str) -> Self {
        self.sentinel_login = Login {
            username: username.map(str::to_owned),
            password: Some(password.to_owned()),
        };
        self
    }

    /// Speaks TLS to servers and Sentinels; needs the feature `redis-tls`.
    pub fn tls(mut self, tls: bool) -> Self {
        self.target.tls = tls;
        self
    }

    /// Trusts servers that show a certificate of this authority (in PEM), instead of the authorities that the system trusts.
    #[cfg(feature = "redis-tls")]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates = pem.into();
        self
    }

    /// The database's number, instead of the URL's. A Cluster has 0 alone.
    pub fn database(mut self, database: u32) -> Self {
        self.target.database = database;
        self
    }

    /// What the names of all keys and of the channel begin with; default `aios`. Caches with different prefixes see nothing
    /// of one another.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How many connections are shared by all callers; default 4. Subscriptions have their own.
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// How long connecting may take; default 500 ms.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long an answer may take before its connection is taken for dead, and replaced; default 200 ms. It has to be shorter
    /// than the cache's [`engine_timeout`](crate::CacheBuilder::engine_timeout), which gives up the call and not the
    /// connection: one whose other end is gone without a word would be used again and again.
    pub fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// The engine. Nothing is connected yet: that happens with the first operation, and a server that is away is no error here.
    pub fn build(self) -> Result<RedisEngine, RedisConfigError> {
        self.check()?;
        #[cfg(feature = "redis-tls")]
        install_crypto();
        let names = Names::new(&self.prefix, self.target.database);
        let connector = Connector::new(
            self.target,
            self.sentinel_login,
            self.root_certificates,
            self.connect_timeout,
            self.response_timeout,
        )?;
        // A new connection is asked who it is.
        let patience = self.connect_timeout.saturating_add(self.response_timeout);
        let connections = Connections::new(connector, self.connections, patience)?;
        Ok(RedisEngine {
            connections,
            names,
            clock: ServerClock::default(),
            patience,
            response_timeout: self.response_timeout,
        })
    }

    fn check(&self) -> Result<(), RedisConfigError> {
        let hosts = match &self.target.topology {
            Topology::Unix(_) if self.target.tls => return Err(RedisConfigError::SocketTls),
            Topology::Cluster(_) if self.target.database != 0 => {
                return Err(RedisConfigError::ClusterDatabase(self.target.database.to_string()));
            }
            Topology::Cluster(hosts) | Topology::Sentinel { sentinels: hosts, .. } => hosts.len(),
            Topology::Node(_) | Topology::Unix(_) => 1,
        };
        if hosts == 0 {
            return Err(RedisConfigError::NoHost);
        }
        if self.target.tls && !cfg!(feature = "redis-tls") {
            return Err(RedisConfigError::NoTls);
        }
        #[cfg(feature = "redis-tls")]
        if !self.root_certificates.is_empty() && !holds_certificates(&self.root_certificates) {
            return Err(RedisConfigError::NoCertificate);
        }
        if self.prefix.is_empty() {
            return Err(RedisConfigError::NoPrefix);
        }
        if self.connections == 0 {
            return Err(RedisConfigError::NoConnections);
        }
        if self.connect_timeout.is_zero() || self.response_timeout.is_zero() {
            return Err(RedisConfigError::NoTime);
        }
        Ok(())
    }
}

/// Redis's client takes anything, and then trusts nobody.
#[cfg(feature = "redis-tls")]
fn holds_certificates(pem: &[u8]) -> bool {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;

    let mut certificates = CertificateDer::pem_slice_iter(pem).peekable();
    certificates.peek().is_some() && certificates.all(|certificate| certificate.is_ok())
}

/// TLS needs one provider of cryptography in the process. Where the service has chosen one, that stays.
#[cfg(feature = "redis-tls")]
fn install_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Fails only where another thread was quicker, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(url: &str, change: impl FnOnce(RedisBuilder) -> RedisBuilder) -> Result<RedisEngine, RedisConfigError> {
        RedisEngine::from_url(url).map(change)?.build()
    }

    #[test]
    fn nothing_is_connected_by_building() {
        assert!(build("redis://localhost:1", |builder| builder).is_ok());
        assert!(build("redis+cluster://localhost:1,localhost:2", |builder| builder).is_ok());
        assert!(build("redis+sentinel://localhost:1/main", |builder| builder).is_ok());
        assert!(build("unix:///nowhere/redis.sock", |builder| builder).is_ok());
    }

    #[test]
    fn what_can_not_work_is_refused() {
        let error = |url, change: fn(RedisBuilder) -> RedisBuilder| build(url, change).err();
        let url = "redis://localhost";
        assert_eq!(error(url, |b| b.prefix("")), Some(RedisConfigError::NoPrefix));
        assert_eq!(error(url, |b| b.connections(0)), Some(RedisConfigError::NoConnections));
        assert_eq!(
            error(url, |b| b.connect_timeout(Duration::ZERO)),
            Some(RedisConfigError::NoTime)
        );
        assert_eq!(
            error(url, |b| b.response_timeout(Duration::ZERO)),
            Some(RedisConfigError::NoTime)
        );
        assert_eq!(error("unix:///a", |b| b.tls(true)), Some(RedisConfigError::SocketTls));
        assert_eq!(
            error("redis+cluster://a", |b| b.database(1)),
            Some(RedisConfigError::ClusterDatabase("1".to_owned()))
        );
    }

    #[test]
    #[cfg(not(feature = "redis-tls"))]
    fn tls_without_its_feature_names_the_feature() {
        let error = build("rediss://localhost", |builder| builder).unwrap_err();
        assert!(error.to_string().contains("redis-tls"));
    }

    #[test]
    #[cfg(feature = "redis-tls")]
    fn tls_is_accepted() {
        assert!(build("rediss://localhost", |builder| builder).is_ok());
        assert!(build("rediss+cluster://localhost", |builder| builder).is_ok());
    }

    #[test]
    #[cfg(feature = "redis-tls")]
    fn certificates_that_are_none_are_refused() {
        let error = build("rediss://localhost", |builder| builder.root_certificates(*b"nonsense"));
        assert_eq!(error.err(), Some(RedisConfigError::NoCertificate));
    }

    #[test]
    fn passwords_are_not_shown() {
        let builder = RedisEngine::from_url("redis://:secret@localhost").unwrap();
        let builder = builder.sentinel_login(None, "secret");
        assert!(!format!("{builder:?}").contains("secret"));
        assert!(!format!("{:?}", builder.build().unwrap()).contains("secret"));
    }
}
