//! A real Varnish in front of the real server: what is written shows there, and what was not written about stays.

use std::io::{BufRead, BufReader, Write, copy};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

use aios_server::{EdgeKind, ServeArgs};
use aios_test_support::{TestDatabase, VarnishServer, eventually, on_both_databases};
use serde_json::{Value, json};

use crate::harness::{TestServer, User, text};

/// An address that is known before the server's is: Varnish and the server each want the other's at their start.
struct Forwarder {
    address: SocketAddr,
    to: Arc<OnceLock<SocketAddr>>,
}

impl Forwarder {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, to) = (listener.local_addr().unwrap(), Arc::new(OnceLock::new()));
        let known = Arc::clone(&to);
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                // Before the server is there, whoever calls is hung up on.
                let Some(far) = known.get().and_then(|to| TcpStream::connect(to).ok()) else {
                    continue;
                };
                let (from_near, from_far) = (near.try_clone().unwrap(), far.try_clone().unwrap());
                thread::spawn(move || pipe(&from_near, &far));
                thread::spawn(move || pipe(&from_far, &near));
            }
        });
        Self { address, to }
    }
}

fn pipe(mut from: &TcpStream, mut to: &TcpStream) {
    let _ = copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

/// An answer of Varnish. It leaves out what is for the edge alone, so it is not held against the server's description.
struct Got {
    status: u16,
    is_hit: bool,
    body: Value,
}

fn get(varnish: &VarnishServer, path: &str, user: Option<User>) -> Got {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/api/v1/{path}")
    };
    let request = agent.get(format!("{}{path}", varnish.url()));
    let request = match user {
        Some(user) => request.header("Authorization", format!("Bearer {}", user.token())),
        None => request,
    };
    let mut answer = request.call().unwrap();
    let status = answer
        .headers()
        .get("cache-status")
        .map(|status| status.to_str().unwrap().to_owned());
    Got {
        status: answer.status().as_u16(),
        is_hit: status.is_some_and(|status| status.ends_with("varnish; hit")),
        body: answer.body_mut().read_json().unwrap_or_default(),
    }
}

/// A server, and Varnish in front of it.
fn server_behind_varnish(database: &TestDatabase) -> (TestServer, VarnishServer) {
    let forwarder = Forwarder::start();
    let varnish = VarnishServer::start(forwarder.address, 60);
    let server = TestServer::start_with(database, |args| {
        purge_at(args, &varnish.url(), varnish.secret());
    });
    forwarder.to.set(server.address()).unwrap();
    (server, varnish)
}

fn purge_at(args: &mut ServeArgs, url: &str, secret: &str) {
    args.edge.edge_purge = EdgeKind::Varnish;
    args.edge.varnish_urls = vec![url.to_owned()];
    args.edge.varnish_purge_secret = Some(secret.into());
}

on_both_databases! {
    fn a_write_shows_through_varnish_and_nothing_else_is_fetched_anew(database: &TestDatabase) {
        let (server, varnish) = server_behind_varnish(database);
        let agent = |category: &str| text(&server.publish(&json!({ "category": category }))["id"]);
        let (edited, other) = (agent("content"), agent("development"));
        let of_edited = [
            format!("marketplace/agents/{edited}"),
            "marketplace/agents?category=content&fields=name".to_owned(),
            "marketplace/agents?fields=name".to_owned(),
        ];
        let others = [
            format!("marketplace/agents/{other}"),
            format!("marketplace/agents/{other}/reviews"),
            "marketplace/agents?category=development&fields=name".to_owned(),
            "marketplace/categories".to_owned(),
        ];
        let is_hit = |path: &str| get(&varnish, path, None).is_hit;
        for path in of_edited.iter().chain(&others) {
            // What the publications made stale is purged a second time when a clock is moved, and none is.
            eventually(&format!("{path} is kept by Varnish"), || is_hit(path) && is_hit(path));
        }
        let renamed = json!({ "name": "Renamed" });
        server.patch(&format!("marketplace/agents/{edited}"), &renamed).by(User::Ada).send().expect(200);
        for path in &of_edited {
            eventually(&format!("the new name shows in {path}"), || {
                get(&varnish, path, None).body.to_string().contains("Renamed")
            });
        }
        for path in &others {
            assert!(is_hit(path), "{path} was not written about");
        }
        // A reader's own view comes from the server, whatever Varnish has.
        server.install(&edited, User::Bea);
        let seen = get(&varnish, &of_edited[0], Some(User::Bea)).body;
        assert_eq!(seen["user_installed"], true);
        assert_eq!(get(&varnish, &of_edited[0], None).body["user_installed"], Value::Null);
        assert_eq!(get(&varnish, "/metrics", None).status, 404);
    }

    fn what_is_made_stale_by_hand_is_purged(database: &TestDatabase) {
        let node = Node::start();
        let server = TestServer::start_with(database, |args| purge_at(args, &node.url(), "of the test"));
        let by_hand = |tags: &[&str]| tags.iter().map(|&tag| tag.to_owned()).collect();
        aios_test_support::block_on(server.marketplace.invalidate_tags(by_hand(&["agents", "user:1"]))).unwrap();
        eventually("the tag is purged", || node.has_got("xkey-purge: aios:agents"));
        assert!(node.has_got("purge-secret: of the test") && !node.has_got("user:1"));
        aios_test_support::block_on(server.marketplace.invalidate_everything()).unwrap();
        eventually("everything is purged", || node.has_got("purge-everything: 1"));
    }
}

/// Something that takes purges as Varnish does, and remembers them.
struct Node {
    address: SocketAddr,
    received: Arc<Mutex<String>>,
}

impl Node {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, received) = (listener.local_addr().unwrap(), Arc::<Mutex<String>>::default());
        let remembers = Arc::clone(&received);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut head = String::new();
                let mut reader = BufReader::new(stream);
                while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).is_ok_and(|read| read > 0) {}
                remembers.lock().unwrap().push_str(&head.to_lowercase());
                let _ = reader
                    .get_mut()
                    .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nPurged");
            }
        });
        Self { address, received }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn has_got(&self, line: &str) -> bool {
        self.received.lock().unwrap().contains(line)
    }
}
