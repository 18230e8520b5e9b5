//! Where Redis is: what a URL says, and what is wrong with it.

use std::path::PathBuf;
use std::str::FromStr;

/// The port of a server that is named without one.
const SERVER_PORT: u16 = 6379;
/// The port of a Sentinel that is named without one.
const SENTINEL_PORT: u16 = 26379;

/// A host's name or address, and a port.
pub type HostPort = (String, u16);

/// How the servers are arranged, and where they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topology {
    /// One server.
    Node(HostPort),
    /// One server on this machine, by the path of its socket.
    Unix(PathBuf),
    /// A master that Sentinels watch and replace.
    Sentinel {
        /// The Sentinels; those that do not answer are passed over.
        sentinels: Vec<HostPort>,
        /// What the Sentinels call the master.
        service: String,
    },
    /// A Cluster, by some of its nodes.
    Cluster(Vec<HostPort>),
}

/// What is wrong with the configuration of a [`RedisEngine`](super::RedisEngine).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedisConfigError {
    /// The URL is for something else.
    #[error(
        "a Redis URL begins with redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://, and not with {0:?}"
    )]
    Scheme(String),
    /// No host, or an empty one.
    #[error("the Redis URL lacks the name of a host")]
    NoHost,
    /// Several hosts where one is meant.
    #[error("a redis:// URL names one host: several are for redis+sentinel:// and redis+cluster://")]
    ManyHosts,
    /// Not a number between 1 and 65535.
    #[error("{0:?} is not a port, in the Redis URL")]
    Port(String),
    /// Not a number.
    #[error("{0:?} is not the number of a database, in the Redis URL")]
    Database(String),
    /// A Cluster has database 0 alone.
    #[error("a Redis Cluster has no numbered databases: leave out {0:?}")]
    ClusterDatabase(String),
    /// A Sentinel URL without the service.
    #[error("a Sentinel URL ends with the name of the service, as in redis+sentinel://HOST:26379/SERVICE")]
    NoService,
    /// No path of a socket.
    #[error("a Unix socket's URL names the socket's path, as in unix:///run/redis.sock")]
    NoSocket,
    /// A parameter that nothing reads.
    #[error("{0:?} is not a parameter of a Redis URL")]
    Parameter(String),
    /// A character that has to be encoded.
    #[error("special characters in the user name and password of the Redis URL have to be %-encoded")]
    Encoding,
    /// TLS without the feature.
    #[error("TLS to Redis needs the feature `redis-tls` of aios-cache")]
    NoTls,
    /// No certificate where one is to be trusted.
    #[error("the root certificates for Redis hold no certificate in PEM")]
    NoCertificate,
    /// TLS on a socket.
    #[error("a Unix socket has no TLS")]
    SocketTls,
    /// An empty prefix.
    #[error("the prefix of the keys in Redis is empty")]
    NoPrefix,
    /// No connections.
    #[error("at least one connection to Redis is needed")]
    NoConnections,
    /// A time-out of zero.
    #[error("a time-out of zero would let nothing through to Redis")]
    NoTime,
    /// The client library does not accept it.
    #[error("Redis's client: {0}")]
    Client(String),
}

/// Name and password, by which a client says who it is.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) username: Option<String>,
    pub(super) password: Option<String>,
}

/// Shows that there is a password, and never which.
impl std::fmt::Debug for Login {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Login")
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| "…"))
            .finish()
    }
}

/// Everything that a URL says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) topology: Topology,
    pub(super) login: Login,
    pub(super) database: u32,
    pub(super) tls: bool,
}

impl Target {
    pub(super) fn new(topology: Topology) -> Self {
        Self {
            topology,
            login: Login::default(),
            database: 0,
            tls: false,
        }
    }
}

impl FromStr for Target {
    type Err = RedisConfigError;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = url.split_once("://").unwrap_or((url, ""));
        let (tls, kind) = kind_of(scheme).ok_or_else(|| RedisConfigError::Scheme(shown_scheme(url, scheme)))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        if let Kind::Unix = kind {
            return unix(rest, query);
        }
        if let Some(parameter) = query.split('&').find(|parameter| !parameter.is_empty()) {
            return Err(RedisConfigError::Parameter(name_of(parameter)));
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        // A slash in a password would make the rest of it a path.
        if path.contains('@') {
            return Err(RedisConfigError::Encoding);
        }
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (parse_login(login)?, hosts),
            None => (Login::default(), authority),
        };
        let (topology, database) = kind.topology(hosts, path.trim_end_matches('/'))?;
        Ok(Self {
            topology,
            login,
            database,
            tls,
        })
    }
}

/// What the scheme says.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Node,
    Unix,
    Sentinel,
    Cluster,
}

fn kind_of(scheme: &str) -> Option<(bool, Kind)> {
    let (transport, arrangement) = scheme.split_once('+').unwrap_or((scheme, ""));
    let tls = match transport {
        "redis" | "valkey" => false,
        "rediss" | "valkeys" => true,
        "unix" if arrangement.is_empty() => return Some((false, Kind::Unix)),
        _ => return None,
    };
    match arrangement {
        "" => Some((tls, Kind::Node)),
        "sentinel" => Some((tls, Kind::Sentinel)),
        "cluster" => Some((tls, Kind::Cluster)),
        "unix" if !tls => Some((tls, Kind::Unix)),
        _ => None,
    }
}

/// The scheme, unless there is none: then it may be anything, a password too.
fn shown_scheme(url: &str, scheme: &str) -> String {
    if url.contains("://") {
        format!("{scheme}://")
    } else {
        String::new()
    }
}

impl Kind {
    fn topology(self, hosts: &str, path: &str) -> Result<(Topology, u32), RedisConfigError> {
        match self {
            Self::Sentinel => {
                let (service, database) = path.split_once('/').unwrap_or((path, ""));
                if service.is_empty() {
                    return Err(RedisConfigError::NoService);
                }
                let topology = Topology::Sentinel {
                    sentinels: parse_hosts(hosts, SENTINEL_PORT)?,
                    service: service.to_owned(),
                };
                Ok((topology, parse_database(database)?))
            }
            Self::Cluster if !path.is_empty() => Err(RedisConfigError::ClusterDatabase(format!("/{path}"))),
            Self::Cluster => Ok((Topology::Cluster(parse_hosts(hosts, SERVER_PORT)?), 0)),
            Self::Node | Self::Unix => {
                let mut hosts = parse_hosts(hosts, SERVER_PORT)?.into_iter();
                match (hosts.next(), hosts.next()) {
                    (Some(host), None) => Ok((Topology::Node(host), parse_database(path)?)),
                    _ => Err(RedisConfigError::ManyHosts),
                }
            }
        }
    }
}

fn unix(path: &str, query: &str) -> Result<Target, RedisConfigError> {
    if !path.starts_with('/') {
        return Err(RedisConfigError::NoSocket);
    }
    let mut target = Target::new(Topology::Unix(PathBuf::from(decoded(path)?)));
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match name {
            "db" => target.database = parse_database(value)?,
            "user" => target.login.username = Some(decoded(value)?),
            "pass" => target.login.password = Some(decoded(value)?),
            _ => return Err(RedisConfigError::Parameter(name.to_owned())),
        }
    }
    Ok(target)
}

fn name_of(parameter: &str) -> String {
    parameter.split('=').next().unwrap_or_default().to_owned()
}

fn parse_database(path: &str) -> Result<u32, RedisConfigError> {
    if path.is_empty() {
        return Ok(0);
    }
    path.parse().map_err(|_| RedisConfigError::Database(path.to_owned()))
}

fn parse_login(login: &str) -> Result<Login, RedisConfigError> {
    let (username, password) = login
        .split_once(':')
        .map_or((login, None), |(name, word)| (name, Some(word)));
    Ok(Login {
        username: Some(decoded(username)?).filter(|name| !name.is_empty()),
        password: password.map(decoded).transpose()?,
    })
}

fn parse_hosts(hosts: &str, default_port: u16) -> Result<Vec<HostPort>, RedisConfigError> {
    hosts.split(',').map(|host| parse_host(host, default_port)).collect()
}

/// `host`, `host:port`, `[v6]` or `[v6]:port`.
fn parse_host(text: &str, default_port: u16) -> Result<HostPort, RedisConfigError> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, port)) => (host, Some(port.strip_prefix(':').unwrap_or(port))),
        None => text
            .split_once(':')
            .map_or((text, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() {
        return Err(RedisConfigError::NoHost);
    }
    let port = match port {
        None => default_port,
        Some(port) => port
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(|| RedisConfigError::Port(port.to_owned()))?,
    };
    Ok((host.to_owned(), port))
}

/// The text with its `%XX` replaced.
fn decoded(text: &str) -> Result<String, RedisConfigError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, encoded)) = rest.split_once('%') {
        bytes.extend_from_slice(plain.as_bytes());
        let (digits, behind) = encoded.split_at_checked(2).ok_or(RedisConfigError::Encoding)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| RedisConfigError::Encoding)?);
        rest = behind;
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).map_err(|_| RedisConfigError::Encoding)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Target {
        url.parse().unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    fn node(host: &str, port: u16) -> Topology {
        Topology::Node((host.to_owned(), port))
    }

    #[test]
    fn one_server() {
        assert_eq!(target("redis://localhost").topology, node("localhost", 6379));
        assert_eq!(target("valkey://10.0.0.1:7000/").topology, node("10.0.0.1", 7000));
        assert_eq!(target("redis://[::1]:7000/3").topology, node("::1", 7000));
        assert_eq!(target("redis://[::1]").topology, node("::1", 6379));
        assert_eq!(target("redis://localhost/3").database, 3);
        assert!(target("rediss://localhost").tls && !target("redis://localhost").tls);
    }

    #[test]
    fn names_and_passwords() {
        let login = |url| {
            let login = target(url).login;
            (login.username, login.password)
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(login("redis://localhost"), (None, None));
        assert_eq!(login("redis://:secret@localhost"), (None, text("secret")));
        assert_eq!(login("redis://ann:a%2Fb%40c@localhost"), (text("ann"), text("a/b@c")));
        assert_eq!(login("redis+cluster://ann@a,b"), (text("ann"), None));
        assert_eq!(
            login("unix:///run/redis.sock?user=ann&pass=a%26b"),
            (text("ann"), text("a&b"))
        );
        assert!(!format!("{:?}", target("redis://:secret@localhost")).contains("secret"));
    }

    #[test]
    fn sockets() {
        let socket = target("redis+unix:///run/my%20redis.sock?db=2");
        assert_eq!(socket.topology, Topology::Unix("/run/my redis.sock".into()));
        assert_eq!(socket.database, 2);
    }

    #[test]
    fn sentinels() {
        let sentinel = target("redis+sentinel://a,b:27000/mymaster/5");
        let expected = Topology::Sentinel {
            sentinels: vec![("a".to_owned(), 26379), ("b".to_owned(), 27000)],
            service: "mymaster".to_owned(),
        };
        assert_eq!(sentinel.topology, expected);
        assert_eq!(sentinel.database, 5);
    }

    #[test]
    fn clusters() {
        let cluster = target("rediss+cluster://a:7001,b:7002/");
        let expected = Topology::Cluster(vec![("a".to_owned(), 7001), ("b".to_owned(), 7002)]);
        assert_eq!(cluster.topology, expected);
        assert!(cluster.tls);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases = [
            ("http://localhost", "http://"),
            ("localhost:6379", "begins with redis://"),
            ("redis+unix+x://a", "redis+unix+x://"),
            ("redis://", "name of a host"),
            ("redis://:secret@:6379", "name of a host"),
            ("redis://localhost:", "\"\" is not a port"),
            ("redis://localhost:70000", "\"70000\" is not a port"),
            ("redis://localhost:0", "\"0\" is not a port"),
            ("redis://[::1]x", "\"x\" is not a port"),
            ("redis://localhost/one", "\"one\" is not the number"),
            ("redis://a,b", "several are for"),
            ("redis+cluster://a,,b", "name of a host"),
            ("redis+cluster://a/2", "leave out \"/2\""),
            ("redis+sentinel://a", "name of the service"),
            ("redis+sentinel://a/m/x", "\"x\" is not the number"),
            ("redis://localhost?tls=on", "\"tls\" is not a parameter"),
            ("redis://:a/b@localhost", "%-encoded"),
            ("redis://:%zz@localhost", "%-encoded"),
            ("redis://:%e4@localhost", "%-encoded"),
            ("unix://redis.sock", "socket's path"),
            ("unix:///redis.sock?color=red", "\"color\" is not a parameter"),
        ];
        for (url, part) in cases {
            let error = url.parse::<Target>().unwrap_err().to_string();
            assert!(error.contains(part), "{url}: {error}");
            assert!(!error.contains("secret") && !error.contains('\n'), "{url}: {error}");
        }
    }
}
