//! A connection that many callers share, and the servers at its other end.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use deadpool_redis::redis::aio::{ConnectionLike, MultiplexedConnection};
use deadpool_redis::redis::cluster_async::ClusterConnection;
use deadpool_redis::redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo, SingleNodeRoutingInfo};
use deadpool_redis::redis::{self, Cmd, Pipeline, RedisError, ServerError, Value, from_redis_value};
use futures_util::future::try_join_all;

use super::error;
use crate::engine::EngineError;

/// The first version whose scripts may have flags.
const FLAGS_SINCE: u32 = 7;

/// The client's connection.
#[derive(Clone)]
pub(super) enum Link {
    Node(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// A connection, to one server or to all masters of a Cluster.
pub(super) struct Wire {
    link: Link,
    /// Which processes are at the other end. A connection never changes ends, and one that the Cluster's client repairs
    /// behind our back counts as ended.
    pub(super) identity: Arc<str>,
    /// Host and port of the one server.
    pub(super) address: String,
    /// Whether the servers know flags in scripts.
    pub(super) flags: bool,
    ended: Arc<AtomicBool>,
}

/// What a server says of itself.
struct Server {
    run_id: String,
    major_version: u32,
}

impl Wire {
    /// Asks who is there. A replica is refused, since it takes no writes and may lag.
    pub(super) async fn new(link: Link, address: String, ended: Arc<AtomicBool>) -> Result<Self, EngineError> {
        let servers = link.servers().await?;
        Ok(Self {
            identity: identity_of(&servers),
            flags: servers.iter().all(|server| server.major_version >= FLAGS_SINCE),
            link,
            address,
            ended,
        })
    }

    pub(super) fn is_usable(&self) -> bool {
        !self.ended.load(Ordering::Acquire)
    }

    /// Nobody takes it up again; who uses it goes on.
    pub(super) fn give_up(&self) {
        self.ended.store(true, Ordering::Release);
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.link, Link::Cluster(_))
    }

    /// Asks again who is there.
    pub(super) async fn identify(&self) -> Result<Arc<str>, EngineError> {
        Ok(identity_of(&self.link.servers().await?))
    }

    /// The answer to one command, a server's refusal too.
    pub(super) async fn ask(&self, command: &Cmd) -> Result<Value, RedisError> {
        match &self.link {
            Link::Node(connection) => connection.clone().send_packed_command(command).await,
            Link::Cluster(connection) => single(connection.clone(), command.clone()).await,
        }
    }

    /// The answers to all commands, in their order, a server's refusals among them. One server gets them as one pipeline and
    /// runs them in this order; in a Cluster they go out at the same time, each to where its keys are.
    pub(super) async fn send(&self, commands: Vec<Cmd>) -> Result<Vec<Value>, RedisError> {
        match &self.link {
            Link::Node(connection) => pipeline(connection.clone(), commands).await,
            Link::Cluster(connection) => {
                let answers = commands.into_iter().map(|command| single(connection.clone(), command));
                let answers = try_join_all(answers).await?;
                // The client may have sent part of this to a server that took a dead one's place, and that nobody has checked.
                if !self.is_usable() {
                    return Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into());
                }
                Ok(answers)
            }
        }
    }
}

async fn pipeline(mut connection: MultiplexedConnection, commands: Vec<Cmd>) -> Result<Vec<Value>, RedisError> {
    if let [command] = &commands[..] {
        return Ok(vec![connection.send_packed_command(command).await?]);
    }
    let count = commands.len();
    let mut pipeline = Pipeline::with_capacity(count);
    for command in commands {
        pipeline.add_command(command);
    }
    connection.req_packed_commands(&pipeline, 0, count).await
}

/// The Cluster's client makes failures of some refusals, which are answers like any other here.
async fn single(mut connection: ClusterConnection, command: Cmd) -> Result<Value, RedisError> {
    match connection.req_packed_command(&command).await {
        Ok(answer) => Ok(answer),
        Err(failure) => ServerError::try_from(failure).map(Value::ServerError),
    }
}

impl Link {
    async fn servers(&self) -> Result<Vec<Server>, EngineError> {
        match self {
            Self::Node(connection) => Ok(vec![single_server(connection.clone()).await?]),
            Self::Cluster(connection) => masters(connection.clone()).await,
        }
    }
}

async fn single_server(connection: MultiplexedConnection) -> Result<Server, EngineError> {
    let questions = vec![info("server"), info("replication")];
    let answers = pipeline(connection, questions)
        .await
        .map_err(|cause| error::from_client(&cause))?;
    let mut answers = answers.into_iter();
    let (server, replication) = (answers.next().unwrap_or_default(), answers.next().unwrap_or_default());
    if field(&text(replication)?, "role") == Some("slave") {
        return Err(EngineError::Refused("it is a replica, not a master".to_owned()));
    }
    Server::parse(&text(server)?)
}

/// Every master of a Cluster. The client passes over those that it can't reach, so they are counted against the Cluster's own list.
async fn masters(mut connection: ClusterConnection) -> Result<Vec<Server>, EngineError> {
    let mut slots = redis::cmd("CLUSTER");
    slots.arg("SLOTS");
    let anywhere = RoutingInfo::SingleNode(SingleNodeRoutingInfo::Random);
    let everywhere = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
    let answers = async {
        let slots = connection.route_command(slots, anywhere).await?;
        let servers = connection.route_command(info("server"), everywhere).await?;
        Ok::<_, RedisError>((slots, servers))
    };
    let (slots, servers) = answers.await.map_err(|cause| error::from_client(&cause))?;
    let expected = count_masters(&slots).ok_or_else(|| error::unexpected(&slots))?;
    let Value::Map(servers) = servers else {
        return Err(error::unexpected(&servers));
    };
    if servers.len() != expected {
        let reached = servers.len();
        return Err(EngineError::Unreachable(format!(
            "{reached} of the Cluster's {expected} masters"
        )));
    }
    servers
        .into_iter()
        .map(|(_, answer)| Server::parse(&text(answer)?))
        .collect()
}

/// How many different masters the answer to CLUSTER SLOTS names: of each range the first node, by its identifier.
fn count_masters(slots: &Value) -> Option<usize> {
    let Value::Array(ranges) = slots else { return None };
    let mut masters = BTreeSet::new();
    for range in ranges {
        let Value::Array(range) = range else { return None };
        let Some(Value::Array(master)) = range.get(2) else {
            return None;
        };
        let Some(Value::BulkString(identifier)) = master.get(2) else {
            return None;
        };
        masters.insert(identifier);
    }
    Some(masters.len())
}

fn info(section: &str) -> Cmd {
    let mut command = redis::cmd("INFO");
    command.arg(section);
    command
}

fn text(answer: Value) -> Result<String, EngineError> {
    let answer = answer.extract_error().map_err(|cause| error::from_client(&cause))?;
    from_redis_value(answer).map_err(|cause| error::from_client(&cause.into()))
}

/// A line `name:value` of what INFO says.
fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .map(str::trim)
}

impl Server {
    fn parse(info: &str) -> Result<Self, EngineError> {
        let run_id = field(info, "run_id").filter(|run_id| !run_id.is_empty());
        let version = field(info, "redis_version").and_then(|version| version.split('.').next()?.parse().ok());
        match (run_id, version) {
            (Some(run_id), Some(major_version)) => Ok(Self {
                run_id: run_id.to_owned(),
                major_version,
            }),
            _ => Err(EngineError::Refused("INFO names no run_id or no version".to_owned())),
        }
    }
}

fn identity_of(servers: &[Server]) -> Arc<str> {
    let sorted: BTreeSet<&str> = servers.iter().map(|server| server.run_id.as_str()).collect();
    sorted.into_iter().collect::<Vec<_>>().join(" ").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_tell_their_identity_and_version() {
        let info = "# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.1\r\nrun_id:abc\r\n";
        let server = Server::parse(info).unwrap();
        assert_eq!((server.run_id.as_str(), server.major_version), ("abc", 7));
        assert!(Server::parse("# Server\r\nredis_version:7.2.4\r\n").is_err());
    }

    #[test]
    fn the_identity_knows_no_order() {
        let server = |run_id: &str| Server {
            run_id: run_id.to_owned(),
            major_version: 7,
        };
        assert_eq!(&*identity_of(&[server("b"), server("a")]), "a b");
    }
}
