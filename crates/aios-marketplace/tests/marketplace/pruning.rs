//! Old events are deleted little by little, and no figure changes.

use aios_db::in_transaction;
use aios_db::store::analytics::{NewEvent, events_insert, events_prune};
use aios_domain::{EventKind, JsonObject};
use aios_marketplace::{Clock, Pruned};
use aios_test_support::{TestDatabase, on_both_databases};
use chrono::TimeDelta;

use crate::support::{clock, published, uncached_at, user};

const KEEP: TimeDelta = TimeDelta::days(365);

on_both_databases! {
    async fn what_is_too_old_goes_in_batches_and_figures_stay(database: &TestDatabase) {
        let clock = clock();
        let marketplace = uncached_at(database, clock.clone());
        let author = user();
        let agent = published(&marketplace, &author, "Run").await.summary.id;
        let now = clock.now();
        let (old, moment) = (now - KEEP, TimeDelta::microseconds(1));
        for (at, count) in [(old - TimeDelta::days(1), 2_499), (old - moment, 1), (old, 2), (now, 3)] {
            let run = NewEvent { agent, user: author.id, kind: EventKind::Run, data: JsonObject::default(), at };
            events_insert(&mut database.connection(), &vec![run; count]).unwrap();
        }
        let figures = marketplace.agent_stats(&author, agent).await.unwrap();
        assert_eq!(figures.recent_activity.run, 3);

        let mut steps = Vec::new();
        for _ in 0..4 {
            steps.push(marketplace.prune_events(KEEP).await.unwrap());
        }
        assert_eq!(steps, [Pruned::Some(1_000), Pruned::Some(1_000), Pruned::Last(500), Pruned::Last(0)]);
        assert_eq!(marketplace.agent_stats(&author, agent).await.unwrap(), figures);

        clock.advance(moment);
        assert_eq!(marketplace.prune_events(KEEP).await.unwrap(), Pruned::Last(2), "what was a moment younger");
        assert_eq!(marketplace.prune_events(TimeDelta::MAX).await.unwrap(), Pruned::Last(0));
        assert_eq!(marketplace.prune_events(TimeDelta::zero()).await.unwrap(), Pruned::Last(3), "all that was left");
    }
}

#[test]
fn one_server_prunes_at_a_time() {
    let database = TestDatabase::postgres();
    let (clock, mut other) = (clock(), database.connection());
    let marketplace = uncached_at(&database, clock.clone());
    let pruned = in_transaction(&mut other, |c| {
        events_prune(c, clock.now(), 1)?;
        Ok(aios_test_support::block_on(marketplace.prune_events(KEEP))?)
    });
    assert_eq!(pruned.unwrap(), Pruned::Elsewhere);
    let pruned = aios_test_support::block_on(marketplace.prune_events(KEEP));
    assert_eq!(pruned.unwrap(), Pruned::Last(0));
}
