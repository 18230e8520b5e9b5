//! Importing a registry: twice is once, the newest version wins, and what is refused stops nothing.

use aios_domain::{AgentChanges, AgentSort};
use aios_marketplace::registry::Registry;
use aios_marketplace::{ImportSummary, Marketplace, PageRequest, Precondition};
use aios_test_support::{TestDatabase, on_both_databases};
use serde_json::{Value, json};

use crate::support::{admin, all, marketplace, searching};

/// Servers in the present format, wrapped as the list endpoint wraps them.
fn dump(servers: &[Value]) -> Registry {
    let servers: Vec<Value> = servers.iter().map(|server| json!({ "server": server })).collect();
    let text = json!({ "servers": servers, "metadata": { "count": servers.len() } }).to_string();
    Registry::read(text.as_bytes()).unwrap()
}

fn server(name: &str, version: &str, description: &str) -> Value {
    json!({ "name": name, "description": description, "version": version,
        "repository": { "url": format!("https://git.example.org/{name}"), "source": "git" } })
}

async fn imported(marketplace: &Marketplace, registry: Registry) -> ImportSummary {
    let mut last = (0, 0);
    let total = registry.entries.len();
    let summary = marketplace
        .import_registry(registry, &mut |done, total| last = (done, total))
        .await
        .unwrap();
    assert_eq!(last, (total, total), "progress goes to the end");
    summary
}

on_both_databases! {
    async fn an_import_is_safe_to_repeat_and_the_newest_version_wins(database: &TestDatabase) {
        let marketplace = marketplace(database);
        let many: Vec<Value> =
            (0..230).map(|place| server(&format!("org.example/tool-{place}"), "1.0.0", "Queries a database.")).collect();
        let first = imported(&marketplace, dump(&many)).await;
        assert_eq!((first.created, first.updated, first.unchanged, first.refused.len()), (230, 0, 0, 0));
        let again = imported(&marketplace, dump(&many)).await;
        assert_eq!((again.created, again.updated, again.unchanged), (0, 0, 230));

        let newer = [
            server("org.example/tool-1", "1.1.0", "Queries a database, faster."),
            server("org.example/tool-2", "0.9.0", "An old version that comes late."),
            server("org.example/tool-3", "1.0.0", "Said better, without a new version."),
            server("org.example/tool-new", "1.0.0-rc.1", "Superseded in the same file."),
            server("org.example/tool-new", "1.0.0", "Sends e-mail."),
            json!({ "name": "org.example/broken", "version": 7 }),
        ];
        let summary = imported(&marketplace, dump(&newer)).await;
        assert_eq!((summary.created, summary.updated, summary.unchanged), (1, 2, 1));
        assert_eq!((summary.superseded, summary.refused.len()), (1, 1));
        assert!(summary.refused[0].to_string().contains("org.example/broken"), "{}", summary.refused[0]);

        let faster = marketplace.agent_list(searching("faster", AgentSort::Name), PageRequest::first(5)).await.unwrap();
        assert_eq!(faster.items[0].version.as_ref().unwrap().as_str(), "1.1.0");
        let all = marketplace.agent_list(all(AgentSort::Recent), PageRequest::first(1)).await.unwrap();
        assert_eq!(all.total, Some(231));
        let counted: i64 = marketplace.category_counts().await.unwrap().iter().map(|category| category.count).sum();
        assert!(counted > 0 && counted <= 231);
    }

    async fn what_admins_decided_survives_an_import(database: &TestDatabase) {
        let marketplace = marketplace(database);
        imported(&marketplace, dump(&[server("org.example/tool", "1.0.0", "Queries a database.")])).await;
        let listed = marketplace.agent_list(all(AgentSort::Recent), PageRequest::first(1)).await.unwrap();
        let id = listed.items[0].id.unwrap();
        let decided = AgentChanges { is_verified: Some(true), is_active: Some(false), ..AgentChanges::default() };
        marketplace.agent_update(&admin(), id, decided, Precondition::None).await.unwrap();
        let summary = imported(&marketplace, dump(&[server("org.example/tool", "2.0.0", "Queries a database.")])).await;
        assert_eq!(summary.updated, 1);
        let listed = marketplace.agent_list(all(AgentSort::Recent), PageRequest::first(1)).await.unwrap();
        assert_eq!(listed.total, Some(0), "it stays withdrawn");
        let counted: i64 = marketplace.category_counts().await.unwrap().iter().map(|category| category.count).sum();
        assert_eq!(counted, 0);
    }
}
