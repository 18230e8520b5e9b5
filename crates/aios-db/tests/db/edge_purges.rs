//! What waits for the edge: a row a tag, due when it should be, gone when it was purged for the last time.

use aios_db::AnyConnection;
use aios_db::store::edge_purges::{
    EdgePurge, edge_purge_ask, edge_purge_ask_everything, edge_purge_count, edge_purge_delete_before, edge_purge_done,
    edge_purge_due, edge_purge_forget,
};
use aios_domain::Timestamp;
use aios_test_support::{TestDatabase, on_both_databases};
use chrono::TimeDelta;

const EDGE: &str = "varnish http://127.0.0.1:6081";

/// So many seconds after the beginning.
fn at(second: i64) -> Timestamp {
    "2026-01-31T12:00:00.123456Z".parse::<Timestamp>().unwrap() + TimeDelta::seconds(second)
}

fn ask(connection: &mut AnyConnection, tags: &[&str], next: i64, last: i64) {
    let tags: Vec<String> = tags.iter().map(|&tag| tag.to_owned()).collect();
    edge_purge_ask(connection, EDGE, &tags, at(next), at(last)).unwrap();
}

fn due(connection: &mut AnyConnection, second: i64) -> Vec<EdgePurge> {
    edge_purge_due(connection, EDGE, at(second), 100).unwrap()
}

fn tags(due: &[EdgePurge]) -> Vec<&str> {
    due.iter().map(|purge| purge.tag.as_str()).collect()
}

on_both_databases! {
    fn a_tag_is_purged_now_and_once_more(database: &TestDatabase) {
        let mut c = database.connection();
        ask(&mut c, &["agents", "agent:1"], 0, 5);
        assert!(due(&mut c, -1).is_empty());
        let first = due(&mut c, 0);
        assert_eq!(tags(&first), ["agent:1", "agents"]);
        edge_purge_done(&mut c, EDGE, &first, at(0)).unwrap();
        assert!(due(&mut c, 4).is_empty());
        let second = due(&mut c, 5);
        assert_eq!(tags(&second), ["agent:1", "agents"]);
        edge_purge_done(&mut c, EDGE, &second, at(5)).unwrap();
        assert_eq!(edge_purge_count(&mut c, EDGE, at(1_000)).unwrap().all, 0);
    }

    fn asked_for_again_it_is_one_row_due_no_later_and_for_longer(database: &TestDatabase) {
        let mut c = database.connection();
        ask(&mut c, &["agents"], 5, 5);
        ask(&mut c, &["agents"], 8, 8);
        assert_eq!(edge_purge_count(&mut c, EDGE, at(0)).unwrap().all, 1);
        let first = due(&mut c, 5);
        assert_eq!(tags(&first), ["agents"], "the first one is not put off for ever");
        edge_purge_done(&mut c, EDGE, &first, at(5)).unwrap();
        assert!(due(&mut c, 7).is_empty());
        assert_eq!(tags(&due(&mut c, 8)), ["agents"]);
        ask(&mut c, &["agents"], 6, 11);
        assert_eq!(tags(&due(&mut c, 6)), ["agents"]);
    }

    fn what_is_asked_for_while_it_is_purged_stays_due(database: &TestDatabase) {
        let mut c = database.connection();
        ask(&mut c, &["agents", "agent:1"], 0, 0);
        let purging = due(&mut c, 1);
        ask(&mut c, &["agents"], 1, 6);
        edge_purge_done(&mut c, EDGE, &purging, at(1)).unwrap();
        assert_eq!(tags(&due(&mut c, 1)), ["agents"]);
        // Two servers may purge the same, and say so one after the other.
        edge_purge_done(&mut c, EDGE, &purging, at(1)).unwrap();
        assert_eq!(tags(&due(&mut c, 1)), ["agents"]);
    }

    fn edges_do_not_concern_each_other(database: &TestDatabase) {
        let mut c = database.connection();
        ask(&mut c, &["agents"], 0, 0);
        edge_purge_ask(&mut c, "fastly", &["agents".to_owned()], at(0), at(0)).unwrap();
        let here = due(&mut c, 0);
        edge_purge_done(&mut c, EDGE, &here, at(0)).unwrap();
        assert_eq!(edge_purge_count(&mut c, EDGE, at(0)).unwrap().all, 0);
        assert_eq!(edge_purge_count(&mut c, "fastly", at(0)).unwrap().due, 1);
    }

    fn many_become_everything(database: &TestDatabase) {
        let mut c = database.connection();
        let many: Vec<String> = (0..12_000).map(|place| format!("agent:{place}")).collect();
        edge_purge_ask(&mut c, EDGE, &many, at(0), at(5)).unwrap();
        assert_eq!(edge_purge_count(&mut c, EDGE, at(0)).unwrap().all, 12_000);
        assert_eq!(edge_purge_due(&mut c, EDGE, at(0), 1_000).unwrap().len(), 1_000);
        edge_purge_ask_everything(&mut c, EDGE, at(0), at(5)).unwrap();
        assert_eq!(tags(&due(&mut c, 0)), ["*"]);
    }

    fn what_is_refused_and_what_is_out_of_date_goes(database: &TestDatabase) {
        let mut c = database.connection();
        ask(&mut c, &["agents", "bad", "old"], 0, 5);
        assert_eq!(edge_purge_forget(&mut c, EDGE, &["bad".to_owned()]).unwrap(), 1);
        ask(&mut c, &["agents"], 0, 100);
        assert_eq!(edge_purge_delete_before(&mut c, at(6)).unwrap(), 1);
        assert_eq!(tags(&due(&mut c, 0)), ["agents"]);
        ask(&mut c, &[], 0, 0);
        let wrong = edge_purge_ask(&mut c, EDGE, &["agents".to_owned()], at(1), at(0));
        assert!(wrong.is_err(), "the last purge can't come before the next");
    }
}
