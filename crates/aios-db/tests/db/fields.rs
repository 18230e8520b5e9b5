//! What is not asked for is not read: the statements of lists name the chosen columns and those that order them.

use std::sync::{Arc, Mutex};

use aios_db::store::agent_list::{AgentListQuery, agent_list};
use aios_db::store::agents::agents_find;
use aios_db::{AnyConnection, ListTask, PageRequest, Paging};
use aios_domain::{AgentField, AgentFieldSet, AgentFilter, AgentId, AgentSort, SearchQuery};
use aios_pagination::CursorCodec;
use aios_test_support::{TestDatabase, on_both_databases};
use diesel::Connection;
use diesel::connection::InstrumentationEvent;

/// The statements that `work` runs.
fn statements(connection: &mut AnyConnection, work: impl FnOnce(&mut AnyConnection)) -> Vec<String> {
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let observer = Arc::clone(&heard);
    connection.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            observer.lock().unwrap().push(query.to_string());
        }
    });
    work(connection);
    heard.lock().unwrap().clone()
}

/// The columns of a summary, as they are named in statements.
const COLUMNS: [(AgentField, &str); 13] = [
    (AgentField::Name, "marketplace_agents.name"),
    (AgentField::Description, "description"),
    (AgentField::Category, "category"),
    (AgentField::Tags, "marketplace_agents.tags"),
    (AgentField::Version, "version"),
    (AgentField::IconUrl, "icon_url"),
    (AgentField::Capabilities, "capabilities"),
    (AgentField::PricingModel, "pricing_model"),
    (AgentField::Price, "price_cents"),
    (AgentField::RatingCount, "rating_count"),
    (AgentField::IsFeatured, "is_featured"),
    (AgentField::IsVerified, "is_verified"),
    (AgentField::CreatedAt, "created_at"),
];

on_both_databases! {
    fn a_list_reads_the_columns_that_were_asked_for(database: &TestDatabase) {
        let mut connection = database.connection();
        let cursors = CursorCodec::signed(b"secret of the tests");
        let paging = Paging { cursors: &cursors, task: ListTask::Page(&()) };
        for (chosen, _) in COLUMNS {
            for sort in [AgentSort::Popular, AgentSort::Name, AgentSort::Trending] {
                let query = AgentListQuery {
                    filter: AgentFilter::default(),
                    sort,
                    fields: [chosen].into_iter().collect(),
                };
                let heard = statements(&mut connection, |connection| {
                    agent_list(connection, &paging, &query, &PageRequest::first(20)).unwrap();
                });
                let page = &heard[0];
                let selected = page.split_once(" FROM ").unwrap().0;
                for (field, column) in COLUMNS {
                    assert_eq!(selected.contains(column), field == chosen, "{sort:?}, {field:?} of {chosen:?}: {selected}");
                }
            }
        }
    }

    fn a_search_reads_no_more(database: &TestDatabase) {
        let mut connection = database.connection();
        let cursors = CursorCodec::signed(b"secret of the tests");
        let paging = Paging { cursors: &cursors, task: ListTask::Page(&()) };
        let query = AgentListQuery {
            filter: AgentFilter { search: Some(SearchQuery::new("words").unwrap()), ..AgentFilter::default() },
            sort: AgentSort::Relevance,
            fields: [AgentField::Version].into_iter().collect(),
        };
        let heard = statements(&mut connection, |connection| {
            agent_list(connection, &paging, &query, &PageRequest::first(20)).unwrap();
        });
        // What the rank is made of is looked at where the row is, and not read.
        let columns = |heard: &[String]| {
            let page = heard.iter().find(|statement| statement.contains("marketplace_agents.id")).unwrap();
            page.split(" FROM ").next().unwrap().split("aios_text_rank").next().unwrap().to_owned()
        };
        let selected = columns(&heard);
        assert!(selected.contains("version") && !selected.contains("description"), "{selected}");
        let all = AgentListQuery { fields: AgentFieldSet::ALL, ..query };
        let heard = statements(&mut connection, |connection| {
            agent_list(connection, &paging, &all, &PageRequest::first(20)).unwrap();
        });
        assert!(columns(&heard).contains("description"), "{heard:?}");
    }

    fn many_agents_are_found_in_one_statement(database: &TestDatabase) {
        let ids: Vec<AgentId> = (0..100).map(|_| AgentId::new()).collect();
        let heard = statements(&mut database.connection(), |connection| {
            assert!(agents_find(connection, &ids).unwrap().is_empty());
        });
        assert_eq!(heard.len(), 1, "{heard:?}");
    }
}
