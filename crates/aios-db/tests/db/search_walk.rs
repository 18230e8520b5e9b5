//! Searches of a usual word in an order of their own find what the full-text index finds, walked along the order or not.

use aios_db::store::agent_list::{AgentListQuery, agent_list};
use aios_db::store::agents::agent_insert;
use aios_db::store::search_tiers::{SIZES, tier_changes, tiers_set};
use aios_db::store::users::user_ensure;
use aios_db::{
    AnyConnection, CountMode, DatabaseKind, ListTask, PageAt, PageRequest, Paging, in_transaction, recording,
};
use aios_domain::{AgentFieldSet, AgentFilter, AgentSort, Caller, Description, Role, SearchQuery, Timestamp, UserId};
use aios_pagination::CursorCodec;
use aios_test_support::{TestDatabase, on_both_databases, plain_draft};

fn now() -> Timestamp {
    "2026-11-27T00:00:00Z".parse().unwrap()
}

/// A hundred and twenty agents, of which these texts go round; and the names of those that have the word `ledger`.
fn filled(connection: &mut AnyConnection) -> Vec<String> {
    let texts = [
        ("Keeps ledgers in order.", true),
        ("Sorts mail.", false),
        ("LEDGER – at a glance.", true),
        ("Ledgér, with an accent.", true),
        // What an index makes of an ohm's sign is the index's affair: it is a letter.
        ("Measures ledgerΩ and more.", true),
        ("Measures Ωledger and more.", false),
    ];
    let caller = Caller {
        id: UserId::new(),
        email: None,
        role: Role::User,
    };
    let mut found = Vec::new();
    in_transaction(connection, |connection| {
        user_ensure(connection, &caller, now())?;
        for place in 0..120 {
            let (text, has_word) = texts[place % texts.len()];
            // Names in another order than agents were made in.
            let name = format!("Agent {:03}", place * 7 % 120);
            let draft = aios_domain::AgentDraft {
                description: Description::new(text).unwrap(),
                ..plain_draft(&name)
            };
            agent_insert(
                connection,
                &draft,
                caller.id,
                now() + chrono::TimeDelta::seconds(i64::try_from(place).unwrap()),
            )?;
            if has_word {
                found.push(name);
            }
        }
        let changes = tier_changes(connection, SIZES)?;
        tiers_set(connection, &changes)
    })
    .unwrap();
    found.sort();
    found
}

/// The names on all pages, from the first one on or from the last one back, and the statements of the first.
fn walked(connection: &mut AnyConnection, query: &AgentListQuery) -> (Vec<String>, Vec<String>, String) {
    let cursors = CursorCodec::unsigned();
    let paging = Paging {
        cursors: &cursors,
        task: ListTask::Page(&()),
    };
    let mut request = PageRequest {
        count: CountMode::None,
        ..PageRequest::first(7)
    };
    let (mut names, mut sent) = (Vec::new(), String::new());
    let mut pages = Vec::new();
    loop {
        let (page, statements) = recording::record(connection, |connection| {
            agent_list(connection, &paging, query, &request)
        });
        let listing = page.unwrap().listing;
        if sent.is_empty() {
            let texts: Vec<&str> = statements.iter().map(|statement| statement.sql.as_str()).collect();
            sent = texts.join(
                "
",
            );
        }
        let shown: Vec<String> = listing
            .items
            .iter()
            .map(|agent| agent.name.as_ref().unwrap().to_string())
            .collect();
        names.extend(shown.iter().cloned());
        pages.push((shown, listing.prev_cursor));
        let Some(next) = listing.next_cursor else { break };
        request.at = PageAt::Cursor(next);
    }
    // Back from the last page.
    let mut back = pages.last().unwrap().0.clone();
    let mut prev = pages.last().unwrap().1.clone();
    while let Some(cursor) = prev {
        request.at = PageAt::Cursor(cursor);
        let listing = agent_list(connection, &paging, query, &request).unwrap().listing;
        let shown = listing
            .items
            .iter()
            .map(|agent| agent.name.as_ref().unwrap().to_string());
        back = shown.chain(back).collect();
        prev = listing.prev_cursor;
    }
    (names, back, sent)
}

on_both_databases! {
    fn a_usual_word_in_every_order(database: &TestDatabase) {
        let mut connection = database.connection();
        let has_word = filled(&mut connection);
        for sort in [AgentSort::Popular, AgentSort::Recent, AgentSort::Rating, AgentSort::Name, AgentSort::Trending] {
            let query = |search: Option<&str>| AgentListQuery {
                filter: AgentFilter {
                    search: search.map(|words| SearchQuery::new(words).unwrap()),
                    ..AgentFilter::default()
                },
                sort,
                fields: AgentFieldSet::ALL,
            };
            let (all, _, _) = walked(&mut connection, &query(None));
            assert_eq!(all.len(), 120);
            let (found, back, sent) = walked(&mut connection, &query(Some("Ledger")));
            let expected: Vec<String> = all.iter().filter(|name| has_word.contains(name)).cloned().collect();
            let is_kept_in_order: Vec<String> = all.into_iter().filter(|name| found.contains(name)).collect();
            assert_eq!(found, is_kept_in_order, "{sort:?}");
            assert_eq!(back, found, "{sort:?}");
            let is_sqlite = connection.kind() == DatabaseKind::Sqlite;
            assert_eq!(sent.contains("aios_has_words"), is_sqlite, "{sent}");
            if is_sqlite {
                assert_eq!(found, expected, "{sort:?}");
            }
        }
    }

    fn a_rare_word_is_not_walked_for(database: &TestDatabase) {
        let mut connection = database.connection();
        filled(&mut connection);
        let query = AgentListQuery {
            filter: AgentFilter { search: Some(SearchQuery::new("mail").unwrap()), ..AgentFilter::default() },
            sort: AgentSort::Name,
            fields: AgentFieldSet::ALL,
        };
        let (found, _, sent) = walked(&mut connection, &query);
        assert_eq!(found.len(), 20);
        assert!(!sent.contains("aios_has_words"), "{sent}");
    }
}
