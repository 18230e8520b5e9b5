//! The demonstration catalogue is whole: every row refers to one that exists, and counters agree with rows.

use std::collections::{HashMap, HashSet};

use aios_domain::EventKind;

use super::*;

fn catalogue() -> Catalogue {
    Catalogue::build(7, now()).unwrap()
}

fn now() -> Timestamp {
    "2026-01-31T12:00:00.123456789Z".parse().unwrap()
}

#[test]
fn the_same_seed_gives_the_same_rows_and_another_seed_others() {
    assert_eq!(catalogue(), catalogue());
    let other = Catalogue::build(8, now()).unwrap();
    assert_ne!(catalogue().installations, other.installations);
    let ids = |catalogue: &Catalogue| catalogue.agents.iter().map(|agent| agent.id).collect::<Vec<_>>();
    assert_eq!(ids(&catalogue()), ids(&other), "links into the catalogue hold");
}

#[test]
fn there_is_enough_to_browse() {
    let catalogue = catalogue();
    assert_eq!((catalogue.users.len(), catalogue.agents.len()), (60, 200));
    assert!(
        (2_000..6_000).contains(&catalogue.installations.len()),
        "{}",
        catalogue.installations.len()
    );
    assert!(
        (1_000..2_000).contains(&catalogue.reviews.len()),
        "{}",
        catalogue.reviews.len()
    );
    assert!(
        (2_000..8_000).contains(&catalogue.events.len()),
        "{}",
        catalogue.events.len()
    );
    let ended = catalogue.installations.iter().filter(|row| !row.is_active).count();
    assert!(ended > 100, "{ended}");
}

#[test]
fn ids_are_unique_and_pairs_are_too() {
    fn all_differ<T: std::hash::Hash + Eq>(values: impl Iterator<Item = T>) -> bool {
        let mut seen = HashSet::new();
        values.into_iter().all(|value| seen.insert(value))
    }
    let catalogue = catalogue();
    assert!(all_differ(catalogue.users.iter().map(|row| row.id)));
    assert!(all_differ(catalogue.agents.iter().map(|row| row.id)));
    assert!(all_differ(catalogue.installations.iter().map(|row| row.id)));
    assert!(all_differ(catalogue.reviews.iter().map(|row| row.id)));
    assert!(all_differ(catalogue.events.iter().map(|row| row.id)));
    assert!(all_differ(
        catalogue.reviews.iter().map(|row| (row.user_id, row.agent_id))
    ));
    let active = catalogue.installations.iter().filter(|row| row.is_active);
    assert!(all_differ(active.map(|row| (row.user_id, row.agent_id))));
}

#[test]
fn counters_agree_with_rows() {
    let catalogue = catalogue();
    for agent in &catalogue.agents {
        let name = &agent.draft.name;
        let active = catalogue
            .installations
            .iter()
            .filter(|row| row.agent_id == agent.id && row.is_active);
        assert_eq!(agent.install_count, i64::try_from(active.count()).unwrap(), "{name}");
        let stars: Vec<i64> = catalogue
            .reviews
            .iter()
            .filter(|row| row.agent_id == agent.id)
            .map(|row| row.rating.into())
            .collect();
        assert_eq!(agent.rating_count, i64::try_from(stars.len()).unwrap(), "{name}");
        assert_eq!(agent.rating_sum, stars.iter().sum::<i64>(), "{name}");
        let views = catalogue
            .events
            .iter()
            .filter(|row| row.agent_id == agent.id && row.kind == EventKind::View);
        assert!(agent.view_count >= views.map(|row| row.quantity).sum(), "{name}");
    }
}

#[test]
fn nothing_happens_before_its_cause_or_after_now() {
    let catalogue = catalogue();
    let users: HashMap<_, _> = catalogue.users.iter().map(|user| (user.id, user.created_at)).collect();
    let agents: HashMap<_, _> = catalogue
        .agents
        .iter()
        .map(|agent| (agent.id, agent.created_at))
        .collect();
    for agent in &catalogue.agents {
        assert!(users[&agent.author_id] <= agent.created_at);
        assert!(agent.created_at <= agent.updated_at && agent.updated_at <= now());
        assert!(agent.created_at >= now() - TimeDelta::days(366));
    }
    for row in &catalogue.installations {
        assert!(row.installed_at >= users[&row.user_id].max(agents[&row.agent_id]));
        assert!(row.updated_at >= row.installed_at && row.updated_at <= now());
        assert_eq!(row.last_used.is_some(), row.usage_count > 0);
        assert!(
            row.last_used
                .is_none_or(|used| used >= row.installed_at && used <= row.updated_at)
        );
    }
    for row in &catalogue.reviews {
        assert!(row.created_at >= users[&row.user_id].max(agents[&row.agent_id]));
        assert!(row.updated_at >= row.created_at && row.updated_at <= now());
        assert_eq!(row.title.is_some(), row.review_text.is_some());
    }
    for row in &catalogue.events {
        assert!(row.occurred_at >= agents[&row.agent_id] && row.occurred_at <= now());
        assert!(row.occurred_at >= now() - TimeDelta::days(14) && row.quantity > 0);
    }
}

#[test]
fn popularity_is_skewed_ratings_are_mostly_good_and_trending_is_not_popular() {
    let catalogue = catalogue();
    let mut installs: Vec<i64> = catalogue.agents.iter().map(|agent| agent.install_count).collect();
    installs.sort_unstable();
    assert!(
        installs[199] > 4 * installs[100] && installs[180] > 2 * installs[100],
        "{installs:?}"
    );
    let good = catalogue.reviews.iter().filter(|row| row.rating.stars() >= 4).count();
    assert!(
        good * 100 / catalogue.reviews.len() >= 65,
        "{good} of {}",
        catalogue.reviews.len()
    );
    let bad = catalogue.reviews.iter().filter(|row| row.rating.stars() <= 2).count();
    assert!(bad * 100 / catalogue.reviews.len() >= 5, "{bad}");

    let week = now() - TimeDelta::days(7);
    let mut recent: HashMap<_, i64> = HashMap::new();
    for row in catalogue
        .events
        .iter()
        .filter(|row| row.kind == EventKind::Install && row.occurred_at >= week)
    {
        *recent.entry(row.agent_id).or_default() += 1;
    }
    let popular = catalogue.agents.iter().max_by_key(|agent| agent.install_count).unwrap();
    let hottest = recent.iter().max_by_key(|(_, count)| **count).unwrap();
    assert_ne!(popular.id, *hottest.0);
}

#[test]
fn no_agent_shows_the_same_review_twice() {
    let catalogue = catalogue();
    let mut seen = HashSet::new();
    for row in catalogue.reviews.iter().filter(|row| row.review_text.is_some()) {
        assert!(seen.insert((row.agent_id, row.review_text.clone())), "{row:?}");
    }
}

#[test]
fn the_first_user_is_the_first_person() {
    let catalogue = Catalogue::build(1, "2026-01-31T12:00:00Z".parse().unwrap()).unwrap();
    assert_eq!(catalogue.users[0].id, first_user());
}
