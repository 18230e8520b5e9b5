//! Model
mod explorer;
mod protocol;
mod rules;
mod scenario;

use explorer::{Outcome, explore};
use protocol::{Protocol, What::{self, Key, Tag}};
use rules::Rules;
use scenario::Scenario;


fn try_it(name: &str, rules: Rules, scenario: Scenario) {
    let start = std::time::Instant::now();
    let most = std::env::var("MOST").ok().and_then(|most| most.parse().ok()).unwrap_or(1_000_000);
    let protocol = Protocol { rules, scenario };
    match explore(&protocol, most) {
        Outcome::Holds { states, depth } => println!("{name}: holds, {states} states, depth {depth}, {:?}", start.elapsed()),
        Outcome::GaveUp { states } => println!("{name}: gave up at {states}, {:?}", start.elapsed()),
        Outcome::Violated { states, trace, steps } => println!("{name}: VIOLATED, {states} states, {steps} steps, {:?}\n{trace}", start.elapsed()),
    }
}

const A: &[(usize, What)] = &[(0, Key)];
const B: &[(usize, What)] = &[(0, Tag)];
const C: &[(usize, What)] = &[(0, Key), (1, Tag)];

#[test]
fn sizes() {
    let r = Rules::ALL;
    for (k, w) in [("key", A), ("tag", B)] {
        for loads in [[1,0],[0,1],[1,1],[2,0],[0,2]] {
            let s = Scenario::new(w, loads);
            let try_it = |name: &str, s: Scenario| try_it(&format!("{k} {loads:?} {name}"), r.clone(), s);
            try_it("plain", s.clone());
            try_it("late", s.clone().late_tag());
            try_it("cut", s.clone().cuts(1));
            try_it("lost", s.clone().lost_notices(1));
            try_it("lost tag", s.clone().lost_tags(1));
            try_it("crash", s.clone().crashes(1));
            try_it("empty", s.clone().empty_restarts(1));
            try_it("empty higher", s.clone().empty_restarts(1).restarts_higher());
            try_it("old", s.clone().old_restarts(1));
            try_it("late call", s.clone().late_calls(1));
        }
    }
    try_it("both", r.clone(), Scenario::new(C, [1, 1]));
}

#[test]
fn as_coded() {
    const D: &[(usize, What)] = &[(0, Tag), (0, Tag), (0, Tag)];
    let m = |f: fn(&mut Rules)| { let mut r = Rules::ALL; f(&mut r); r };
    try_it("each told", m(|r| r.each_node_is_told_of_restart = false), Scenario::new(B, [0, 0]).empty_restarts(1));
    try_it("going back", m(|r| r.number_going_back_is_noticed = false), Scenario::new(B, [0, 0]).empty_restarts(1));
    try_it("both", m(|r| {r.number_going_back_is_noticed = false; r.each_node_is_told_of_restart = false}), Scenario::new(B, [0, 0]).empty_restarts(1));
    try_it("both, no jump", m(|r| {r.number_going_back_is_noticed = false; r.each_node_is_told_of_restart = false; r.replaced_number_jumps = false}), Scenario::new(B, [0, 0]).empty_restarts(1));
    try_it("3 going back not, no jump", m(|r| {r.each_node_is_told_of_restart = false; r.replaced_number_jumps = false}), Scenario::new(D, [0, 1]).old_restarts(1));
    try_it("3 no jump", m(|r| {r.replaced_number_jumps = false}), Scenario::new(D, [0, 1]).old_restarts(1));
}

#[test]
fn found() {
    try_it("cut", Rules::ALL, Scenario::new(B, [2, 0]).cuts(1));
    try_it("crash", Rules::ALL, Scenario::new(B, [2, 0]).crashes(1));
}
