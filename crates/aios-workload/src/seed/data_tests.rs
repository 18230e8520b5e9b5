//! The seed keeps its promises: exact totals, no pair twice, counters that agree with rows, the same rows again.

use std::collections::{HashMap, HashSet};

use super::*;

const SIZE: Size = Size {
    agents: 3_000,
    reviews: 9_000,
    users: 400,
};

fn until() -> Timestamp {
    "2026-11-01T00:00:00Z".parse().unwrap()
}

fn data() -> SeedData {
    SeedData::new(1, SIZE, until()).unwrap()
}

#[test]
fn totals_are_what_was_asked_for() {
    let data = data();
    assert_eq!(data.users().count(), 400);
    assert_eq!(data.agents().count(), 3_000);
    assert_eq!(data.reviews().count(), 9_000);
    assert_eq!(data.installations().count(), 6_000);
    assert_eq!(data.expected_rows(), 400 + 3_000 + 9_000 + 6_000);
    assert!(data.events().count() > 100);
}

#[test]
fn the_same_seed_gives_the_same_rows_and_another_seed_others() {
    assert!(data().agents().eq(data().agents()));
    assert!(data().reviews().eq(data().reviews()));
    assert!(data().events().eq(data().events()));
    let other = SeedData::new(2, SIZE, until()).unwrap();
    let (ours, theirs): (HashSet<_>, HashSet<_>) = (
        data().agents().map(|a| a.id).collect(),
        other.agents().map(|a| a.id).collect(),
    );
    assert!(ours.is_disjoint(&theirs));
    let users: HashSet<_> = other.users().map(|user| user.id).collect();
    assert!(data().users().all(|user| !users.contains(&user.id)));
}

#[test]
fn nothing_stands_twice_and_everything_refers_to_something() {
    let data = data();
    let users: HashMap<_, _> = data.users().map(|user| (user.id, user.created_at)).collect();
    let agents: HashMap<_, _> = data.agents().map(|agent| (agent.id, agent.created_at)).collect();
    assert_eq!((users.len(), agents.len()), (400, 3_000));
    assert!(data.agents().all(|agent| users[&agent.author_id] <= agent.created_at));
    let (mut ids, mut pairs) = (HashSet::new(), HashSet::new());
    for row in data.installations() {
        assert!(ids.insert(row.id.0) && pairs.insert((row.user_id, row.agent_id)));
        assert!(users.contains_key(&row.user_id) && agents[&row.agent_id] <= row.installed_at);
        assert!(row.installed_at <= row.updated_at && row.updated_at <= until());
    }
    pairs.clear();
    for row in data.reviews() {
        assert!(ids.insert(row.id.0) && pairs.insert((row.user_id, row.agent_id)));
        assert!(users.contains_key(&row.user_id) && agents[&row.agent_id] <= row.created_at);
    }
    let events: Vec<BulkEvent> = data.events().collect();
    assert_eq!(
        events.iter().map(|row| row.id).collect::<HashSet<_>>().len(),
        events.len()
    );
    assert!(
        events
            .iter()
            .all(|row| row.quantity > 0 && agents[&row.agent_id] <= row.occurred_at && row.occurred_at <= until())
    );
}

#[test]
fn counters_agree_with_rows_and_tags_with_agents() {
    let data = data();
    let (mut installs, mut stars): (HashMap<_, i64>, HashMap<_, (i64, i64)>) = (HashMap::new(), HashMap::new());
    for row in data.installations().filter(|row| row.is_active) {
        *installs.entry(row.agent_id).or_default() += 1;
    }
    for row in data.reviews() {
        let (count, sum) = stars.entry(row.agent_id).or_default();
        *count += 1;
        *sum += i64::from(row.rating);
    }
    for agent in data.agents() {
        assert_eq!(agent.install_count, installs.get(&agent.id).copied().unwrap_or(0));
        assert_eq!(
            (agent.rating_count, agent.rating_sum),
            stars.get(&agent.id).copied().unwrap_or((0, 0))
        );
    }
    assert!(
        data.agents()
            .map(|agent| (agent.id, agent.draft.tags))
            .eq(data.agent_tags())
    );
}

#[test]
fn the_whole_looks_like_a_marketplace() {
    let agents: Vec<BulkAgent> = data().agents().collect();
    let percent = |part: usize| part * 100 / agents.len();
    assert!((1..=4).contains(&percent(agents.iter().filter(|agent| !agent.is_active).count())));
    assert!((1..=4).contains(&percent(
        agents.iter().filter(|agent| agent.draft.category.is_none()).count()
    )));
    assert!(
        agents
            .windows(2)
            .all(|pair| pair[0].created_at <= pair[1].created_at && pair[0].id < pair[1].id)
    );
    let good = data().reviews().filter(|row| row.rating.stars() >= 4).count();
    assert!((65..90).contains(&(good * 100 / 9_000)), "{good}");
    let names: HashSet<&str> = agents.iter().map(|agent| agent.draft.name.as_str()).collect();
    assert!(percent(names.len()) > 80, "{} names", names.len());
    let most = agents.iter().map(|agent| agent.install_count).max().unwrap();
    assert!(most > 50, "{most}");
}

#[test]
fn sizes_at_the_edge_work_and_beyond_it_are_refused() {
    let size = |agents, reviews, users| SeedData::new(1, Size { agents, reviews, users }, until());
    for (agents, reviews, users) in [(0, 0, 0), (1, 1, 1), (5, 10, 2), (3, 0, 1), (0, 0, 5)] {
        let data = size(agents, reviews, users).unwrap_or_else(|| panic!("{agents} {reviews} {users}"));
        assert_eq!(data.reviews().count() as u64, reviews);
        assert_eq!(data.agents().count() as u64, agents);
        let pairs: HashSet<_> = data.installations().map(|row| (row.user_id, row.agent_id)).collect();
        assert_eq!(pairs.len(), data.installations().count());
    }
    assert!(size(5, 11, 2).is_none());
    assert!(size(0, 1, 2).is_none());
}
