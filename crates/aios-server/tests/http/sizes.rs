//! How much smaller real listings are in each coding: of the demonstration catalogue, or of a registry's dump that
//! `AIOS_REGISTRY_DUMP` names. `cargo nextest run -p aios-server --test http sizes --no-capture` prints the table.

use std::fmt::Write;

use aios_marketplace::registry::Registry;
use aios_test_support::{TestDatabase, block_on, eventually};

use crate::harness::{Reply, TestServer};

const LISTINGS: [&str; 5] = [
    "marketplace/agents",
    "marketplace/agents?limit=100",
    "marketplace/agents?sort=recent&limit=50",
    "marketplace/agents?search=data",
    "marketplace/stats",
];

fn catalogue(database: &TestDatabase) -> TestServer {
    let Ok(dump) = std::env::var("AIOS_REGISTRY_DUMP") else {
        return TestServer::start_with(database, |args| args.demo_data = true);
    };
    let server = TestServer::start(database);
    let registry = Registry::read(&std::fs::read(dump).unwrap()).unwrap();
    block_on(server.marketplace.import_registry(registry, &mut |_, _| {})).unwrap();
    server
}

fn coded(server: &TestServer, path: &str, coding: &str) -> Reply {
    server.get(path).header("Accept-Encoding", coding).send().expect(200)
}

/// Sizes at first, and when it was asked for often.
fn sizes(server: &TestServer, path: &str, coding: &str) -> [usize; 2] {
    let fast = coded(server, path, coding).body.len();
    let is_high = |reply: &Reply| !reply.header("etag").unwrap().ends_with("-fast\"");
    eventually("high effort", || is_high(&coded(server, path, coding)));
    [fast, coded(server, path, coding).body.len()]
}

#[test]
fn real_listings_become_much_smaller() {
    let database = TestDatabase::sqlite();
    let server = catalogue(&database);
    let mut table = "listing, bytes, and by how much smaller at first / when asked for often\n".to_owned();
    for path in LISTINGS {
        let plain = server.get(path).send().expect(200).body.len();
        write!(table, "{path:42} {plain:6}").unwrap();
        for coding in ["gzip", "br", "zstd"] {
            let less = sizes(&server, path, coding).map(|size| 100 - size * 100 / plain);
            write!(table, "  {coding} -{} / -{} %", less[0], less[1]).unwrap();
            assert!(less[0] >= 50 && less[1] >= less[0], "{path} {coding}: {less:?}");
        }
        table.push('\n');
    }
    println!("{table}");
}
