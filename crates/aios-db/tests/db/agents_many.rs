//! Many agents that are written at once are what they would be one by one.

use std::collections::{BTreeMap, BTreeSet};

use aios_db::store::agents::agents_find;
use aios_db::store::agents_many::{Edit, Publication, agents_find_locked, agents_write};
use aios_db::store::categories::category_counts;
use aios_db::store::users::user_ensure;
use aios_db::{AnyConnection, DbResult, in_transaction};
use aios_domain::{
    Agent, AgentDraft, AgentName, Caller, CategoryName, Description, ErrorKind, HttpUrl, JsonObject, Price, Pricing,
    PricingModel, RegistryName, Role, Tag, Timestamp, UserId,
};
use aios_test_support::{TestDatabase, on_both_databases, plain_draft};
use chrono::TimeDelta;
use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

/// JSON as people write it, with what may go wrong on the way through another JSON document.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(|number| json!(f64::from(number) / 100.0)),
        "[^\\x00]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-z\"\\\\é$]{0,4}", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn any_draft() -> impl Strategy<Value = AgentDraft> {
    let text = "[ -~äßλ漢🦀\\\\'\"]{0,20}";
    let category = prop::sample::select(vec![None, Some("development"), Some("content"), Some("analysis")]);
    let tags = prop::sample::subsequence(vec!["a", "b", "c", "tag-4"], 0..4);
    let object = || any_json().prop_map(|value| JsonObject::new(json!({ "it": value })).unwrap());
    (text, category, tags, 0_i64..3, object(), object()).prop_map(
        |(text, category, tags, cents, requirements, schema)| {
            let price = Price::from_cents(cents).unwrap();
            let model = if cents == 0 {
                PricingModel::Free
            } else {
                PricingModel::Paid
            };
            AgentDraft {
                name: AgentName::new(format!("N{text}.")).unwrap(),
                description: Description::new(format!("D{text}.")).unwrap(),
                category: category.map(|name| CategoryName::new(name).unwrap()),
                tags: tags.into_iter().map(|tag| Tag::new(tag).unwrap()).collect(),
                pricing: Pricing::new(model, price).unwrap(),
                icon_url: (cents == 1).then(|| HttpUrl::new("https://example.org/icon?a=%27&b=1").unwrap()),
                requirements,
                configuration_schema: schema,
                ..plain_draft("x")
            }
        },
    )
}

fn drafts(runner: &mut TestRunner, count: usize) -> Vec<AgentDraft> {
    prop::collection::vec(any_draft(), count)
        .new_tree(runner)
        .unwrap()
        .current()
}

fn publish(
    connection: &mut AnyConnection,
    author: UserId,
    drafts: &[AgentDraft],
    at: Timestamp,
) -> DbResult<Vec<Agent>> {
    let names: Vec<RegistryName> = drafts
        .iter()
        .map(|_| RegistryName::new(format!("org.example/x{}", UserId::new().0.simple())).unwrap())
        .collect();
    let new: Vec<Publication<'_>> = drafts
        .iter()
        .zip(&names)
        .map(|(draft, registry_name)| Publication {
            draft,
            registry_name,
            at,
        })
        .collect();
    in_transaction(connection, |connection| agents_write(connection, author, &new, &[]))
}

/// The agent as this draft has it, later.
fn edited(old: &Agent, draft: &AgentDraft) -> Agent {
    let mut new = old.clone();
    new.summary.name.clone_from(&draft.name);
    new.summary.description.clone_from(&draft.description);
    new.summary.category.clone_from(&draft.category);
    new.summary.tags.clone_from(&draft.tags);
    new.summary.pricing = draft.pricing;
    new.summary.icon_url.clone_from(&draft.icon_url);
    new.requirements.clone_from(&draft.requirements);
    new.updated_at += TimeDelta::microseconds(1);
    new
}

#[derive(QueryableByName)]
struct Borne {
    #[diesel(sql_type = aios_db::sql_types::Uuid)]
    agent_id: uuid::Uuid,
    #[diesel(sql_type = sql_types::Text)]
    name: String,
}

/// What the database holds is these agents, and what is counted and copied of them agrees.
fn assert_stored(connection: &mut AnyConnection, agents: &[Agent]) {
    let ids: Vec<_> = agents.iter().map(|agent| agent.summary.id).collect();
    let stored = agents_find(connection, &ids).unwrap();
    for agent in agents {
        assert_eq!(stored[&agent.summary.id], *agent);
    }
    let borne: Vec<Borne> = sql_query("SELECT agent_id, name FROM agent_tags JOIN tags ON tags.id = tag_id")
        .load(connection)
        .unwrap();
    let borne: BTreeSet<(uuid::Uuid, String)> = borne.into_iter().map(|row| (row.agent_id, row.name)).collect();
    let expected = agents.iter().flat_map(|agent| {
        agent
            .summary
            .tags
            .iter()
            .map(|tag| (agent.summary.id.0, tag.to_string()))
    });
    assert_eq!(borne, expected.collect());
    let mut expected: BTreeMap<&str, i64> = BTreeMap::new();
    for name in agents.iter().filter_map(|agent| agent.summary.category.as_ref()) {
        *expected.entry(name.as_str()).or_default() += 1;
    }
    for counted in category_counts(connection).unwrap() {
        assert_eq!(
            counted.count,
            expected.get(counted.name.as_str()).copied().unwrap_or_default(),
            "{}",
            counted.name
        );
    }
}

fn author(connection: &mut AnyConnection, now: Timestamp) -> UserId {
    let caller = Caller {
        id: UserId::new(),
        email: None,
        role: Role::Admin,
    };
    user_ensure(connection, &caller, now).unwrap();
    caller.id
}

on_both_databases! {
    fn what_is_written_together_is_what_was_given(database: &TestDatabase) {
        let mut connection = database.connection();
        let now: Timestamp = "2026-01-31T12:00:00.123456Z".parse().unwrap();
        let author = author(&mut connection, now);
        let mut runner = TestRunner::deterministic();
        let mut agents: Vec<Agent> = Vec::new();
        for count in [1, 2, 30] {
            let drafts = drafts(&mut runner, count);
            agents.extend(publish(&mut connection, author, &drafts, now).unwrap());
            assert_stored(&mut connection, &agents);

            let ids: Vec<_> = agents.iter().map(|agent| agent.summary.id).collect();
            let drafts = self::drafts(&mut runner, agents.len());
            let (mut published, mut written) = (drafts.iter(), Vec::new());
            in_transaction(&mut connection, |connection| {
                let held = agents_find_locked(connection, &ids)?;
                let edit = |old: Agent| Edit { new: edited(&old, published.next().unwrap()), old };
                let edits: Vec<Edit> = held.into_iter().map(edit).collect();
                agents_write(connection, author, &[], &edits)?;
                written = edits.into_iter().map(|edit| edit.new).collect();
                Ok(())
            })
            .unwrap();
            agents = written;
            assert_stored(&mut connection, &agents);
        }
    }

    fn a_category_that_does_not_exist_is_named_and_nothing_is_written(database: &TestDatabase) {
        let mut connection = database.connection();
        let now: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        let author = author(&mut connection, now);
        let lost = AgentDraft { category: Some(CategoryName::new("nowhere").unwrap()), ..plain_draft("Lost") };
        let refused = publish(&mut connection, author, &[plain_draft("Found"), lost], now).unwrap_err();
        let refused = aios_domain::Error::from(refused);
        assert_eq!(refused.kind(), ErrorKind::Invalid, "{refused:?}");
        assert!(format!("{refused:?}").contains("nowhere"));
        assert_stored(&mut connection, &[]);
        let left: Vec<Borne> =
            sql_query("SELECT id AS agent_id, name FROM marketplace_agents").load(&mut connection).unwrap();
        assert!(left.is_empty());
    }
}
