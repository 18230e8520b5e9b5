//! What every engine has to do, as tests that any engine can run.
//!
//! Write down how to get at a fresh store, and let [`engine_conformance!`](crate::engine_conformance) make a test of each
//! rule. The tests need `tokio` with the features `macros` and `rt`:
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use aios_cache::engine::conformance::Fixture;
//! use aios_cache::engine::{Engine, MemoryEngine};
//! use aios_cache::time::ManualClock;
//!
//! /// A store that no other test uses; for one that is shared, a key prefix of its own will do.
//! struct OwnStore {
//!     engine: MemoryEngine,
//!     clock: ManualClock,
//! }
//!
//! impl Fixture for OwnStore {
//!     async fn engine(&self) -> Arc<dyn Engine> {
//!         Arc::new(self.engine.clone())
//!     }
//!
//!     // The rest may be left out; the rules that need it pass unchecked then.
//!     async fn pass(&self, time: Duration) -> bool {
//!         self.clock.advance(time);
//!         true
//!     }
//! }
//!
//! async fn own_store() -> OwnStore {
//!     let clock = ManualClock::new();
//!     let engine = MemoryEngine::builder().clock(clock.clone()).build();
//!     OwnStore { engine, clock }
//! }
//!
//! aios_cache::engine_conformance!(own_store);
//! ```
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "these are tests: they fail by panicking"
)]

mod entries;
mod invalidation;
mod leases;
mod limits;
mod notices;
mod restarts;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

pub use self::entries::*;
pub use self::invalidation::*;
pub use self::leases::*;
pub use self::limits::*;
pub use self::notices::*;
pub use self::restarts::*;
use super::{Engine, EngineError, Invalidation, Lease, LeaseRequest, LeaseToken, Notice, Subscription, Write};

/// A store that a test has for itself, and the test's hands on it.
pub trait Fixture: Sync {
    /// A handle to the store, as a node has it. Two calls stand for two nodes. It may have been checked or not; the suite
    /// checks it.
    fn engine(&self) -> impl Future<Output = Arc<dyn Engine>> + Send;

    /// Lets this much of the store's time pass, or tells that it can't. Without it no rule of TTL is tried.
    fn pass(&self, time: Duration) -> impl Future<Output = bool> + Send {
        let _ = time;
        async { false }
    }

    /// Restarts the store with all that is in it, or tells that it can't. Without it no rule of restarts is tried.
    fn restart(&self) -> impl Future<Output = bool> + Send {
        async { false }
    }
}

/// Makes a test of each rule of the [suite](crate::engine::conformance), in the place where it stands. It takes the path of
/// an `async fn` without arguments that makes a [`Fixture`](crate::engine::conformance::Fixture), which is called once a
/// rule. Where a store takes long to start, `engine_conformance!(fixture as one test)` tries all rules in one test.
#[macro_export]
macro_rules! engine_conformance {
    (@rules $how:ident $fixture:path) => {
        $crate::engine_conformance! { @$how $fixture:
            reads_see_writes, writes_replace, batches_keep_their_order, entries_end, any_payload_comes_back,
            any_text_is_a_key, keys_and_tags_do_not_meet,
            first_lease_is_new_and_others_share_it, entries_are_found_instead_of_leased, refreshing_leases_beside_the_entry,
            writes_without_their_lease_write_nothing, lease_ends_with_the_write, leases_are_released, leases_end,
            leases_are_not_prolonged_by_who_joins, one_of_many_gets_the_lease, one_of_many_writes,
            invalidation_deletes_entries, invalidation_ends_leases, invalidation_wins_against_a_write_at_the_same_time,
            tags_get_the_number_as_version, unknown_tags_get_the_last_number, versions_outlive_their_keep_or_grow,
            versions_are_kept_for_the_longest_asked, everything_is_a_tag, numbers_step_by_one, check_tells_the_last_number,
            notices_tell_what_was_invalidated, notices_reach_every_subscription_in_order, waiting_for_a_notice_may_be_dropped,
            empty_batches_are_nothing, batches_of_a_thousand, keys_repeated_in_a_batch, dropped_calls_harm_no_other,
            many_at_the_same_time,
            restart_is_noticed, restart_makes_old_entries_stale, restart_ends_subscriptions,
        }
    };
    (@each $fixture:path: $($rule:ident),* $(,)?) => {
        $(
            #[tokio::test]
            async fn $rule() {
                $crate::engine::conformance::$rule(&$fixture().await).await;
            }
        )*
    };
    (@all $fixture:path: $($rule:ident),* $(,)?) => {
        #[tokio::test]
        async fn conformance() {
            $($crate::engine::conformance::$rule(&$fixture().await).await;)*
        }
    };
    ($fixture:path) => {
        $crate::engine_conformance! { @rules each $fixture }
    };
    ($fixture:path as one test) => {
        $crate::engine_conformance! { @rules all $fixture }
    };
}

/// Longer than any test runs.
const KEEP: Duration = Duration::from_secs(60);

/// The handle of a node that has joined: checked, as a cache does before all else.
async fn node(fixture: &impl Fixture) -> Arc<dyn Engine> {
    let engine = fixture.engine().await;
    engine.check().await.expect("the store is well");
    engine
}

async fn nodes(fixture: &impl Fixture) -> (Arc<dyn Engine>, Arc<dyn Engine>) {
    (node(fixture).await, node(fixture).await)
}

fn asks(key: &str) -> LeaseRequest<'_> {
    LeaseRequest { key, refresh: false }
}

fn refreshes(key: &str) -> LeaseRequest<'_> {
    LeaseRequest { key, refresh: true }
}

async fn lease(engine: &dyn Engine, request: LeaseRequest<'_>) -> Lease {
    let mut leases = engine.lease(&[request], KEEP).await.expect("the store is well");
    assert_eq!(leases.len(), 1);
    leases.remove(0)
}

/// A lease that nobody else has.
async fn new_lease(engine: &dyn Engine, key: &str) -> LeaseToken {
    match lease(engine, refreshes(key)).await {
        Lease::New(token) => token,
        other => panic!("{other:?} where {key:?} was to get a new lease"),
    }
}

async fn write(engine: &dyn Engine, key: &str, bytes: impl Into<Bytes>, lease: LeaseToken) -> bool {
    let write = Write {
        key,
        bytes: bytes.into(),
        keep: KEEP,
        lease,
    };
    let written = engine.write(&[write]).await.expect("the store is well");
    assert_eq!(written.len(), 1);
    written == [true]
}

/// Writes an entry, as a load does.
async fn put(engine: &dyn Engine, key: &str, bytes: impl Into<Bytes>) {
    let lease = new_lease(engine, key).await;
    assert!(write(engine, key, bytes, lease).await, "{key:?} has its lease");
}

async fn read_all(engine: &dyn Engine, keys: &[&str]) -> Vec<Option<Bytes>> {
    let found = engine.read(keys).await.expect("the store is well");
    assert_eq!(found.len(), keys.len());
    found
        .into_iter()
        .map(|stored| stored.map(|stored| stored.bytes))
        .collect()
}

async fn read(engine: &dyn Engine, key: &str) -> Option<Bytes> {
    read_all(engine, &[key]).await.remove(0)
}

async fn invalidate(engine: &dyn Engine, keys: &[&str], tags: &[&str]) -> u64 {
    let what = Invalidation { keys, tags, origin: 7 };
    engine.invalidate(what).await.expect("the store is well")
}

async fn versions(engine: &dyn Engine, tags: &[&str]) -> Vec<u64> {
    let versions = engine.versions(tags, KEEP).await.expect("the store is well");
    assert_eq!(versions.len(), tags.len());
    versions
}

async fn version(engine: &dyn Engine, tag: &str) -> u64 {
    versions(engine, &[tag]).await.remove(0)
}

async fn last_number(engine: &dyn Engine) -> u64 {
    engine.check().await.expect("the store is well").number
}

/// A subscription, and the number after which its notices count: those before may still have been on their way.
struct Listener {
    notices: Box<dyn Subscription>,
    after: u64,
}

impl Listener {
    async fn new(engine: &dyn Engine) -> Self {
        let notices = engine.subscribe().await.expect("the store is well");
        let after = last_number(engine).await;
        Self { notices, after }
    }

    async fn next(&mut self) -> Result<Notice, EngineError> {
        loop {
            let notice = self.notices.next().await?;
            if notice.number > self.after {
                return Ok(notice);
            }
        }
    }

    async fn expect(&mut self) -> Notice {
        self.next().await.expect("nothing broke the subscription")
    }
}
