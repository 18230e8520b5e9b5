//! A real Varnish with the configuration of `deploy/cdn/varnish`, in front of a small server of the test's.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use aios_edge::{Edge, Purge, PurgeError, Varnish};
use aios_test_support::{VarnishServer, eventually};
use ureq::http::{HeaderMap, Response};

/// For everybody, for long at the edge and for a moment at home.
const PUBLIC: &str = "Cache-Control: public, max-age=5\r\n\
    CDN-Cache-Control: public, max-age=3600, stale-while-revalidate=60, stale-if-error=3600\r\n\
    Vary: Accept-Encoding\r\nETag: \"one\"\r\n";

/// A server that answers each path as it was told, and counts.
#[derive(Clone)]
struct Origin {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    status: Option<&'static str>,
    headers: BTreeMap<String, String>,
    /// Request heads, `/readyz` left out.
    received: Vec<String>,
}

impl Origin {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
        };
        let serving = origin.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serving = serving.clone();
                thread::spawn(move || serving.answer(stream));
            }
        });
        origin
    }

    /// What is answered to a path: these headers, and a body that says how often it was asked for.
    fn says(&self, path: &str, headers: &str) {
        self.state
            .lock()
            .unwrap()
            .headers
            .insert(path.to_owned(), headers.to_owned());
    }

    /// From now on nothing but this status, `/readyz` left out.
    fn fails_with(&self, status: &'static str) {
        self.state.lock().unwrap().status = Some(status);
    }

    /// How often a path was asked for.
    fn count(&self, path: &str) -> usize {
        let state = self.state.lock().unwrap();
        let asked = |head: &&String| head.split(' ').nth(1) == Some(path);
        state.received.iter().filter(asked).count()
    }

    fn last(&self) -> String {
        self.state.lock().unwrap().received.last().unwrap().clone()
    }

    fn answer(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let path = head.split(' ').nth(1).unwrap().to_owned();
        let answer = self.told(&path, head);
        let _ = reader.get_mut().write_all(answer.as_bytes());
    }

    fn told(&self, path: &str, head: String) -> String {
        if path == "/readyz" {
            return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned();
        }
        let mut state = self.state.lock().unwrap();
        state.received.push(head);
        let status = state.status.unwrap_or("200 OK");
        let mut headers = state.headers.get(path).cloned().unwrap_or_default();
        if state.status.is_some() {
            "Cache-Control: no-store\r\n".clone_into(&mut headers);
        }
        drop(state);
        let body = format!("{path} for the {}th time", self.count(path));
        format!(
            "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    }
}

/// Varnish in front of such a server, and what purges it.
struct Setup {
    origin: Origin,
    varnish: VarnishServer,
    edge: Varnish,
}

impl Setup {
    fn start() -> Self {
        Self::with_grace(60)
    }

    fn with_grace(moment_of_grace: u32) -> Self {
        let origin = Origin::start();
        let varnish = VarnishServer::start(origin.address, moment_of_grace);
        let edge = Varnish::new(&varnish.url(), varnish.secret().into()).unwrap();
        Self { origin, varnish, edge }
    }

    fn public(&self, path: &str, keys: &str) {
        self.origin.says(path, &format!("{PUBLIC}Surrogate-Key: {keys}\r\n"));
    }

    fn get(&self, path: &str) -> Got {
        self.get_with(path, &[])
    }

    fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Got {
        self.ask("GET", path, headers)
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Got {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .accept_encoding("")
            .build()
            .into();
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.varnish.url()));
        let request = headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value));
        Got::of(agent.run(request.body(()).unwrap()).unwrap())
    }

    fn purge(&self, tags: &[&str]) {
        let tags: Vec<String> = tags.iter().map(|&tag| tag.to_owned()).collect();
        self.edge.purge(Purge::Tags(&tags)).unwrap();
    }
}

struct Got {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Got {
    fn of(response: Response<ureq::Body>) -> Self {
        let (parts, mut body) = response.into_parts();
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.read_to_string().unwrap(),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// How often the server had been asked for it when it said this.
    fn time(&self) -> usize {
        let (_, time) = self.body.rsplit_once("for the ").unwrap();
        time.trim_end_matches("th time").parse().unwrap()
    }
}

#[test]
fn what_bears_a_purged_tag_is_fetched_anew_and_nothing_else() {
    let setup = Setup::start();
    setup.public("/a", "aios:agents aios:agent:1");
    setup.public("/b", "aios:agents");
    setup.public("/c", "aios:agent:11");
    for path in ["/a", "/b", "/c"] {
        assert_eq!((setup.get(path).time(), setup.get(path).time()), (1, 1), "{path}");
    }
    setup.purge(&["aios:agent:1"]);
    assert_eq!(["/a", "/b", "/c"].map(|path| setup.get(path).time()), [2, 1, 1]);
    setup.purge(&["aios:nothing", "aios:agents", "aios:agent:111"]);
    assert_eq!(["/a", "/b", "/c"].map(|path| setup.get(path).time()), [3, 2, 1]);
}

#[test]
fn more_tags_than_a_line_holds_are_all_purged() {
    let setup = Setup::start();
    let tags: Vec<String> = (0..100).map(|place| format!("aios:agent:{place:0>180}")).collect();
    setup.public("/first", &tags[0]);
    setup.public("/last", &tags[99]);
    assert_eq!(["/first", "/last"].map(|path| setup.get(path).time()), [1, 1]);
    setup.edge.purge(Purge::Tags(&tags)).unwrap();
    assert_eq!(["/first", "/last"].map(|path| setup.get(path).time()), [2, 2]);
}

#[test]
fn everything_can_be_purged() {
    let setup = Setup::start();
    setup.public("/a", "x");
    setup.public("/b", "y");
    assert_eq!(["/a", "/b"].map(|path| setup.get(path).time()), [1, 1]);
    setup.edge.purge(Purge::Everything).unwrap();
    assert_eq!(["/a", "/b"].map(|path| setup.get(path).time()), [2, 2]);
}

#[test]
fn a_soft_purge_serves_once_more_while_it_is_fetched_anew() {
    let setup = Setup::start();
    setup.public("/a", "x");
    assert_eq!(setup.get("/a").time(), 1);
    let soft = Varnish::new(&setup.varnish.url(), setup.varnish.secret().into())
        .unwrap()
        .soft(true);
    soft.purge(Purge::Tags(&["x".to_owned()])).unwrap();
    assert_eq!(setup.get("/a").time(), 1, "stale, and the reason to fetch it");
    eventually("it is fetched anew", || setup.get("/a").time() == 2);
    assert_eq!(setup.origin.count("/a"), 2);
}

#[test]
fn what_is_stale_is_served_while_the_server_fails() {
    // Whatever is stale is fetched before it is served, so that the failure is met with.
    let setup = Setup::with_grace(0);
    setup.public("/a", "x");
    setup.public("/b", "x");
    assert_eq!(setup.get("/a").time(), 1);
    setup.origin.fails_with("503 Service Unavailable");
    let soft = Varnish::new(&setup.varnish.url(), setup.varnish.secret().into())
        .unwrap()
        .soft(true);
    soft.purge(Purge::Tags(&["x".to_owned()])).unwrap();
    for _ in 0..3 {
        let got = setup.get("/a");
        assert_eq!((got.status, got.time()), (200, 1));
    }
    let got = setup.get("/b");
    assert_eq!(
        (got.status, got.header("Cache-Control")),
        (503, Some("no-store")),
        "there is nothing else"
    );
}

#[test]
fn nobody_else_purges() {
    let setup = Setup::start();
    setup.public("/a", "x");
    assert_eq!(setup.get("/a").time(), 1);
    let wrong = Varnish::new(&setup.varnish.url(), "a guess".into()).unwrap();
    for what in [Purge::Tags(&["x".to_owned()]), Purge::Everything] {
        assert!(matches!(wrong.purge(what), Err(PurgeError::Denied(_))));
    }
    for headers in [
        &[("Xkey-Purge", "x")][..],
        &[("Xkey-Purge", "x"), ("Purge-Secret", "")],
        &[("Purge-Everything", "1")],
    ] {
        assert_eq!(setup.ask("PURGE", "/a", headers).status, 403);
    }
    assert_eq!(setup.get("/a").time(), 1);
    // A client's own keys are not the server's.
    setup.public("/b", "y");
    setup.get_with("/b", &[("xkey", "x")]);
    assert!(
        !setup.origin.last().to_lowercase().contains("xkey"),
        "{}",
        setup.origin.last()
    );
    let gone = Varnish::new("http://127.0.0.1:1", "secret".into()).unwrap();
    assert!(matches!(gone.purge(Purge::Everything), Err(PurgeError::Busy { .. })));
    // Something that listens and is no Varnish: here the server behind it.
    let other = Varnish::new(&format!("http://{}", setup.origin.address), "secret".into()).unwrap();
    assert!(matches!(other.purge(Purge::Everything), Err(PurgeError::Denied(_))));
}

#[test]
fn a_tag_that_can_be_none_is_refused() {
    let edge = Varnish::new("http://127.0.0.1:1", "secret".into()).unwrap();
    for tag in ["a b", "a,b", "a\r\nPurge-Everything: 1", ""] {
        let refused = edge.purge(Purge::Tags(&[tag.to_owned()]));
        assert!(matches!(refused, Err(PurgeError::Refused(_))), "{tag:?}");
    }
}

#[test]
fn what_is_said_to_the_edge_stands_instead_of_what_is_said_to_browsers() {
    let setup = Setup::start();
    let says = |path: &str, headers: &str| setup.origin.says(path, headers);
    says(
        "/edge",
        "Cache-Control: public, max-age=0\r\nCDN-Cache-Control: max-age=600\r\n",
    );
    says(
        "/not-edge",
        "Cache-Control: public, max-age=600\r\nCDN-Cache-Control: no-store\r\n",
    );
    says(
        "/nor-this",
        "Cache-Control: public, max-age=600\r\nCDN-Cache-Control: public\r\n",
    );
    says("/both", "Cache-Control: public, max-age=600\r\n");
    says("/neither", "ETag: \"x\"\r\n");
    says("/shared", "Cache-Control: max-age=0, s-maxage=600\r\n");
    let kept = |path: &str| (setup.get(path).time(), setup.get(path).time()) == (1, 1);
    assert!(kept("/edge") && kept("/both") && kept("/shared"));
    assert!(!kept("/not-edge") && !kept("/nor-this") && !kept("/neither"));
}

#[test]
fn what_is_somebodys_own_is_never_kept() {
    let setup = Setup::start();
    let says = |path: &str, headers: &str| setup.origin.says(path, headers);
    says("/private", "Cache-Control: private, max-age=600\r\n");
    says(
        "/private-anyway",
        "Cache-Control: private\r\nCDN-Cache-Control: public, max-age=600\r\n",
    );
    says("/no-store", "Cache-Control: no-store\r\n");
    says("/cookie", "Cache-Control: public, max-age=600\r\nSet-Cookie: a=b\r\n");
    says("/vary", "Cache-Control: public, max-age=600\r\nVary: *\r\n");
    for path in ["/private", "/private-anyway", "/no-store", "/cookie", "/vary"] {
        assert_eq!((setup.get(path).time(), setup.get(path).time()), (1, 2), "{path}");
    }
    setup.public("/agents", "x");
    let signed_in = || setup.get_with("/agents", &[("Authorization", "Bearer ada")]).time();
    assert_eq!(
        (signed_in(), signed_in()),
        (1, 2),
        "an answer to somebody is for nobody else"
    );
    assert_eq!((setup.get("/agents").time(), setup.get("/agents").time()), (3, 3));
    assert_eq!(signed_in(), 4, "nor is everybody's answer that person's");
    assert_eq!(setup.ask("POST", "/agents", &[]).time(), 5);
    // Those who bear nothing are all the same to an answer that depends on who asks.
    says(
        "/agent",
        "Cache-Control: public, max-age=600\r\nVary: Accept-Encoding, Authorization\r\n",
    );
    assert_eq!((setup.get("/agent").time(), setup.get("/agent").time()), (1, 1));
    assert_eq!(setup.get_with("/agent", &[("Authorization", "Bearer ada")]).time(), 2);
    assert_eq!(setup.get("/agents").time(), 3);
}

#[test]
fn each_coding_is_kept_once_however_it_is_asked_for() {
    let setup = Setup::start();
    setup.public("/a", "x");
    let asked = |accept: &str| {
        let before = setup.origin.count("/a");
        setup.get_with("/a", &[("Accept-Encoding", accept)]);
        let came = setup.origin.count("/a") > before;
        came.then(|| {
            let head = setup.origin.last().to_lowercase();
            let line = head
                .lines()
                .find_map(|line| line.strip_prefix("accept-encoding: ").map(str::to_owned));
            line.unwrap_or_default()
        })
    };
    assert_eq!(asked("gzip, deflate, br;q=0.9").as_deref(), Some("br"));
    assert_eq!(asked("br"), None);
    assert_eq!(asked("zstd, BR , gzip"), None);
    assert_eq!(asked("gzip").as_deref(), Some("gzip"));
    assert_eq!(asked("br;q=0, gzip;q=1.0"), None);
    assert_eq!(asked("br ; q=0.000,gzip , zstd; q=0"), None);
    assert_eq!(asked("zstd").as_deref(), Some("zstd"));
    assert_eq!(asked("identity").as_deref(), Some(""));
    assert_eq!(asked("brotli, deflate, gzip;q=0"), None);
    // All of them go at once.
    setup.purge(&["x"]);
    assert_eq!(asked("br").as_deref(), Some("br"));
    assert_eq!(asked("gzip").as_deref(), Some("gzip"));
}

#[test]
fn equal_questions_are_one_and_foreign_cookies_do_not_count() {
    let setup = Setup::start();
    setup.public("/api/v1/agents?a=1&b=2", "x");
    assert_eq!(setup.get("/api/v1/agents?b=2&a=1").time(), 1);
    assert_eq!(
        setup
            .get_with("/api/v1/agents?a=1&b=2", &[("Cookie", "tracker=1")])
            .time(),
        1
    );
    assert_eq!(setup.origin.count("/api/v1/agents?a=1&b=2"), 1);
}

#[test]
fn a_client_that_has_it_already_is_told_so_without_the_server() {
    let setup = Setup::start();
    setup.public("/a", "x");
    assert_eq!(setup.get_with("/a", &[("If-None-Match", "\"one\"")]).status, 304);
    assert_eq!(setup.get_with("/a", &[("If-None-Match", "\"other\"")]).time(), 1);
    let got = setup.get_with("/a", &[("If-None-Match", "\"one\"")]);
    assert_eq!(
        (got.status, got.header("ETag"), got.header("Vary")),
        (304, Some("\"one\""), Some("Accept-Encoding"))
    );
    assert_eq!(setup.ask("HEAD", "/a", &[]).status, 200);
    assert_eq!(setup.origin.count("/a"), 1);
}

#[test]
fn what_is_for_the_edge_alone_stays_there() {
    let setup = Setup::start();
    let more = "Surrogate-Key: x\r\nCache-Tag: x\r\nCache-Status: aios; hit\r\nServer-Timing: db;dur=3\r\n";
    setup.origin.says("/a", &format!("{PUBLIC}{more}"));
    let miss = setup.get("/a");
    assert_eq!(
        miss.header("Cache-Status"),
        Some("aios; hit, varnish; fwd=miss; stored")
    );
    assert_eq!(miss.header("Server-Timing"), Some("db;dur=3"));
    let hit = setup.get("/a");
    assert_eq!(hit.header("Cache-Status"), Some("aios; hit, varnish; hit"));
    for got in [&miss, &hit] {
        assert_eq!(got.header("Cache-Control"), Some("public, max-age=5"));
        for name in [
            "CDN-Cache-Control",
            "Surrogate-Key",
            "Cache-Tag",
            "xkey",
            "X-Varnish",
            "Age",
        ] {
            assert_eq!(got.header(name), None, "{name}");
        }
    }
    assert_eq!(hit.header("Server-Timing"), None);
    assert_eq!(setup.get("/metrics").status, 404);
    assert_eq!(setup.origin.count("/metrics"), 0);
}
