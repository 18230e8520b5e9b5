//! Batches of any size, and any number of callers.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{
    Bytes, Fixture, KEEP, Lease, LeaseRequest, Write, asks, invalidate, last_number, new_lease, node, nodes, put, read,
    read_all, version, versions, write,
};

/// Nothing asked, nothing answered.
pub async fn empty_batches_are_nothing(fixture: &impl Fixture) {
    let engine = node(fixture).await;
    assert_eq!(engine.read(&[]).await, Ok(vec![]));
    assert_eq!(engine.lease(&[], KEEP).await, Ok(vec![]));
    assert_eq!(engine.write(&[]).await, Ok(vec![]));
    assert_eq!(engine.versions(&[], KEEP).await, Ok(vec![]));
    let number = last_number(&*engine).await;
    assert_eq!(
        invalidate(&*engine, &[], &[]).await,
        number + 1,
        "and still an invalidation is a step"
    );
}

/// A thousand of everything in one call.
pub async fn batches_of_a_thousand(fixture: &impl Fixture) {
    let engine = node(fixture).await;
    let names: Vec<String> = (0..1000).map(|number| format!("name {number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let requests: Vec<LeaseRequest<'_>> = names.iter().map(|name| asks(name)).collect();
    let leases = engine.lease(&requests, KEEP).await.expect("the store is well");
    let writes: Vec<Write<'_>> = names
        .iter()
        .zip(&leases)
        .map(|(key, lease)| write_of(key, lease))
        .collect();
    assert_eq!(engine.write(&writes).await, Ok(vec![true; 1000]));

    let found = read_all(&*engine, &names).await;
    assert!(
        names
            .iter()
            .zip(found)
            .all(|(name, bytes)| bytes.as_deref() == Some(name.as_bytes()))
    );
    let before = versions(&*engine, &names).await;
    let number = invalidate(&*engine, &names, &names).await;
    assert_eq!(read_all(&*engine, &names).await, vec![None; 1000]);
    assert!(before.iter().all(|&version| version < number));
    assert_eq!(versions(&*engine, &names).await, vec![number; 1000]);
}

fn write_of<'a>(key: &'a str, lease: &Lease) -> Write<'a> {
    let Lease::New(lease) = *lease else {
        panic!("{lease:?} where {key:?} was to get a new lease")
    };
    let bytes = Bytes::copy_from_slice(key.as_bytes());
    Write {
        key,
        bytes,
        keep: KEEP,
        lease,
    }
}

/// A key may stand in a batch more than once: its turns come one after the other.
pub async fn keys_repeated_in_a_batch(fixture: &impl Fixture) {
    let engine = node(fixture).await;
    let leases = engine
        .lease(&[asks("a"), asks("b"), asks("a")], KEEP)
        .await
        .expect("the store is well");
    let [Lease::New(lease), Lease::New(_), Lease::Shared(again)] = leases[..] else {
        panic!("{leases:?}");
    };
    assert_eq!(lease, again);
    let write = |bytes: &'static str| Write {
        key: "a",
        bytes: bytes.into(),
        keep: KEEP,
        lease,
    };
    assert_eq!(
        engine.write(&[write("first"), write("second")]).await,
        Ok(vec![true, false])
    );
    assert_eq!(read(&*engine, "a").await, Some("first".into()));
    let number = invalidate(&*engine, &["a", "a"], &["t", "t"]).await;
    assert_eq!(versions(&*engine, &["t", "t"]).await, [number, number]);
}

/// A call that is dropped half-way is done or not; those after it get their own answers.
pub async fn dropped_calls_harm_no_other(fixture: &impl Fixture) {
    let engine = node(fixture).await;
    put(&*engine, "a", "1").await;
    put(&*engine, "b", "2").await;
    for _ in 0..50 {
        tokio::select! {
            biased;
            _ = engine.read(&["a", "a"]) => (),
            () = async {} => (),
        }
        tokio::select! {
            biased;
            _ = engine.versions(&["t"], KEEP) => (),
            () = tokio::task::yield_now() => (),
        }
        assert_eq!(read(&*engine, "b").await, Some("2".into()));
    }
}

/// Many tasks, each with its own key and tag, are not in each other's way.
pub async fn many_at_the_same_time(fixture: &impl Fixture) {
    let (here, there) = nodes(fixture).await;
    let mut tasks = JoinSet::new();
    for task in 0..20 {
        let engine = Arc::clone(if task % 2 == 0 { &here } else { &there });
        tasks.spawn(async move {
            let name = format!("task {task}");
            for round in 0..10 {
                let old = version(&*engine, &name).await;
                let lease = new_lease(&*engine, &name).await;
                assert!(write(&*engine, &name, round.to_string(), lease).await);
                assert_eq!(read(&*engine, &name).await, Some(round.to_string().into()));
                let number = invalidate(&*engine, &[&name], &[&name]).await;
                assert!(number > old);
                assert_eq!(version(&*engine, &name).await, number);
                assert_eq!(read(&*engine, &name).await, None);
            }
        });
    }
    tasks.join_all().await;
}
