//! How a connection is made, for each arrangement of servers.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use deadpool_redis::redis::aio::PubSub;
use deadpool_redis::redis::cluster::ClusterClientBuilder;
use deadpool_redis::redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use deadpool_redis::redis::{
    self, AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, PushInfo,
    PushKind, RedisConnectionInfo, RedisError,
};
use futures_util::future::select_ok;

use super::error;
use super::topology::{HostPort, Login, RedisConfigError, Target, Topology};
use super::wire::{Link, Wire};
use crate::engine::EngineError;

/// When the first probe of a silent connection is sent, and how long after that the next.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(2));

/// Makes connections, for the pool. The managers of deadpool-redis are not used: those for Sentinel and Cluster leave TCP's
/// delays on, fix the time-outs, and the latter repeats commands sixteen times; none tells when a connection ends.
pub(super) struct Connector {
    route: Route,
    connect_timeout: Duration,
    response_timeout: Duration,
}

enum Route {
    Node(ConnectionInfo),
    Sentinel {
        sentinels: Vec<ConnectionInfo>,
        service: String,
        access: Access,
    },
    Cluster {
        seeds: Vec<ConnectionInfo>,
        access: Access,
    },
}

/// How a server is spoken to, wherever it is.
#[derive(Clone)]
struct Access {
    login: Login,
    database: u32,
    tls: bool,
    /// In PEM; empty means those that the system trusts.
    #[cfg_attr(not(feature = "redis-tls"), expect(dead_code, reason = "only TLS asks for them"))]
    root_certificates: Arc<[u8]>,
}

impl Access {
    fn at(&self, host_port: &HostPort) -> Result<ConnectionInfo, RedisError> {
        let (host, port) = host_port.clone();
        self.to(if self.tls {
            ConnectionAddr::TcpTls {
                host,
                port,
                insecure: false,
                tls_params: None,
            }
        } else {
            ConnectionAddr::Tcp(host, port)
        })
    }

    fn to(&self, address: ConnectionAddr) -> Result<ConnectionInfo, RedisError> {
        // RESP3 because its client tells at once when a connection ends.
        let mut server = RedisConnectionInfo::default()
            .set_protocol(ProtocolVersion::RESP3)
            .set_db(i64::from(self.database));
        if let Some(username) = &self.login.username {
            server = server.set_username(username);
        }
        if let Some(password) = &self.login.password {
            server = server.set_password(password);
        }
        let server = address
            .into_connection_info()?
            .set_redis_settings(server)
            .set_tcp_settings(tcp_settings());
        self.with_certificates(server)
    }

    #[cfg(feature = "redis-tls")]
    fn with_certificates(&self, server: ConnectionInfo) -> Result<ConnectionInfo, RedisError> {
        match self.certificates() {
            Some(certificates) => Ok(Client::build_with_tls(server, certificates)?
                .get_connection_info()
                .clone()),
            None => Ok(server),
        }
    }

    #[cfg(feature = "redis-tls")]
    fn certificates(&self) -> Option<redis::TlsCertificates> {
        (self.tls && !self.root_certificates.is_empty()).then(|| redis::TlsCertificates {
            client_tls: None,
            root_cert: Some(self.root_certificates.to_vec()),
        })
    }

    /// The client of a Cluster finds other nodes than the seeds, and trusts them for the same reason.
    #[cfg(feature = "redis-tls")]
    fn trusting(&self, builder: ClusterClientBuilder) -> ClusterClientBuilder {
        match self.certificates() {
            Some(certificates) => builder.certs(certificates),
            None => builder,
        }
    }

    #[cfg(not(feature = "redis-tls"))]
    #[expect(clippy::unused_self, reason = "with TLS it is used")]
    fn trusting(&self, builder: ClusterClientBuilder) -> ClusterClientBuilder {
        builder
    }

    #[cfg(not(feature = "redis-tls"))]
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "with TLS it may fail")]
    fn with_certificates(&self, server: ConnectionInfo) -> Result<ConnectionInfo, RedisError> {
        Ok(server)
    }
}

fn tcp_settings() -> TcpSettings {
    let (time, interval) = KEEPALIVE;
    TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(TcpKeepalive::new().with_time(time).with_interval(interval))
}

impl Connector {
    pub(super) fn new(
        target: Target,
        sentinel_login: Login,
        root_certificates: Vec<u8>,
        connect_timeout: Duration,
        response_timeout: Duration,
    ) -> Result<Self, RedisConfigError> {
        let route = Route::new(target, sentinel_login, root_certificates)
            .map_err(|cause| RedisConfigError::Client(cause.to_string()))?;
        Ok(Self {
            route,
            connect_timeout,
            response_timeout,
        })
    }

    /// Whether the wire still leads to the server that the Sentinels call the master. Without an answer of theirs it does,
    /// since a cache needs its server more than their opinion.
    pub(super) async fn still_leads(&self, wire: &Wire) -> bool {
        match &self.route {
            Route::Sentinel { .. } => match self.server().await {
                Ok(master) => master.addr().to_string() == wire.address,
                Err(_) => true,
            },
            Route::Node(_) | Route::Cluster { .. } => true,
        }
    }

    /// A connection that hears the channel. In a Cluster any node will do: each passes on what is published on another.
    pub(super) async fn subscribe(&self, channel: &str) -> Result<PubSub, EngineError> {
        let listening = match &self.route {
            Route::Cluster { seeds, .. } => {
                let attempts = seeds.iter().map(|seed| Box::pin(listen(seed.clone(), channel)));
                select_ok(attempts).await.map(|(listening, _)| listening)
            }
            Route::Node(_) | Route::Sentinel { .. } => listen(self.server().await?, channel).await,
        };
        listening.map_err(|cause| error::from_client(&cause))
    }

    /// The one server, or the one that the Sentinels call the master.
    async fn server(&self) -> Result<ConnectionInfo, EngineError> {
        match &self.route {
            Route::Node(server) => Ok(server.clone()),
            Route::Sentinel {
                sentinels,
                service,
                access,
            } => {
                let questions = sentinels
                    .iter()
                    .map(|sentinel| Box::pin(self.ask(sentinel.clone(), service)));
                let (master, _) = select_ok(questions).await?;
                access.at(&master).map_err(|cause| error::from_client(&cause))
            }
            Route::Cluster { .. } => Err(EngineError::Unreachable("a Cluster has no single server".to_owned())),
        }
    }

    /// Where one Sentinel says that the master is.
    async fn ask(&self, sentinel: ConnectionInfo, service: &str) -> Result<HostPort, EngineError> {
        let answer = async {
            let client = Client::open(sentinel)?;
            let mut connection = client
                .get_multiplexed_async_connection_with_config(&self.settings())
                .await?;
            let mut question = redis::cmd("SENTINEL");
            question.arg("GET-MASTER-ADDR-BY-NAME").arg(service);
            question.query_async::<Option<HostPort>>(&mut connection).await
        };
        let known = answer.await.map_err(|cause| error::from_client(&cause))?;
        known.ok_or_else(|| EngineError::Refused(format!("the Sentinel knows no master called {service:?}")))
    }

    fn settings(&self) -> AsyncConnectionConfig {
        AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect_timeout))
            .set_response_timeout(Some(self.response_timeout))
    }

    async fn connect_node(&self, server: ConnectionInfo) -> Result<Wire, EngineError> {
        let ended = Arc::new(AtomicBool::new(false));
        let address = server.addr().to_string();
        // The engine limits the time of each operation itself.
        let settings = self
            .settings()
            .set_response_timeout(None)
            .set_push_sender(watch(&ended));
        let connection = async {
            Client::open(server)?
                .get_multiplexed_async_connection_with_config(&settings)
                .await
        };
        let connection = connection.await.map_err(|cause| error::from_client(&cause))?;
        Wire::new(Link::Node(connection), address, ended).await
    }

    async fn connect_cluster(&self, seeds: &[ConnectionInfo], access: &Access) -> Result<Wire, EngineError> {
        let ended = Arc::new(AtomicBool::new(false));
        // One more try, for the answer that a slot is elsewhere. What else it may repeat does no harm: every script leaves
        // the same behind when it runs twice.
        let builder = ClusterClientBuilder::new(seeds.iter().cloned())
            .retries(1)
            .min_retry_wait(1)
            .max_retry_wait(10)
            .connection_timeout(self.connect_timeout)
            .response_timeout(self.response_timeout)
            .tcp_settings(tcp_settings())
            .use_protocol(ProtocolVersion::RESP3)
            .push_sender(watch(&ended));
        let builder = access.trusting(builder);
        let connection = async { builder.build()?.get_async_connection().await };
        let connection = connection.await.map_err(|cause| error::from_client(&cause))?;
        Wire::new(Link::Cluster(connection), String::new(), ended).await
    }
}

impl Route {
    fn new(target: Target, sentinel_login: Login, root_certificates: Vec<u8>) -> Result<Self, RedisError> {
        let access = Access {
            login: target.login,
            database: target.database,
            tls: target.tls,
            root_certificates: root_certificates.into(),
        };
        Ok(match target.topology {
            Topology::Node(server) => Self::Node(access.at(&server)?),
            Topology::Unix(path) => Self::Node(access.to(ConnectionAddr::Unix(path))?),
            Topology::Cluster(seeds) => Self::Cluster {
                seeds: seeds.iter().map(|seed| access.at(seed)).collect::<Result<_, _>>()?,
                access,
            },
            Topology::Sentinel { sentinels, service } => {
                let to_sentinels = Access {
                    login: sentinel_login,
                    database: 0,
                    ..access.clone()
                };
                Self::Sentinel {
                    sentinels: sentinels
                        .iter()
                        .map(|sentinel| to_sentinels.at(sentinel))
                        .collect::<Result<_, _>>()?,
                    service,
                    access,
                }
            }
        })
    }
}

impl Manager for Connector {
    type Type = Wire;
    type Error = EngineError;

    async fn create(&self) -> Result<Wire, EngineError> {
        match &self.route {
            Route::Cluster { seeds, access } => self.connect_cluster(seeds, access).await,
            Route::Node(_) | Route::Sentinel { .. } => self.connect_node(self.server().await?).await,
        }
    }

    /// No ping: a connection tells when it ends, and a wire that was given up says so.
    async fn recycle(&self, wire: &mut Wire, _: &Metrics) -> RecycleResult<EngineError> {
        if wire.is_usable() {
            Ok(())
        } else {
            Err(RecycleError::message("the connection has ended"))
        }
    }
}

/// Notes that a connection has ended.
fn watch(ended: &Arc<AtomicBool>) -> impl Fn(PushInfo) -> Result<(), redis::aio::SendError> + Send + Sync + 'static {
    let ended = Arc::clone(ended);
    move |push| {
        if push.kind == PushKind::Disconnection {
            ended.store(true, std::sync::atomic::Ordering::Release);
        }
        Ok(())
    }
}

async fn listen(server: ConnectionInfo, channel: &str) -> Result<PubSub, RedisError> {
    let mut listening = Client::open(server)?.get_async_pubsub().await?;
    listening.subscribe(channel).await?;
    Ok(listening)
}
