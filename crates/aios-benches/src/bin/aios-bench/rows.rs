//! The rows of the table: what is asked of which server, and what each is compared with.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use aios_benches::bare::Stored;
use aios_benches::error::{BenchError, Result};
use aios_benches::exchange::{Client, Exchange};
use aios_benches::request::Request;
use serde_json::{Value, json};

use crate::options::Options;
use crate::servers::{Server, Stage};

/// The listing that everything is about: the first page, as the start page asks for it.
pub(crate) const LISTING: &str = "/api/v1/marketplace/agents";
/// The same without its total, for which every agent is counted.
pub(crate) const UNCOUNTED: &str = "/api/v1/marketplace/agents?count=none";
const AGENTS: &str = LISTING;
const API: &str = "/api/v1/marketplace";

/// Connections of the rows that show how long one answer takes, and not how many there can be.
const FEW_CONNECTIONS: usize = 8;

/// What is compressed better later, off the request's path, is so after this long.
const LONGEST_COMPRESSION: Duration = Duration::from_secs(10);

/// A row to be measured.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) limit: Option<&'static str>,
    pub(crate) connections: usize,
    pub(crate) source: Source,
}

impl Row {
    /// Makes rows of so many connections, from a name, what limits it, and what is measured.
    fn over(connections: usize) -> impl Fn(&'static str, Option<&'static str>, Source) -> Self {
        move |name, limit, source| Self {
            name,
            limit,
            connections,
            source,
        }
    }
}

/// What is measured.
pub(crate) enum Source {
    /// A server answers requests.
    Http(Target),
    /// PostgreSQL answers pgbench, which runs what this target asks of the database.
    Pgbench(&'static str),
    /// Nothing, for this reason.
    Nothing(String),
}

/// Requests, and the server that they go to.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) pid: u32,
    pub(crate) requests: Vec<String>,
    pub(crate) status: u16,
}

/// The servers of the table.
pub(crate) struct Servers {
    pub(crate) cached: Server,
    pub(crate) uncached: Server,
    pub(crate) bare: Server,
    pub(crate) nginx: Option<Server>,
}

/// Answers of the service that the limits are made of.
pub(crate) struct Answers {
    pub(crate) compressed: Exchange,
    pub(crate) plain: Exchange,
    pub(crate) agent: Exchange,
    pub(crate) not_modified: Exchange,
    /// The id of the first agent in the listing, and of those after it.
    pub(crate) agents: Vec<String>,
    pub(crate) etag: Option<String>,
    /// Somebody who has installed something.
    pub(crate) user: Option<String>,
}

impl Answers {
    /// Asks the service for them.
    pub(crate) fn fetch(server: &Server) -> Result<Self> {
        let (mut client, host) = (Client::new(server.address), server.address.to_string());
        let mut get = |target: &str, coding: &str| settled(&mut client, &get(target, coding, &host));
        let (compressed, plain) = (get(LISTING, "br")?, get(LISTING, "identity")?);
        let agents = ids(&plain.json()?);
        let first = agents
            .first()
            .ok_or_else(|| BenchError::new("the database holds no agents"))?;
        let agent = get(&format!("{AGENTS}/{first}"), "br")?;
        let reviews = get(&format!("{AGENTS}/{first}/reviews"), "identity")?.json()?;
        let user = reviews
            .pointer("/reviews/0/user_id")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let etag = compressed.header("etag").map(str::to_owned);
        let asked = conditional(etag.as_deref(), &host);
        Ok(Self {
            not_modified: client.send(&asked)?,
            compressed,
            plain,
            agent,
            agents,
            etag,
            user,
        })
    }

    /// What the bare server hands out, and where.
    pub(crate) fn bare(&self) -> Vec<(String, Stored)> {
        [
            ("/least", Stored::with_least_headers(&self.compressed)),
            ("/compressed", Stored::with_all_headers(&self.compressed)),
            ("/plain", Stored::with_all_headers(&self.plain)),
            ("/agent", Stored::with_all_headers(&self.agent)),
            ("/not-modified", Stored::with_all_headers(&self.not_modified)),
        ]
        .map(|(path, stored)| (path.to_owned(), stored))
        .to_vec()
    }
}

/// Asks until the answer stays the same for a second: a first one may be compressed in haste, and better once there is time.
fn settled(client: &mut Client, request: &str) -> Result<Exchange> {
    let deadline = Instant::now() + LONGEST_COMPRESSION;
    let mut last = client.send(request)?;
    let mut same_since = Instant::now();
    while same_since.elapsed() < Duration::from_secs(1) && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(100));
        let next = client.send(request)?;
        if next.body != last.body {
            same_since = Instant::now();
        }
        last = next;
    }
    if last.status == 200 {
        return Ok(last);
    }
    let line = request.lines().next().unwrap_or_default();
    Err(BenchError::new(format!(
        "{line} is answered with status {}",
        last.status
    )))
}

/// The ids in a list of agents.
pub(crate) fn ids(listing: &Value) -> Vec<String> {
    let agents = listing.get("agents").and_then(Value::as_array);
    let ids = agents
        .into_iter()
        .flatten()
        .filter_map(|agent| agent.get("id")?.as_str());
    ids.map(str::to_owned).collect()
}

fn get(target: &str, coding: &str, host: &str) -> String {
    Request::new("GET", target, host)
        .header("Accept-Encoding", coding)
        .done()
}

fn conditional(etag: Option<&str>, host: &str) -> String {
    Request::new("GET", LISTING, host)
        .header("Accept-Encoding", "br")
        .header("If-None-Match", etag.unwrap_or("\"none\""))
        .done()
}

/// All rows, each after the one that it is compared with.
pub(crate) fn all(options: &Options, stage: &Stage, servers: &Servers, answers: &Answers) -> Vec<Row> {
    let mut rows = limits_and_listing(options, servers);
    rows.extend(other_answers(options, servers, answers));
    rows.extend(database(options, servers));
    rows.extend(few(stage, servers, answers));
    match &options.only {
        Some(wanted) => chosen(rows, wanted),
        None => rows,
    }
}

/// Rows whose name holds the text, and their limits.
fn chosen(mut rows: Vec<Row>, wanted: &str) -> Vec<Row> {
    let is_wanted = |row: &Row| row.name.contains(wanted);
    let limits: Vec<&str> = rows
        .iter()
        .filter(|row| is_wanted(row))
        .filter_map(|row| row.limit)
        .collect();
    rows.retain(|row| is_wanted(row) || limits.contains(&row.name));
    rows
}

const BARE: &str = "bare handler, same headers";
const BARE_PLAIN: &str = "bare handler, same headers, not encoded";
const BARE_AGENT: &str = "bare handler, same headers, an agent";
const BARE_304: &str = "bare handler, same headers, 304";
const BARE_HEAD: &str = "bare handler, same headers, HEAD";
/// What pgbench does.
pub(crate) const PGBENCH: &str = "pgbench, the listing's statements";
const PGBENCH_UNCOUNTED: &str = "pgbench, the listing's statements, not counted";
/// The row that the whole is about.
pub(crate) const CACHED: &str = "listing, br";
/// The row without any cache.
pub(crate) const UNCACHED: &str = "listing, no cache";

fn limits_and_listing(options: &Options, servers: &Servers) -> Vec<Row> {
    let row = Row::over(options.connections);
    let nginx = servers.nginx.as_ref().map_or_else(
        || Source::Nothing("nginx is not on this machine".to_owned()),
        |nginx| http(nginx, "/answer", "br"),
    );
    vec![
        row("bare handler, two headers", None, http(&servers.bare, "/least", "br")),
        row("nginx, the same bytes as a file", None, nginx),
        row(BARE, None, http(&servers.bare, "/compressed", "br")),
        row(CACHED, Some(BARE), http(&servers.cached, LISTING, "br")),
        row(BARE_PLAIN, None, http(&servers.bare, "/plain", "identity")),
        row(
            "listing, not encoded",
            Some(BARE_PLAIN),
            http(&servers.cached, LISTING, "identity"),
        ),
    ]
}

fn other_answers(options: &Options, servers: &Servers, answers: &Answers) -> Vec<Row> {
    let row = Row::over(options.connections);
    let (cached, bare) = (&servers.cached, &servers.bare);
    let agent = answers.agents.first().map_or("", String::as_str);
    let not_modified = match (&answers.etag, answers.not_modified.status) {
        (Some(etag), 304) => asked(cached, conditional(Some(etag), &cached.address.to_string()), 304),
        (None, _) => Source::Nothing("the listing has no ETag".to_owned()),
        (_, status) => Source::Nothing(format!("the listing's own ETag is answered with {status}, not 304")),
    };
    let bare_not_modified = match answers.not_modified.status {
        304 => asked(bare, get("/not-modified", "br", "bare"), 304),
        _ => Source::Nothing("there is no 304 to copy".to_owned()),
    };
    vec![
        row(BARE_AGENT, None, http(bare, "/agent", "br")),
        row(
            "agent, br",
            Some(BARE_AGENT),
            http(cached, &format!("{AGENTS}/{agent}"), "br"),
        ),
        row(BARE_304, None, bare_not_modified),
        row("listing, 304", Some(BARE_304), not_modified),
        row(BARE_HEAD, None, asked(bare, head("/compressed", "bare"), 200)),
        row(
            "listing, HEAD",
            Some(BARE_HEAD),
            asked(cached, head(LISTING, &cached.address.to_string()), 200),
        ),
        row("stats, br", None, http(cached, &format!("{API}/stats"), "br")),
        row("batch of 20", None, asked(cached, batch(cached, &answers.agents), 200)),
    ]
}

fn database(options: &Options, servers: &Servers) -> Vec<Row> {
    let row = Row::over(options.database_connections);
    // As a browser asks.
    let uncached = |target| http(&servers.uncached, target, "gzip, deflate, br, zstd");
    vec![
        row(PGBENCH, None, Source::Pgbench(LISTING)),
        row(UNCACHED, Some(PGBENCH), uncached(LISTING)),
        row(
            "listing, no cache, not encoded",
            Some(PGBENCH),
            http(&servers.uncached, LISTING, "identity"),
        ),
        row(PGBENCH_UNCOUNTED, None, Source::Pgbench(UNCOUNTED)),
        row(
            "listing, no cache, not counted",
            Some(PGBENCH_UNCOUNTED),
            uncached(UNCOUNTED),
        ),
    ]
}

/// What the service that this one replaces claimed times for, with every statement run.
fn few(stage: &Stage, servers: &Servers, answers: &Answers) -> Vec<Row> {
    let uncached = &servers.uncached;
    let row = |name, source| Row::over(FEW_CONNECTIONS)(name, None, source);
    let mine = match &answers.user {
        Some(user) => match stage.token(Some(user)) {
            Ok(token) => {
                let host = uncached.address.to_string();
                let request = Request::new("GET", &format!("{API}/my-agents"), &host).token(&token);
                asked(uncached, request.done(), 200)
            }
            Err(error) => Source::Nothing(error.to_string()),
        },
        None => Source::Nothing("nobody has reviewed the first agent".to_owned()),
    };
    let list = |query: &str| http(uncached, &format!("{AGENTS}?{query}"), "br");
    vec![
        row("no cache: list by category", list("category=development")),
        row("no cache: a user's installations", mine),
        row("no cache: featured", list("is_featured=true")),
        row("no cache: search", list("search=report&sort=relevance")),
        row("no cache: stats", http(uncached, &format!("{API}/stats"), "br")),
    ]
}

fn http(server: &Server, target: &str, coding: &str) -> Source {
    asked(server, get(target, coding, &server.address.to_string()), 200)
}

fn asked(server: &Server, request: String, status: u16) -> Source {
    Source::Http(Target {
        address: server.address,
        pid: server.pid(),
        requests: vec![request],
        status,
    })
}

fn head(target: &str, host: &str) -> String {
    Request::new("HEAD", target, host)
        .header("Accept-Encoding", "br")
        .done()
}

/// Twenty reads in one request: a page of the listing, and agents.
fn batch(server: &Server, agents: &[String]) -> String {
    let paths = std::iter::once(LISTING.to_owned()).chain(agents.iter().map(|id| format!("{AGENTS}/{id}")));
    let requests: Vec<Value> = paths
        .take(20)
        .enumerate()
        .map(|(number, path)| json!({ "id": number.to_string(), "method": "GET", "path": path }))
        .collect();
    Request::new("POST", "/api/v1/batch", &server.address.to_string())
        .header("Accept-Encoding", "br")
        .json(&json!({ "requests": requests }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_of_rows_brings_what_they_are_compared_with() {
        let row = |name, limit| Row::over(1)(name, limit, Source::Pgbench(LISTING));
        let rows = vec![row(BARE, None), row(CACHED, Some(BARE)), row("stats, br", None)];
        let names: Vec<&str> = chosen(rows, "listing").iter().map(|row| row.name).collect();
        assert_eq!(names, [BARE, CACHED]);
    }
}
