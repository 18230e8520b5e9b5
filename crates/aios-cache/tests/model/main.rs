//! A model of the protocol between nodes and their store, searched for a schedule in which something stale is seen.
//!
//! Two nodes, one store, one source, one key that bears one tag. Every interleaving of their atomic steps is visited, with
//! connections cut, notices lost, nodes that crash, calls that arrive late, and stores that restart empty or from an old
//! copy. Looked for: a read that began after an invalidation returned, and sees the value from before it. On the node that
//! invalidated, that must never be. On others, it must not be beyond the bound of the manual, which the model counts in
//! events, not in seconds: the next heartbeat that finds nothing missing, the notice that a heartbeat knew of, the link's
//! opening, or `isolated_ttl` without a link. Whichever is first ends the time for which an old value may be seen.
//!
//! That the search finds faults is shown by taking the protocol's rules away, alone or in pairs where one stands in for the
//! other. Three rules can't be taken away here, since nothing goes wrong in these scenarios without them: an invalidation is
//! applied before the store is told (it is seen sooner), one during which the link was opened anew counts as failed, and an
//! opened link skips the notices from before its repetitions (it would end at once).
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a model of two nodes; helpers of tests are not tests to the lint"
)]

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

use explorer::{Outcome, explore};
use protocol::Protocol;
use rules::Rules;
use scenario::Scenario;
use state::What::{self, Key, Other, Tag};

type Writes = &'static [(usize, What)];

/// The first node changes the source, and invalidates the key, or the tag that it bears.
const KEY: Writes = &[(0, Key)];
const TAG: Writes = &[(0, Tag)];
const TARGETS: [Writes; 2] = [KEY, TAG];
/// Loads of the node that invalidates, and of the other one.
const HERE: [u8; 2] = [1, 0];
const THERE: [u8; 2] = [0, 1];

fn search(rules: Rules, scenario: Scenario, most: usize) -> Outcome {
    explore(&Protocol { rules, scenario }, most)
}

/// Visits everything that can happen in these scenarios.
fn holds(scenarios: impl IntoIterator<Item = Scenario>) {
    for scenario in scenarios {
        let name = format!("{scenario:?}");
        match search(Rules::ALL, scenario, 50_000_000) {
            Outcome::Holds { states, depth } => println!("{states} states, {depth} steps deep: {name}"),
            Outcome::GaveUp { states } => panic!("more than {states} states: {name}"),
            Outcome::Violated { trace } => panic!("{name}\n{trace}"),
        }
    }
}

/// Visits what can happen soonest, where all of it would take hours.
fn holds_among(most: usize, scenarios: impl IntoIterator<Item = Scenario>) {
    for scenario in scenarios {
        let name = format!("{scenario:?}");
        if let Outcome::Violated { trace } = search(Rules::ALL, scenario, most) {
            panic!("{name}\n{trace}");
        }
    }
}

/// With the key and with the tag, with one load of either node, with this going wrong.
fn one_load(wrong: fn(Scenario) -> Scenario) -> impl Iterator<Item = Scenario> {
    let targets = TARGETS.into_iter();
    targets.flat_map(move |writes| [HERE, THERE].map(|loads| wrong(Scenario::new(writes, loads))))
}

/// Without loads, but with more of it.
fn no_load(wrong: fn(Scenario) -> Scenario) -> impl Iterator<Item = Scenario> {
    TARGETS
        .into_iter()
        .map(move |writes| wrong(Scenario::new(writes, [0, 0])))
}

#[test]
fn a_load_that_began_before_an_invalidation_leaves_nothing_behind() {
    holds(one_load(|scenario| scenario));
}

#[test]
fn nor_where_the_loader_names_the_tag() {
    holds(one_load(Scenario::late_tag));
}

#[test]
fn nor_on_a_node_that_has_just_started() {
    holds(one_load(|scenario| scenario.starts().empty()));
}

#[test]
fn a_lost_notice_is_made_up_for() {
    holds(one_load(|scenario| scenario.lost_notices(1)));
}

#[test]
fn a_lost_version_is_made_up_for() {
    holds(one_load(|scenario| scenario.lost_tags(1)));
}

#[test]
fn an_invalidation_that_arrives_late_does_no_harm() {
    holds(one_load(|scenario| scenario.late_calls(1)));
}

#[test]
fn a_node_that_was_cut_off_shows_nothing_old() {
    holds(no_load(|scenario| scenario.cuts(2)));
    holds_among(60_000, one_load(|scenario| scenario.cuts(1)));
}

#[test]
fn nor_does_one_that_crashed() {
    holds(no_load(|scenario| scenario.crashes(1)));
    holds_among(60_000, one_load(|scenario| scenario.crashes(1)));
}

#[test]
fn nor_any_where_the_store_restarts_empty() {
    holds(no_load(|scenario| scenario.empty_restarts(1)));
    holds_among(30_000, one_load(|scenario| scenario.empty_restarts(1)));
    holds_among(
        30_000,
        one_load(|scenario| scenario.empty_restarts(1).restarts_higher()),
    );
}

#[test]
fn nor_any_where_the_store_restarts_from_an_old_copy() {
    holds_among(60_000, no_load(|scenario| scenario.old_restarts(1)));
    holds_among(30_000, one_load(|scenario| scenario.old_restarts(1)));
}

/// Everything that can happen with two loads, or with one and a failure: 69 million states, most of an hour in a release
/// build.
#[test]
#[ignore = "takes most of an hour: cargo test --release -p aios-cache --test model -- --ignored"]
fn nothing_old_is_seen_with_more_at_once() {
    let two_loads = |wrong: fn(Scenario) -> Scenario| {
        let loads = [[2, 0], [1, 1], [0, 2]];
        TARGETS
            .into_iter()
            .flat_map(move |writes| loads.map(|loads| wrong(Scenario::new(writes, loads))))
    };
    holds(two_loads(|scenario| scenario));
    holds(two_loads(Scenario::late_tag));
    holds(two_loads(|scenario| scenario.lost_notices(1)));
    holds(two_loads(|scenario| scenario.lost_tags(1)));
    holds(two_loads(|scenario| scenario.late_calls(1)));
    holds(one_load(|scenario| scenario.cuts(1)));
    holds(one_load(|scenario| scenario.crashes(1)));
    holds(one_load(|scenario| scenario.empty_restarts(1)));
    holds(one_load(|scenario| scenario.empty_restarts(1).restarts_higher()));
    holds(one_load(|scenario| scenario.old_restarts(1)));
    holds_among(10_000_000, two_loads(|scenario| scenario.cuts(1)));
    holds_among(10_000_000, two_loads(|scenario| scenario.crashes(1)));
    holds_among(10_000_000, two_loads(|scenario| scenario.empty_restarts(1)));
    holds_among(10_000_000, two_loads(|scenario| scenario.old_restarts(1)));
    let both_nodes: [Writes; 3] = [&[(0, Key), (1, Tag)], &[(0, Key), (0, Tag)], &[(1, Tag), (0, Tag)]];
    holds(
        both_nodes
            .into_iter()
            .flat_map(|writes| [HERE, THERE].map(|loads| Scenario::new(writes, loads))),
    );
}

/// Without these rules the search finds a schedule in which something old is seen.
fn is_needed(rule: &str, without: fn(&mut Rules), scenario: Scenario) {
    let mut rules = Rules::ALL;
    without(&mut rules);
    let found = search(rules, scenario, 300_000);
    assert!(
        matches!(found, Outcome::Violated { .. }),
        "nothing is wrong without {rule}"
    );
}

macro_rules! each_is_needed {
    ($($name:ident: $($rule:ident),+ in $scenario:expr;)+) => {
        $(
            #[test]
            fn $name() {
                is_needed(stringify!($($rule),+), |rules| { $(rules.$rule = false;)+ }, $scenario);
            }
        )+
    };
}

// Two rules that stand in for each other are taken away together.
each_is_needed! {
    a_write_needs_its_lease: write_needs_lease in Scenario::new(KEY, [1, 1]);
    an_invalidation_ends_the_lease: invalidation_ends_lease in Scenario::new(KEY, [1, 1]);
    versions_are_taken_before_the_load: versions_before_load in Scenario::new(&[(1, Tag)], HERE).starts().empty();
    an_invalidation_is_applied_after_the_store_has_it: applies_after in Scenario::new(KEY, HERE);
    an_invalidation_detaches_the_load: invalidation_detaches_load in Scenario::new(KEY, HERE);
    a_tag_that_moves_has_no_version: moving_tags_have_no_version, applies_after in Scenario::new(TAG, HERE);
    an_invalidation_that_fails_closes_the_link: failed_invalidation_closes in Scenario::new(KEY, HERE).cuts(1);
    gaps_between_notices_are_noticed: gaps_are_noticed in Scenario::new(&[(0, Tag), (0, Other)], [0, 0]).lost_notices(1);
    the_heartbeat_compares_numbers: heartbeat_compares in Scenario::new(TAG, [0, 0]).lost_notices(1);
    a_restart_is_noticed: restart_is_noticed in Scenario::new(KEY, HERE).old_restarts(1);
    a_restart_is_noticed_by_each_node: each_node_is_told_of_restart, number_going_back_is_noticed
        in Scenario::new(TAG, [0, 0]).empty_restarts(1);
    what_failed_is_repeated_before_the_link_opens: repeats_before_opening in Scenario::new(KEY, HERE).cuts(1);
    opening_the_link_distrusts_memory: opening_distrusts_memory in Scenario::new(TAG, [0, 0]).cuts(1);
    opening_the_link_forgets_versions: opening_forgets_versions in Scenario::new(TAG, THERE).cuts(1);
    a_tag_named_late_is_checked: late_tags_are_checked in Scenario::new(TAG, THERE).late_tag();
    a_load_with_an_overtaken_tag_has_no_new_callers: overtaken_late_tag_answers_nobody_new
        in Scenario::new(TAG, HERE).late_tag();
    a_load_without_the_store_ends: isolated_loads_end in Scenario::new(TAG, THERE).cuts(1);
}
