//! Traffic like that of a marketplace in use: mostly lists, the popular agents most of all, and a few who write.

use std::collections::{HashSet, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::connection::Prepared;
use crate::error::{BenchError, Result};
use crate::request::Request;
use crate::zipf::Weighted;

/// Codings that browsers ask for.
const ACCEPTED: &str = "gzip, deflate, br, zstd";

/// How often each class of requests comes, in percent.
const CLASSES: [(Class, f64); 4] = [
    (Class::Listing, 70.0),
    (Class::Detail, 20.0),
    (Class::Search, 5.0),
    (Class::Write, 5.0),
];

/// How often each kind of write comes, in percent. What makes lists stale (edit and publish) is a fiftieth: at 50 writes a
/// second that is one a second, 86,400 a day, more than the largest public registries of packages see.
const WRITES: [(WriteKind, f64); 6] = [
    (WriteKind::Install, 60.0),
    (WriteKind::Uninstall, 8.0),
    (WriteKind::Run, 15.0),
    (WriteKind::Review, 15.0),
    (WriteKind::Edit, 1.5),
    (WriteKind::Publish, 0.5),
];

/// Installations that later requests may use are remembered up to so many.
const REMEMBERED: usize = 10_000;

/// What kind of request it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Class {
    /// A page of agents.
    Listing,
    /// One agent.
    Detail,
    /// Agents found by words.
    Search,
    /// Something changes.
    Write,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Listing, Self::Detail, Self::Search, Self::Write];

    /// What to call it in a table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Listing => "listing",
            Self::Detail => "detail",
            Self::Search => "search",
            Self::Write => "write",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WriteKind {
    Install,
    Uninstall,
    Run,
    Review,
    Edit,
    Publish,
}

/// What there is to ask for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Catalogue {
    /// The server's name in requests.
    pub host: String,
    /// Ids of agents, the most popular first. Asked for by Zipf's law.
    pub agents: Vec<String>,
    /// The exponent of that law.
    pub exponent: f64,
    /// Lists, as paths with queries, and how often each comes, relative to the others.
    pub listings: Vec<(String, f64)>,
    /// Words that are searched, the most usual first; by Zipf's law too.
    pub words: Vec<String>,
    /// Tokens of users.
    pub users: Vec<String>,
    /// The token of an admin, who may edit any agent.
    pub admin: String,
}

/// A request of the traffic.
pub(crate) struct Call {
    pub(crate) class: Class,
    pub(crate) request: Prepared,
    /// The user and the agent that have an installation in common once this has succeeded.
    installs: Option<(usize, usize)>,
}

impl Call {
    /// Whether a status is a success of this request.
    pub(crate) fn accepts(&self, status: u16) -> bool {
        match self.class {
            Class::Write => (200..300).contains(&status),
            _ => status == 200,
        }
    }
}

/// An endless sequence of requests, the same for the same seed and the same answers.
pub(crate) struct Traffic<'a> {
    catalogue: &'a Catalogue,
    random: fastrand::Rng,
    classes: Weighted,
    writes: Weighted,
    agents: Weighted,
    listings: Weighted,
    words: Weighted,
    /// Users and agents between whom there has been an installation: another one might be refused.
    tried: HashSet<(usize, usize)>,
    /// Those that there are.
    installed: VecDeque<(usize, usize)>,
    published: u64,
}

impl<'a> Traffic<'a> {
    /// # Errors
    /// Where the catalogue lacks agents, lists, words or users.
    pub(crate) fn new(catalogue: &'a Catalogue, seed: u64) -> Result<Self> {
        let parts = [
            ("agents", catalogue.agents.len()),
            ("lists", catalogue.listings.len()),
            ("words", catalogue.words.len()),
            ("users", catalogue.users.len()),
        ];
        if let Some((what, _)) = parts.iter().find(|(_, count)| *count == 0) {
            return Err(BenchError::new(format!("there are no {what} to make traffic of")));
        }
        let zipf = |count: usize| Weighted::zipf(u32::try_from(count).unwrap_or(u32::MAX), catalogue.exponent);
        Ok(Self {
            catalogue,
            // Not the sequence that the moments are drawn from.
            random: fastrand::Rng::with_seed(seed ^ 0x7261_6666_6963),
            classes: Weighted::new(CLASSES.map(|(_, weight)| weight)),
            writes: Weighted::new(WRITES.map(|(_, weight)| weight)),
            agents: zipf(catalogue.agents.len()),
            listings: Weighted::new(catalogue.listings.iter().map(|(_, weight)| *weight)),
            words: zipf(catalogue.words.len()),
            tried: HashSet::new(),
            installed: VecDeque::new(),
            published: 0,
        })
    }

    /// The next request.
    pub(crate) fn next(&mut self) -> Call {
        let class = CLASSES
            .get(self.classes.draw(&mut self.random))
            .map_or(Class::Listing, |(class, _)| *class);
        let text = match class {
            Class::Listing => {
                let index = self.listings.draw(&mut self.random);
                let target = self.catalogue.listings.get(index).map(|(target, _)| target.as_str());
                self.get(target.unwrap_or("/"))
            }
            Class::Detail => {
                let agent = self.agent();
                self.get(&format!("/api/v1/marketplace/agents/{}", self.agent_id(agent)))
            }
            Class::Search => self.search(),
            Class::Write => return self.write(),
        };
        Call {
            class,
            request: Prepared::new(text),
            installs: None,
        }
    }

    /// A request has succeeded.
    pub(crate) fn succeeded(&mut self, call: &Call) {
        if let Some(pair) = call.installs
            && self.installed.len() < REMEMBERED
        {
            self.installed.push_back(pair);
        }
    }

    fn agent(&mut self) -> usize {
        self.agents.draw(&mut self.random)
    }

    fn agent_id(&self, index: usize) -> &'a str {
        self.catalogue.agents.get(index).map_or("", String::as_str)
    }

    fn get(&self, target: &str) -> String {
        Request::new("GET", target, &self.catalogue.host)
            .header("Accept", "application/json")
            .header("Accept-Encoding", ACCEPTED)
            .done()
    }

    /// Half of them as a list with a search, half by the route for searches.
    fn search(&mut self) -> String {
        let index = self.words.draw(&mut self.random);
        let word = self.catalogue.words.get(index).map_or("", String::as_str);
        if self.random.bool() {
            return self.get(&format!("/api/v1/marketplace/agents?search={word}&sort=relevance"));
        }
        Request::new("POST", "/api/v1/marketplace/agents/search", &self.catalogue.host)
            .header("Accept-Encoding", ACCEPTED)
            .json(&json!({ "query": word, "limit": 20 }))
    }

    fn write(&mut self) -> Call {
        let kind = WRITES
            .get(self.writes.draw(&mut self.random))
            .map_or(WriteKind::Install, |(kind, _)| *kind);
        match kind {
            WriteKind::Install => self.install(),
            WriteKind::Uninstall => match self.installed.pop_front() {
                Some(pair) => self.with_installation(pair, "DELETE", "install", None),
                None => self.install(),
            },
            WriteKind::Run => match self.some_installation() {
                Some(pair) => {
                    let body = json!({ "event_type": "run", "event_data": {} });
                    self.with_installation(pair, "POST", "events", Some(&body))
                }
                None => self.install(),
            },
            WriteKind::Review => match self.some_installation() {
                Some(pair) => {
                    let body = json!({ "rating": self.random.u8(3..=5), "title": "Does what it says" });
                    self.with_installation(pair, "POST", "reviews", Some(&body))
                }
                None => self.install(),
            },
            WriteKind::Edit => self.edit(),
            WriteKind::Publish => self.publish(),
        }
    }

    fn some_installation(&mut self) -> Option<(usize, usize)> {
        let index = self.random.usize(..self.installed.len().max(1));
        self.installed.get(index).copied()
    }

    /// By a user who has not had the agent before.
    fn install(&mut self) -> Call {
        let users = self.catalogue.users.len();
        let mut pair = (self.random.usize(..users), self.agent());
        for _ in 0..1_000 {
            if self.tried.insert(pair) {
                break;
            }
            pair = (self.random.usize(..users), self.agent());
        }
        let call = self.with_installation(pair, "POST", "install", None);
        Call {
            installs: Some(pair),
            ..call
        }
    }

    fn with_installation(&self, (user, agent): (usize, usize), method: &str, what: &str, body: Option<&Value>) -> Call {
        let target = format!("/api/v1/marketplace/agents/{}/{what}", self.agent_id(agent));
        let token = self.catalogue.users.get(user).map_or("", String::as_str);
        self.written(method, &target, token, body)
    }

    fn edit(&mut self) -> Call {
        let agent = self.agent();
        let version = format!("{}.{}.0", self.random.u8(1..20), self.random.u8(..50));
        let target = format!("/api/v1/marketplace/agents/{}", self.agent_id(agent));
        let body = json!({ "version": version });
        self.written("PATCH", &target, &self.catalogue.admin, Some(&body))
    }

    fn publish(&mut self) -> Call {
        self.published += 1;
        let body = json!({
            "name": format!("Freshly Published {}", self.published),
            "description": "Reads what comes in, sorts it by urgency and drafts the replies that are always the same.",
            "category": "communication",
            "tags": ["triage", "mail"],
            "capabilities": ["sort mail", "draft replies"],
            "pricing_model": "free",
        });
        let user = self.random.usize(..self.catalogue.users.len());
        let token = self.catalogue.users.get(user).map_or("", String::as_str);
        self.written("POST", "/api/v1/marketplace/agents", token, Some(&body))
    }

    fn written(&self, method: &str, target: &str, token: &str, body: Option<&Value>) -> Call {
        let request = Request::new(method, target, &self.catalogue.host).token(token);
        let text = match body {
            Some(body) => request.json(body),
            None => request.header("Content-Length", "0").done(),
        };
        Call {
            class: Class::Write,
            request: Prepared::new(text),
            installs: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> Catalogue {
        Catalogue {
            host: "h".to_owned(),
            agents: (0..100).map(|number| format!("agent-{number}")).collect(),
            exponent: 1.0,
            listings: vec![("/first".to_owned(), 3.0), ("/second".to_owned(), 1.0)],
            words: vec!["mail".to_owned()],
            users: vec!["alpha".to_owned(), "beta".to_owned()],
            admin: "root".to_owned(),
        }
    }

    fn text(call: &Call) -> String {
        String::from_utf8(call.request.bytes.clone()).unwrap()
    }

    #[test]
    fn classes_come_in_their_shares() {
        let catalogue = catalogue();
        let mut traffic = Traffic::new(&catalogue, 1).unwrap();
        let mut counted = std::collections::BTreeMap::<_, f64>::new();
        for _ in 0..20_000 {
            *counted.entry(traffic.next().class).or_default() += 100.0 / 20_000.0;
        }
        for (class, share) in CLASSES {
            assert!((counted[&class] - share).abs() < 1.0, "{counted:?}");
        }
    }

    #[test]
    fn an_agent_is_installed_by_a_user_once() {
        let catalogue = catalogue();
        let mut traffic = Traffic::new(&catalogue, 1).unwrap();
        let pairs: Vec<_> = (0..150).filter_map(|_| traffic.install().installs).collect();
        assert_eq!(pairs.iter().collect::<HashSet<_>>().len(), pairs.len());
    }

    #[test]
    fn nothing_is_done_with_an_installation_that_has_not_succeeded() {
        let catalogue = catalogue();
        let mut traffic = Traffic::new(&catalogue, 1).unwrap();
        let calls: Vec<Call> = (0..3_000).map(|_| traffic.write()).collect();
        let is_of_an_installation = |call: &Call| text(call).contains("/events") || text(call).contains("/reviews");
        assert!(!calls.iter().any(is_of_an_installation));
        for call in &calls[..50] {
            traffic.succeeded(call);
        }
        assert!(
            (0..100)
                .map(|_| traffic.write())
                .any(|call| is_of_an_installation(&call))
        );
    }

    #[test]
    fn an_empty_catalogue_is_refused() {
        let mut catalogue = catalogue();
        catalogue.words.clear();
        let error = Traffic::new(&catalogue, 1).err().unwrap();
        assert_eq!(error.to_string(), "there are no words to make traffic of");
    }
}
