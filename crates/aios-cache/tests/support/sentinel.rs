//! A master, its replica, and the Sentinels that watch them.

use std::fs;

use deadpool_redis::redis::{self, Client};
use tempfile::TempDir;

use super::process::{self, Process};
use super::{RedisServer, eventually};

/// What the Sentinels call the master.
pub(crate) const SERVICE: &str = "main";

/// Two servers and their Sentinels.
#[derive(Debug)]
pub(crate) struct SentinelSet {
    /// The first master, and the first replica.
    pub(crate) servers: [RedisServer; 2],
    sentinels: Vec<Sentinel>,
}

#[derive(Debug)]
struct Sentinel {
    port: u16,
    // Dropped in this order: first the process ends, then its files go.
    process: Process,
    _directory: TempDir,
}

impl SentinelSet {
    pub(crate) fn start(sentinels: usize) -> Self {
        let arguments = ["--repl-diskless-sync-delay", "0"];
        let servers = [RedisServer::start_with(&arguments), RedisServer::start_with(&arguments)];
        let [master, replica] = &servers;
        replica.run(&["REPLICAOF", "127.0.0.1", &master.port().to_string()]);
        let quorum = sentinels / 2 + 1;
        let set = Self {
            sentinels: (0..sentinels).map(|_| Sentinel::start(master.port(), quorum)).collect(),
            servers,
        };
        let others = format!("{}", sentinels - 1);
        for sentinel in &set.sentinels {
            eventually("a Sentinel knows the replica and the other Sentinels", || {
                let known = sentinel.query::<Vec<String>>(&["MASTER", SERVICE]).unwrap_or_default();
                let value = |name: &str| known.iter().skip_while(|field| *field != name).nth(1).cloned();
                value("num-slaves").as_deref() == Some("1") && value("num-other-sentinels") == Some(others.clone())
            });
        }
        eventually("the replica is in step", || {
            let info: String = set.servers[1].query(&["INFO", "replication"]);
            info.contains("master_link_status:up")
        });
        set
    }

    pub(crate) fn url(&self) -> String {
        let hosts: Vec<_> = self
            .sentinels
            .iter()
            .map(|sentinel| format!("127.0.0.1:{}", sentinel.port))
            .collect();
        format!("redis+sentinel://{}/{SERVICE}", hosts.join(","))
    }

    /// Makes the replica the master, and waits until every Sentinel says so.
    pub(crate) fn fail_over(&self) {
        eventually("a Sentinel begins the failover", || {
            self.sentinels[0].query::<redis::Value>(&["FAILOVER", SERVICE]).is_ok()
        });
        self.wait_for_master(1);
    }

    /// Waits until all Sentinels call this server the master, and it is one.
    pub(crate) fn wait_for_master(&self, server: usize) {
        let port = self.servers[server].port().to_string();
        eventually("the Sentinels agree on the new master", || {
            self.sentinels.iter().all(|sentinel| {
                let master = sentinel.query::<Vec<String>>(&["GET-MASTER-ADDR-BY-NAME", SERVICE]);
                master.is_ok_and(|master| master.get(1) == Some(&port))
            })
        });
        eventually("the new master is one", || {
            let info: String = self.servers[server].query(&["INFO", "replication"]);
            info.contains("role:master")
        });
    }
}

impl Sentinel {
    fn start(master: u16, quorum: usize) -> Self {
        let directory = tempfile::Builder::new().prefix("aios-sentinel-").tempdir().unwrap();
        let file = directory.path().join("sentinel.conf");
        // A Sentinel that gets no port says so and ends, which the wait for its answers turns into a failure.
        let port = super::server::free_port();
        let settings = format!(
            "port {port}\nbind 127.0.0.1\nsentinel monitor {SERVICE} 127.0.0.1 {master} {quorum}\n\
             sentinel down-after-milliseconds {SERVICE} 1000\nsentinel failover-timeout {SERVICE} 5000\n"
        );
        fs::write(&file, settings).unwrap();
        let arguments = [file.display().to_string(), "--sentinel".to_owned()];
        let process = Process::start(&process::program(), &arguments, directory.path()).unwrap();
        Self {
            port,
            process,
            _directory: directory,
        }
    }

    fn query<T: redis::FromRedisValue>(&self, command: &[&str]) -> redis::RedisResult<T> {
        let client = Client::open(format!("redis://127.0.0.1:{}", self.port))?;
        redis::cmd("SENTINEL").arg(command).query(&mut client.get_connection()?)
    }
}
