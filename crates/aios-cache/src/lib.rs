//! A two-tier cache for any tokio service: this process's memory before Redis, tags, and invalidation that wins every
//! race.
//!
//! What was invalidated does not come back: a load that began before an invalidation leaves its result nowhere, in
//! memory nor in Redis. With Redis dead, hung, full or restarted, callers get no error and wait for nothing, and
//! nothing stale returns with it. The rest is what the good caches of other languages do: one load for all who ask,
//! stale values while a new one is loaded or where none can be, early refreshes, time-outs that cancel nothing, bulk
//! loads.
//!
//! # In ten minutes
//!
//! ```toml
//! aios-cache = { version = "0.1", features = ["redis"] }
//! ```
//!
//! A [`Cache`] is what a process has one of; a [`Namespace`] holds values of one type. Both are cheap to clone; pass
//! them to where they are used, there are no globals.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use aios_cache::{Cache, Namespace, Origin, Targets};
//! use std::time::Duration;
//!
//! #[derive(Debug, Clone, PartialEq)]
//! struct Agent {
//!     id: u64,
//!     name: String,
//! }
//!
//! async fn agent_from_database(id: u64) -> Result<Agent, std::io::Error> {
//!     Ok(Agent { id, name: "Scribe".to_owned() })
//! }
//!
//! let cache = Cache::builder().build();
//! let agents: Namespace<Agent> = cache
//!     .namespace("agents")
//!     .ttl(Duration::from_secs(300)) // fresh for five minutes,
//!     .stale(Duration::from_secs(3600)) // then served for an hour while one task refreshes it
//!     .build()?;
//!
//! // The first call loads; whoever else asks meanwhile waits for the same load.
//! let agent = agents.at(&7_u64).tags(|| ["agents", "agent:7"]).get_or_load(|| agent_from_database(7)).await?;
//! assert_eq!((agent.name.as_str(), agent.origin()), ("Scribe", Origin::Loader));
//!
//! // The second comes from memory: an `Arc` to the same value.
//! let again = agents.get_or_load(&7_u64, || agent_from_database(7)).await?;
//! assert_eq!(again.origin(), Origin::Memory);
//!
//! // After the agent was changed, and the change was committed:
//! let _ = cache.invalidate(Targets::new().tag("agent:7")).await;
//! assert!(agents.at(&7_u64).peek().is_none());
//! # Ok(())
//! # }
//! ```
//!
//! With Redis it is the same code. Say where Redis is, and how values are written there:
//!
//! ```no_run
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use aios_cache::engine::redis::RedisEngine;
//! use aios_cache::serializer::Json;
//! use aios_cache::{Cache, Namespace};
//!
//! let engine = RedisEngine::from_url("redis://localhost")?.prefix("shop").build()?;
//! let cache = Cache::builder().engine(engine).build();
//! let names: Namespace<String> = cache.namespace("names").serializer(Json).build()?;
//! # Ok(())
//! # }
//! ```
//!
//! And with the attribute `cached` a function caches itself; see [below](#the-attribute). Which times and which tags
//! to choose has a page of its own, [`choosing_ttls_and_tags`]. Programs that run stand in `examples/`:
//! `tokio_service`, `attribute`, `warm_up`.
//!
//! # Tiers
//!
//! **Memory.** Each namespace has its own, bounded by bytes ([`NamespaceBuilder::capacity`], 32 MiB unless told
//! otherwise). A hit hands out a [`Cached`], an `Arc` to the value; nothing is deserialised or copied. What a value
//! weighs is said by [`NamespaceBuilder::weigh`]; else it is its serialised length.
//!
//! **Shared.** One [`Engine`](engine::Engine) for the whole cache: `engine::redis::RedisEngine` (feature `redis`: one
//! server, Sentinel, Cluster; Valkey as well), [`MemoryEngine`](engine::MemoryEngine) for several caches in one
//! process, [`NoopEngine`](engine::NoopEngine), or one of your own, for which `engine::conformance` (feature
//! `testing`) is a suite. Values get there if their namespace has a [serializer](#serializers).
//!
//! Each can be left out: without an engine there is memory alone, [`NamespaceBuilder::without_memory`] leaves the
//! shared tier alone, and a cache that is [not enabled](CacheBuilder::enabled) loads on every call. The code that uses
//! the cache is the same in each case.
//!
//! | | memory | shared tier |
//! | --- | --- | --- |
//! | read when | first | where memory has nothing good |
//! | a value lives | until it is evicted, its time is over, or the link to the shared tier was lost | until its time is over |
//! | an invalidation of a tag reaches it | by a comparison when it is read | the same |
//! | of a key | it is removed | it is removed, with the lease of whoever is just loading it |
//!
//! # Loading
//!
//! [`Namespace::get_or_load`] and [`Slot::get_or_load`] return the value, or load it once for all who ask meanwhile.
//! The load runs in a task of its own: a caller that goes away takes nothing with it, and a loader that panics gives
//! those who wait an error. How a value ages is a [`Policy`], the namespace's or [that of one call](Slot::policy):
//!
//! ```text
//! loaded ──── fresh ────▶ ttl ── served, refreshed once beside it ──▶ + stale ── only if loading fails ──▶ + stale_if_error
//! ```
//!
//! | | what it does |
//! | --- | --- |
//! | [`ttl`](Policy::ttl) | for so long a value is fresh |
//! | [`stale`](Policy::stale) | then it is served for so long, while one task refreshes it |
//! | [`stale_if_error`](Policy::stale_if_error) | then it stands in where a load fails or takes too long, with a [pause](Policy::retry_pause) between tries |
//! | [`negative_ttl`](Policy::negative_ttl) | for so long it is remembered that there is none ([`Loaded::absent`], [`NamespaceBuilder::negative`]) |
//! | [`jitter`](Policy::jitter) | shortens times at random, so that what came together does not go together |
//! | [`early_refresh`](Policy::early_refresh) | refreshes by chance shortly before the end (XFetch), so that nobody waits at the end |
//! | [`soft_timeout`](Policy::soft_timeout) | after so long a caller gets an old value, where there is one; the load goes on |
//! | [`hard_timeout`](Policy::hard_timeout) | after so long it gets an old value or [`LoadError::TimedOut`]; the load goes on, and what it brings is kept |
//! | [`across_nodes`](Policy::across_nodes) | a load waits for another node that loads the same |
//!
//! A loader returns the value, or [`Loaded`] with a time and tags of its own, or one that is handed out and not
//! stored:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use aios_cache::{Cache, LoadError, Loaded};
//! use std::time::Duration;
//!
//! let prices = Cache::builder().build().namespace::<u32>("prices").build()?;
//! let load = async || {
//!     let (price, is_final) = (99, true); // asked of a supplier, say
//!     let quote = Loaded::new(price).ttl(Duration::from_secs(30)).tags(["quotes"]);
//!     Ok::<_, String>(if is_final { quote } else { quote.do_not_store() })
//! };
//! assert_eq!(*prices.get_or_load("book", load).await?, 99);
//!
//! // A loader's error reaches every caller that waited, and is not kept.
//! let error = prices.get_or_load("pen", async || Err::<u32, _>("out of ink".to_owned())).await.unwrap_err();
//! assert_eq!(error.failed().map(String::as_str), Some("out of ink"));
//! assert!(matches!(error, LoadError::Failed(_)));
//! # Ok(())
//! # }
//! ```
//!
//! **Many at once.** [`Namespace::get_many_or_load`] reads all keys in one round trip, and calls the loader once with
//! those that are in no tier; single callers and callers of many wait for each other's loads.
//!
//! **By hand.** [`Slot::get`] and [`Slot::peek`] load nothing, [`Slot::refresh`] loads whatever is there,
//! [`Slot::insert`] puts a value there.
//!
//! **Gathered.** One key that many ask for is one load. Many keys that one caller asks for are one load too, by [`Namespace::many`]; many
//! keys that many callers ask for one by one become few loads by a [`gather::Gatherer`] within the loader.
//!
//! # Invalidation
//!
//! [`Cache::invalidate`] takes [`Targets`]: keys, tags, namespaces, everything. Call it **after** what it is about was
//! committed; before that, a load could read the old state and be right to keep it.
//!
//! - A tag costs one increment, whatever number of values bear it, and whichever namespaces they are in. Nothing is
//!   listed, nothing is scanned. Each value remembers the versions that its tags had before it was loaded, and is
//!   stale when one of them has moved.
//! - A namespace and everything are tags that each value bears of itself.
//! - A load under way is cut loose. Those who wait for it get its result, since they asked before; whoever asks after
//!   the invalidation starts a new one; and the old result is kept nowhere. In Redis the guard is a lease: it is taken
//!   before the load, an invalidation of the key deletes it, and a script writes nothing without it.
//! - No clock decides what an invalidation has made stale, versions do. How old a value is, is measured by a monotonic
//!   clock here and by the store's own clock there; what the nodes take the time to be is of no account.
//!
//! ## The bound
//!
//! For how long after [`invalidate`](Cache::invalidate) has returned can an older value still be read?
//!
//! **On the node that invalidated: not at all.** A read that begins after the call returned sees nothing older.
//!
//! **On other nodes, after [`Outcome::Everywhere`]:** until the notice has come, which takes as long as a message.
//! Should it be lost, or the node be cut off, then no longer than
//!
//! ```text
//! heartbeat + 2 × engine_timeout + isolated_ttl          1 s + 2 × 0.25 s + 5 s = 6.5 s unless told otherwise
//! ```
//!
//! of the time that the node runs. A heartbeat finds that a notice is missing (notices are numbered) or that there is
//! no answer; from then on memory is used for [`isolated_ttl`](CacheBuilder::isolated_ttl) at most, and for less where
//! the shared tier answers: when the link is back, nothing that was in memory before is believed. Where 6.5 s is too
//! much, shorten the three ([`heartbeat`](CacheBuilder::heartbeat) and
//! [`engine_timeout`](CacheBuilder::engine_timeout) too); an `isolated_ttl` of zero makes a node that is cut off serve
//! nothing from before. (It holds for a heartbeat no shorter than the time-out. A process that is stopped, as by
//! SIGSTOP, or with its virtual machine, does not run; and a runtime whose threads are blocked by long computations is
//! late by these.)
//!
//! This is checked, not argued: `tests/model` searches every interleaving of a model of two nodes and their store, with
//! lost notices, cut connections, crashes and restarts, and shows what goes wrong without the protocol's rules;
//! `tests/fence` runs the code of the fence and of the tags under a checker of schedules and memory orders; and
//! `tests/schedules` lets real nodes read and invalidate in virtual time while their store fails in every way.
//!
//! **After [`Outcome::Deferred`]:** this node could not reach the shared tier. It serves nothing older itself,
//! remembers what it could not tell, and tells it before it uses the shared tier again. Until then nodes that do reach
//! it know of nothing, and may serve what they have for as long as its policy lets it live. If the process ends
//! before, what it remembered is lost. Who can't accept that keeps what is to be invalidated where the change itself
//! is, in the same transaction (an outbox table), and repeats it until it is `Everywhere`; to repeat does no harm.
//!
//! Shown by
//! - `tests/cache/fences.rs` `no_reader_sees_what_was_invalidated_before_it_began`,
//! - `tests/nodes/sharing.rs` `nothing_old_survives_a_storm`,
//! - `tests/nodes/failures.rs` `a_node_that_is_cut_off_serves_its_memory_for_the_stated_time`.
//!
//! # When Redis fails
//!
//! The link to the shared tier is open or closed. Any failure that says "not reachable" closes it at once, as do
//! several ([`engine_failures`](CacheBuilder::engine_failures)) others in a row; from then on no call waits for Redis.
//! Memory, single-flight and loaders go on. One task tries to come back, at most once a second: it subscribes, asks
//! whether this is the same store with the same content, repeats what was remembered (the last one for each target,
//! 10,000 of them; beyond that, everything), forgets all versions, distrusts all memory, and opens the link.
//!
//! | what happens | callers | values |
//! | --- | --- | --- |
//! | killed, unreachable, hung, slow | go on with memory and loader | memory for `isolated_ttl`, what is loaded meanwhile for as long at most |
//! | full | go on; Redis is read, and still told of invalidations (from Redis 7 on) | new values stay in memory |
//! | read-only | go on; Redis is read | new values stay in memory; from the first invalidation on as if unreachable |
//! | restarted empty | go on | nothing to read; memory is distrusted once |
//! | restarted from an old file, replaced by a lagging replica | go on | everything in it is made stale before any of it is read |
//!
//! [`Cache::link_state`] and the metric `cache_link_up` say how it stands; [`Cache::linked`] waits for it. A cache
//! starts without its Redis, too.
//!
//! # Keys and tags
//!
//! A key is anything that is a [`CacheKey`]: texts, numbers, tuples, lists, options, `Uuid`, and your types in three
//! lines. Parts are escaped, so no two inputs share a key: `("a:b", "c")` and `("a", "b:c")` are two. The name of the
//! namespace stands before it, and in Redis the engine's prefix before that.
//!
//! A tag is any text. Tags are one set for all namespaces; a value may bear several, named [before the
//! load](Slot::tags) or [by it](Loaded::tags). Prefer the first: for those that come with the value the cache has to
//! find out afterwards whether they have been invalidated since the load began, and where it can't be sure it does not
//! store.
//!
//! # Serializers
//!
//! | | feature | for |
//! | --- | --- | --- |
//! | [`Json`](serializer::Json) | `json` | people who look into Redis, other programs |
//! | `MessagePack` | `msgpack` | smaller; fields may be added |
//! | `Postcard` | `postcard` | smallest and quickest; any change of the type needs a new [`schema`](NamespaceBuilder::schema) |
//! | [`Raw`](serializer::Raw) | | bytes and texts as they are |
//!
//! Anything else is a [`Serializer`](serializer::Serializer) of two functions. Payloads from 4 KiB on are
//! [compressed](Compression), and nothing is decompressed beyond [`max_payload`](NamespaceBuilder::max_payload). What
//! stands in Redis names its format, serializer and schema version, and has a checksum: what is unknown, foreign, cut
//! short, altered or too large is a counted miss, never an error.
//!
//! # The attribute
//!
//! `#[cached]` (feature `macros`) on an `async fn`, in an `impl` or free; [its page](macro@cached) has all options:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use aios_cache::{Cache, Cached, LoadError, Namespace, cached};
//!
//! #[derive(Clone)]
//! struct Agents {
//!     names: Namespace<String>,
//! }
//!
//! impl Agents {
//!     #[cached(in = self.names, ttl = "5m", stale = "1h", tags("agents", "agent:{id}"), key = "{id}")]
//!     async fn name(&self, id: u64) -> Result<Cached<String>, LoadError<std::io::Error>> {
//!         Ok(format!("agent {id}"))
//!     }
//! }
//!
//! let agents = Agents { names: Cache::builder().build().namespace("names").build()? };
//! assert_eq!(agents.name(7).await?.as_str(), "agent 7");
//!
//! // Its handle, with the same arguments.
//! let call = agents.name_cached(7);
//! assert_eq!((call.key(), call.tags()), ("7", ["agents".to_owned(), "agent:7".to_owned()].as_slice()));
//! call.refresh().await?;
//! let _ = call.invalidate().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Warm-up
//!
//! [`Warmup`] is a list of loaders, run at the start and on demand, some at a time; it reports progress, and neither
//! errors nor panics stop it.
//!
//! # To be seen
//!
//! Counters go to the [`metrics`] facade once a second, [`describe_metrics`] describes them, [`Cache::stats`] has the
//! same as a value. Those marked `ns` bear the label `namespace`.
//!
//! | metric | | labels | what it counts |
//! | --- | --- | --- | --- |
//! | `cache_hits_total` | counter | ns, `tier`: memory, shared | answers from a tier, fresh from memory |
//! | `cache_misses_total` | counter | ns | answers that were in no tier |
//! | `cache_stale_served_total` | counter | ns, `why`: refreshing, error | old values served |
//! | `cache_coalesced_total` | counter | ns | callers that waited for somebody else's load |
//! | `cache_loads_total` | counter | ns, `outcome`: loaded, failed, panicked | loads |
//! | `cache_load_timeouts_total` | counter | ns | callers told that a load takes too long |
//! | `cache_early_refreshes_total` | counter | ns | refreshes before the end, by chance |
//! | `cache_overtaken_total` | counter | ns | loads overtaken by an invalidation |
//! | `cache_write_refused_total` | counter | ns | writes that the shared tier refused: overtaken, or another node was first |
//! | `cache_serializer_failures_total` | counter | ns | values that could not be serialised |
//! | `cache_rejected_total` | counter | ns | payloads taken for a miss |
//! | `cache_rejections_total` | counter | ns, `reason` | the same, by reason |
//! | `cache_evictions_total` | counter | ns | entries evicted from memory for want of room |
//! | `cache_invalidations_total` | counter | `outcome`: everywhere, deferred | this node's invalidations |
//! | `cache_notices_total` | counter | | other nodes' |
//! | `cache_distrusted_total` | counter | | times that memory was distrusted, the first link among them |
//! | `cache_engine_errors_total` | counter | | calls of the shared tier that failed |
//! | `cache_entries`, `cache_bytes` | gauge | ns | what is in memory |
//! | `cache_loading` | gauge | ns | loads under way |
//! | `cache_link_up` | gauge | | whether the shared tier is in use: the circuit breaker |
//! | `cache_pending_invalidations` | gauge | | what is still to be told to the shared tier |
//! | `cache_tags` | gauge | | tags that this node knows |
//! | `cache_load_seconds` | histogram | ns | how long loads take |
//! | `cache_engine_seconds` | histogram | `operation` | how long calls of the shared tier take |
//! | `cache_backplane_lag_seconds` | histogram | | from an invalidation's answer to its notice |
//!
//! Each load runs in a `tracing` span, `cache_load`; a [`Listener`] is told of each [`Event`].
//!
//! # What holds, and what does not
//!
//! - A read that begins after an invalidation returned on the same node sees nothing older; on other nodes, [the
//!   bound](#the-bound) holds. A read that began before may still get the old value, and hands it to whoever asked.
//! - What a tag, a key, a namespace or everything has made stale is never served, not as a stale value and not where a
//!   load fails: `stale` and `stale_if_error` are about age alone.
//! - One load at a time for a key and a node; for all nodes with `across_nodes`, as long as the shared tier answers
//!   and for as long as a [lease](CacheBuilder::lease) lives, and not for bulk loads. It spares work, and nothing is
//!   built on it.
//! - A load that takes longer than its lease is kept in memory, and not in the shared tier.
//! - Whatever Redis loses or evicts makes stale, never fresh.
//! - Not a store: a value may be gone at any time. Not a lock. Values in memory are shared, so they should not change
//!   within.
//! - Two caches in one process are two nodes. A namespace's name belongs to one namespace of a cache at a time.
//! - Nodes that share values under one prefix agree on each namespace's type, serializer and schema version; where
//!   they do not, each takes the other's values for misses, except two types with one serializer and one version that
//!   read alike.
//!
//! # Beside other caches
//!
//! What others do is from their own documentation and trackers; `·` means that we did not look. The last column is the
//! test that shows ours.
//!
//! | | aios-cache | FusionCache | BentoCache | cashews | moka | cached | shown by |
//! | --- | --- | --- | --- | --- | --- | --- | --- |
//! | memory and Redis | yes | yes | yes | partly | no | partly | `tests/nodes/sharing.rs` `what_one_node_loads_another_finds` |
//! | one load in a process | yes | yes | yes | yes | yes | yes | `tests/cache/loading.rs` `ten_a_hundred_and_a_thousand_callers_load_once` |
//! | one load across nodes | yes | yes | no | yes | no | no | `tests/nodes/sharing.rs` `nodes_that_wait_for_each_other_load_once` |
//! | stale values where loading fails | yes | yes | yes | yes | no | yes | `tests/cache/times.rs` `an_old_value_stands_in_for_a_load_that_fails_and_the_next_try_waits` |
//! | soft and hard load time-outs | yes | yes | yes | no | no | no | `tests/cache/times.rs` `after_the_soft_time_out_an_old_value_is_served_and_the_load_goes_on` |
//! | early refresh | yes | yes | partly | yes | no | partly | `tests/cache/times.rs` `values_near_their_end_are_refreshed_early_by_chance` |
//! | by XFetch | yes | no | no | no | no | no | the same |
//! | jitter | yes | yes | no | no | no | no | `tests/cache/times.rs` `jitter_spreads_the_ends` |
//! | tags, and by what | versions | time stamps | time stamps | sets | a scan with a predicate | no | `tests/cache/fences.rs` `a_tag_reaches_its_bearers_in_every_namespace_and_no_others` |
//! | an invalidation beats a load under way | yes | no (535, 613, 625) | · | · | no | · | `tests/cache/fences.rs` `a_load_is_overtaken_by_a_tag`, `tests/nodes/sharing.rs` `a_load_that_another_node_overtakes_leaves_nothing_behind` |
//! | notices to other nodes | yes | yes | yes | yes | no | partly | `tests/nodes/sharing.rs` `an_invalidation_is_seen_by_every_node` |
//! | invalidations repeated after a failure | yes | yes | partly | partly | no | no | `tests/nodes/failures.rs` `redis_is_killed_and_started_again_empty` |
//! | circuit breaker | yes | yes | yes | partly | no | no | `tests/nodes/failures.rs` `redis_is_frozen_and_thawed` |
//! | a store with old data is noticed | yes | · | · | · | no | · | `tests/nodes/failures.rs` `redis_is_restored_from_an_old_file` |
//! | compression | yes | no | no | yes | no | no | `tests/frozen` |
//! | bulk get-or-load | yes | no (16) | no (78) | yes | no | no | `tests/cache/bulk.rs` `only_what_is_missing_is_loaded_and_once` |
//! | attribute | yes | no | no | yes | no | yes | `../aios-cache-macros/tests/attribute/handle.rs` `a_handle_is_the_call_of_its_function` |
//! | invalidation by CLIENT TRACKING | no | no | no | yes | no | yes | `engine::redis` says why |
//!
//! Numbers in brackets are those of issues in their trackers. moka is by far the simpler choice where one process's
//! memory is all there is and nothing is invalidated while it is loaded.
//!
//! # Features
//!
//! | feature | for | brings in |
//! | --- | --- | --- |
//! | `macros` (default) | `#[cached]` | `aios-cache-macros` |
//! | `json` (default) | values as JSON | `serde_json` |
//! | `msgpack`, `postcard` | values as MessagePack, as postcard | `rmp-serde`; `postcard` |
//! | `lz4` (default), `zstd` | compression | `lz4_flex`; `zstd` |
//! | `redis` | the shared tier in Redis or Valkey | `deadpool-redis` |
//! | `redis-tls` | the same over TLS | `rustls` |
//! | `uuid` | `Uuid` as a key | `uuid` |
//! | `testing` | conformance suites, the chaos engine, the clock that is moved by hand | nothing |

mod bulk;
mod cache;
mod call;
#[doc = include_str!("../docs/choosing-ttls-and-tags.md")]
pub mod choosing_ttls_and_tags {}
pub mod engine;
mod entry;
mod envelope;
mod error;
mod event;
mod fence;
mod flight;
pub mod gather;
mod hub;
mod key;
mod link;
mod load;
mod loaded;
mod memory;
mod names;
mod namespace;
mod policy;
pub mod serializer;
mod slot;
mod stats;
mod sync;
mod tags;
#[cfg(test)]
mod tags_tests;
mod targets;
pub mod time;
mod warm;

#[cfg(feature = "macros")]
pub use aios_cache_macros::cached;
pub use bulk::{Many, NoTagsOfAny, TagNamesOf};
pub use cache::{Cache, CacheBuilder, LinkState};
pub use call::CachedCall;
#[doc(hidden)]
pub use call::expansion as __private;
pub use entry::{Cached, Origin};
pub use envelope::Compression;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub use envelope::fuzzing;
pub use error::{LoadError, NamespaceError};
pub use event::{Event, Listener};
pub use key::{CacheKey, KeyText};
pub use loaded::Loaded;
pub use names::NamespaceNameError;
pub use namespace::{Namespace, NamespaceBuilder};
pub use policy::Policy;
pub use slot::{NoTags, Slot, TagNames};
pub use stats::{CacheStats, NamespaceStats, describe_metrics};
pub use targets::{Outcome, Targets};
pub use warm::{Warmup, WarmupError, WarmupReport, WarmupStep};

/// The examples of the README compile and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
