//! The words of agents' texts, which triggers keep as counting anew finds them, whoever writes.

use aios_db::bulk;
use aios_db::store::agents::{agent_find_locked, agent_insert, agent_replace};
use aios_db::store::users::user_ensure;
use aios_db::{AnyConnection, DatabaseKind, in_transaction, recording};
use aios_domain::{Caller, Description, Role, Timestamp, UserId};
use aios_test_support::{TestDatabase, on_both_databases, plain_draft};

use crate::bulk::Sample;

fn now() -> Timestamp {
    "2026-11-26T00:00:00Z".parse().unwrap()
}

/// In how many agents this word stands, as is kept.
fn kept(connection: &mut AnyConnection, word: &str) -> i64 {
    let sql =
        format!("SELECT CAST(coalesce(sum(agents), 0) AS bigint) AS number FROM search_words WHERE word = '{word}'");
    recording::number(connection, &sql).unwrap()
}

/// How many words are kept otherwise than counting finds them.
fn wrong(connection: &mut AnyConnection) -> i64 {
    let counted = match connection.kind() {
        DatabaseKind::Postgres => {
            "SELECT word, ndoc AS agents FROM ts_stat('SELECT search_vector FROM marketplace_agents')"
        }
        DatabaseKind::Sqlite => "SELECT term AS word, doc AS agents FROM agents_fts_words",
    };
    let sql = format!(
        "SELECT count(*) AS number FROM (SELECT word, sum(agents) AS agents FROM search_words GROUP BY word) AS kept \
         FULL JOIN ({counted}) AS counted ON counted.word = kept.word \
         WHERE coalesce(kept.agents, 0) <> coalesce(counted.agents, 0)"
    );
    recording::number(connection, &sql).unwrap()
}

on_both_databases! {
    fn words_come_and_go_with_texts(database: &TestDatabase) {
        let mut connection = database.connection();
        let author = UserId::new();
        let caller = Caller { id: author, email: None, role: Role::User };
        user_ensure(&mut connection, &caller, now()).unwrap();
        let draft = |name: &str, description: &str| aios_domain::AgentDraft {
            description: Description::new(description).unwrap(),
            ..plain_draft(name)
        };
        let mut publish = |name: &str, description: &str| {
            in_transaction(&mut connection, |connection| {
                agent_insert(connection, &draft(name, description), author, now())
            })
            .unwrap()
        };
        let first = publish("Ledger Owl", "Reconciles zebras, and zebras again: node.js, \u{dc}ber.");
        publish("Second Owl", "Counts zebras.");
        assert_eq!((kept(&mut connection, "zebras"), kept(&mut connection, "owl")), (2, 2));
        assert_eq!(wrong(&mut connection), 0);

        in_transaction(&mut connection, |connection| {
            let old = agent_find_locked(connection, first.summary.id)?.unwrap();
            let mut new = old.clone();
            new.summary.description = Description::new("Reconciles quaggas.").unwrap();
            agent_replace(connection, &old, &new)
        })
        .unwrap();
        assert_eq!((kept(&mut connection, "zebras"), kept(&mut connection, "quaggas")), (1, 1));
        assert_eq!(wrong(&mut connection), 0);

        recording::execute(&mut connection, "UPDATE marketplace_agents SET view_count = 9, is_active = false").unwrap();
        assert_eq!(wrong(&mut connection), 0);
        recording::execute(&mut connection, "DELETE FROM agent_tags; DELETE FROM marketplace_agents").unwrap();
        assert_eq!((kept(&mut connection, "quaggas"), kept(&mut connection, "owl")), (0, 0));
        assert_eq!(wrong(&mut connection), 0);
    }

    fn words_are_counted_anew_by_a_load(database: &TestDatabase) {
        let mut connection = database.connection();
        bulk::load(&mut connection, &Sample { salt: 1, broken: false }, &mut |_| {}).unwrap();
        assert_eq!(wrong(&mut connection), 0);
        let words = "SELECT count(*) AS number FROM search_words";
        assert!(recording::number(&mut connection, words).unwrap() > 0);
        bulk::insert(&mut connection, &Sample { salt: 2, broken: false }).unwrap();
        assert_eq!(wrong(&mut connection), 0);
    }
}
