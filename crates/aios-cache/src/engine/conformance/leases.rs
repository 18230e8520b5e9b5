//! Leases: the right to write, which an invalidation takes away.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::{
    Duration, Fixture, KEEP, Lease, asks, invalidate, lease, new_lease, node, nodes, put, read, refreshes, write,
};

/// Who asks first gets a new lease, and whoever asks while it lasts shares it.
pub async fn first_lease_is_new_and_others_share_it(fixture: &impl Fixture) {
    let (here, there) = nodes(fixture).await;
    let Lease::New(token) = lease(&*here, asks("a")).await else {
        panic!("nobody else asked");
    };
    assert_ne!(token, 0);
    assert_eq!(lease(&*there, asks("a")).await, Lease::Shared(token));
    assert_eq!(lease(&*there, refreshes("a")).await, Lease::Shared(token));
    assert_eq!(lease(&*here, asks("a")).await, Lease::Shared(token));
    assert_ne!(new_lease(&*here, "b").await, token, "each key has its own");
}

/// Who does not want to refresh gets the entry that is there, and makes no lease.
pub async fn entries_are_found_instead_of_leased(fixture: &impl Fixture) {
    let (here, there) = nodes(fixture).await;
    put(&*here, "a", "value").await;
    for _ in 0..2 {
        let Lease::Found(found) = lease(&*there, asks("a")).await else {
            panic!("there is an entry");
        };
        assert_eq!(found.bytes, "value");
        assert!(
            found.remaining <= KEEP && found.remaining > KEEP / 2,
            "{:?}",
            found.remaining
        );
    }
    new_lease(&*there, "a").await;
    let found = lease(&*here, asks("a")).await;
    assert!(matches!(found, Lease::Found(_)), "{found:?} while another refreshes");
}

/// While an entry is refreshed it is still read.
pub async fn refreshing_leases_beside_the_entry(fixture: &impl Fixture) {
    let (here, there) = nodes(fixture).await;
    put(&*here, "a", "old").await;
    let token = new_lease(&*here, "a").await;
    assert_eq!(read(&*there, "a").await, Some("old".into()));
    assert!(write(&*here, "a", "new", token).await);
    assert_eq!(read(&*there, "a").await, Some("new".into()));
}

/// A lease that was never given, and one of another key, write nothing.
pub async fn writes_without_their_lease_write_nothing(fixture: &impl Fixture) {
    let engine = node(fixture).await;
    assert!(!write(&*engine, "a", "value", 1).await);
    let of_a = new_lease(&*engine, "a").await;
    let of_b = new_lease(&*engine, "b").await;
    assert!(!write(&*engine, "a", "value", of_b).await);
    assert_eq!(read(&*engine, "a").await, None);
    assert!(
        write(&*engine, "a", "value", of_a).await,
        "the other write left the lease alone"
    );
}

/// Whoever writes first ends the lease for all that share it.
pub async fn lease_ends_with_the_write(fixture: &impl Fixture) {
    let (here, there) = nodes(fixture).await;
    let token = new_lease(&*here, "a").await;
    assert_eq!(lease(&*there, asks("a")).await, Lease::Shared(token));
    assert!(write(&*there, "a", "first", token).await);
    assert!(!write(&*here, "a", "second", token).await);
    assert_eq!(read(&*here, "a").await, Some("first".into()));
}

/// A lease that is given up is gone, by its own token alone.
pub async fn leases_are_released(fixture: &impl Fixture) {
    let (here, there) = nodes(fixture).await;
    let token = new_lease(&*here, "a").await;
    assert_eq!(there.release("a", token ^ 1).await, Ok(()));
    assert_eq!(there.release("b", token).await, Ok(()));
    assert_eq!(lease(&*there, asks("a")).await, Lease::Shared(token));
    assert_eq!(here.release("a", token).await, Ok(()));
    assert_eq!(here.release("a", token).await, Ok(()), "it is not missed");
    assert!(!write(&*here, "a", "value", token).await);
    assert_ne!(new_lease(&*there, "a").await, token);
}

/// A lease that is not used ends, and what was loaded under it is not written then.
pub async fn leases_end(fixture: &impl Fixture) {
    let engine = node(fixture).await;
    let token = new_lease(&*engine, "a").await;
    if !fixture.pass(KEEP + Duration::from_secs(1)).await {
        return;
    }
    assert!(!write(&*engine, "a", "value", token).await);
    assert_ne!(new_lease(&*engine, "a").await, token);
}

/// Callers that wait for a loader that died do not keep its lease alive.
pub async fn leases_are_not_prolonged_by_who_joins(fixture: &impl Fixture) {
    let (here, there) = nodes(fixture).await;
    let token = new_lease(&*here, "a").await;
    if !fixture.pass(KEEP * 2 / 3).await {
        return;
    }
    assert_eq!(lease(&*there, asks("a")).await, Lease::Shared(token));
    fixture.pass(KEEP * 2 / 3).await;
    assert_ne!(new_lease(&*there, "a").await, token);
}

/// Of all that ask at the same time one has the new lease, and the others the same.
pub async fn one_of_many_gets_the_lease(fixture: &impl Fixture) {
    let (here, there) = nodes(fixture).await;
    let mut callers = JoinSet::new();
    for number in 0..50 {
        let engine = Arc::clone(if number % 2 == 0 { &here } else { &there });
        callers.spawn(async move { lease(&*engine, asks("a")).await });
    }
    let mut new = 0;
    let mut tokens = HashSet::new();
    for answer in callers.join_all().await {
        match answer {
            Lease::New(token) => {
                new += 1;
                tokens.insert(token);
            }
            Lease::Shared(token) => {
                tokens.insert(token);
            }
            Lease::Found(_) => panic!("nothing was written"),
        }
    }
    assert_eq!((new, tokens.len()), (1, 1));
}

/// Of all that write under one lease at the same time one does.
pub async fn one_of_many_writes(fixture: &impl Fixture) {
    let (here, there) = nodes(fixture).await;
    let token = new_lease(&*here, "a").await;
    let mut callers = JoinSet::new();
    for number in 0..50 {
        let engine = Arc::clone(if number % 2 == 0 { &here } else { &there });
        callers.spawn(async move { write(&*engine, "a", number.to_string(), token).await.then_some(number) });
    }
    let winners: Vec<i32> = callers.join_all().await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(read(&*here, "a").await, Some(winners[0].to_string().into()));
    // An invalidation of something else takes nothing away.
    let token = new_lease(&*here, "a").await;
    invalidate(&*there, &["b"], &["a"]).await;
    assert!(write(&*here, "a", "value", token).await);
}
