//! How clients reach the server: HTTP/2 with and without TLS, and what becomes of those that are slow, large or many.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use aios_test_support::{TestDatabase, block_on, eventually};
use http::{Request, Version};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::harness::{TestServer, raw};
use crate::life_cycle::{Started, aios};

const STATS: &str = "/api/v1/marketplace/stats";
/// The shortest time limit that can be set.
const SHORT: Duration = Duration::from_secs(1);

/// Asks by HTTP/2 for each of these paths at once, over one connection.
async fn http2<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    requests: Vec<Request<()>>,
) -> Vec<(u16, Value)> {
    let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::task::spawn_local(connection);
    let mut asked = Vec::new();
    for request in requests {
        client = client.ready().await.unwrap();
        asked.push(client.send_request(request, true).unwrap().0);
    }
    let mut answers = Vec::new();
    for answer in asked {
        let answer = answer.await.unwrap();
        assert_eq!(answer.version(), Version::HTTP_2);
        let (status, mut stream, mut body) = (answer.status().as_u16(), answer.into_body(), Vec::new());
        while let Some(chunk) = stream.data().await {
            let chunk = chunk.unwrap();
            stream.flow_control().release_capacity(chunk.len()).unwrap();
            body.extend_from_slice(&chunk);
        }
        answers.push((status, serde_json::from_slice(&body).unwrap()));
    }
    answers
}

fn get(path: &str) -> Request<()> {
    Request::get(format!("http://localhost{path}")).body(()).unwrap()
}

async fn connected(address: SocketAddr) -> tokio::net::TcpStream {
    tokio::net::TcpStream::connect(address).await.unwrap()
}

/// A certificate for localhost and its key, in these files.
fn make_certificate(folder: &Path) -> CertificateDer<'static> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
    CertificateDer::from_pem_slice(cert.pem().as_bytes()).unwrap()
}

/// A connection by TLS to a server that must show this certificate.
async fn tls(
    address: SocketAddr,
    certificate: &CertificateDer<'static>,
    protocols: &[&str],
) -> std::io::Result<TlsStream<tokio::net::TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, connected(address).await)
        .await
}

#[test]
fn http_2_without_tls_is_spoken_with_those_who_know() {
    let database = TestDatabase::sqlite();
    let server = TestServer::start_with(&database, |args| args.transport.http2_cleartext = true);
    let answers = block_on(async {
        let paths = [STATS, "/api/v1/marketplace/agents?limit=1", "/api/v1/nothing", STATS];
        http2(connected(server.address()).await, paths.map(get).into()).await
    });
    assert_eq!(
        answers.iter().map(|(status, _)| *status).collect::<Vec<_>>(),
        [200, 200, 404, 200]
    );
    assert_eq!(answers[0].1, server.get(STATS).send().json(), "as by HTTP/1.1");
    assert_eq!(answers[0].1, answers[3].1);
}

#[test]
fn tls_speaks_http_2_and_http_1_as_the_client_likes() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = make_certificate(folder.path());
    let database = TestDatabase::sqlite();
    let server = TestServer::start_with(&database, |args| {
        args.transport.tls_cert = Some(folder.path().join("cert.pem"));
        args.transport.tls_key = Some(folder.path().join("key.pem"));
    });
    block_on(async {
        let connect = |protocols| tls(server.address(), &certificate, protocols);
        let second = connect(&["h2", "http/1.1"]).await.unwrap();
        assert_eq!(second.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let answers = http2(second, vec![get(STATS), get(STATS)]).await;
        assert_eq!(
            answers.iter().map(|(status, _)| *status).collect::<Vec<_>>(),
            [200, 200]
        );
        for protocols in [&["http/1.1"][..], &[]] {
            let mut first = connect(protocols).await.unwrap();
            first
                .write_all(format!("GET {STATS} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes())
                .await
                .unwrap();
            let mut answer = String::new();
            first.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        }
    });
    // Who does not speak TLS hears nothing of what is served.
    let mut plain = TcpStream::connect(server.address()).unwrap();
    plain
        .write_all(format!("GET {STATS} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())
        .unwrap();
    let mut heard = Vec::new();
    let _ = plain.read_to_end(&mut heard);
    assert!(!heard.starts_with(b"HTTP/"), "{}", String::from_utf8_lossy(&heard));
}

#[test]
fn a_renewed_certificate_is_shown_after_sighup() {
    let folder = tempfile::tempdir().unwrap();
    let first = make_certificate(folder.path());
    let arguments = [
        "serve",
        "--api-port",
        "0",
        "--tls-cert",
        "cert.pem",
        "--tls-key",
        "key.pem",
        "--demo-data",
        "false",
    ];
    let server = Started::of(aios(folder.path()).args(arguments));
    let shown = |certificate| block_on(async { tls(server.tls_address(), certificate, &[]).await.is_ok() });
    assert!(shown(&first));
    let second = make_certificate(folder.path());
    assert!(!shown(&second), "it is not looked at with every connection");
    server.signal("-HUP");
    eventually("the new certificate is shown", || shown(&second));
    assert!(!shown(&first));
    server.stop("-TERM");
}

#[test]
fn a_certificate_that_is_not_there_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let ended = aios(folder.path())
        .args(["serve", "--tls-cert", "no.pem", "--tls-key", "no.pem"])
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&ended.stderr);
    assert!(
        !ended.status.success() && complaint.starts_with("aios: TLS_CERT: no.pem"),
        "{complaint}"
    );
    assert_eq!(complaint.trim_end().lines().count(), 1, "{complaint}");
    assert!(!folder.path().join("data/aios.db").exists(), "nothing was begun");
}

/// Sends a head, and then the same few bytes again and again for as long as the server listens. What it answers.
fn dribbled(address: SocketAddr, head: &str, drop: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let (started, mut answer, mut chunk) = (Instant::now(), Vec::new(), [0; 4096]);
    loop {
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "it still listens: {}",
            String::from_utf8_lossy(&answer)
        );
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => answer.extend_from_slice(&chunk[..read]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_gone) => break,
        }
        let _ = stream.write_all(drop.as_bytes());
    }
    String::from_utf8(answer).unwrap()
}

#[test]
fn a_head_that_comes_slowly_is_cut_off() {
    let database = TestDatabase::sqlite();
    let server = TestServer::start_with(&database, |args| args.transport.client_timeout = SHORT);
    let answer = dribbled(server.address(), "GET / HTTP/1.1\r\nHost: localhost\r\nX: ", "x");
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    // Who says nothing at all is not waited for either.
    let mut silent = TcpStream::connect(server.address()).unwrap();
    silent.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    silent.read_to_end(&mut Vec::new()).unwrap();
    server.get(STATS).send().expect(200);
}

#[test]
fn a_body_that_comes_slowly_is_cut_off() {
    let database = TestDatabase::sqlite();
    let server = TestServer::start_with(&database, |args| {
        args.transport.client_timeout = Duration::from_secs(5);
        args.transport.client_body_timeout = SHORT;
    });
    let address = server.address();
    let bodies = [
        ("Content-Length: 100000", "x"),
        ("Transfer-Encoding: chunked", "1\r\nx\r\n"),
    ];
    let requests = [
        ("POST /api/v1/marketplace/agents/search", "HTTP/1.1 408 "),
        // Nobody reads these bodies; they are not waited for.
        ("GET /api/v1/marketplace/stats", "HTTP/1.1 200 "),
        ("POST /api/v1/nothing", "HTTP/1.1 404 "),
        ("POST /api/v1/marketplace/agents", "HTTP/1.1 401 "),
    ];
    thread::scope(|scope| {
        for (length, drop) in bodies {
            for (line, status) in requests {
                scope.spawn(move || {
                    let head = format!(
                        "{line} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{length}\r\n\r\n"
                    );
                    let answer = dribbled(address, &head, drop);
                    assert!(answer.starts_with(status), "{line}, {length}: {answer}");
                    assert!(
                        !status.contains("408") || answer.contains("/docs#problem-request-timeout"),
                        "{answer}"
                    );
                });
            }
        }
    });
    server.get(STATS).send().expect(200);
}

#[test]
fn a_connection_that_asks_nothing_more_is_closed() {
    let database = TestDatabase::sqlite();
    let server = TestServer::start_with(&database, |args| args.transport.keep_alive = SHORT);
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
        .write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[test]
fn large_heads_are_refused_and_the_next_request_is_none_the_worse() {
    let database = TestDatabase::sqlite();
    let server = TestServer::start_with(&database, |args| args.transport.http2_cleartext = true);
    let clean = server.get(STATS).send().expect(200).json();
    let head = |path: &str, headers: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n")
    };
    let header = |length: usize| format!("X-Long: {}\r\n", "x".repeat(length));
    let long_path = format!("{STATS}?x={}", "x".repeat(40_000));
    for request in [
        head(STATS, &header(40_000)),
        head(&long_path, ""),
        head(STATS, &header(8_000).repeat(5)),
    ] {
        raw(server.address(), request.as_bytes()).problem(431, "headers-too-large");
        assert_eq!(server.get(STATS).send().expect(200).json(), clean);
    }
    // Beyond these the server does not read on.
    for headers in [header(200_000), "X: y\r\n".repeat(200)] {
        let status = raw(server.address(), head(STATS, &headers).as_bytes()).status;
        assert!(status == 431 || status == 400, "{status}");
        assert_eq!(server.get(STATS).send().expect(200).json(), clean);
    }
    for header in [
        ("X-Forwarded-Host", "example.org"),
        ("X-HTTP-Method-Override", "DELETE"),
        ("X-Original-URL", "/metrics"),
    ] {
        assert_eq!(
            server.get(STATS).header(header.0, header.1).send().expect(200).json(),
            clean
        );
        assert_eq!(server.get(STATS).send().expect(200).json(), clean);
    }
    let answers = block_on(async {
        let large = Request::get(format!("http://localhost{STATS}"))
            .header("x-long", "x".repeat(40_000))
            .body(())
            .unwrap();
        http2(connected(server.address()).await, vec![large, get(STATS)]).await
    });
    assert_eq!((answers[0].0, &answers[0].1["status"]), (431, &json!(431)));
    assert_eq!(answers[1], (200, clean));
}

#[test]
fn connections_beyond_the_limit_wait_until_one_is_closed() {
    let database = TestDatabase::sqlite();
    let server = TestServer::start_with(&database, |args| args.transport.max_connections = 1);
    let ask = || {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream
            .write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .unwrap();
        stream
    };
    let mut first = ask();
    let mut chunk = [0; 4096];
    assert!(first.read(&mut chunk).unwrap() > 0);
    let mut second = ask();
    second.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let error = second.read(&mut chunk).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        "{error}"
    );
    drop(first);
    second.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    assert!(second.read(&mut chunk).unwrap() > 0);
    drop(second);
}
