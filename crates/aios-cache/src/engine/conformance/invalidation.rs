//! Invalidations: what they delete, and the versions and numbers they leave behind.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{
    Duration, Fixture, KEEP, Lease, invalidate, last_number, lease, new_lease, node, nodes, put, read, read_all,
    refreshes, version, versions, write,
};
use crate::engine::EVERYTHING;

/// Entries that are invalidated are gone for every node, and no others.
pub async fn invalidation_deletes_entries(fixture: &impl Fixture) {
    let (here, there) = nodes(fixture).await;
    for key in ["a", "b", "c"] {
        put(&*here, key, "value").await;
    }
    invalidate(&*there, &["a", "c", "not there"], &[]).await;
    for engine in [here, there] {
        assert_eq!(
            read_all(&*engine, &["a", "b", "c"]).await,
            [None, Some("value".into()), None]
        );
    }
}

/// A load that began before an invalidation writes nothing after it; one that begins after it has a lease of its own.
pub async fn invalidation_ends_leases(fixture: &impl Fixture) {
    let (here, there) = nodes(fixture).await;
    put(&*here, "a", "older").await;
    let before = new_lease(&*here, "a").await;
    invalidate(&*there, &["a"], &[]).await;
    assert!(!write(&*here, "a", "old", before).await);
    let after = new_lease(&*there, "a").await;
    assert_ne!(after, before);
    assert!(!write(&*here, "a", "old", before).await, "nor under the next lease");
    assert!(write(&*there, "a", "new", after).await);
    assert_eq!(read(&*here, "a").await, Some("new".into()));
}

/// Whichever of a write and an invalidation comes first, nothing is left.
pub async fn invalidation_wins_against_a_write_at_the_same_time(fixture: &impl Fixture) {
    let (here, there) = nodes(fixture).await;
    for round in 0..100 {
        let Lease::New(token) = lease(&*here, refreshes("a")).await else {
            panic!("round {round}: the invalidation left a lease behind");
        };
        if round % 2 == 0 {
            tokio::join!(write(&*here, "a", "old", token), invalidate(&*there, &["a"], &[]));
        } else {
            tokio::join!(invalidate(&*there, &["a"], &[]), write(&*here, "a", "old", token));
        }
        assert_eq!(read(&*here, "a").await, None, "round {round}");
    }
}

/// The number of an invalidation is the version of the tags it named, and of no others.
pub async fn tags_get_the_number_as_version(fixture: &impl Fixture) {
    let (here, there) = nodes(fixture).await;
    let before = versions(&*here, &["s", "t", "u"]).await;
    let number = invalidate(&*there, &[], &["s", "u"]).await;
    assert!(before.iter().all(|&version| version < number), "{before:?}, {number}");
    invalidate(&*there, &["t"], &["not asked for"]).await;
    for engine in [here, there] {
        assert_eq!(
            versions(&*engine, &["u", "t", "s", "t"]).await,
            [number, before[1], number, before[1]]
        );
    }
}

/// A tag without a version gets the number of the last notice, and stays at it while numbers go on. One that was
/// invalidated before anybody asked for it has that number at least.
pub async fn unknown_tags_get_the_last_number(fixture: &impl Fixture) {
    let (here, there) = nodes(fixture).await;
    let number = invalidate(&*here, &[], &["t"]).await;
    assert_eq!(version(&*there, "s").await, number);
    let next = invalidate(&*here, &["a"], &[]).await;
    assert_eq!(version(&*there, "s").await, number);
    let of_t = version(&*there, "t").await;
    assert!((number..=next).contains(&of_t), "{of_t}");
}

/// A version that was lost with time comes back as the last number, so that it is never again what it was before an
/// invalidation.
pub async fn versions_outlive_their_keep_or_grow(fixture: &impl Fixture) {
    let engine = node(fixture).await;
    let old = version(&*engine, "t").await;
    let number = invalidate(&*engine, &[], &["t"]).await;
    let last = invalidate(&*engine, &[], &["s"]).await;
    if !fixture.pass(KEEP + Duration::from_secs(1)).await {
        return;
    }
    let again = version(&*engine, "t").await;
    assert!(
        again == number || again == last,
        "{again}, not {number} nor {last}; {old} before"
    );
}

/// Each node that asks has the version kept for as long as it says, and no node shortens that.
pub async fn versions_are_kept_for_the_longest_asked(fixture: &impl Fixture) {
    let engine = node(fixture).await;
    let first = engine.versions(&["t"], KEEP).await;
    assert_eq!(engine.versions(&["t"], KEEP * 3).await, first);
    assert_eq!(engine.versions(&["t"], KEEP).await, first);
    invalidate(&*engine, &["a"], &[]).await;
    if fixture.pass(KEEP * 2).await {
        assert_eq!(engine.versions(&["t"], KEEP).await, first);
        let number = invalidate(&*engine, &[], &["t"]).await;
        invalidate(&*engine, &["a"], &[]).await;
        fixture.pass(KEEP / 2).await;
        assert_eq!(
            version(&*engine, "t").await,
            number,
            "invalidating does not shorten it either"
        );
    }
}

/// The tag that every entry bears has versions like any other.
pub async fn everything_is_a_tag(fixture: &impl Fixture) {
    let (here, there) = nodes(fixture).await;
    let before = versions(&*here, &[EVERYTHING, "t"]).await;
    let number = invalidate(&*here, &[], &[EVERYTHING]).await;
    assert_eq!(versions(&*there, &[EVERYTHING, "t"]).await, [number, before[1]]);
}

/// One call is one step, whatever it names, and however many are made at the same time.
pub async fn numbers_step_by_one(fixture: &impl Fixture) {
    let (here, there) = nodes(fixture).await;
    let before = last_number(&*here).await;
    assert_eq!(invalidate(&*here, &["a"], &[]).await, before + 1);
    assert_eq!(invalidate(&*there, &["a", "b"], &["s", "t"]).await, before + 2);
    assert_eq!(invalidate(&*here, &[], &[]).await, before + 3);
    let mut calls = JoinSet::new();
    for call in 0..100 {
        let engine = Arc::clone(if call % 2 == 0 { &here } else { &there });
        calls.spawn(async move { invalidate(&*engine, &["a"], &["t"]).await });
    }
    let mut numbers = calls.join_all().await;
    numbers.sort_unstable();
    assert_eq!(numbers, (before + 4..before + 104).collect::<Vec<u64>>());
    assert!(before + 103 < 1 << 53, "numbers fit 53 bits");
}

/// A check tells the number of the last notice, and changes nothing in a store that is still the same.
pub async fn check_tells_the_last_number(fixture: &impl Fixture) {
    let (here, there) = nodes(fixture).await;
    put(&*here, "a", "value").await;
    let of_everything = version(&*here, EVERYTHING).await;
    let number = invalidate(&*here, &[], &["t"]).await;
    for engine in [&here, &there, &here] {
        let status = engine.check().await.expect("the store is well");
        assert_eq!((status.number, status.replaced), (number, false));
    }
    assert_eq!(version(&*here, EVERYTHING).await, of_everything);
    assert_eq!(read(&*there, "a").await, Some("value".into()));
}
