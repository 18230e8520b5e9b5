//! The totals that triggers keep equal what counting finds, whoever writes, and however many do at once.

use aios_db::bulk;
use aios_db::store::agents::{agent_find_locked, agent_insert, agent_replace};
use aios_db::store::installations::{installation_end, installation_insert};
use aios_db::store::totals::{agent_total, marketplace_totals};
use aios_db::store::users::user_ensure;
use aios_db::{AnyConnection, in_transaction, recording};
use aios_domain::{
    Agent, AgentFilter, AgentId, Caller, CategoryName, JsonObject, Price, Pricing, PricingModel, Role, Tag, Timestamp,
    UserId,
};
use aios_test_support::{TestDatabase, on_both_databases, plain_draft};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::bulk::Sample;

fn now() -> Timestamp {
    "2026-11-25T00:00:00Z".parse().unwrap()
}

fn category(number: u8) -> Option<CategoryName> {
    let names = ["content", "analysis", "development"];
    names
        .get(usize::from(number))
        .map(|name| CategoryName::new(name).unwrap())
}

fn tags(bits: u8) -> Vec<Tag> {
    (0..3)
        .filter(|bit| bits & (1 << bit) != 0)
        .map(|bit| Tag::new(format!("tag-{bit}")).unwrap())
        .collect()
}

fn pricing(is_paid: bool) -> Pricing {
    if is_paid {
        Pricing::new(PricingModel::Paid, Price::from_cents(100).unwrap()).unwrap()
    } else {
        Pricing::FREE
    }
}

/// What somebody does to one of a few agents.
#[derive(Clone, Debug)]
enum Step {
    Publish {
        category: u8,
        tags: u8,
        is_paid: bool,
    },
    Edit {
        agent: usize,
        category: u8,
        tags: u8,
        is_paid: bool,
        is_verified: bool,
        is_featured: bool,
        is_active: bool,
    },
    Install {
        agent: usize,
    },
    Uninstall {
        agent: usize,
    },
    Rate {
        agent: usize,
        rating: i64,
    },
    Delete {
        agent: usize,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let publish = (0_u8..4, 0_u8..8, any::<bool>()).prop_map(|(category, tags, is_paid)| Step::Publish {
        category,
        tags,
        is_paid,
    });
    let edit = (any::<usize>(), 0_u8..4, 0_u8..8, any::<[bool; 4]>()).prop_map(
        |(agent, category, tags, [is_paid, is_verified, is_featured, is_active])| Step::Edit {
            agent,
            category,
            tags,
            is_paid,
            is_verified,
            is_featured,
            is_active,
        },
    );
    let step = prop_oneof![
        3 => publish,
        4 => edit,
        3 => any::<usize>().prop_map(|agent| Step::Install { agent }),
        1 => any::<usize>().prop_map(|agent| Step::Uninstall { agent }),
        4 => (any::<usize>(), 1_i64..=5).prop_map(|(agent, rating)| Step::Rate { agent, rating }),
        1 => any::<usize>().prop_map(|agent| Step::Delete { agent }),
    ];
    prop::collection::vec(step, 1..30)
}

fn literal(connection: &AnyConnection, id: AgentId) -> String {
    match connection {
        AnyConnection::Postgres(_) => format!("'{}'", id.0),
        AnyConnection::Sqlite(_) => format!("x'{}'", id.0.simple()),
    }
}

/// One user does it; what is refused changes nothing.
fn take(connection: &mut AnyConnection, user: UserId, agents: &mut Vec<AgentId>, step: &Step) {
    let chosen = |agent: &usize| agents.get(agent % agents.len().max(1)).copied();
    match step {
        Step::Publish {
            category: place,
            tags: bits,
            is_paid,
        } => {
            let mut draft = plain_draft("Counted");
            (draft.category, draft.tags, draft.pricing) = (category(*place), tags(*bits), pricing(*is_paid));
            let agent = in_transaction(connection, |c| agent_insert(c, &draft, user, now())).unwrap();
            agents.push(agent.summary.id);
        }
        Step::Edit {
            agent,
            category: place,
            tags: bits,
            is_paid,
            is_verified,
            is_featured,
            is_active,
        } => {
            let Some(id) = chosen(agent) else { return };
            in_transaction(connection, |c| {
                let old = agent_find_locked(c, id)?.unwrap();
                let mut new = Agent {
                    is_active: *is_active,
                    ..old.clone()
                };
                let summary = &mut new.summary;
                (summary.category, summary.tags, summary.pricing) = (category(*place), tags(*bits), pricing(*is_paid));
                (summary.is_verified, summary.is_featured) = (*is_verified, *is_featured);
                agent_replace(c, &old, &new)
            })
            .unwrap();
        }
        Step::Install { agent } => {
            let Some(id) = chosen(agent) else { return };
            let _ = in_transaction(connection, |c| {
                installation_insert(c, user, id, &JsonObject::default(), now())
            });
        }
        Step::Uninstall { agent } => {
            let Some(id) = chosen(agent) else { return };
            let _ = in_transaction(connection, |c| installation_end(c, user, id, now()));
        }
        Step::Rate { agent, rating } => {
            let Some(id) = chosen(agent) else { return };
            let literal = literal(connection, id);
            let rate = format!(
                "UPDATE marketplace_agents SET rating_sum = rating_sum + {rating}, rating_count = rating_count + 1 \
                 WHERE id = {literal}"
            );
            recording::execute(connection, &rate).unwrap();
        }
        Step::Delete { agent } => {
            let Some(id) = chosen(agent) else { return };
            let literal = literal(connection, id);
            let delete = format!(
                "DELETE FROM agent_installations WHERE agent_id = {literal}; \
                 DELETE FROM marketplace_agents WHERE id = {literal}"
            );
            recording::execute(connection, &delete).unwrap();
            agents.retain(|known| *known != id);
        }
    }
}

fn user(connection: &mut AnyConnection) -> UserId {
    let caller = Caller {
        id: UserId::new(),
        email: None,
        role: Role::User,
    };
    user_ensure(connection, &caller, now()).unwrap();
    caller.id
}

fn counted(connection: &mut AnyConnection, condition: &str) -> i64 {
    let sql = format!("SELECT count(*) AS number FROM marketplace_agents WHERE is_active AND {condition}");
    recording::number(connection, &sql).unwrap()
}

/// Every total that is kept is what counting finds.
fn totals_are_right(connection: &mut AnyConnection) {
    let installs =
        "SELECT CAST(coalesce(sum(install_count), 0) AS bigint) AS number FROM marketplace_agents WHERE is_active";
    let installs = recording::number(connection, installs).unwrap();
    assert_eq!(
        marketplace_totals(connection).unwrap(),
        (counted(connection, "true"), installs)
    );
    for place in 0..3 {
        for (model, priced) in [(None, "true"), (Some(PricingModel::Paid), "pricing_model = 'paid'")] {
            for (is_verified, checked) in [
                (None, "true"),
                (Some(true), "is_verified"),
                (Some(false), "NOT is_verified"),
            ] {
                let filter = AgentFilter {
                    category: category(place),
                    pricing_model: model,
                    is_verified,
                    ..AgentFilter::default()
                };
                let name = filter.category.clone().unwrap();
                let condition = format!("category = '{}' AND {priced} AND {checked}", name.as_str());
                assert_eq!(
                    agent_total(connection, &filter).unwrap(),
                    Some(counted(connection, &condition)),
                    "{condition}"
                );
            }
        }
    }
    let featured = AgentFilter {
        is_featured: Some(true),
        ..AgentFilter::default()
    };
    assert_eq!(
        agent_total(connection, &featured).unwrap(),
        Some(counted(connection, "is_featured"))
    );
    for rating in [0.0, 0.05, 1.0, 2.5, 3.0, 3.3, 3.34, 4.0, 4.1, 4.25, 4.3, 4.65, 4.7, 5.0] {
        let filter = AgentFilter {
            min_rating: Some(rating),
            ..AgentFilter::default()
        };
        let condition = format!("rating_average >= {rating}");
        assert_eq!(
            agent_total(connection, &filter).unwrap(),
            Some(counted(connection, &condition)),
            "{condition}"
        );
    }
    for bits in 1..8 {
        let borne = tags(bits);
        let names: Vec<String> = borne.iter().map(|tag| format!("'{}'", tag.as_str())).collect();
        let condition = format!(
            "id IN (SELECT agent_id FROM agent_tags JOIN tags ON tags.id = tag_id WHERE tags.name IN ({}))",
            names.join(", ")
        );
        // One that no agent bears makes no difference.
        for also in [None, Some(Tag::new("borne-by-none").unwrap())] {
            let filter = AgentFilter {
                tags: borne.iter().cloned().chain(also).collect(),
                ..AgentFilter::default()
            };
            assert_eq!(
                agent_total(connection, &filter).unwrap(),
                Some(counted(connection, &condition)),
                "{condition}"
            );
        }
    }
}

on_both_databases! {
    fn whatever_is_done_the_totals_are_right(database: &TestDatabase) {
        let mut connection = database.connection();
        let user = user(&mut connection);
        let agents = std::cell::RefCell::new(Vec::new());
        let connection = std::cell::RefCell::new(connection);
        let mut runner = TestRunner::new(Config { cases: 20, failure_persistence: None, ..Config::default() });
        runner
            .run(&steps(), |steps| {
                let connection = &mut *connection.borrow_mut();
                for step in &steps {
                    take(connection, user, &mut agents.borrow_mut(), step);
                }
                totals_are_right(connection);
                Ok(())
            })
            .unwrap();
    }

    fn many_at_once_leave_right_totals(database: &TestDatabase) {
        let mut connection = database.connection();
        let mut agents = Vec::new();
        let author = user(&mut connection);
        for number in 0..4 {
            take(&mut connection, author, &mut agents, &Step::Publish { category: number, tags: 7, is_paid: number > 1 });
        }
        std::thread::scope(|scope| {
            for number in 0..8_u8 {
                let agents = agents.clone();
                scope.spawn(move || {
                    let mut connection = database.connection();
                    let user = user(&mut connection);
                    let mut agents = agents;
                    for round in 0..12_u8 {
                        let agent = usize::from(round + number);
                        let step = match round % 3 {
                            0 => Step::Install { agent },
                            1 => Step::Edit {
                                agent, category: round % 4, tags: number % 8, is_paid: number > 3,
                                is_verified: round % 2 == 0, is_featured: false, is_active: round % 4 != 0,
                            },
                            _ => Step::Uninstall { agent },
                        };
                        take(&mut connection, user, &mut agents, &step);
                    }
                });
            }
        });
        totals_are_right(&mut connection);
    }

    fn loads_leave_right_totals(database: &TestDatabase) {
        let mut connection = database.connection();
        bulk::load(&mut connection, &Sample { salt: 1, broken: false }, &mut |_| {}).unwrap();
        totals_are_right(&mut connection);
        assert!(marketplace_totals(&mut connection).unwrap().0 > 0);
        bulk::insert(&mut connection, &Sample { salt: 2, broken: false }).unwrap();
        totals_are_right(&mut connection);
        let refused = bulk::load(&mut connection, &Sample { salt: 3, broken: true }, &mut |_| {});
        assert!(refused.is_err());
        // Triggers are on again after a load, one that failed, too.
        let author = user(&mut connection);
        take(&mut connection, author, &mut Vec::new(), &Step::Publish { category: 0, tags: 7, is_paid: true });
        totals_are_right(&mut connection);
    }
}
