//! The words of agents' texts, which triggers keep as counting anew finds them, whoever writes.

use std::collections::BTreeSet;

use aios_db::bulk;
use aios_db::store::agent_list::{Matched, agent_count};
use aios_db::store::agents::{agent_find_locked, agent_insert, agent_replace};
use aios_db::store::users::user_ensure;
use aios_db::{AnyConnection, CountMode, DatabaseKind, in_transaction, recording};
use aios_domain::{AgentFilter, Caller, Description, Role, SearchQuery, Timestamp, UserId};
use aios_pagination::CursorCodec;
use aios_test_support::{TestDatabase, on_both_databases, plain_draft};

use diesel::{RunQueryDsl, sql_query};

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
            "SELECT word, ndoc AS agents FROM ts_stat('SELECT search_vector FROM marketplace_agents WHERE is_active')"
        }
        DatabaseKind::Sqlite => {
            "SELECT term AS word, count(DISTINCT doc) AS agents FROM agents_fts_instances \
             WHERE doc IN (SELECT seq FROM marketplace_agents WHERE is_active) GROUP BY term"
        }
    };
    let sql = format!(
        "SELECT count(*) AS number FROM (SELECT word, sum(agents) AS agents FROM search_words GROUP BY word) AS kept \
         FULL JOIN ({counted}) AS counted ON counted.word = kept.word \
         WHERE coalesce(kept.agents, 0) <> coalesce(counted.agents, 0)"
    );
    recording::number(connection, &sql).unwrap()
}

/// How many agents each beginning of each word finds, counted by the index and as it is kept.
fn totals(connection: &mut AnyConnection) -> Vec<(String, i64, i64)> {
    #[derive(diesel::QueryableByName)]
    struct Word {
        #[diesel(sql_type = diesel::sql_types::Text)]
        word: String,
    }
    let words: Vec<Word> = sql_query("SELECT DISTINCT word FROM search_words ORDER BY word")
        .load(connection)
        .unwrap();
    let beginnings: BTreeSet<String> = words
        .iter()
        .flat_map(|row| (1..=row.word.chars().count()).map(|letters| row.word.chars().take(letters).collect()))
        .collect();
    let cursors = CursorCodec::unsigned();
    let mut totals = Vec::new();
    for beginning in beginnings {
        let filter = |is_featured| AgentFilter {
            search: Some(SearchQuery::new(&beginning).unwrap()),
            is_featured,
            ..AgentFilter::default()
        };
        let mut count = |is_featured| {
            let counted = agent_count(
                connection,
                &cursors,
                &filter(is_featured),
                CountMode::Exact,
                Matched::Words,
            );
            counted.unwrap().unwrap()
        };
        // With another filter, those that pass it are counted one by one.
        let counted = count(Some(true)) + count(Some(false));
        totals.push((beginning.clone(), counted, count(None)));
    }
    totals
}

fn assert_kept_as_counted(totals: &[(String, i64, i64)]) {
    let otherwise: Vec<_> = totals.iter().filter(|(_, counted, kept)| counted != kept).collect();
    assert!(otherwise.is_empty(), "{otherwise:?}");
    assert!(totals.iter().any(|(_, counted, _)| *counted > 1));
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
        assert_eq!((kept(&mut connection, "quaggas"), kept(&mut connection, "owl")), (0, 0));
        let back = "UPDATE marketplace_agents SET is_active = true, description = 'Sleeps.' WHERE name = 'Ledger Owl'";
        recording::execute(&mut connection, back).unwrap();
        assert_eq!((kept(&mut connection, "sleeps"), kept(&mut connection, "owl")), (1, 1));
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
        assert_kept_as_counted(&totals(&mut connection));
    }

    fn a_words_total_is_what_its_search_finds(database: &TestDatabase) {
        let mut connection = database.connection();
        let author = UserId::new();
        let caller = Caller { id: author, email: None, role: Role::User };
        user_ensure(&mut connection, &caller, now()).unwrap();
        // Words that share beginnings, within an agent and between them.
        let texts = [
            "data database databases dat d", "data", "database dated", "dab dabs dabbed dabble", "Data, data: DATA!",
            "x datum \u{e9}tude \u{e9}tudes etude", "\u{65e5}\u{672c} \u{65e5}", "abc ab a abcd abce",
        ];
        for (place, text) in texts.iter().enumerate() {
            let draft = aios_domain::AgentDraft {
                description: Description::new(*text).unwrap(),
                ..plain_draft(&format!("Owl {place}"))
            };
            in_transaction(&mut connection, |connection| agent_insert(connection, &draft, author, now())).unwrap();
        }
        let totals_then = totals(&mut connection);
        assert_kept_as_counted(&totals_then);
        assert!(totals_then.contains(&("dat".to_owned(), 5, 5)), "{totals_then:?}");
        let withdrawn = "UPDATE marketplace_agents SET is_active = false WHERE name = 'Owl 0'";
        recording::execute(&mut connection, withdrawn).unwrap();
        let totals_now = totals(&mut connection);
        assert_kept_as_counted(&totals_now);
        assert!(totals_now.contains(&("dat".to_owned(), 4, 4)), "{totals_now:?}");
    }
}
