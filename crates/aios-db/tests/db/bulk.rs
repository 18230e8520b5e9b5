//! Bulk loads: every row arrives as it was given, and the schema is the same afterwards, whatever happened.

use std::cell::Cell;

use aios_db::bulk::{self, BulkAgent, BulkEvent, Dataset, Progress};
use aios_db::catalog::describe;
use aios_db::store::agents::agent_find;
use aios_db::store::outbox::{EVERYTHING, invalidation_list};
use aios_db::{AnyConnection, DatabaseKind};
use aios_domain::{
    AgentDraft, AgentId, AgentName, AgentType, Capability, CategoryName, Description, EventId, EventKind, Installation,
    InstallationId, JsonObject, Price, Pricing, PricingModel, Rating, Review, ReviewId, Tag, Timestamp, User, UserId,
    Version,
};
use aios_test_support::{TestDatabase, on_both_databases};
use chrono::TimeDelta;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};
use serde_json::json;
use uuid::Uuid;

/// Three users, five agents, two installations and a review of each agent but the last.
pub(crate) struct Sample {
    /// Part of every id and name, so that two samples differ.
    pub(crate) salt: u8,
    /// Whether the last review breaks the rule of one a user and agent.
    pub(crate) broken: bool,
}

const TROUBLESOME: &str = "tab\t, line\nfeed, \"quote\", back\\slash, {brace}, \\N and naïve ☃";

fn moment() -> Timestamp {
    "2026-01-31T12:00:00.123456Z".parse().unwrap()
}

impl Sample {
    fn id(&self, kind: u8, n: u8) -> Uuid {
        Uuid::from_bytes([self.salt, kind, n, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, n])
    }
}

impl Dataset for Sample {
    fn users(&self) -> impl Iterator<Item = User> {
        (0..3).map(|n| User {
            id: UserId(self.id(1, n)),
            email: (n > 0).then(|| format!("user{n}@example.org").try_into().unwrap()),
            display_name: (n > 1).then(|| "Ada \\ Byron".to_owned().try_into().unwrap()),
            created_at: moment() - TimeDelta::days(400),
        })
    }

    fn agents(&self) -> impl Iterator<Item = BulkAgent> {
        (0..5).map(|n| BulkAgent {
            id: AgentId(self.id(2, n)),
            registry_name: None,
            draft: AgentDraft {
                name: AgentName::new(format!("Ägent {}-{n}", self.salt)).unwrap(),
                description: Description::new(TROUBLESOME).unwrap(),
                category: (n < 3).then(|| CategoryName::new("development").unwrap()),
                tags: (0..n).map(|tag| Tag::new(format!("tag-{tag}")).unwrap()).collect(),
                version: Version::new("1.2.3").unwrap(),
                icon_url: None,
                capabilities: vec![Capability::new("says \"hi\" \\o/").unwrap(); usize::from(n.min(2))],
                pricing: Pricing::new(PricingModel::Paid, Price::from_cents(999).unwrap()).unwrap(),
                repository_url: None,
                agent_type: AgentType::new("assistant").unwrap(),
                requirements: JsonObject::new(json!({"text": TROUBLESOME, "n": n})).unwrap(),
                configuration_schema: JsonObject::default(),
                license: None,
            },
            author_id: UserId(self.id(1, 0)),
            install_count: if n < 4 { 2 } else { 0 },
            rating_sum: if n < 4 { 4 } else { 0 },
            rating_count: i64::from(n < 4),
            view_count: 7,
            trending_score: if n == 2 { 0.0 } else { 99.0 },
            is_featured: n == 0,
            is_verified: true,
            is_active: n != 2,
            created_at: moment() - TimeDelta::days(30),
            updated_at: moment(),
            published_at: Some(moment()),
        })
    }

    fn installations(&self) -> impl Iterator<Item = Installation> {
        (0..8).map(|n| Installation {
            id: InstallationId(self.id(3, n)),
            user_id: UserId(self.id(1, n / 4)),
            agent_id: AgentId(self.id(2, n % 4)),
            installed_version: Version::new("1.0").unwrap(),
            settings: JsonObject::default(),
            is_active: true,
            last_used: (n > 4).then(moment),
            usage_count: n.into(),
            installed_at: moment() - TimeDelta::days(2),
            updated_at: moment(),
        })
    }

    fn reviews(&self) -> impl Iterator<Item = Review> {
        (0..if self.broken { 5 } else { 4 }).map(|n| Review {
            id: ReviewId(self.id(4, n)),
            user_id: UserId(self.id(1, 1)),
            agent_id: AgentId(self.id(2, n % 4)),
            rating: Rating::new(4).unwrap(),
            title: None,
            review_text: Some(TROUBLESOME.to_owned().try_into().unwrap()),
            helpful_count: 1,
            is_verified_purchase: true,
            created_at: moment(),
            updated_at: moment(),
        })
    }

    fn events(&self) -> impl Iterator<Item = BulkEvent> {
        (0..3).map(|n| BulkEvent {
            id: EventId(self.id(5, n)),
            agent_id: AgentId(self.id(2, 0)),
            user_id: (n > 0).then(|| UserId(self.id(1, 0))),
            kind: if n == 0 { EventKind::View } else { EventKind::Install },
            quantity: if n == 0 { 5 } else { 1 },
            occurred_at: moment() - TimeDelta::days(1),
        })
    }

    fn until(&self) -> Timestamp {
        moment()
    }
}

const FIRST: Sample = Sample { salt: 1, broken: false };
const SECOND: Sample = Sample { salt: 2, broken: false };
const BROKEN: Sample = Sample { salt: 3, broken: true };

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

fn number(connection: &mut AnyConnection, sql: &str) -> i64 {
    let query = format!("SELECT CAST(({sql}) AS bigint) AS number");
    sql_query(query).get_result::<Number>(connection).unwrap().number
}

fn schema(connection: &mut AnyConnection) -> Vec<String> {
    describe(connection).unwrap()
}

fn check(connection: &mut AnyConnection, samples: i64) {
    for (table, rows) in [
        ("users", 3),
        ("marketplace_agents", 5),
        ("agent_tags", 10),
        ("agent_installations", 8),
        ("agent_reviews", 4),
        ("agent_analytics", 3),
    ] {
        assert_eq!(
            number(connection, &format!("SELECT count(*) FROM {table}")),
            samples * rows,
            "{table}"
        );
    }
    assert_eq!(
        number(connection, "SELECT count(*) FROM tags"),
        4,
        "samples share their tags"
    );
    let active = "SELECT agent_count FROM categories WHERE name = 'development'";
    assert_eq!(number(connection, active), samples * 2);
    let score = "SELECT sum(trending_score) FROM marketplace_agents";
    assert_eq!(
        number(connection, score),
        samples * (2 * 10 + 5),
        "computed from the events, not taken over"
    );

    let wanted = FIRST.agents().nth(3).unwrap();
    let found = agent_find(connection, wanted.id).unwrap().unwrap();
    assert_eq!(found.summary.description, wanted.draft.description);
    assert_eq!(found.summary.tags, wanted.draft.tags);
    assert_eq!(found.summary.capabilities, wanted.draft.capabilities);
    assert_eq!(found.requirements, wanted.draft.requirements);
    assert_eq!(found.summary.created_at, wanted.created_at);
    assert_eq!((found.summary.install_count, found.summary.rating_average), (2, 4.0));
    let same_text = "SELECT count(DISTINCT review_text) FROM agent_reviews";
    assert_eq!(number(connection, same_text), 1);
}

/// How many agents the full text finds by a word of their names.
fn found_by_text(connection: &mut AnyConnection) -> i64 {
    number(
        connection,
        match connection.kind() {
            DatabaseKind::Postgres => {
                "SELECT count(*) FROM marketplace_agents WHERE search_vector @@ to_tsquery('simple', 'ägent')"
            }
            DatabaseKind::Sqlite => "SELECT count(*) FROM agents_fts WHERE agents_fts MATCH 'agent'",
        },
    )
}

on_both_databases! {
    fn rows_arrive_as_they_were_given(database: &TestDatabase) {
        let connection = &mut database.connection();
        let summary = bulk::insert(connection, &FIRST).unwrap();
        assert_eq!(summary.total(), 3 + 4 + 5 + 10 + 8 + 4 + 3);
        check(connection, 1);
        bulk::insert(connection, &SECOND).unwrap();
        check(connection, 2);
        assert_eq!(found_by_text(connection), 10);
    }

    fn a_load_leaves_the_schema_as_it_was(database: &TestDatabase) {
        let connection = &mut database.connection();
        let before = schema(connection);
        assert!(before.len() > 30, "{before:?}");
        let mut told = Vec::new();
        bulk::load(connection, &FIRST, &mut |progress| told.push(progress)).unwrap();
        check(connection, 1);
        assert_eq!(schema(connection), before);
        // Servers that run are told to keep nothing of before.
        let left = invalidation_list(connection, None, 10).unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].tags, [EVERYTHING]);
        assert!(told.contains(&Progress::Rows("agent_reviews", 4)), "{told:?}");

        bulk::load(connection, &SECOND, &mut |_| {}).unwrap();
        check(connection, 2);
        assert_eq!(found_by_text(connection), 10);
        assert_eq!(schema(connection), before, "on a database that had rows, too");
    }

    fn a_load_that_fails_leaves_everything_as_it_was(database: &TestDatabase) {
        let connection = &mut database.connection();
        bulk::insert(connection, &FIRST).unwrap();
        let before = schema(connection);
        for failing in [
            bulk::load(connection, &BROKEN, &mut |_| {}),
            bulk::insert(connection, &BROKEN),
            bulk::load(connection, &FIRST, &mut |_| {}),
        ] {
            let error = failing.unwrap_err();
            assert!(error.is_unique_violation(), "{error}");
        }
        assert_eq!(schema(connection), before);
        check(connection, 1);
        bulk::load(connection, &SECOND, &mut |_| {}).unwrap();
        check(connection, 2);
    }

    fn sqlite_is_left_with_its_write_ahead_log(database: &TestDatabase) {
        let connection = &mut database.connection();
        let calls = Cell::new(0);
        bulk::load(connection, &FIRST, &mut |_| calls.set(calls.get() + 1)).unwrap();
        assert!(calls.get() > 7);
        if database.kind() == DatabaseKind::Sqlite {
            let mode = sql_query("SELECT journal_mode AS line FROM pragma_journal_mode").get_result::<Line>(connection);
            assert_eq!(mode.unwrap().line, "wal");
        }
    }
}
