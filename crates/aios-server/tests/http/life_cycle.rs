//! The binary itself: it starts on nothing, says where to look, and stops in order.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::harness::Client;

fn aios(folder: &Path) -> Command {
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
struct Started {
    child: Child,
    greeting: String,
}

impl Started {
    fn of(command: &mut Command) -> Self {
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
    fn stop(mut self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
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
        ("LOG_FORMAT", "xml", "--log-format"),
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
    for command in ["serve", "token", "import", "openapi"] {
        assert!(help.contains(command), "{help}");
    }
    let help = run(&["serve", "--help"]);
    for setting in [
        "DATABASE_URL",
        "DATABASE_POOL_SIZE",
        "DATABASE_MAX_OVERFLOW",
        "API_HOST",
        "API_PORT",
        "API_WORKERS",
        "REQUEST_TIMEOUT",
        "JWT_SECRET",
        "JWT_JWKS",
        "LOG_FORMAT",
        "METRICS_ADDRESS",
        "DEMO_DATA",
    ] {
        assert!(help.contains(setting), "{setting}: {help}");
    }
    assert!(run(&["import", "mcp-registry", "--help"]).contains("DATABASE_URL"));
    let document: Value = serde_json::from_str(&run(&["openapi"])).unwrap();
    assert_eq!(document["info"]["title"], "AIOS Marketplace");
}
