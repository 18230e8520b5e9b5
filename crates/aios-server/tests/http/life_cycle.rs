//! The binary itself: it starts on nothing, says where to look, and stops in order.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use aios_test_support::{RedisServer, eventually};
use serde_json::{Value, json};

use crate::harness::{Client, text};

pub(crate) fn aios(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aios"));
    command
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A server that was started, and what it said until it was ready.
pub(crate) struct Started {
    child: Child,
    greeting: String,
}

impl Started {
    pub(crate) fn of(command: &mut Command) -> Self {
        let mut started = Self {
            child: command.spawn().unwrap(),
            greeting: String::new(),
        };
        let mut lines = BufReader::new(started.child.stdout.take().unwrap()).lines();
        while !started.greeting.contains("Ctrl-C") {
            started.greeting += &lines.next().expect("the greeting ends with how to stop").unwrap();
            started.greeting.push('\n');
        }
        started
    }

    fn client(&self) -> Client {
        let address = self
            .greeting
            .split("http://")
            .nth(1)
            .unwrap()
            .split('/')
            .next()
            .unwrap();
        Client::of(address.parse().unwrap())
    }

    /// Where it answers by TLS.
    pub(crate) fn tls_address(&self) -> SocketAddr {
        let address = self.greeting.split("https://").nth(1).unwrap();
        address.split('/').next().unwrap().parse().unwrap()
    }

    /// Tells it something by a signal.
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    fn token(&self) -> &str {
        self.greeting
            .split("export TOKEN=")
            .nth(1)
            .unwrap()
            .split('\n')
            .next()
            .unwrap()
    }

    /// Stops it by a signal; it must end well.
    pub(crate) fn stop(mut self, signal: &str) {
        self.signal(signal);
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_starts_on_nothing_and_loses_no_view_when_it_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let server = Started::of(aios(folder.path()).args(["serve", "--api-port", "0"]));
    assert!(
        server.greeting.contains("demonstration catalogue"),
        "{}",
        server.greeting
    );
    let client = server.client();
    let list = client
        .ask("GET", "marketplace/agents?limit=1")
        .send()
        .expect(200)
        .json();
    assert_eq!(list["total"], 200);
    let path = format!("marketplace/agents/{}", list["agents"][0]["id"].as_str().unwrap());
    let before = client.ask("GET", &path).send().json()["view_count"].as_i64().unwrap();
    for _ in 0..4 {
        client.ask("GET", &path).send().expect(200);
    }
    client
        .ask("GET", "marketplace/my-agents")
        .token(server.token())
        .send()
        .expect(200);
    let printed = aios(folder.path()).arg("token").output().unwrap();
    let token = String::from_utf8(printed.stdout).unwrap();
    client
        .ask("GET", "marketplace/my-agents")
        .token(token.trim())
        .send()
        .expect(200);
    server.stop("-TERM");

    let server = Started::of(aios(folder.path()).env("API_PORT", "0"));
    assert!(
        !server.greeting.contains("demonstration catalogue"),
        "it was not empty: {}",
        server.greeting
    );
    let after = server.client().ask("GET", &path).send().json()["view_count"]
        .as_i64()
        .unwrap();
    assert_eq!(after, before + 5);
    server.stop("-INT");
}

#[test]
fn two_servers_that_start_at_once_on_nothing_both_come_up() {
    let folder = tempfile::tempdir().unwrap();
    let start = || Started::of(aios(folder.path()).env("API_PORT", "0"));
    let (one, two) = std::thread::scope(|scope| {
        let (one, two) = (scope.spawn(start), scope.spawn(start));
        (one.join().unwrap(), two.join().unwrap())
    });
    for server in [&one, &two] {
        let list = server
            .client()
            .ask("GET", "marketplace/agents?limit=1")
            .send()
            .expect(200)
            .json();
        assert_eq!(list["total"], 200);
    }
    // The secret beside the database is one: each takes the other's token.
    one.client()
        .ask("GET", "marketplace/my-agents")
        .token(two.token())
        .send()
        .expect(200);
}

#[test]
fn what_a_killed_server_made_stale_is_stale_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let redis = RedisServer::start();
    let start = || Started::of(aios(folder.path()).env("API_PORT", "0").env("REDIS_URL", redis.url()));
    let total = |server: &Started| {
        let path = "marketplace/agents?limit=1";
        server.client().ask("GET", path).send().expect(200).json()["total"].clone()
    };
    let server = start();
    assert!(server.greeting.contains("shared through Redis"), "{}", server.greeting);
    assert_eq!(total(&server), 200);
    eventually("the page is in Redis", || redis.holds("{aios:agent-pages:"));

    // It can commit, and it can't invalidate: Redis does not answer any more.
    redis.freeze();
    std::thread::scope(|scope| {
        let (client, token) = (server.client(), server.token().to_owned());
        let published = scope.spawn(move || {
            let draft = json!({ "name": "Last words", "description": "Committed, and told to nobody." });
            client
                .ask("POST", "marketplace/agents")
                .token(&token)
                .json(&draft)
                .try_send()
        });
        eventually("the transaction is committed", || !outbox(folder.path()).is_empty());
        let id = server.child.id().to_string();
        assert!(Command::new("kill").args(["-KILL", &id]).status().unwrap().success());
        // Whether it could still answer depends on who was quicker.
        let _ = published.join().unwrap();
    });
    drop(server);
    redis.thaw();
    assert!(redis.holds("{aios:agent-pages:"), "the page of before is still there");

    let server = start();
    assert_eq!(total(&server), 201);
    server.stop("-TERM");
    assert!(outbox(folder.path()).is_empty());
}

#[test]
fn what_is_kept_can_be_made_stale_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let server = Started::of(aios(folder.path()).env("API_PORT", "0"));
    let client = server.client();
    let list = client
        .ask("GET", "marketplace/agents?limit=1")
        .send()
        .expect(200)
        .json();
    let id = text(&list["agents"][0]["id"]);
    let path = format!("marketplace/agents/{id}");
    let views = || {
        client.ask("GET", &path).send().expect(200).json()["view_count"]
            .as_i64()
            .unwrap()
    };
    let invalidate = |arguments: &[&str]| {
        let ended = aios(folder.path())
            .args(["cache", "invalidate"])
            .args(arguments)
            .output()
            .unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    };
    let before = views();
    // Behind the server's back, as by hand in the database.
    add_views(folder.path(), &id, 1_000);
    assert_eq!(views(), before);
    invalidate(&["--tag", &format!("agent:{id}"), "--tag", "agents"]);
    eventually("it is read again by its tag", || views() >= before + 1_000);
    add_views(folder.path(), &id, 1_000);
    assert!(views() < before + 2_000);
    invalidate(&["--all"]);
    eventually("it is read again with all else", || views() >= before + 2_000);
    for wrong in [&[][..], &["--tag", "a b"], &["--all", "--tag", "a"]] {
        let ended = aios(folder.path())
            .args(["cache", "invalidate"])
            .args(wrong)
            .output()
            .unwrap();
        assert!(!ended.status.success(), "{wrong:?}");
    }
    server.stop("-TERM");
}

fn connection(folder: &Path) -> aios_db::AnyConnection {
    let url = aios_db::DatabaseUrl::sqlite(folder.join("data/aios.db"));
    aios_db::connect(&url, aios_db::Access::ReadWrite, None).unwrap()
}

fn outbox(folder: &Path) -> Vec<aios_db::store::outbox::Invalidation> {
    aios_db::store::outbox::invalidation_list(&mut connection(folder), None, 10).unwrap()
}

fn add_views(folder: &Path, agent: &str, views: i64) {
    let id = aios_domain::EventId::new();
    let views = aios_db::store::analytics::GatheredViews { id, count: views };
    let views = [(agent.parse().unwrap(), views)].into();
    let now = "2026-01-31T12:00:00Z".parse().unwrap();
    aios_db::store::analytics::views_add(&mut connection(folder), &views, now).unwrap();
}

#[test]
fn a_bad_value_stops_the_start_with_a_sentence_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    for (name, value, said) in [
        ("DATABASE_URL", "mysql://x", "--database-url"),
        ("DATABASE_URL", "postgres://nobody@127.0.0.1:1/x", "JWT_SECRET"),
        ("API_PORT", "99999", "--api-port"),
        ("JWT_SECRET", "short", "JWT_SECRET"),
        ("JWT_JWKS", "no-such-file.json", "JWT_JWKS"),
        ("REQUEST_TIMEOUT", "0", "--request-timeout"),
        ("DATABASE_POOL_SIZE", "0", "--database-pool-size"),
        ("DATABASE_MAX_WAITING", "0", "--database-max-waiting"),
        ("DATABASE_WAIT_TIMEOUT", "0", "--database-wait-timeout"),
        ("DATABASE_CONNECT_TIMEOUT", "soon", "--database-connect-timeout"),
        ("DATABASE_STATEMENT_TIMEOUT", "never", "--database-statement-timeout"),
        ("DATABASE_IDLE_TIMEOUT", "0", "--database-idle-timeout"),
        ("DATABASE_MAX_LIFETIME", "0", "--database-max-lifetime"),
        ("DATABASE_HOLD_WARNING", "0", "--database-hold-warning"),
        ("DATABASE_REPLICA_URLS", "postgres://h/d", "DATABASE_REPLICA_URLS"),
        ("DATABASE_REPLICA_URLS", "mysql://h/d", "--database-replica-urls"),
        ("LOG_FORMAT", "xml", "--log-format"),
        ("REDIS_URL", "http://x", "REDIS_URL"),
        ("REDIS_URL", "redis://x:port", "REDIS_URL"),
        ("CACHE_ENABLED", "perhaps", "--cache-enabled"),
        ("CACHE_TTL", "0", "--cache-ttl"),
        ("CACHE_TTL_USER", "soon", "--cache-ttl-user"),
        ("CACHE_KEY_PREFIX", "a b", "--cache-key-prefix"),
        ("CACHE_MEMORY", "lots", "--cache-memory"),
        ("TLS_CERT", "cert.pem", "--tls-key"),
        ("TLS_KEY", "key.pem", "--tls-cert"),
        ("HTTP2_CLEARTEXT", "perhaps", "--http2-cleartext"),
        ("KEEP_ALIVE", "0", "--keep-alive"),
        ("CLIENT_TIMEOUT", "1.5", "--client-timeout"),
        ("CLIENT_BODY_TIMEOUT", "never", "--client-body-timeout"),
        ("MAX_CONNECTIONS", "0", "--max-connections"),
        ("LISTEN_BACKLOG", "99999", "--listen-backlog"),
        ("EDGE_PURGE", "akamai", "--edge-purge"),
        ("EDGE_PURGE", "cloudflare", "CLOUDFLARE_ZONE_ID"),
        ("EDGE_PURGE", "fastly", "FASTLY_SERVICE_ID"),
        ("EDGE_PURGE", "cloudfront", "CLOUDFRONT_DISTRIBUTION_ID"),
        ("EDGE_PURGE", "varnish", "VARNISH_PURGE_SECRET"),
        ("EDGE_PURGE_WINDOW", "a while", "--edge-purge-window"),
        ("EDGE_PURGE_AGAIN", "11m", "--edge-purge-again"),
        ("EDGE_PURGE_SOFT", "perhaps", "--edge-purge-soft"),
    ] {
        let ended = aios(folder.path()).env(name, value).output().unwrap();
        let complaint = String::from_utf8_lossy(&ended.stderr);
        assert!(
            !ended.status.success() && complaint.contains(said),
            "{name}={value}: {complaint}"
        );
        assert!(!complaint.contains("panicked"), "{complaint}");
    }
}

#[test]
fn help_and_the_openapi_document_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let ended = aios(folder.path()).args(arguments).output().unwrap();
        assert!(ended.status.success(), "{arguments:?}");
        String::from_utf8(ended.stdout).unwrap()
    };
    let help = run(&["--help"]);
    for command in ["serve", "token", "import", "cache", "openapi"] {
        assert!(help.contains(command), "{help}");
    }
    let help = run(&["serve", "--help"]);
    for setting in [
        "DATABASE_URL",
        "DATABASE_POOL_SIZE",
        "DATABASE_MAX_OVERFLOW",
        "DATABASE_MAX_WAITING",
        "DATABASE_WAIT_TIMEOUT",
        "DATABASE_CONNECT_TIMEOUT",
        "DATABASE_STATEMENT_TIMEOUT",
        "DATABASE_IDLE_TIMEOUT",
        "DATABASE_MAX_LIFETIME",
        "DATABASE_HOLD_WARNING",
        "DATABASE_REPLICA_URLS",
        "API_HOST",
        "API_PORT",
        "API_WORKERS",
        "REQUEST_TIMEOUT",
        "JWT_SECRET",
        "JWT_JWKS",
        "LOG_FORMAT",
        "METRICS_ADDRESS",
        "DEMO_DATA",
        "REDIS_URL",
        "CACHE_ENABLED",
        "CACHE_TTL",
        "CACHE_TTL_STATS",
        "CACHE_TTL_FEATURED",
        "CACHE_TTL_USER",
        "CACHE_KEY_PREFIX",
        "CACHE_MEMORY",
        "TLS_CERT",
        "TLS_KEY",
        "HTTP2_CLEARTEXT",
        "KEEP_ALIVE",
        "CLIENT_TIMEOUT",
        "CLIENT_BODY_TIMEOUT",
        "MAX_CONNECTIONS",
        "LISTEN_BACKLOG",
        "EDGE_PURGE",
        "EDGE_PURGE_WINDOW",
        "EDGE_PURGE_AGAIN",
        "EDGE_PURGE_SOFT",
        "CLOUDFLARE_ZONE_ID",
        "CLOUDFLARE_API_TOKEN",
        "FASTLY_SERVICE_ID",
        "FASTLY_API_TOKEN",
        "CLOUDFRONT_DISTRIBUTION_ID",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "VARNISH_URLS",
        "VARNISH_PURGE_SECRET",
    ] {
        assert!(help.contains(setting), "{setting}: {help}");
    }
    assert!(run(&["import", "mcp-registry", "--help"]).contains("DATABASE_URL"));
    let document: Value = serde_json::from_str(&run(&["openapi"])).unwrap();
    assert_eq!(document["info"]["title"], "AIOS Marketplace");
}
