//! The handle of a call: looked at, refreshed, invalidated.

use aios_cache::{Cache, Namespace, Origin, Outcome, Targets, cached};

use crate::{Calls, Failure, cache};

#[derive(Clone)]
struct Agents {
    agents: Namespace<String>,
    calls: Calls,
}

impl Agents {
    fn new(cache: &Cache) -> Self {
        Self {
            agents: cache.namespace("agents").build().unwrap(),
            calls: Calls::default(),
        }
    }

    /// An agent's name, and how often it was asked for.
    #[cached(in = self.agents, tags("agents", "agent:{id}"), key = "{id}")]
    async fn agent(&self, id: u64) -> Result<String, Failure> {
        Ok(format!("agent {id}, load {}", self.calls.count()))
    }
}

#[tokio::test]
async fn a_handle_is_the_call_of_its_function() {
    let agents = Agents::new(&cache());
    let call = agents.agent_cached(7);
    assert!(call.peek().is_none());
    assert_eq!(agents.agent(7).await.unwrap(), "agent 7, load 1");
    assert_eq!(*call.peek().unwrap(), "agent 7, load 1");
    let got = call.get().await.unwrap();
    assert_eq!((got.as_str(), got.origin()), ("agent 7, load 1", Origin::Memory));
    assert_eq!((call.key(), call.tags().len()), ("7", 2));
    assert_eq!(
        format!("{call:?}"),
        r#"CachedCall { namespace: "agents", key: "7", tags: ["agents", "agent:7"], .. }"#
    );
}

#[tokio::test]
async fn a_handle_loads_as_its_function_does() {
    let agents = Agents::new(&cache());
    let call = agents.agent_cached(7);
    assert_eq!(*call.get().await.unwrap(), "agent 7, load 1");
    assert_eq!(agents.agent(7).await.unwrap(), "agent 7, load 1");
}

#[tokio::test]
async fn refreshing_loads_whatever_is_there() {
    let agents = Agents::new(&cache());
    let call = agents.agent_cached(7);
    assert_eq!(*call.refresh().await.unwrap(), "agent 7, load 1");
    assert_eq!(*call.refresh().await.unwrap(), "agent 7, load 2");
    assert_eq!(agents.agent(7).await.unwrap(), "agent 7, load 2");
}

#[tokio::test]
async fn invalidating_makes_stale_what_the_function_returns() {
    let cache = cache();
    let agents = Agents::new(&cache);
    let load = async || (agents.agent(7).await.unwrap(), agents.agent(8).await.unwrap());
    load().await;
    assert_eq!(agents.agent_cached(7).invalidate().await, Outcome::Everywhere);
    assert_eq!(
        load().await,
        ("agent 7, load 3".to_owned(), "agent 8, load 2".to_owned())
    );
    let _ = cache.invalidate(agents.agent_cached(8).target().tag("other")).await;
    assert!(agents.agent_cached(8).peek().is_none() && agents.agent_cached(7).peek().is_some());
    for tag in ["agent:7", "agents"] {
        load().await;
        let _ = cache.invalidate(Targets::new().tag(tag)).await;
        assert!(agents.agent_cached(7).peek().is_none(), "{tag}");
        assert_eq!(agents.agent_cached(8).peek().is_some(), tag == "agent:7");
    }
}

#[tokio::test]
async fn a_copy_of_a_handle_is_the_same_call() {
    let agents = Agents::new(&cache());
    let call = agents.agent_cached(7);
    let copy = call.clone();
    drop(agents);
    assert_eq!(
        *tokio::spawn(async move { copy.get().await }).await.unwrap().unwrap(),
        "agent 7, load 1"
    );
    assert!(call.peek().is_some());
}
