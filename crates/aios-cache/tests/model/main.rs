#![allow(unused)]
mod action;
mod explorer;
mod link;
mod load;
mod node;
mod protocol;
mod rules;
mod running;
mod scenario;
mod state;
mod store;
mod write;
use action::Action;
use explorer::{Outcome, explore};
use protocol::Protocol;
use rules::Rules;
use scenario::Scenario;
use state::What::{self, Key, Tag};
fn most() -> usize { std::env::var("MOST").ok().and_then(|most| most.parse().ok()).unwrap_or(1_000_000) }
fn try_it(name: &str, rules: Rules, scenario: Scenario) {
    let start = std::time::Instant::now();
    let protocol = Protocol { rules, scenario };
    match explore(&protocol, most()) {
        Outcome::Holds { states, depth } => println!("{name}: holds, {states} states, depth {depth}, {:?}", start.elapsed()),
        Outcome::GaveUp { states } => println!("{name}: gave up at {states}, {:?}", start.elapsed()),
        Outcome::Violated { states, trace, steps } => { println!("{name}: VIOLATED, {states} states, {steps} steps, {:?}", start.elapsed()); if std::env::var("TRACE").is_ok() {println!("{trace}")} },
    }
}
const A: &[(usize, What)] = &[(0, Key)];
const B: &[(usize, What)] = &[(0, Tag)];
const E: &[(usize, What)] = &[(1, Tag), (0, Tag)];
const D: &[(usize, What)] = &[(0, Tag), (0, Tag), (0, Tag)];
#[test]
fn mutants() {
    let m = |f: fn(&mut Rules)| { let mut r = Rules::ALL; f(&mut r); r };
    macro_rules! t { ($rule:ident, $($s:expr),*) => {{ $( try_it(concat!(stringify!($rule), " ", stringify!($s)), m(|r| r.$rule = false), $s); )* }} }
    t!(write_needs_lease, Scenario::new(A, [2, 0]), Scenario::new(A, [1, 1]), Scenario::new(A, [0, 2]));
    t!(invalidation_ends_lease, Scenario::new(A, [2, 0]), Scenario::new(A, [1, 1]), Scenario::new(A, [0, 2]));
    t!(versions_before_load, Scenario::new(B, [2, 0]), Scenario::new(B, [1, 1]), Scenario::new(B, [0, 2]));
    t!(applies_before, Scenario::new(A, [1, 0]), Scenario::new(B, [1, 0]), Scenario::new(A, [2, 0]), Scenario::new(B, [2, 0]), Scenario::new(A, [1,0]).cuts(1));
    t!(applies_after, Scenario::new(A, [1, 0]), Scenario::new(B, [1, 0]));
    t!(invalidation_detaches_load, Scenario::new(A, [1, 0]));
    t!(moving_tags_have_no_version, Scenario::new(B, [1, 0]), Scenario::new(B, [2, 0]), Scenario::new(B, [1, 1]));
    t!(failed_invalidation_closes, Scenario::new(A, [1, 0]).cuts(1), Scenario::new(A, [1, 0]).late_calls(1));
    t!(gaps_are_noticed, Scenario::new(&[(0, Tag), (0, What::Other)], [0, 0]).lost_notices(1));
    t!(versions_before_load, Scenario::new(&[(1, Tag)], [1, 0]).starts());
    try_it("moving, after", m(|r| {r.moving_tags_have_no_version = false; r.applies_after = false}), Scenario::new(B, [1, 0]));
    try_it("told, back", m(|r| {r.each_node_is_told_of_restart = false; r.number_going_back_is_noticed = false}), Scenario::new(B, [0, 0]).empty_restarts(1));
    t!(heartbeat_compares, Scenario::new(B, [0, 0]).lost_notices(1));
    t!(restart_is_noticed, Scenario::new(A, [1, 0]).old_restarts(1), Scenario::new(A, [0, 1]).old_restarts(1));
    t!(repeats_before_opening, Scenario::new(A, [1, 0]).cuts(1));
    t!(opening_distrusts_memory, Scenario::new(B, [0, 0]).cuts(1));
    t!(opening_forgets_versions, Scenario::new(B, [0, 1]).cuts(1), Scenario::new(B, [0, 2]).cuts(1), Scenario::new(B, [1, 1]).cuts(1));
    t!(late_tags_are_checked, Scenario::new(B, [0, 1]).late_tag(), Scenario::new(B, [0, 2]).late_tag());
    t!(overtaken_late_tag_answers_nobody_new, Scenario::new(B, [1, 0]).late_tag());
    t!(isolated_loads_end, Scenario::new(B, [0, 1]).cuts(1));
}

#[test]
fn sizes() {
    let r = Rules::ALL;
    for (k, w) in [("key", A), ("tag", B)] {
        for loads in [[0,0],[1,0],[0,1],[1,1],[2,0],[0,2]] {
            let s = Scenario::new(w, loads);
            let try_it = |name: &str, s: Scenario| try_it(&format!("{k} {loads:?} {name}"), r.clone(), s);
            try_it("plain", s.clone());
            try_it("late", s.clone().late_tag());
            if loads == [1,1] {continue}
            try_it("cut", s.clone().cuts(1));
            try_it("lost", s.clone().lost_notices(1));
            try_it("lost tag", s.clone().lost_tags(1));
            try_it("crash", s.clone().crashes(1));
            try_it("empty", s.clone().empty_restarts(1));
            try_it("old", s.clone().old_restarts(1));
            try_it("late call", s.clone().late_calls(1));
        }
    }
    for l in [[0,1],[1,0],[1,1]] {
    try_it(&format!("both {l:?}"), r.clone(), Scenario::new(&[(0, Key), (1, Tag)], l));
    try_it(&format!("both one node {l:?}"), r.clone(), Scenario::new(&[(0, Key), (0, Tag)], l));
    try_it(&format!("tags {l:?}"), r.clone(), Scenario::new(E, l));
    try_it(&format!("tags starts {l:?}"), r.clone(), Scenario::new(E, l).starts());
    try_it(&format!("tag starts {l:?}"), r.clone(), Scenario::new(B, l).starts());
    try_it(&format!("tag1 starts {l:?}"), r.clone(), Scenario::new(&[(1,Tag)], l).starts());
    }
}
