//! A repository whose functions cache themselves, and what their handles are for.
#![expect(clippy::print_stdout, reason = "it is what an example does")]

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::sync::{Arc, PoisonError, RwLock};

use aios_cache::{Cache, Cached, LoadError, Namespace, Targets, cached};

/// What can go wrong here. The cache adds two ways: a loader that panics, and one that takes too long.
#[derive(Debug, Clone, thiserror::Error)]
enum Error {
    #[error("there is no agent {0}")]
    NoSuchAgent(u64),
    #[error("the answer could not be made: {0}")]
    Unavailable(String),
}

impl From<LoadError<Error>> for Error {
    fn from(error: LoadError<Error>) -> Self {
        // Those who waited for the same load share its error; all but one get a copy.
        error.into_error(Error::clone, |other| Self::Unavailable(other.to_string()))
    }
}

#[derive(Debug, Clone)]
struct Agent {
    id: u64,
    name: String,
}

/// Stands for a database.
type Table = Arc<RwLock<BTreeMap<u64, Agent>>>;

/// Keeps its state in handles, so that a load can take a copy of it.
#[derive(Clone)]
struct Agents {
    table: Table,
    cache: Cache,
    one: Namespace<Agent>,
    lists: Namespace<Vec<String>>,
}

impl Agents {
    fn new(cache: Cache) -> Result<Self, Box<dyn StdError>> {
        Ok(Self {
            table: Table::default(),
            one: cache.namespace("agents").build()?,
            lists: cache.namespace("agent_lists").build()?,
            cache,
        })
    }

    /// One agent: a copy for each caller.
    #[cached(in = self.one, ttl = "5m", stale = "1h", tags("agents", "agent:{id}"), key = "{id}")]
    async fn agent(&self, id: u64) -> Result<Agent, Error> {
        println!("  (asks the database for agent {id})");
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.get(&id).cloned().ok_or(Error::NoSuchAgent(id))
    }

    /// The names that contain a text: shared by all callers, since they are many. The key is made of the function's name and
    /// its arguments.
    #[cached(in = self.lists, ttl = "1m", tags("agents"))]
    async fn search(&self, text: &str, limit: Option<usize>) -> Result<Cached<Vec<String>>, Error> {
        println!("  (asks the database for {text:?})");
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let names = table.values().map(|agent| agent.name.clone());
        Ok(names
            .filter(|name| name.contains(text))
            .take(limit.unwrap_or(usize::MAX))
            .collect())
    }

    /// Writes, and then names what has changed.
    async fn save(&self, agent: Agent) {
        let changed = Targets::new().tag("agents").tag(&format!("agent:{}", agent.id));
        self.table
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(agent.id, agent);
        // There is no other node, so it is never deferred.
        let _ = self.cache.invalidate(changed).await;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn StdError>> {
    let agents = Agents::new(Cache::builder().build())?;
    for (id, name) in [(7, "Scribe"), (8, "Scout")] {
        agents
            .save(Agent {
                id,
                name: name.to_owned(),
            })
            .await;
    }

    println!("two calls, one load:");
    for _ in 0..2 {
        println!("agent 7 is {}", agents.agent(7).await?.name);
    }

    println!("a list, shared:");
    let (one, other) = (agents.search("Sc", None).await?, agents.search("Sc", None).await?);
    println!("{:?}, the same in memory: {}", *one, Cached::ptr_eq(&one, &other));

    println!("after a write both are loaded anew:");
    agents
        .save(Agent {
            id: 7,
            name: "Scrivener".to_owned(),
        })
        .await;
    println!(
        "agent 7 is {}, and the list {:?}",
        agents.agent(7).await?.name,
        *agents.search("Sc", None).await?
    );

    println!(
        "an error is handed on, and not kept: {}",
        agents.agent(9).await.err().ok_or("agent 9 exists")?
    );

    let call = agents.agent_cached(7);
    println!("the handle of a call: key {:?}, tags {:?}", call.key(), call.tags());
    println!("in memory: {:?}", call.peek().map(|agent| agent.name.clone()));
    call.refresh().await?;
    let _ = call.invalidate().await;
    println!(
        "invalidated, in memory: {:?}",
        call.peek().map(|agent| agent.name.clone())
    );
    Ok(())
}

#[test]
fn it_runs() {
    main().unwrap();
}
