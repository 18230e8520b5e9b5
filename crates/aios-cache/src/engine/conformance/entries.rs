//! Entries: what is written is read, as it was written, while it lasts.

use super::{Bytes, Duration, Fixture, KEEP, Write, new_lease, node, nodes, put, read, read_all, version};

/// What one node wrote, every node reads.
pub async fn reads_see_writes(fixture: &impl Fixture) {
    let (here, there) = nodes(fixture).await;
    assert_eq!(read(&*here, "a").await, None);
    put(&*here, "a", "value").await;
    for engine in [here, there] {
        let found = engine
            .read(&["a"])
            .await
            .expect("the store is well")
            .remove(0)
            .expect("an entry");
        assert_eq!(found.bytes, "value");
        assert!(found.remaining <= KEEP, "{:?}", found.remaining);
        assert!(found.remaining > KEEP / 2, "{:?}", found.remaining);
    }
}

/// The last write is what is read.
pub async fn writes_replace(fixture: &impl Fixture) {
    let (here, there) = nodes(fixture).await;
    put(&*here, "a", "a longer value").await;
    put(&*there, "a", "value").await;
    assert_eq!(read(&*here, "a").await, Some("value".into()));
}

/// Answers stand in the order of what was asked, hits and misses alike.
pub async fn batches_keep_their_order(fixture: &impl Fixture) {
    let engine = node(fixture).await;
    put(&*engine, "a", "1").await;
    put(&*engine, "c", "3").await;
    let found = read_all(&*engine, &["c", "b", "a", "c", "d"]).await;
    assert_eq!(
        found,
        [Some("3".into()), None, Some("1".into()), Some("3".into()), None]
    );
}

/// An entry is there for as long as it is to be kept, tells how long that is, and is gone then.
pub async fn entries_end(fixture: &impl Fixture) {
    let engine = node(fixture).await;
    let lease = new_lease(&*engine, "a").await;
    let write = Write {
        key: "a",
        bytes: "value".into(),
        keep: Duration::from_secs(10),
        lease,
    };
    assert_eq!(engine.write(&[write]).await, Ok(vec![true]));
    if !fixture.pass(Duration::from_secs(6)).await {
        return;
    }
    let found = engine
        .read(&["a"])
        .await
        .expect("the store is well")
        .remove(0)
        .expect("an entry");
    assert!(found.remaining <= Duration::from_secs(4), "{:?}", found.remaining);
    fixture.pass(Duration::from_secs(5)).await;
    assert_eq!(read(&*engine, "a").await, None);
}

/// Payloads are bytes: none, all values, a mebibyte.
pub async fn any_payload_comes_back(fixture: &impl Fixture) {
    let engine = node(fixture).await;
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let large = Bytes::from(every_byte.repeat(4096));
    let payloads = [Bytes::new(), every_byte.into(), "\r\n$-1\r\n".into(), large];
    for payload in payloads {
        put(&*engine, "a", payload.clone()).await;
        assert!(
            read(&*engine, "a").await == Some(payload.clone()),
            "{} bytes came back otherwise",
            payload.len()
        );
    }
}

/// Keys that differ are different, whatever they are made of.
pub async fn any_text_is_a_key(fixture: &impl Fixture) {
    let engine = node(fixture).await;
    let long = "long ".repeat(800);
    let longer = format!("{long}r");
    #[rustfmt::skip]
    let keys = [
        "", " ", "a", "a ", "A", "ä", "a\u{308}", "\u{1f980}", "キー", "a:b", "a/b", "a%3Ab", "*", "?", "[a]", "{a}", "{a}b",
        "{b}a", "{}", "}{", "{{a}}", "\"", "'", "\\", "\\x00", "$1", "\u{ff}", "\u{fffd}", &long, &longer,
    ];
    for (number, key) in keys.iter().enumerate() {
        put(&*engine, key, number.to_string()).await;
    }
    for (number, found) in read_all(&*engine, &keys).await.into_iter().enumerate() {
        assert_eq!(found, Some(number.to_string().into()), "key {number}");
    }
}

/// What an engine keeps beside the entries has names that no entry has.
pub async fn keys_and_tags_do_not_meet(fixture: &impl Fixture) {
    let engine = node(fixture).await;
    #[rustfmt::skip]
    let keys = [
        "a", "a:lease", "lease:a", "l:a", "{a}:lease", "{a}:l", "t:a", "tag:a", "v:a", "version:a", "e:a", "entry:a",
        "number", "notices", "id", "run", "*",
    ];
    for key in keys {
        new_lease(&*engine, key).await;
        version(&*engine, key).await;
    }
    assert_eq!(read_all(&*engine, &keys).await, vec![None; keys.len()]);
}
