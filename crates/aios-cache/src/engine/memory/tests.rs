//! The suite, and what this engine promises beyond it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::engine::EVERYTHING;
use crate::engine::conformance::Fixture;
use crate::time::ManualClock;

struct OwnStore {
    engine: MemoryEngine,
    clock: ManualClock,
}

impl Fixture for OwnStore {
    async fn engine(&self) -> Arc<dyn Engine> {
        Arc::new(self.engine.clone())
    }

    async fn pass(&self, time: Duration) -> bool {
        self.clock.advance(time);
        true
    }

    async fn restart(&self) -> bool {
        self.engine.restart_from(&self.engine.snapshot());
        true
    }
}

async fn own_store() -> OwnStore {
    let clock = ManualClock::new();
    let engine = MemoryEngine::builder().clock(clock.clone()).build();
    OwnStore { engine, clock }
}

mod suite {
    use super::own_store;
    crate::engine_conformance!(own_store);
}

const MINUTE: Duration = Duration::from_secs(60);

async fn put(engine: &MemoryEngine, key: &str, bytes: impl Into<Bytes>) -> bool {
    let leases = engine
        .lease(&[LeaseRequest { key, refresh: true }], MINUTE)
        .await
        .unwrap();
    let [Lease::New(lease)] = leases[..] else {
        panic!("no new lease")
    };
    let write = Write {
        key,
        bytes: bytes.into(),
        keep: MINUTE,
        lease,
    };
    engine.write(&[write]).await.unwrap() == [true]
}

#[tokio::test]
async fn entries_stay_within_their_bytes() {
    let engine = MemoryEngine::builder().capacity(100_000).build();
    for number in 0..1000 {
        assert!(put(&engine, &number.to_string(), vec![0; 1000]).await);
        assert!(engine.len() < 100);
    }
    assert!(engine.len() > 50);
    assert!(!put(&engine, "too large", vec![0; 100_001]).await);
    assert_eq!(engine.read(&["too large"]).await, Ok(vec![None]));
}

#[tokio::test]
async fn versions_and_leases_are_bounded_and_lost_versions_read_as_stale() {
    let engine = MemoryEngine::builder().capacity(1).build();
    let names: Vec<String> = (0..10_000).map(|number| number.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let asks: Vec<LeaseRequest<'_>> = names.iter().map(|key| LeaseRequest { key, refresh: false }).collect();
    let old = engine.versions(&names, MINUTE).await.unwrap()[0];
    engine.lease(&asks, MINUTE).await.unwrap();

    let last = engine.invalidate(Invalidation::default()).await.unwrap();
    let versions = engine.versions(&names, MINUTE).await.unwrap();
    let kept = versions.iter().filter(|&&version| version == old).count();
    assert!((500..2000).contains(&kept), "{kept}");
    assert!(versions.iter().all(|&version| version == old || version == last));
    let leases = engine.lease(&asks, MINUTE).await.unwrap();
    let kept = leases.iter().filter(|lease| matches!(lease, Lease::Shared(_))).count();
    assert!((500..2000).contains(&kept), "{kept}");
}

#[tokio::test]
async fn a_subscriber_that_does_not_keep_up_fails_after_what_it_was_told() {
    let engine = MemoryEngine::builder().backlog(3).build();
    let mut notices = engine.subscribe().await.unwrap();
    let first = engine.invalidate(Invalidation::default()).await.unwrap();
    for _ in 0..9 {
        engine.invalidate(Invalidation::default()).await.unwrap();
    }
    for number in first..first + 3 {
        assert_eq!(notices.next().await.unwrap().number, number);
    }
    assert!(notices.next().await.is_err());
    assert!(notices.next().await.is_err());
}

#[tokio::test]
async fn an_old_copy_brings_back_entries_but_no_number_that_was_given_out_since() {
    let engine = MemoryEngine::new();
    put(&engine, "a", "old").await;
    let copy = engine.snapshot();
    engine.versions(&["t"], MINUTE).await.unwrap();
    for _ in 0..100 {
        engine
            .invalidate(Invalidation {
                keys: &["a"],
                tags: &["t"],
                origin: 1,
            })
            .await
            .unwrap();
    }
    let lost = engine.versions(&["t"], MINUTE).await.unwrap();
    assert_eq!(engine.len(), 0);

    engine.restart_from(&copy);
    assert_eq!(engine.read(&["a"]).await, Err(EngineError::Replaced));
    assert!(engine.check().await.unwrap().replaced);
    assert_eq!(engine.read(&["a"]).await.unwrap().remove(0).unwrap().bytes, "old");
    assert!(engine.versions(&["t", EVERYTHING], MINUTE).await.unwrap() > [lost[0], lost[0]].to_vec());
}

#[tokio::test]
async fn what_tests_do_to_it() {
    let engine = MemoryEngine::builder().seed(7).build();
    put(&engine, "a", "value").await;
    assert!(engine.tamper("a", "nonsense") && !engine.tamper("b", "nonsense"));
    assert_eq!(engine.read(&["a"]).await.unwrap().remove(0).unwrap().bytes, "nonsense");

    let before = engine.versions(&["t"], MINUTE).await.unwrap();
    let number = engine.invalidate(Invalidation::default()).await.unwrap();
    assert!(engine.lose_tag("t") && !engine.lose_tag("t"));
    assert_eq!(engine.versions(&["t"], MINUTE).await, Ok(vec![number]));
    assert_ne!(before, [number]);

    let mut notices = engine.subscribe().await.unwrap();
    engine.drop_subscribers();
    assert!(notices.next().await.is_err());

    engine.restart_empty();
    assert!(engine.is_empty());
    assert!(engine.check().await.unwrap().replaced);
    assert_ne!(engine.check().await.unwrap().number, number + 1);
}
