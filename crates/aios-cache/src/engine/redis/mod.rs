//! The shared tier in Redis or Valkey, version 6.2 or newer: one server, a master watched by Sentinels, or a Cluster.
//!
//! # What is kept there
//!
//! | key | what | lives |
//! | --- | --- | --- |
//! | `{PREFIX:KEY}` | an entry: when it ends (ms, by the server's clock), a colon, its bytes | as long as its write says |
//! | `{PREFIX:KEY}:l` | the lease of the load under way | until the write, the next invalidation, or its own end |
//! | `{PREFIX}:n` | the number of the last invalidation | for ever |
//! | `{PREFIX}:t:TAG` | the tag's version | as long as an entry may bear it |
//! | `{PREFIX}:id` | the servers of the last check | for ever |
//! | `{PREFIX}:c` | the channel of notices (`:c:DB` in another database than 0, since channels know none) | |
//!
//! The braces make a Cluster keep an entry with its lease, and all else in one other slot. So one script compares the lease
//! and writes, and one script counts, sets versions and publishes: numbers are published in their order, without gaps. An
//! invalidation first deletes the entries with their leases, and then runs that script; the other way round, a node that
//! heard of it could still find the old entry.
//!
//! What is not in the form that this module writes (another type, no expiry, not a number) is a miss, and is overwritten.
//! Nothing has to be kept: whatever is evicted or lost reads as stale. Still, `volatile-…` eviction is better than
//! `allkeys-…`, which may throw out the counter, and then every node starts over with an empty memory. The scripts that
//! make things stale run on a full server too, from Redis 7 on.
//!
//! # Why publish and subscribe, and not CLIENT TRACKING
//!
//! Redis can tell a client which of the keys that it has read were changed. That does not fit here: it knows keys, and one
//! tag stands for a million of them, none of which changes; a Cluster needs one tracking connection for each node; the
//! server drops keys from its table when that is full, and tells the client to drop them too; and nothing numbers the
//! messages, so that one that is lost is lost without a trace. Plain messages are lost as silently, but ours are numbered:
//! a [`Subscription`] fails at the first gap, and what was lost at the end is found by the next [`Engine::check`], which
//! tells the last number. In a Cluster one node publishes them all, and passes them on to each node over one connection, in
//! their order.
//!
//! # What a restart or a failover loses, and how it is noticed
//!
//! Replication lags, and a file that is read at the start is old. A server that comes back that way, or a replica that takes
//! over, may lack the last invalidations: deleted entries are back, versions are those of before, and the counter gives out
//! numbers again. Nothing in the data shows it. So each connection asks its server for its `run_id` (which is another one
//! after each start) and [`Engine::check`] compares it with the one that is stored; where they differ, a script stores
//! the new one and makes everything stale, with one number and one notice. In a Cluster the identity is that of all masters together.
//!
//! Between two checks, a connection that ends is replaced by one that is asked again: an operation that finds other servers
//! than the last check fails with [`EngineError::Replaced`], so even a restart that takes a moment is not read unnoticed. What remains
//! is a Cluster in which slots move to another master without a connection's end; that is noticed by the next check.
//!
//! # Connections
//!
//! A few multiplexed connections, taken from a pool and shared by all callers; the callers of one thread share one until it is
//! crowded. A read is one command, GET or MGET, since an entry says itself when it ends. No operation is repeated, none takes longer
//! than connecting and one answer may take (an invalidation in a Cluster, and the first call of a script on a server: two
//! answers), and after a time-out the connection is not used again.
//!
//! Users that are restricted by an ACL need the keys `~{PREFIX*`, the channel `&{PREFIX}:c*`, and the commands `GET`, `MGET`,
//! `SET`, `DEL`, `UNLINK`, `PTTL`, `PEXPIRE`, `TIME`, `EVAL`, `EVALSHA`, `PUBLISH`, `SUBSCRIBE`, `PING` and `INFO`, in a
//! Cluster `CLUSTER|SLOTS` too.

mod builder;
mod clock;
mod connections;
mod connector;
mod error;
mod keys;
mod notice;
mod operations;
mod script;
mod subscription;
mod topology;
mod wire;

use std::fmt;
use std::time::Duration;

pub use builder::RedisBuilder;
pub use topology::{HostPort, RedisConfigError, Topology};

use crate::engine::{
    Engine, EngineError, EngineFuture, Invalidation, Lease, LeaseRequest, LeaseToken, Status, Stored, Subscription,
    Write,
};
use clock::ServerClock;
use connections::Connections;
use keys::Names;
use subscription::RedisSubscription;
use topology::Target;

/// The shared tier in Redis or Valkey.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), aios_cache::engine::redis::RedisConfigError> {
/// use aios_cache::engine::redis::RedisEngine;
///
/// // One server; a master that Sentinels watch; a Cluster.
/// let engine = RedisEngine::from_url("redis://:secret@cache.example.org:6379/2")?.build()?;
/// let engine = RedisEngine::from_url("redis+sentinel://s1.example.org,s2.example.org/mymaster")?.build()?;
/// let engine = RedisEngine::from_url("redis+cluster://c1.example.org:7000,c2.example.org:7000")?
///     .prefix("shop")
///     .build()?;
/// # drop(engine);
/// # Ok(())
/// # }
/// ```
pub struct RedisEngine {
    connections: Connections,
    names: Names,
    clock: ServerClock,
    patience: Duration,
    response_timeout: Duration,
}

impl RedisEngine {
    /// An engine for the servers that a URL names:
    /// `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]`, `unix:///PATH[?db=DATABASE&user=USER&pass=PASSWORD]`,
    /// `redis+sentinel://[[USER]:PASSWORD@]HOST[:PORT],…/SERVICE[/DATABASE]` (user and password are for the master) or
    /// `redis+cluster://[[USER]:PASSWORD@]HOST[:PORT],…`. With `rediss` instead of `redis` all connections speak TLS, which
    /// needs the feature `redis-tls`; `valkey` and `valkeys` mean the same.
    ///
    /// ```
    /// use aios_cache::engine::redis::RedisEngine;
    ///
    /// let error = RedisEngine::from_url("redis://localhost:port").unwrap_err();
    /// assert_eq!(error.to_string(), r#""port" is not a port, in the Redis URL"#);
    /// ```
    pub fn from_url(url: &str) -> Result<RedisBuilder, RedisConfigError> {
        url.parse().map(RedisBuilder::new)
    }

    /// An engine for these servers.
    ///
    /// ```
    /// use aios_cache::engine::redis::{RedisEngine, Topology};
    ///
    /// let engine = RedisEngine::builder(Topology::Node(("localhost".to_owned(), 6379))).build();
    /// assert!(engine.is_ok());
    /// ```
    pub fn builder(topology: Topology) -> RedisBuilder {
        RedisBuilder::new(Target::new(topology))
    }
}

impl fmt::Debug for RedisEngine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RedisEngine")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

impl Engine for RedisEngine {
    fn read<'a>(&'a self, keys: &'a [&'a str]) -> EngineFuture<'a, Vec<Option<Stored>>> {
        Box::pin(self.read_entries(keys))
    }

    fn lease<'a>(&'a self, requests: &'a [LeaseRequest<'a>], keep: Duration) -> EngineFuture<'a, Vec<Lease>> {
        Box::pin(self.take_leases(requests, keep))
    }

    fn write<'a>(&'a self, writes: &'a [Write<'a>]) -> EngineFuture<'a, Vec<bool>> {
        Box::pin(self.write_entries(writes))
    }

    fn release<'a>(&'a self, key: &'a str, lease: LeaseToken) -> EngineFuture<'a, ()> {
        Box::pin(self.release_lease(key, lease))
    }

    fn invalidate<'a>(&'a self, what: Invalidation<'a>) -> EngineFuture<'a, u64> {
        Box::pin(self.invalidate_all(what))
    }

    fn versions<'a>(&'a self, tags: &'a [&'a str], keep: Duration) -> EngineFuture<'a, Vec<u64>> {
        Box::pin(self.tag_versions(tags, keep))
    }

    fn check(&self) -> EngineFuture<'_, Status> {
        Box::pin(self.check_servers())
    }

    fn subscribe(&self) -> EngineFuture<'_, Box<dyn Subscription>> {
        Box::pin(async {
            let listening = self.connections.connector().subscribe(&self.names.channel);
            let listening = tokio::time::timeout(self.patience, listening).await;
            let subscription = RedisSubscription::new(listening.unwrap_or(Err(EngineError::TimedOut))?);
            Ok(Box::new(subscription) as Box<dyn Subscription>)
        })
    }
}
