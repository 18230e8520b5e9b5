//! What the chaos engine promises its tests.

use std::time::Duration;

use super::*;
use crate::engine::MemoryEngine;

const MINUTE: Duration = Duration::from_secs(60);

fn chaos() -> ChaosEngine<MemoryEngine> {
    ChaosEngine::new(MemoryEngine::new(), 7)
}

async fn put(engine: &impl Engine, key: &str, bytes: &'static [u8]) {
    let leases = engine
        .lease(&[LeaseRequest { key, refresh: true }], MINUTE)
        .await
        .unwrap();
    let [Lease::New(lease)] = leases[..] else {
        panic!("no new lease")
    };
    let bytes = Bytes::from_static(bytes);
    let keep = MINUTE;
    assert_eq!(
        engine
            .write(&[Write {
                key,
                bytes,
                keep,
                lease
            }])
            .await,
        Ok(vec![true])
    );
}

fn broken() -> EngineError {
    EngineError::Unreachable("chaos".to_owned())
}

#[tokio::test]
async fn an_operation_whose_reply_is_lost_is_done() {
    let chaos = chaos();
    put(&chaos, "a", b"1").await;
    chaos.add(Rule::new(Fault::LoseReply(broken())).times(1));
    let gone = Invalidation {
        keys: &["a"],
        ..Invalidation::default()
    };
    assert_eq!(chaos.invalidate(gone).await, Err(broken()));
    assert_eq!(chaos.read(&["a"]).await, Ok(vec![None]));
}

#[tokio::test]
async fn half_an_invalidation_deletes_the_keys_and_leaves_the_tags() {
    let chaos = chaos();
    put(&chaos, "a", b"1").await;
    let version = chaos.versions(&["t"], MINUTE).await.unwrap();
    chaos.add(Rule::new(Fault::Half(broken())).times(1));
    let gone = Invalidation {
        keys: &["a"],
        tags: &["t"],
        origin: 0,
    };
    assert_eq!(chaos.invalidate(gone).await, Err(broken()));
    assert_eq!(chaos.read(&["a"]).await, Ok(vec![None]));
    assert_eq!(chaos.versions(&["t"], MINUTE).await, Ok(version));
}

#[tokio::test]
async fn rules_choose_calls_by_operation_number_and_chance() {
    let chaos = chaos();
    chaos.add(
        Rule::new(Fault::Fail(EngineError::TimedOut))
            .on([Operation::Read])
            .after(2)
            .times(1),
    );
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(chaos.read(&[]).await.is_ok());
        assert!(chaos.check().await.is_ok());
    }
    assert_eq!(answers, [true, true, false, true]);

    chaos.add(Rule::new(Fault::Fail(EngineError::TimedOut)).share(0.5));
    let mut failed = 0;
    for _ in 0..1000 {
        failed += u32::from(chaos.read(&[]).await.is_err());
    }
    assert!((400..600).contains(&failed), "{failed} of 1000");
    chaos.heal();
    assert!(chaos.read(&[]).await.is_ok());
    assert_eq!(chaos.calls(Operation::Read), 1005);
    assert_eq!(chaos.calls(Operation::Check), 4);
    assert_eq!(chaos.calls(Operation::Write), 0);
}

#[tokio::test]
async fn payloads_are_spoiled_on_the_way_out_alone() {
    let chaos = chaos();
    put(&chaos, "a", b"some payload").await;
    for corruption in [Corruption::FlipBits, Corruption::Truncate, Corruption::Foreign] {
        chaos.add(Rule::new(Fault::Corrupt(corruption)).times(2));
        let read = chaos.read(&["a"]).await.unwrap().remove(0).unwrap();
        assert_ne!(read.bytes, "some payload", "{corruption:?}");
        let request = LeaseRequest {
            key: "a",
            refresh: false,
        };
        let Lease::Found(found) = chaos.lease(&[request], MINUTE).await.unwrap().remove(0) else {
            panic!()
        };
        assert_ne!(found.bytes, "some payload", "{corruption:?}");
    }
    assert_eq!(
        chaos.read(&["a"]).await.unwrap().remove(0).unwrap().bytes,
        "some payload"
    );
}

#[tokio::test]
async fn a_reply_waits_after_the_operation_is_done() {
    let chaos = chaos();
    put(&chaos, "a", b"1").await;
    let gate = chaos.hold_replies([Operation::Invalidate]);
    let invalidation = tokio::spawn({
        let chaos = chaos.clone();
        async move {
            chaos
                .invalidate(Invalidation {
                    keys: &["a"],
                    ..Invalidation::default()
                })
                .await
        }
    });
    gate.arrived(1).await;
    assert!(!invalidation.is_finished());
    assert_eq!(chaos.read(&["a"]).await, Ok(vec![None]));
    gate.let_through(1);
    assert!(invalidation.await.unwrap().is_ok());
}

#[tokio::test]
async fn notices_are_dropped_held_and_broken_off() {
    let chaos = chaos();
    let mut notices = chaos.subscribe().await.unwrap();
    chaos.add(Rule::new(Fault::DropNotice).on([Operation::Notice]).times(1));
    let first = chaos.invalidate(Invalidation::default()).await.unwrap();
    chaos.invalidate(Invalidation::default()).await.unwrap();
    assert_eq!(notices.next().await.unwrap().number, first + 1);

    let gate = chaos.hold([Operation::Notice]);
    chaos.invalidate(Invalidation::default()).await.unwrap();
    for _ in 0..2 {
        // A wait that is dropped loses nothing.
        tokio::select! {
            biased;
            notice = notices.next() => panic!("{notice:?} came through a shut gate"),
            () = gate.arrived(1) => (),
        }
    }
    gate.open();
    assert_eq!(notices.next().await.unwrap().number, first + 2);

    chaos.heal();
    chaos.fail([Operation::Notice], broken());
    chaos.invalidate(Invalidation::default()).await.unwrap();
    assert_eq!(notices.next().await, Err(broken()));
}
