//! A small HTTP service on plain tokio: two nodes in one process that share a tier, as two processes would.
//!
//! `GET /agents/7` reads, `PUT /agents/7/NAME` writes, `GET /stats` tells what the cache did. Without an argument it shows a
//! write on one node as it is seen on the other, and ends; with `serve` it goes on. With `REDIS_URL` in the environment the
//! nodes share Redis, else a store in this process.
#![expect(clippy::print_stdout, reason = "it is what an example does")]

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aios_cache::engine::redis::RedisEngine;
use aios_cache::engine::{Engine, MemoryEngine};
use aios_cache::serializer::Json;
use aios_cache::{Cache, Cached, LoadError, Namespace, Outcome, Targets, cached};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

type Result<T, E = Box<dyn StdError + Send + Sync>> = std::result::Result<T, E>;

/// The database, which both nodes use.
type Database = Arc<RwLock<BTreeMap<u64, String>>>;

/// One node: what it needs to answer a request.
#[derive(Clone)]
struct Node {
    database: Database,
    cache: Cache,
    names: Namespace<Option<String>>,
}

impl Node {
    async fn start(database: &Database, engine: Arc<dyn Engine>) -> Result<Self> {
        let cache = Cache::builder().shared_engine(engine).build();
        // Not needed: a node serves without its shared tier, and uses it once it is there. Here it is to be seen at work.
        tokio::time::timeout(Duration::from_secs(5), cache.linked()).await?;
        let names = cache
            .namespace("agent_names")
            .ttl(Duration::from_secs(300))
            .stale(Duration::from_secs(60))
            .stale_if_error(Duration::from_secs(3600))
            .negative_ttl(Duration::from_secs(10))
            .serializer(Json)
            .build()?;
        Ok(Self {
            database: Arc::clone(database),
            cache,
            names,
        })
    }

    #[cached(in = self.names, tags("agent:{id}"), key = "{id}")]
    async fn name(&self, id: u64) -> Result<Cached<Option<String>>, LoadError<std::convert::Infallible>> {
        Ok(self
            .database
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned())
    }

    /// Writes, then makes stale what shows it. The writer may read at once.
    async fn rename(&self, id: u64, name: &str) -> Outcome {
        self.database
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, name.to_owned());
        self.cache.invalidate(Targets::new().tag(&format!("agent:{id}"))).await
    }

    async fn answer(&self, method: &str, path: &str) -> (u16, String) {
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        match (method, parts.as_slice()) {
            ("GET", ["agents", id]) => match id.parse() {
                Ok(id) => self.show(id).await,
                Err(_) => (400, "an agent has a number".to_owned()),
            },
            ("PUT", ["agents", id, name]) => match id.parse() {
                Ok(id) => (200, format!("told {:?}", self.rename(id, name).await)),
                Err(_) => (400, "an agent has a number".to_owned()),
            },
            ("GET", ["stats"]) => (200, format!("{:#?}", self.cache.stats())),
            _ => (404, "GET /agents/ID, PUT /agents/ID/NAME, GET /stats".to_owned()),
        }
    }

    async fn show(&self, id: u64) -> (u16, String) {
        match self.name(id).await {
            Ok(found) => match &*found {
                Some(name) => (200, format!("{name} (from {:?})", found.origin())),
                None => (404, format!("there is no agent {id}")),
            },
            Err(error) => (500, error.to_string()),
        }
    }

    /// One request a connection; enough HTTP for curl.
    async fn serve(self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut request = Vec::new();
        while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < 8192 {
            if stream.read_buf(&mut request).await? == 0 {
                return Ok(());
            }
        }
        let text = String::from_utf8_lossy(&request);
        let mut words = text.split_whitespace();
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (status, body) = self.answer(method, path).await;
        let head = format!(
            "HTTP/1.1 {status} -\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len() + 1
        );
        stream.write_all(format!("{head}{body}\n").as_bytes()).await?;
        stream.shutdown().await
    }

    async fn listen(self) -> std::io::Result<SocketAddr> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(self.clone().serve(stream));
            }
        });
        Ok(address)
    }
}

/// What curl would do.
async fn ask(address: SocketAddr, method: &str, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream
        .write_all(format!("{method} {path} HTTP/1.1\r\n\r\n").as_bytes())
        .await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (_, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
    println!("{address} {method} {path}: {}", body.trim_end());
    Ok(body.to_owned())
}

/// The engine of one node; nodes in one process share `store` where there is no Redis.
fn engine(redis: Option<&str>, store: &MemoryEngine) -> Result<Arc<dyn Engine>> {
    Ok(match redis {
        Some(url) => Arc::new(RedisEngine::from_url(url)?.prefix("example").build()?),
        None => Arc::new(store.clone()),
    })
}

async fn run(redis: Option<&str>, goes_on: bool) -> Result<()> {
    let (database, store) = (Database::default(), MemoryEngine::new());
    let one = Node::start(&database, engine(redis, &store)?).await?.listen().await?;
    let other = Node::start(&database, engine(redis, &store)?).await?.listen().await?;

    ask(one, "PUT", "/agents/7/Scribe").await?;
    for address in [one, one, other, other] {
        ask(address, "GET", "/agents/7").await?;
    }
    // The writer sees it at once, the other node as soon as the notice has come.
    ask(one, "PUT", "/agents/7/Scrivener").await?;
    ask(one, "GET", "/agents/7").await?;
    while !ask(other, "GET", "/agents/7").await?.starts_with("Scrivener") {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    if goes_on {
        println!("both go on, until they are interrupted");
        std::future::pending::<()>().await;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let redis = std::env::var("REDIS_URL").ok();
    let goes_on = std::env::args().nth(1).is_some_and(|argument| argument == "serve");
    run(redis.as_deref(), goes_on).await
}

#[tokio::test]
async fn a_write_on_one_node_is_seen_on_the_other() {
    run(None, false).await.unwrap();
}
