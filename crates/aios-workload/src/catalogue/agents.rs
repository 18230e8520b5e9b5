//! Agents one by one, and what users do with them.

use std::collections::BTreeMap;

use aios_db::DatabaseKind;
use aios_db::store::agents_many::{self, Edit, Publication};
use aios_db::store::analytics::{GatheredViews, NewEvent, TrendingChange};
use aios_db::store::installations::Uses;
use aios_db::store::search_tiers::{self, TierChange};
use aios_db::store::{agents, analytics, installations, reviews, search_index, users};
use aios_domain::{
    Agent, AgentDraft, AgentId, Caller, EventId, EventKind, JsonObject, Rating, RegistryName, ReviewDraft, Role, UserId,
};
use chrono::TimeDelta;

use super::sample::{Sample, behind, first};
use super::{Query, query};

pub(super) fn queries(kind: DatabaseKind) -> Vec<Query> {
    let mut queries = reads();
    queries.extend(changes());
    queries.extend(upkeep());
    if kind == DatabaseKind::Postgres {
        let merge = query!(Upkeep, "full-text indexes taking in what was put aside", |s| {
            search_index::search_pending_merge()
        });
        queries.push(merge.allow("pg_class", CATALOG).allow("pg_am", CATALOG));
    }
    queries
}

fn reads() -> Vec<Query> {
    vec![
        query!(Read, "an agent", |s| agents::agent_find(s.id())),
        query!(Read, "twenty agents by ids", |s| agents::agents_find(&s.ids)),
        query!(Upkeep, "the agents to warm up with", |s| agents::agents_most_popular(
            100
        )),
        query!(Read, "agents by their registry's names", |s| {
            agents::agents_by_registry_names(&[&registry_name()])
        }),
        query!(Read, "whether an agent is active", |s| agents::agent_is_active(s.id())),
        query!(
            Read,
            "how a user stands to an agent",
            |s| installations::agent_standing(s.user, s.id())
        ),
        query!(Read, "my agents", |s| installations::installation_list(
            &s.paging(),
            s.user,
            &counted()
        )),
        query!(Read, "my agents, next page", |s| installations::installation_list(
            &s.paging(),
            s.user,
            &s.installations_cursor.clone().map_or_else(first, behind),
        )),
        query!(Read, "how often an agent was installed, ever", |s| {
            installations::installation_count_ever(s.id())
        })
        .buffers(1_000),
        query!(Read, "an agent's reviews", |s| reviews::review_list(
            &s.paging(),
            s.id(),
            None,
            &first()
        )),
        query!(Read, "an agent's reviews, next page", |s| reviews::review_list(
            &s.paging(),
            s.id(),
            None,
            &s.reviews_cursor.clone().map_or_else(first, behind),
        )),
        query!(Read, "an agent's reviews with one rating", |s| reviews::review_list(
            &s.paging(),
            s.id(),
            Some(five()),
            &first()
        )),
        query!(
            Read,
            "the newest reviews of twenty agents",
            |s| reviews::reviews_newest(&s.ids, 3)
        )
        .few_sorted(SIBLINGS),
        query!(Read, "an agent's last days", |s| analytics::activity_since(
            s.id(),
            s.now - TimeDelta::days(30)
        )),
    ]
}

const SIBLINGS: &str = "the parents, whose children come in their order from the index";

fn changes() -> Vec<Query> {
    vec![
        query!(Change, "publishing an agent", |s| agents::agent_insert(
            &s.draft(),
            s.user,
            s.now
        )),
        query!(Change, "holding an agent", |s| agents::agent_find_locked(s.id())),
        query!(Change, "editing an agent", |s| agents::agent_replace(
            &s.popular,
            &s.edited()
        )),
        query!(Change, "withdrawing an agent", |s| agents::agent_replace(
            &s.popular,
            &s.withdrawn()
        )),
        query!(Change, "installing an agent", |s| installations::installation_insert(
            s.reader,
            s.id(),
            &JsonObject::default(),
            s.now,
        )),
        query!(Change, "using an agent", |s| installations::installation_use(
            s.user,
            s.installed,
            s.now
        )),
        query!(Change, "counting uses of several installations", |s| {
            installations::installations_use(&s.uses())
        })
        .sorted(u64::MAX),
        query!(Change, "recording several events", |s| analytics::events_insert(
            &s.events()
        )),
        query!(Change, "holding agents that are to be edited", |s| {
            agents_many::agents_find_locked(&s.ids)
        }),
        query!(Change, "writing agents of a registry", |s| agents_many::agents_write(
            s.user,
            &[Publication {
                draft: &s.draft(),
                registry_name: &registry_name(),
                at: s.now
            }],
            &s.edits()
        ))
        .buffers(4_000)
        .allow("tags", TAGS),
        query!(Change, "uninstalling an agent", |s| installations::installation_end(
            s.user,
            s.installed,
            s.now
        )),
        query!(Change, "reviewing an agent", |s| reviews::review_put(
            s.reader,
            s.id(),
            &review(),
            s.now
        )),
        query!(Change, "reviewing an agent again", |s| reviews::review_put(
            s.user,
            s.id(),
            &review(),
            s.now
        )),
        query!(Change, "recording an event", |s| analytics::event_insert(
            s.id(),
            s.user,
            EventKind::Run,
            &JsonObject::default(),
            s.now,
        )),
        query!(Change, "remembering a user", |s| users::user_ensure(
            &caller(UserId::new()),
            s.now
        )),
        query!(Change, "meeting a user again", |s| users::user_ensure(
            &caller(s.user),
            s.now
        )),
    ]
}

const CATALOG: &str = "there are as many rows as the schema has relations";

const TAGS: &str = "an import bears many tags, and there are few of them";

const TRENDING: &str = "the events of the last week are summed up, and each agent's score compared";

const TIERS: &str = "the most popular agents are passed over, as many as there are tiers for";

fn upkeep() -> Vec<Query> {
    vec![
        query!(Upkeep, "whose search tier is out of date", |s| {
            search_tiers::tier_changes(search_tiers::SIZES)
        })
        .buffers(u64::MAX)
        .sorted(u64::MAX)
        .allow("marketplace_agents", TIERS),
        query!(Upkeep, "setting a search tier", |s| search_tiers::tiers_set(&[
            TierChange { agent: s.id(), tier: 2 }
        ])),
        query!(Upkeep, "adding gathered views", |s| analytics::views_add(
            &s.views(),
            s.now
        ))
        .buffers(4_000),
        query!(Upkeep, "deleting old events", |s| analytics::events_prune(
            s.now - TimeDelta::days(60),
            1_000
        ))
        .sorted(u64::MAX),
        query!(Upkeep, "what trends", |s| analytics::trending_changes(s.now))
            .buffers(u64::MAX)
            .sorted(u64::MAX)
            .allow("due", TRENDING)
            .allow("agent_analytics", TRENDING)
            .allow("marketplace_agents", TRENDING),
        query!(Upkeep, "setting scores of what trends", |s| {
            analytics::trending_set(&s.scores())
        })
        .buffers(4_000),
    ]
}

fn five() -> Rating {
    Rating::new(5).unwrap_or_else(|_| unreachable!("five stars are allowed"))
}

fn registry_name() -> RegistryName {
    RegistryName::from_trusted("io.example/catalogue".to_owned())
}

fn counted() -> aios_db::PageRequest {
    aios_db::PageRequest::first(super::sample::PAGE)
}

fn caller(id: UserId) -> Caller {
    Caller {
        id,
        email: None,
        role: Role::User,
    }
}

fn review() -> ReviewDraft {
    ReviewDraft {
        rating: five(),
        title: None,
        review_text: None,
    }
}

impl Sample {
    fn id(&self) -> AgentId {
        self.popular.summary.id
    }

    /// A new agent like the popular one.
    fn draft(&self) -> AgentDraft {
        let summary = &self.popular.summary;
        AgentDraft {
            name: summary.name.clone(),
            description: summary.description.clone(),
            category: summary.category.clone(),
            tags: vec![self.common_tag.clone(), self.rare_tag.clone()],
            version: summary.version.clone(),
            icon_url: None,
            capabilities: summary.capabilities.clone(),
            pricing: summary.pricing,
            repository_url: None,
            agent_type: self.popular.agent_type.clone(),
            requirements: JsonObject::default(),
            configuration_schema: JsonObject::default(),
            license: None,
        }
    }

    /// The popular agent with other tags.
    fn edited(&self) -> Agent {
        let mut agent = self.popular.clone();
        agent.summary.tags = vec![self.middling_tag.clone(), self.rare_tag.clone()];
        agent.updated_at = self.now;
        agent
    }

    fn withdrawn(&self) -> Agent {
        Agent {
            is_active: false,
            ..self.popular.clone()
        }
    }

    fn scores(&self) -> Vec<TrendingChange> {
        let scores = self.ids.iter().zip(1..);
        scores.map(|(&agent, score)| TrendingChange { agent, score }).collect()
    }

    fn views(&self) -> BTreeMap<AgentId, GatheredViews> {
        let views = self.ids.iter().map(|&agent| {
            let id = EventId::new();
            (agent, GatheredViews { id, count: 3 })
        });
        views.collect()
    }

    /// What several users did with the agent that one of them has installed.
    fn uses(&self) -> Vec<Uses> {
        let by = |user| Uses {
            user,
            agent: self.installed,
            count: 2,
            last: self.now,
        };
        vec![by(self.user), by(self.reader)]
    }

    fn events(&self) -> Vec<NewEvent> {
        let of = |&agent: &AgentId| NewEvent {
            agent,
            user: self.user,
            kind: EventKind::Run,
            data: JsonObject::default(),
            at: self.now,
        };
        self.ids.iter().map(of).collect()
    }

    fn edits(&self) -> Vec<Edit> {
        vec![Edit {
            old: self.popular.clone(),
            new: self.edited(),
        }]
    }
}
