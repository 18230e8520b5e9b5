//! The real server on a database of its own, and a client that holds every answer against the OpenAPI document.

use std::fmt;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use aios_db::profile::OnRepeat;
use aios_domain::{Caller, Email, Role, UserId};
use aios_marketplace::{ManualClock, Marketplace};
use aios_server::ServeArgs;
use aios_test_support::{TestDatabase, block_on};
use async_compression::futures::bufread::{BrotliDecoder, GzipDecoder, ZstdDecoder};
use clap::{Args, Command, FromArgMatches};
use futures_util::FutureExt;
use futures_util::io::{AsyncReadExt, Cursor};
use serde_json::{Value, json};
use ureq::http::{HeaderMap, Method, Request, Response};
use uuid::Uuid;

use crate::described;

/// With which the tests' tokens are signed.
pub(crate) const SECRET: &str = "a secret of the tests, long enough for HS256";
/// When the tests' tokens expire, in seconds since 1970: on the first day of 2100.
pub(crate) const FAR_AWAY: i64 = 4_102_444_800;
/// What the server's clock shows until a test moves it.
pub(crate) const START: &str = "2026-01-31T12:00:00Z";

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum User {
    Ada,
    Bea,
    Cay,
    Admin,
}

impl User {
    pub(crate) fn id(self) -> Uuid {
        Uuid::from_u128(match self {
            Self::Ada => 0xada,
            Self::Bea => 0xbea,
            Self::Cay => 0xca4,
            Self::Admin => 0xad_0000,
        })
    }

    pub(crate) fn token(self) -> String {
        let caller = Caller {
            id: UserId(self.id()),
            email: Some(Email::new(format!("{self:?}@example.org")).unwrap()),
            role: if self == Self::Admin { Role::Admin } else { Role::User },
        };
        aios_api::sign_token(SECRET.as_bytes(), &caller, FAR_AWAY).unwrap()
    }
}

/// A server that runs until this is dropped.
pub(crate) struct TestServer {
    address: SocketAddr,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) marketplace: Marketplace,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
    client: Client,
}

/// A connection that writes, in use.
pub(crate) struct HeldWriter {
    may_go: mpsc::Sender<()>,
    holder: JoinHandle<aios_domain::Result<()>>,
}

impl HeldWriter {
    /// Gives it back.
    pub(crate) fn let_go(self) {
        self.may_go.send(()).unwrap();
        self.holder.join().unwrap().unwrap();
    }
}

impl TestServer {
    /// Takes a connection that writes, as soon as there is one, until the test lets go.
    pub(crate) fn hold_writer(&self) -> HeldWriter {
        let (held, is_held) = mpsc::channel();
        let (may_go, let_go) = mpsc::channel::<()>();
        let marketplace = self.marketplace.clone();
        let holder = thread::spawn(move || {
            block_on(marketplace.database().write(move |_connection| {
                held.send(()).unwrap();
                let _ = let_go.recv();
                Ok(())
            }))
        });
        is_held.recv().unwrap();
        HeldWriter { may_go, holder }
    }

    pub(crate) fn start(database: &TestDatabase) -> Self {
        Self::start_with(database, |_| {})
    }

    /// A server that is set up in another way than most.
    pub(crate) fn start_with(database: &TestDatabase, change: impl FnOnce(&mut ServeArgs)) -> Self {
        let mut args = serve_args(database);
        change(&mut args);
        let clock = Arc::new(ManualClock::new(START.parse().unwrap()));
        let (ready, started) = mpsc::channel();
        let of_server = Arc::clone(&clock);
        let thread = thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = aios_server::start(args, of_server).await.unwrap();
                let parts = (server.address(), server.handle(), server.marketplace().clone());
                ready.send(parts).unwrap();
                server.until_stopped().await.unwrap();
            });
        });
        let (address, handle, marketplace) = started.recv().expect("the server starts");
        Self {
            address,
            clock,
            marketplace,
            handle,
            thread: Some(thread),
            client: Client::of(address),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A request. A path without a leading `/` is one of `/api/v1/`.
    pub(crate) fn ask(&self, method: &str, path: &str) -> Ask<'_> {
        self.client.ask(method, path)
    }

    pub(crate) fn get(&self, path: &str) -> Ask<'_> {
        self.ask("GET", path)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Ask<'_> {
        self.ask("POST", path).json(body)
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> Ask<'_> {
        self.ask("PATCH", path).json(body)
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Ask<'_> {
        self.ask("PUT", path).json(body)
    }

    pub(crate) fn delete(&self, path: &str) -> Ask<'_> {
        self.ask("DELETE", path)
    }

    /// The bytes of a request, whatever they are, and what comes back until the server closes the connection.
    pub(crate) fn raw(&self, request: &[u8]) -> Reply {
        raw(self.address, request)
    }

    /// How many requests with these labels were counted in this process. `None` where its metrics are another server's, as
    /// where all tests run in one process.
    pub(crate) fn counted(&self, labels: &str) -> Option<u64> {
        let reply = self.get("/metrics").send();
        if reply.status == 404 {
            return None;
        }
        let metrics = String::from_utf8(reply.expect(200).body).unwrap();
        let mut lines = metrics.lines();
        let line = lines.find(|line| line.starts_with("aios_http_requests_total{") && line.contains(labels));
        Some(line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap()))
    }

    /// What the server does by itself every few seconds.
    pub(crate) fn housekeeping(&self) {
        block_on(self.marketplace.housekeeping()).unwrap();
    }

    /// Publishes an agent in Ada's name; `changes` are made to a plain draft.
    pub(crate) fn publish(&self, changes: &Value) -> Value {
        let mut draft = json!({ "name": "Plain", "description": "Does something." });
        for (name, value) in changes.as_object().unwrap() {
            draft[name] = value.clone();
        }
        self.post("marketplace/agents", &draft)
            .by(User::Ada)
            .send()
            .expect(201)
            .json()
    }

    /// Publishes a plain agent in Ada's name and returns its id.
    pub(crate) fn agent(&self) -> String {
        text(&self.publish(&json!({}))["id"])
    }

    pub(crate) fn install(&self, agent: &str, user: User) -> Value {
        let path = format!("marketplace/agents/{agent}/install");
        self.ask("POST", &path).by(user).send().expect(200).json()
    }

    pub(crate) fn review(&self, agent: &str, user: User, rating: u8) -> Value {
        let path = format!("marketplace/agents/{agent}/reviews");
        let body = json!({ "rating": rating });
        self.post(&path, &body).by(user).send().expect(200).json()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        block_on(self.handle.stop(false));
        let ended = self.thread.take().map(JoinHandle::join);
        if !thread::panicking() {
            ended.unwrap().expect("the server stops without a failure");
        }
    }
}

fn serve_args(database: &TestDatabase) -> ServeArgs {
    let line =
        "aios --database-url sqlite://elsewhere --api-host 127.0.0.1 --api-port 0 --api-workers 1 --demo-data false";
    let command = ServeArgs::augment_args(Command::new("aios"));
    let mut args = ServeArgs::from_arg_matches(&command.get_matches_from(line.split(' '))).unwrap();
    args.database.database_url = database.url().clone();
    args.secret.jwt_secret = Some(SECRET.to_owned());
    args.profile.repeated_statements = OnRepeat::Panic;
    args
}

/// Asks one server.
pub(crate) struct Client {
    base: String,
    agent: ureq::Agent,
}

impl Client {
    pub(crate) fn of(address: SocketAddr) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .allow_non_standard_methods(true)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .into();
        Self {
            base: format!("http://{address}"),
            agent,
        }
    }

    pub(crate) fn ask(&self, method: &str, path: &str) -> Ask<'_> {
        let path = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("/api/v1/{path}")
        };
        Ask {
            client: self,
            method: method.to_owned(),
            path,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }
}

/// A request that is being put together.
pub(crate) struct Ask<'c> {
    client: &'c Client,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Ask<'_> {
    pub(crate) fn by(self, user: User) -> Self {
        self.token(&user.token())
    }

    pub(crate) fn by_anybody(self, user: Option<User>) -> Self {
        match user {
            Some(user) => self.by(user),
            None => self,
        }
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/json").body(body.to_string())
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn send(self) -> Reply {
        let shown = format!("{} {}", self.method, self.path);
        self.try_send().unwrap_or_else(|error| panic!("{shown}: {error}"))
    }

    /// As `send`, where the server may be gone before it answers.
    pub(crate) fn try_send(self) -> Result<Reply, ureq::Error> {
        let mut request = Request::builder()
            .method(Method::from_bytes(self.method.as_bytes()).unwrap())
            .uri(format!("{}{}", self.client.base, self.path));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let answer = if self.body.is_empty() {
            self.client.agent.run(request.body(()).unwrap())
        } else {
            self.client.agent.run(request.body(self.body).unwrap())
        };
        let mut answer = answer?;
        let body = answer.body_mut().read_to_vec()?;
        let reply = Reply::new(&self.method, &self.path, &answer, body);
        described::check(&reply);
        Ok(reply)
    }
}

/// An answer and what it is the answer to.
pub(crate) struct Reply {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    fn new<T>(method: &str, path: &str, answer: &Response<T>, body: Vec<u8>) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body,
        }
    }

    /// The answer, which must have this status.
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self}");
        self
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The body without its content-coding.
    pub(crate) fn plain(&self) -> Vec<u8> {
        let source = Cursor::new(self.body.clone());
        let mut plain = Vec::new();
        let read = match self.header("content-encoding") {
            None => return self.body.clone(),
            Some("br") => BrotliDecoder::new(source).read_to_end(&mut plain).now_or_never(),
            Some("zstd") => ZstdDecoder::new(source).read_to_end(&mut plain).now_or_never(),
            Some("gzip") => GzipDecoder::new(source).read_to_end(&mut plain).now_or_never(),
            Some(coding) => panic!("{coding} is no coding of this server: {self}"),
        };
        read.expect("memory never waits").unwrap();
        plain
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.plain()).unwrap_or_else(|error| panic!("no JSON ({error}): {self}"))
    }

    /// The answer, which must be a problem document of this status and type.
    pub(crate) fn problem(&self, status: u16, slug: &str) -> Value {
        assert_eq!(self.status, status, "{self}");
        let document = self.any_problem();
        assert_eq!(document["type"], format!("/docs#problem-{slug}"), "{self}");
        document
    }

    /// The answer, which must be a problem document.
    pub(crate) fn any_problem(&self) -> Value {
        assert!((400..600).contains(&self.status), "{self}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self}");
        assert_eq!(self.header("cache-control"), Some("no-store"), "{self}");
        assert!(self.headers.contains_key("x-request-id"), "{self}");
        let document = self.json();
        assert_eq!(document["status"], self.status, "{self}");
        for member in ["type", "title", "detail", "instance"] {
            assert!(
                document[member].as_str().is_some_and(|text| !text.is_empty()),
                "{member}: {self}"
            );
        }
        let challenge = (self.status == 401).then_some("Bearer");
        assert_eq!(self.header("www-authenticate"), challenge, "{self}");
        document
    }

    /// The fields that a 422 names.
    pub(crate) fn invalid_fields(&self) -> Vec<String> {
        let errors = self.problem(422, "invalid")["errors"].clone();
        errors
            .as_array()
            .unwrap()
            .iter()
            .map(|error| text(&error["field"]))
            .collect()
    }

    /// Where the header `Link` leads, by relation.
    pub(crate) fn link(&self, relation: &str) -> Option<String> {
        let links = self.header("link")?;
        links.split(", ").find_map(|link| {
            let (target, parameters) = link.split_once("; ").unwrap_or_else(|| panic!("no link: {link}"));
            let target = target.strip_prefix('<').and_then(|target| target.strip_suffix('>'));
            (parameters == format!("rel=\"{relation}\"")).then(|| target.unwrap().to_owned())
        })
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        write!(f, "{} {} -> {} {body}", self.method, self.path, self.status)
    }
}

/// A JSON string's text.
pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not a text: {value}"))
        .to_owned()
}

/// The names of an object's members, sorted.
pub(crate) fn members(value: &Value) -> Vec<&str> {
    let object = value.as_object().unwrap_or_else(|| panic!("not an object: {value}"));
    let mut names: Vec<&str> = object.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// Sends bytes and reads an answer that ends with the connection.
pub(crate) fn raw(address: SocketAddr, request: &[u8]) -> Reply {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    // A server that refuses early may have closed its side before everything is written.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let shown = String::from_utf8_lossy(request.split(|&b| b == b'\r').next().unwrap()).into_owned();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no answer to {shown}: {read:?}, {} bytes", answer.len()));
    let head = std::str::from_utf8(&answer[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let mut built = Response::builder().status(status);
    for line in lines {
        let (name, value) = line.split_once(':').unwrap();
        built = built.header(name, value.trim());
    }
    let body = &answer[end + 4..];
    let (method, path) = shown.split_once(' ').unwrap_or((&shown, ""));
    let path = path.strip_suffix(" HTTP/1.1").unwrap_or(path);
    Reply::new(method, path, &built.body(()).unwrap(), body.to_vec())
}
