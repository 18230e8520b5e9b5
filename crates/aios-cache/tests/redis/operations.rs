//! What the conformance suite does not ask, and holds wherever it runs: each of these is tried on one node and on a Cluster,
//! with a prefix of its own.

use std::collections::BTreeSet;
use std::time::Duration;

use aios_cache::engine::redis::RedisEngine;
use aios_cache::engine::{EVERYTHING, Engine, Invalidation, Lease, LeaseRequest, Write};
use bytes::Bytes;
use futures_util::future::join_all;

use super::{KEEP, engine, invalidate, lease, new_lease, put, read, text, write};

pub(crate) async fn a_lease_ends_by_itself_or_when_it_is_given_up(url: &str, prefix: &str) {
    let engine = engine(url, prefix).await;
    let token = new_lease(&engine, "a").await;
    engine.release("a", 1).await.unwrap();
    assert_eq!(lease(&engine, "a").await, Lease::Shared(token), "another's lease stays");
    engine.release("a", token).await.unwrap();
    engine.release("a", token).await.unwrap();
    assert_ne!(new_lease(&engine, "a").await, token);

    let short = [LeaseRequest {
        key: "b",
        refresh: false,
    }];
    let [Lease::New(token)] = engine.lease(&short, Duration::from_nanos(1)).await.unwrap()[..] else {
        panic!("no lease");
    };
    // A millisecond is the least that Redis knows; nothing depends on how much longer this takes.
    while lease(&engine, "b").await == Lease::Shared(token) {}
    assert!(!write(&engine, "b", "late", token).await);
}

pub(crate) async fn many_are_leased_written_and_read_together(url: &str, prefix: &str) {
    let engine = engine(url, prefix).await;
    let keys: Vec<String> = (0..1000).map(|number| format!("key {number}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let requests: Vec<_> = keys.iter().map(|key| LeaseRequest { key, refresh: false }).collect();
    let leases = engine.lease(&requests, KEEP).await.unwrap();
    let tokens: BTreeSet<u64> = leases
        .iter()
        .map(|lease| match lease {
            Lease::New(token) => *token,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(tokens.len(), keys.len());
    let writes: Vec<_> = keys
        .iter()
        .zip(&leases)
        .enumerate()
        .map(|(index, (key, lease))| Write {
            key,
            bytes: Bytes::from(format!("value of {key}")),
            keep: KEEP,
            // Every seventh write has lost its lease.
            lease: match lease {
                Lease::New(_) if index % 7 == 0 => 1,
                Lease::New(token) => *token,
                other => panic!("{other:?}"),
            },
        })
        .collect();
    let written = engine.write(&writes).await.unwrap();
    let found = engine.read(&keys).await.unwrap();
    for (index, key) in keys.iter().enumerate() {
        let expected = (index % 7 != 0).then(|| format!("value of {key}"));
        assert_eq!(written[index], expected.is_some(), "{key}");
        assert_eq!(found[index].as_ref().map(text), expected, "{key}");
    }
    let again = engine.lease(&requests, KEEP).await.unwrap();
    assert!(again.iter().enumerate().all(|(index, lease)| match lease {
        Lease::Found(stored) => index % 7 != 0 && text(stored) == format!("value of {}", keys[index]),
        Lease::Shared(_) => index % 7 == 0,
        Lease::New(_) => false,
    }));
    invalidate(&engine, &keys, &[]).await.unwrap();
    assert!(engine.read(&keys).await.unwrap().iter().all(Option::is_none));
}

pub(crate) async fn keys_are_any_text(url: &str, prefix: &str) {
    let engine = engine(url, prefix).await;
    let keys = [
        "", "}", "{", "}{", "a}b{c", "{}", "{a}", "ä:ö", "🦀}", "a b", ":l", "}:l", "%7D",
    ];
    for key in keys {
        put(&engine, key, &format!("<{key}>")).await;
    }
    for key in keys {
        assert_eq!(read(&engine, key).await, Some(format!("<{key}>")));
        invalidate(&engine, &[key], &[key]).await.unwrap();
        assert_eq!(read(&engine, key).await, None);
    }
}

pub(crate) async fn notices_come_in_order_without_gaps(url: &str, prefix: &str) {
    const NODES: u64 = 4;
    const EACH: usize = 50;
    let first = engine(url, prefix).await;
    let second = engine(url, prefix).await;
    let mut subscriptions = [first.subscribe().await.unwrap(), second.subscribe().await.unwrap()];
    let start = first.check().await.unwrap();
    assert!(!start.replaced);

    let engines = [&first, &second];
    let node = async |origin: u64| {
        let engine: &RedisEngine = engines[usize::try_from(origin).unwrap() % 2];
        for step in 0..EACH {
            let (key, tag) = (format!("key {step}"), format!("tag {origin}"));
            let what = Invalidation {
                keys: &[&key],
                tags: &[&tag],
                origin,
            };
            engine.invalidate(what).await.unwrap();
        }
    };
    join_all((0..NODES).map(node)).await;

    let total = NODES * u64::try_from(EACH).unwrap();
    for subscription in &mut subscriptions {
        let mut steps = [0; 4];
        for expected in start.number + 1..=start.number + total {
            let notice = subscription.next().await.unwrap();
            assert_eq!(notice.number, expected);
            let origin = usize::try_from(notice.origin).unwrap();
            assert_eq!(notice.keys, [format!("key {}", steps[origin])]);
            assert_eq!(notice.tags, [format!("tag {origin}")]);
            steps[origin] += 1;
        }
    }
    assert_eq!(first.check().await.unwrap().number, start.number + total);
}

/// Whoever hears the notice does not find the entry any more.
pub(crate) async fn an_entry_is_gone_before_its_notice_comes(url: &str, prefix: &str) {
    let writer = engine(url, prefix).await;
    let reader = engine(url, prefix).await;
    let mut subscription = reader.subscribe().await.unwrap();
    for round in 0..50 {
        let keys: Vec<String> = (0..10).map(|number| format!("{round} {number}")).collect();
        for key in &keys {
            put(&writer, key, "old").await;
        }
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let heard = async {
            subscription.next().await.unwrap();
            assert!(reader.read(&keys).await.unwrap().iter().all(Option::is_none));
        };
        let (told, ()) = tokio::join!(invalidate(&writer, &keys, &[]), heard);
        told.unwrap();
    }
}

pub(crate) async fn prefixes_see_nothing_of_one_another(url: &str, prefix: &str) {
    let (inner, outer) = (format!("{prefix}:x"), format!("{prefix}}}x"));
    let one = engine(url, &inner).await;
    let other = engine(url, &outer).await;
    let parent = engine(url, prefix).await;
    put(&one, "a", "mine").await;
    put(&parent, "x:a", "the parent's").await;
    assert_eq!(read(&other, "a").await, None);
    assert_eq!(read(&one, "a").await.as_deref(), Some("mine"));
    let mut heard = one.subscribe().await.unwrap();
    invalidate(&other, &["a"], &["t"]).await.unwrap();
    invalidate(&parent, &["x:a"], &["t"]).await.unwrap();
    assert_eq!(read(&one, "a").await.as_deref(), Some("mine"));
    let number = invalidate(&one, &[], &["mine"]).await.unwrap();
    assert_eq!(
        heard.next().await.unwrap().number,
        number,
        "the first notice is its own"
    );
}

pub(crate) async fn the_first_check_makes_everything_stale_and_tells(url: &str, prefix: &str) {
    let engine = super::unchecked(url, prefix);
    let mut subscription = engine.subscribe().await.unwrap();
    let before = engine.versions(&[EVERYTHING], KEEP).await.unwrap();
    let first = engine.check().await.unwrap();
    assert!(first.replaced);
    assert_eq!(first.number, before[0] + 1);
    assert_eq!(engine.versions(&[EVERYTHING], KEEP).await.unwrap(), [first.number]);
    let notice = subscription.next().await.unwrap();
    assert_eq!(
        (notice.number, notice.tags),
        (first.number, vec![EVERYTHING.to_owned()])
    );
    let second = engine.check().await.unwrap();
    assert!(!second.replaced);
    assert_eq!(second.number, first.number);
    let other = super::unchecked(url, prefix);
    assert_eq!(other.check().await.unwrap(), second, "another node finds it checked");
}
