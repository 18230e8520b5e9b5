//! One server.

use std::time::Duration;

use aios_cache::engine::redis::{RedisEngine, Topology};
use aios_cache::engine::{EVERYTHING, Engine, Lease};

use super::support::RedisServer;
use super::{KEEP, engine, invalidate, lease, operations, put, read, text, unchecked, write};

/// A test for each of the operations.
macro_rules! on_one_node {
    ($($operation:ident)*) => {$(
        #[tokio::test]
        async fn $operation() {
            let server = RedisServer::start();
            operations::$operation(&server.url(), "aios").await;
        }
    )*};
}

on_one_node! {
    a_lease_ends_by_itself_or_when_it_is_given_up
    many_are_leased_written_and_read_together
    keys_are_any_text
    notices_come_in_order_without_gaps
    an_entry_is_gone_before_its_notice_comes
    prefixes_see_nothing_of_one_another
    the_first_check_makes_everything_stale_and_tells
}

#[tokio::test]
async fn a_versions_life_is_extended_and_never_shortened() {
    let server = RedisServer::start();
    let engine = engine(&server.url(), "aios").await;
    let left = || server.query::<i64>(&["PTTL", "{aios}:t:t"]);
    engine.versions(&["t"], Duration::from_secs(10)).await.unwrap();
    assert!(left() > 5_000);
    engine.versions(&["t"], Duration::from_secs(1000)).await.unwrap();
    assert!(left() > 900_000);
    engine.versions(&["t"], Duration::from_secs(10)).await.unwrap();
    invalidate(&engine, &[], &["t"]).await.unwrap();
    assert!(left() > 900_000);
    server.run(&["PERSIST", "{aios}:t:t"]);
    engine.versions(&["t"], Duration::from_secs(10)).await.unwrap();
    assert_eq!(left(), -1, "one that lives for ever is not made mortal");
}

#[tokio::test]
async fn what_is_not_ours_is_a_miss_and_is_overwritten() {
    let server = RedisServer::start();
    let engine = engine(&server.url(), "aios").await;
    for key in ["{aios:a}", "{aios:a}:l", "{aios}:t:t", "{aios}:n", "{aios}:id"] {
        server.run(&["DEL", key]);
        server.run(&["RPUSH", key, "a list"]);
    }
    assert_eq!(read(&engine, "a").await, None);
    assert_eq!(engine.read(&["a", "b"]).await.unwrap(), [None, None]);
    assert!(!write(&engine, "a", "forged", 1).await);
    engine.release("a", 1).await.unwrap();
    put(&engine, "a", "ours").await;
    let version = engine.versions(&["t"], KEEP).await.unwrap()[0];
    assert_eq!(invalidate(&engine, &["a"], &["t"]).await.unwrap(), version + 1);
    assert!(engine.check().await.unwrap().replaced);
    assert!(!engine.check().await.unwrap().replaced);
}

#[tokio::test]
async fn numbers_that_are_none_are_replaced() {
    let server = RedisServer::start();
    let engine = engine(&server.url(), "aios").await;
    for nonsense in [
        "",
        "x",
        "-1",
        "0",
        "1.5",
        "9007199254740992",
        "12345678901234567890",
        "1e3",
        " 7",
    ] {
        server.run(&["SET", "{aios}:n", nonsense]);
        server.run(&["SET", "{aios}:t:t", nonsense]);
        let version = engine.versions(&["t"], KEEP).await.unwrap()[0];
        assert!(version > 0 && version < 1 << 53, "{nonsense:?}: {version}");
        assert_eq!(
            invalidate(&engine, &[], &["t"]).await.unwrap(),
            version + 1,
            "{nonsense:?}"
        );
    }
    server.run(&["SET", "{aios}:n", "4503599627370497"]);
    assert_eq!(
        invalidate(&engine, &[], &["t"]).await.unwrap(),
        4_503_599_627_370_498,
        "no digit is lost"
    );
}

/// It is handed on, for the cache to see that it is none of its own; and it is not looked at again.
#[tokio::test]
async fn an_entry_that_does_not_say_when_it_ends_has_almost_no_time_left() {
    let server = RedisServer::start();
    let engine = engine(&server.url(), "aios").await;
    server.run(&["SET", "{aios:a}", "for ever"]);
    for keys in [&["a"][..], &["a", "b"]] {
        let found = engine.read(keys).await.unwrap();
        let stored = found[0].as_ref().unwrap();
        assert_eq!(text(stored), "for ever");
        assert!(stored.remaining <= Duration::from_millis(1));
    }
    assert!(matches!(lease(&engine, "a").await, Lease::New(_)));
}

/// Without a check the server's clock is not known, and times are asked for.
#[tokio::test]
async fn the_remaining_time_is_the_same_in_both_ways_of_reading() {
    let server = RedisServer::start();
    let checked = engine(&server.url(), "aios").await;
    let unchecked = unchecked(&server.url(), "aios");
    put(&checked, "a", "value").await;
    server.pass(KEEP / 2);
    for keys in [&["a"][..], &["a", "b"]] {
        let [one, other] = [&checked, &unchecked].map(async |engine| engine.read(keys).await.unwrap());
        let (one, other) = tokio::join!(one, other);
        let (one, other) = (one[0].as_ref().unwrap(), other[0].as_ref().unwrap());
        assert_eq!((text(one), text(other)), ("value".to_owned(), "value".to_owned()));
        assert!(one.remaining <= KEEP / 2 && other.remaining <= KEEP / 2);
        assert!(one.remaining.abs_diff(other.remaining) < KEEP / 10);
    }
    server.pass(KEEP);
    assert_eq!(read(&checked, "a").await, None);
    assert_eq!(read(&unchecked, "a").await, None);
}

#[tokio::test]
async fn what_was_evicted_reads_as_stale() {
    let server = RedisServer::start();
    let engine = engine(&server.url(), "aios").await;
    let before = engine.versions(&["t"], KEEP).await.unwrap()[0];
    invalidate(&engine, &[], &["t"]).await.unwrap();
    server.run(&["DEL", "{aios}:t:t"]);
    assert!(engine.versions(&["t"], KEEP).await.unwrap()[0] > before);
    server.run(&["DEL", "{aios}:t:t", "{aios}:n"]);
    assert_ne!(engine.versions(&["t"], KEEP).await.unwrap()[0], before);
}

#[tokio::test]
async fn a_counter_that_was_lost_ends_subscriptions() {
    let server = RedisServer::start();
    let engine = engine(&server.url(), "aios").await;
    let mut subscription = engine.subscribe().await.unwrap();
    invalidate(&engine, &[], &["t"]).await.unwrap();
    subscription.next().await.unwrap();
    server.run(&["FLUSHALL"]);
    invalidate(&engine, &[], &["t"]).await.unwrap();
    let error = subscription.next().await.unwrap_err();
    assert_eq!(
        subscription.next().await.unwrap_err(),
        error,
        "there is no notice after an error"
    );
    assert!(engine.check().await.unwrap().replaced);
}

#[tokio::test]
async fn a_notice_of_an_unknown_form_ends_subscriptions() {
    let server = RedisServer::start();
    let engine = engine(&server.url(), "aios").await;
    let mut subscription = engine.subscribe().await.unwrap();
    server.run(&["PUBLISH", "{aios}:c", "2\n1\n0\n0\n0\n"]);
    assert!(subscription.next().await.is_err());
    invalidate(&engine, &[], &["t"]).await.unwrap();
    assert!(subscription.next().await.is_err());
}

#[tokio::test]
async fn databases_see_nothing_of_one_another() {
    let server = RedisServer::start();
    let zero = engine(&server.url(), "aios").await;
    let three = engine(&format!("{}/3", server.url()), "aios").await;
    put(&zero, "a", "zero").await;
    assert_eq!(read(&three, "a").await, None);
    let mut heard = zero.subscribe().await.unwrap();
    invalidate(&three, &["a"], &["t"]).await.unwrap();
    let number = invalidate(&zero, &[], &["t"]).await.unwrap();
    assert_eq!(heard.next().await.unwrap().number, number);
}

#[tokio::test]
async fn a_unix_socket_and_a_password() {
    let server = RedisServer::start_with(&["--unixsocket", "redis.sock"]);
    let engine = RedisEngine::builder(Topology::Unix(server.socket())).build().unwrap();
    put(&engine, "a", "value").await;
    assert_eq!(read(&engine, "a").await.as_deref(), Some("value"));

    server.run(&[
        "ACL",
        "SETUSER",
        "cache",
        "on",
        ">se/cret",
        "~{aios*",
        "&{aios}:c*",
        "+@all",
    ]);
    server.run(&["CONFIG", "SET", "requirepass", "other"]);
    let url = server.url().replace("redis://", "redis://cache:se%2Fcret@");
    let known = unchecked(&url, "aios");
    assert_eq!(read(&known, "a").await.as_deref(), Some("value"));
    assert!(known.check().await.unwrap().replaced);
    let stranger = unchecked(&server.url(), "aios");
    let error = stranger.read(&["a"]).await.unwrap_err().to_string();
    assert!(error.contains("the store refuses"), "{error}");
}

/// The rights that the module's documentation names are enough.
#[tokio::test]
async fn a_user_with_the_documented_rights_can_do_everything() {
    let server = RedisServer::start();
    let commands = "+get +mget +set +del +unlink +pttl +pexpire +eval +evalsha +time +publish +subscribe +ping +info";
    let mut rights = vec![
        "ACL",
        "SETUSER",
        "cache",
        "on",
        ">word",
        "~{aios*",
        "resetchannels",
        "&{aios}:c*",
    ];
    rights.extend(commands.split(' '));
    server.run(&rights);
    let url = server.url().replace("redis://", "redis://cache:word@");
    operations::the_first_check_makes_everything_stale_and_tells(&url, "aios").await;
    operations::many_are_leased_written_and_read_together(&url, "aios").await;
    operations::a_lease_ends_by_itself_or_when_it_is_given_up(&url, "aios").await;
}

#[tokio::test]
async fn scripts_that_a_server_forgot_are_sent_again() {
    let server = RedisServer::start();
    let engine = engine(&server.url(), "aios").await;
    let before = invalidate(&engine, &["a"], &[EVERYTHING]).await.unwrap();
    server.run(&["SCRIPT", "FLUSH"]);
    assert_eq!(invalidate(&engine, &["a"], &[EVERYTHING]).await.unwrap(), before + 1);
    server.run(&["SCRIPT", "FLUSH"]);
    operations::many_are_leased_written_and_read_together(&server.url(), "aios").await;
}
