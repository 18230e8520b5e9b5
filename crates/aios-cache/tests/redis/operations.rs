//! Every operation, wherever it runs: each of these is tried on one node and on a Cluster, with a prefix of its own.

use std::collections::BTreeSet;
use std::time::Duration;

use aios_cache::engine::redis::RedisEngine;
use aios_cache::engine::{EVERYTHING, Engine, Invalidation, Lease, LeaseRequest, Write};
use bytes::Bytes;
use futures_util::future::{join_all, try_join_all};

use super::{KEEP, engine, invalidate, lease, new_lease, put, read, text, write};

pub(crate) async fn an_entry_is_read_back_with_its_remaining_time(url: &str, prefix: &str) {
    let engine = engine(url, prefix).await;
    assert_eq!(read(&engine, "a").await, None);
    put(&engine, "a", "value").await;
    let found = engine.read(&["a", "b"]).await.unwrap();
    let stored = found[0].as_ref().unwrap();
    assert_eq!(text(stored), "value");
    assert!(stored.remaining <= KEEP && stored.remaining > KEEP / 2);
    assert_eq!(found[1], None);
    assert_eq!(engine.read(&[]).await.unwrap(), []);
    let alone = engine.read(&["a"]).await.unwrap();
    assert_eq!(alone[0].as_ref().map(text).as_deref(), Some("value"));
}

pub(crate) async fn bytes_are_kept_as_they_are(url: &str, prefix: &str) {
    let engine = engine(url, prefix).await;
    let all: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    for (key, bytes) in [("empty", Bytes::new()), ("all", Bytes::from(all))] {
        let lease = new_lease(&engine, key).await;
        let written = Write {
            key,
            bytes: bytes.clone(),
            keep: KEEP,
            lease,
        };
        assert_eq!(engine.write(&[written]).await.unwrap(), [true]);
        assert_eq!(engine.read(&[key]).await.unwrap()[0].as_ref().unwrap().bytes, bytes);
    }
}

pub(crate) async fn one_lease_is_shared_until_somebody_writes(url: &str, prefix: &str) {
    let engine = engine(url, prefix).await;
    let token = new_lease(&engine, "a").await;
    assert_ne!(token, 0);
    assert_eq!(lease(&engine, "a").await, Lease::Shared(token));
    assert!(write(&engine, "a", "first", token).await);
    assert!(!write(&engine, "a", "second", token).await);
    assert_eq!(read(&engine, "a").await.as_deref(), Some("first"));
    assert!(matches!(lease(&engine, "a").await, Lease::Found(stored) if text(&stored) == "first"));
}

pub(crate) async fn a_refresh_replaces_what_is_there(url: &str, prefix: &str) {
    let engine = engine(url, prefix).await;
    put(&engine, "a", "old").await;
    let refresh = [LeaseRequest {
        key: "a",
        refresh: true,
    }];
    let [Lease::New(token)] = engine.lease(&refresh, KEEP).await.unwrap()[..] else {
        panic!("no lease");
    };
    assert_eq!(read(&engine, "a").await.as_deref(), Some("old"));
    assert!(write(&engine, "a", "new", token).await);
    assert_eq!(read(&engine, "a").await.as_deref(), Some("new"));
}

pub(crate) async fn a_write_without_its_lease_writes_nothing(url: &str, prefix: &str) {
    let engine = engine(url, prefix).await;
    assert!(!write(&engine, "a", "forged", 42).await);
    let before = new_lease(&engine, "a").await;
    invalidate(&engine, &["a"], &[]).await.unwrap();
    assert!(!write(&engine, "a", "loaded before", before).await);
    let after = new_lease(&engine, "a").await;
    assert_ne!(before, after);
    assert!(!write(&engine, "a", "loaded before", before).await, "another's lease");
    assert_eq!(read(&engine, "a").await, None);
    assert!(write(&engine, "a", "loaded after", after).await);
}

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

pub(crate) async fn a_tags_version_moves_when_it_is_invalidated_and_only_then(url: &str, prefix: &str) {
    let engine = engine(url, prefix).await;
    let before = engine.versions(&["t", "u"], KEEP).await.unwrap();
    assert_eq!(before[0], before[1], "both get the number of the last invalidation");
    assert!(before[0] > 0 && before[0] < 1 << 53);
    let number = invalidate(&engine, &[], &["t"]).await.unwrap();
    assert_eq!(number, before[0] + 1);
    assert_eq!(engine.versions(&["t", "u"], KEEP).await.unwrap(), [number, before[1]]);
    assert_eq!(invalidate(&engine, &["key"], &[]).await.unwrap(), number + 1);
    assert_eq!(engine.versions(&["t", "u"], KEEP).await.unwrap(), [number, before[1]]);
    let both = invalidate(&engine, &[], &["t", "u"]).await.unwrap();
    assert_eq!(engine.versions(&["u", "t"], KEEP).await.unwrap(), [both, both]);
    assert_eq!(engine.versions(&["new"], KEEP).await.unwrap(), [both]);
    assert_eq!(engine.versions(&[], KEEP).await.unwrap(), [0; 0]);
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

pub(crate) async fn an_engine_is_used_by_many_at_once(url: &str, prefix: &str) {
    let engine = &engine(url, prefix).await;
    let key = |number: usize| format!("key {}", number % 20);
    let callers = (0..400).map(async |number| {
        let key = key(number);
        match lease(engine, &key).await {
            Lease::New(token) | Lease::Shared(token) => {
                write(engine, &key, &key, token).await;
            }
            Lease::Found(stored) => assert_eq!(text(&stored), key),
        }
        match read(engine, &key).await {
            Some(found) => assert_eq!(found, key),
            None => panic!("{key} is missing"),
        }
        engine.versions(&["t"], KEEP).await
    });
    let versions = try_join_all(callers).await.unwrap();
    assert!(versions.iter().all(|version| *version == versions[0]));
}

/// A call that its caller drops half-way does not disturb the next.
pub(crate) async fn a_call_may_be_dropped(url: &str, prefix: &str) {
    let engine = engine(url, prefix).await;
    put(&engine, "a", "value").await;
    for _ in 0..200 {
        tokio::select! {
            biased;
            found = engine.read(&["a", "b"]) => { found.unwrap(); }
            () = tokio::task::yield_now() => {}
        }
        tokio::select! {
            biased;
            told = invalidate(&engine, &["other"], &["t"]) => { told.unwrap(); }
            () = tokio::task::yield_now() => {}
        }
    }
    assert_eq!(read(&engine, "a").await.as_deref(), Some("value"));
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
