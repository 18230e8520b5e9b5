//! The catalogues: what they list, and that a change of the schema changes its description.

use aios_db::migrations::{revert, run};
use aios_db::{DatabaseKind, catalog};
use aios_test_support::{TestDatabase, on_both_databases};

const TABLES: [&str; 11] = [
    "agent_analytics",
    "agent_installations",
    "agent_reviews",
    "agent_tags",
    "cache_invalidations",
    "categories",
    "edge_purges",
    "knowledge_entries",
    "marketplace_agents",
    "tags",
    "users",
];

/// Indexes that the queries count on by their names.
const INDEXES: [&str; 5] = [
    "idx_agents_category_rating",
    "idx_agents_is_active_featured",
    "idx_installations_user_agent",
    "idx_reviews_agent_rating",
    "idx_knowledge_user_type",
];

on_both_databases! {
    fn our_tables_are_listed_and_nobody_elses(database: &TestDatabase) {
        let mut connection = database.connection();
        run(&mut connection).unwrap();
        let tables = catalog::tables(&mut connection).unwrap();
        let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
        assert!(TABLES.iter().all(|table| names.contains(table)), "{names:?}");
        assert!(!names.iter().any(|name| name.starts_with("__") || name.contains("_fts")), "{names:?}");
    }

    fn keys_and_references_are_listed(database: &TestDatabase) {
        let tables = catalog::tables(&mut database.connection()).unwrap();
        let table = tables.iter().find(|table| table.name == "agent_tags").unwrap();
        assert_eq!(table.primary_key, ["agent_id", "tag_id"]);
        let targets: Vec<_> = table.foreign_keys.iter().map(|key| (key.table.as_str(), key.columns.concat())).collect();
        assert_eq!(targets, [("marketplace_agents", "agent_id".to_owned()), ("tags", "tag_id".to_owned())]);
        assert!(table.columns.iter().all(|column| !column.nullable));
        let agents = tables.iter().find(|table| table.name == "marketplace_agents").unwrap();
        let is_key = |columns: &[String]| columns == ["id"];
        assert!(is_key(&agents.primary_key) || agents.unique.iter().any(|columns| is_key(columns)));
        let generated = agents.columns.iter().find(|column| column.name == "rating_average").unwrap();
        assert!(!generated.nullable);
    }

    fn the_description_has_every_index(database: &TestDatabase) {
        let description = catalog::describe(&mut database.connection()).unwrap();
        for index in INDEXES {
            assert!(description.iter().any(|line| line.contains(index)), "{index}");
        }
    }

    fn another_schema_has_another_description(database: &TestDatabase) {
        let mut connection = database.connection();
        let before = catalog::describe(&mut connection).unwrap();
        // The last migrations may be there for the other kind of database.
        while catalog::describe(&mut connection).unwrap() == before {
            revert(&mut connection).unwrap();
        }
        run(&mut connection).unwrap();
        assert_eq!(catalog::describe(&mut connection).unwrap(), before);
    }
}

#[test]
fn what_an_extension_brings_is_left_out() {
    let database = TestDatabase::new(DatabaseKind::Postgres);
    let description = catalog::describe(&mut database.connection()).unwrap();
    assert!(
        !description
            .iter()
            .any(|line| line.contains("similarity(") && line.starts_with("function"))
    );
    assert!(description.iter().any(|line| line.contains("aios_words")));
}
