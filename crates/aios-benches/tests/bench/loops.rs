//! Both loops, run by the load generator's program.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use aios_benches::closed::{ClosedOutcome, ClosedPlan};
use aios_benches::latency::Latencies;
use aios_benches::open::{OpenOutcome, OpenPlan};
use aios_benches::request::Request;
use aios_benches::traffic::{Catalogue, Class};
use aios_benches::{Outcome, Plan};

use crate::tiny::Tiny;

const HELLO: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncache-status: tiny; hit\r\n\r\nhello";

/// What the program makes of a plan.
fn run(plan: &Plan) -> Outcome {
    let mut load = Command::new(env!("CARGO_BIN_EXE_aios-load"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = load.stdin.take().unwrap();
    input.write_all(&serde_json::to_vec(plan).unwrap()).unwrap();
    drop(input);
    let output = load.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

fn closed(tiny: &Tiny) -> ClosedOutcome {
    let plan = Plan::Closed(ClosedPlan {
        address: tiny.address,
        connections: 3,
        warm_up: Duration::from_millis(20),
        measure: Duration::from_millis(400),
        requests: vec![Request::new("GET", "/", "tiny").done()],
        status: 200,
        watch: Some(std::process::id()),
    });
    match run(&plan) {
        Outcome::Closed(outcome) => outcome,
        Outcome::Open(_) => panic!("another loop was asked for"),
    }
}

fn open(tiny: &Tiny) -> OpenOutcome {
    let plan = Plan::Open(OpenPlan {
        address: tiny.address,
        connections: 4,
        rate: 1_000.0,
        warm_up: Duration::from_millis(50),
        measure: Duration::from_millis(200),
        seed: 1,
        watch: None,
        catalogue: Catalogue {
            host: "tiny".to_owned(),
            agents: vec!["agent".to_owned()],
            exponent: 1.0,
            listings: vec![("/list".to_owned(), 1.0)],
            words: vec!["word".to_owned()],
            users: vec!["token".to_owned()],
            admin: "token".to_owned(),
        },
    });
    match run(&plan) {
        Outcome::Open(outcome) => outcome,
        Outcome::Closed(_) => panic!("another loop was asked for"),
    }
}

#[test]
fn the_closed_loop_counts_what_the_server_answered() {
    let tiny = Tiny::start(|_, _| HELLO.to_owned());
    let outcome = closed(&tiny);
    assert!(outcome.answers > 0 && outcome.answers <= tiny.answered());
    assert_eq!(outcome.bytes, outcome.answers * HELLO.len() as u64);
    assert!(outcome.errors.is_empty(), "{:?}", outcome.errors);
    let mut latencies = Latencies::new().unwrap();
    latencies.add(&outcome.latencies);
    assert!(latencies.quantiles().p50 > 0.0 && latencies.quantiles().p50 <= latencies.quantiles().max);
    assert!(outcome.own_cpu_seconds > 0.0);
    if cfg!(target_os = "linux") {
        assert!(outcome.watched.unwrap().peak_memory > 0);
    }
}

#[test]
fn wrong_answers_and_broken_connections_are_errors_and_the_loop_goes_on() {
    let tiny = Tiny::start(|_, number| match number % 4 {
        0 => "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n".to_owned(),
        1 => "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 9\r\n\r\nhel".to_owned(),
        2 => "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_owned(),
        _ => HELLO.to_owned(),
    });
    let outcome = closed(&tiny);
    assert!(outcome.answers > 0);
    assert!(outcome.errors["status 503"] > 0 && outcome.errors["connection closed"] > 0);
}

#[test]
fn the_open_loop_keeps_its_rate_and_counts_each_request_once() {
    let tiny = Tiny::start(|_, _| HELLO.to_owned());
    let outcome = open(&tiny);
    let sum = |count: fn(&aios_benches::open::ClassOutcome) -> u64| outcome.classes.values().map(count).sum::<u64>();
    assert!(outcome.errors.is_empty(), "{:?}", outcome.errors);
    assert_eq!(sum(|class| class.requests), sum(|class| class.answers));
    assert_eq!(sum(|class| class.hits), sum(|class| class.told));
    // The moments are drawn with a seed, so their number is known whatever the machine does: 1,000 a second for 0.2 seconds.
    assert!((150..250).contains(&sum(|class| class.requests)));
    assert!(outcome.classes[&Class::Listing].requests > outcome.classes[&Class::Detail].requests);
}

#[test]
fn a_server_that_breaks_off_costs_errors_and_no_hang() {
    let tiny = Tiny::start(|line, _| {
        if line.contains("/list") {
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 9\r\n\r\nhel".to_owned()
        } else {
            HELLO.to_owned()
        }
    });
    let outcome = open(&tiny);
    let listings = &outcome.classes[&Class::Listing];
    assert_eq!(
        (listings.answers, outcome.errors["listing: connection closed"]),
        (0, listings.requests)
    );
}
