//! Restarts: a store that is not the one it was is not trusted before a check.

use super::{EngineError, Fixture, Listener, last_number, nodes, put, read, version, versions};
use crate::engine::EVERYTHING;

/// After a restart every operation of a node fails until that node's check. The first check tells of it.
pub async fn restart_is_noticed(fixture: &impl Fixture) {
    let (here, there) = nodes(fixture).await;
    if !fixture.restart().await {
        return;
    }
    for engine in [&here, &there] {
        assert!(engine.read(&["a"]).await.is_err());
    }
    let status = here.check().await.expect("it is back");
    assert!(status.replaced);
    assert_eq!(read(&*here, "a").await, None);
    assert_eq!(
        there.read(&["a"]).await,
        Err(EngineError::Replaced),
        "the other did not look yet"
    );
    let again = there.check().await.expect("it is back");
    assert_eq!((again.number, again.replaced), (status.number, false));
    assert_eq!(read(&*there, "a").await, None);
}

/// The check makes all that came back stale, by the version of the tag that every entry bears.
pub async fn restart_makes_old_entries_stale(fixture: &impl Fixture) {
    let (here, there) = nodes(fixture).await;
    put(&*here, "a", "value").await;
    let before = versions(&*here, &[EVERYTHING, "t"]).await;
    let last = last_number(&*here).await;
    if !fixture.restart().await {
        return;
    }
    let status = there.check().await.expect("it is back");
    assert!(status.replaced);
    let of_everything = version(&*there, EVERYTHING).await;
    assert_eq!(of_everything, status.number);
    assert!(!before.contains(&of_everything) && of_everything != last);
}

/// A subscription does not outlive the store, and one to what came back is told of the check.
pub async fn restart_ends_subscriptions(fixture: &impl Fixture) {
    let (here, there) = nodes(fixture).await;
    let mut listener = Listener::new(&*here).await;
    if !fixture.restart().await {
        return;
    }
    assert!(listener.next().await.is_err());
    let mut notices = there.subscribe().await.expect("it is back");
    let status = there.check().await.expect("it is back");
    let notice = notices.next().await.expect("nothing broke the subscription");
    assert_eq!(
        (notice.number, notice.tags),
        (status.number, vec![EVERYTHING.to_owned()])
    );
}
