//! Connections over TLS. The certificates are for these tests alone, and good until 2125.

use aios_cache::engine::redis::RedisEngine;
use aios_cache::engine::{Engine, EngineError};

use super::support::{RedisServer, free_port};
use super::{invalidate, put, read};

const AUTHORITY: &[u8] = include_bytes!("ca.pem");

/// A server that speaks TLS on a second port, and the URL of that.
fn server() -> (RedisServer, String) {
    let port = free_port().to_string();
    let file = |name: &str| format!("{}/tests/redis/tls/{name}", env!("CARGO_MANIFEST_DIR"));
    let (authority, certificate, key) = (file("ca.pem"), file("server.pem"), file("server.key"));
    let server = RedisServer::start_with(&[
        "--tls-port",
        &port,
        "--tls-ca-cert-file",
        &authority,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-auth-clients",
        "no",
    ]);
    (server, format!("rediss://localhost:{port}"))
}

#[tokio::test]
async fn a_server_of_a_trusted_authority_is_used() {
    let (_server, url) = server();
    let builder = RedisEngine::from_url(&url).unwrap();
    let engine = builder.root_certificates(AUTHORITY).build().unwrap();
    let mut subscription = engine.subscribe().await.unwrap();
    let status = engine.check().await.unwrap();
    assert_eq!(subscription.next().await.unwrap().number, status.number);
    put(&engine, "a", "value").await;
    assert_eq!(read(&engine, "a").await.as_deref(), Some("value"));
    invalidate(&engine, &["a"], &[]).await.unwrap();
    assert_eq!(subscription.next().await.unwrap().number, status.number + 1);
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_not_spoken_to() {
    let (_server, url) = server();
    let engine = RedisEngine::from_url(&url).unwrap().build().unwrap();
    let error = engine.read(&["a"]).await.unwrap_err();
    assert!(
        matches!(&error, EngineError::Unreachable(words) if words.contains("certificate")),
        "{error:?}"
    );
}
