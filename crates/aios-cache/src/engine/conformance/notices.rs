//! Notices: every node is told of every invalidation, in order, or knows that it is not.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{Fixture, Listener, Notice, invalidate, node, nodes, read};
use crate::engine::{EVERYTHING, Invalidation};

/// A notice tells who invalidated what, and by which number; to the node that did it as well.
pub async fn notices_tell_what_was_invalidated(fixture: &impl Fixture) {
    let (here, there) = nodes(fixture).await;
    let mut listeners = [Listener::new(&*here).await, Listener::new(&*there).await];
    let keys = ["a", "{b}:\u{1f980} \"'\\"];
    let tags = ["t", EVERYTHING, "tag,with|some\\ signs"];
    let origin = u64::MAX;
    let what = Invalidation {
        keys: &keys,
        tags: &tags,
        origin,
    };
    let number = here.invalidate(what).await.expect("the store is well");
    let empty = there
        .invalidate(Invalidation::default())
        .await
        .expect("the store is well");
    for listener in &mut listeners {
        let expected = Notice {
            number,
            origin,
            keys: keys.map(str::to_owned).to_vec(),
            tags: tags.map(str::to_owned).to_vec(),
        };
        assert_eq!(listener.expect().await, expected);
        let notice = listener.expect().await;
        assert_eq!((notice.number, notice.origin), (empty, 0));
        assert!(notice.keys.is_empty() && notice.tags.is_empty(), "{notice:?}");
    }
}

/// However many invalidate at the same time, every subscription gets the notices in the order of their numbers, without a
/// gap; and what a notice tells of has happened.
pub async fn notices_reach_every_subscription_in_order(fixture: &impl Fixture) {
    let (here, there) = nodes(fixture).await;
    let listeners = [
        Listener::new(&*here).await,
        Listener::new(&*here).await,
        Listener::new(&*there).await,
    ];
    let mut calls = JoinSet::new();
    for call in 0..100 {
        let engine = Arc::clone(if call % 2 == 0 { &here } else { &there });
        calls.spawn(async move { invalidate(&*engine, &[&call.to_string()], &["t"]).await });
    }
    for mut listener in listeners {
        let mut number = listener.after;
        for _ in 0..100 {
            let notice = listener.expect().await;
            assert_eq!(notice.number, number + 1);
            number = notice.number;
            assert_eq!(read(&*here, &notice.keys[0]).await, None);
        }
    }
    calls.join_all().await;
}

/// A wait for a notice that is dropped loses none.
pub async fn waiting_for_a_notice_may_be_dropped(fixture: &impl Fixture) {
    let engine = node(fixture).await;
    let mut listener = Listener::new(&*engine).await;
    let mut next = listener.after + 1;
    for call in 0..200 {
        if call % 2 == 0 {
            invalidate(&*engine, &["a"], &[]).await;
        }
        tokio::select! {
            biased;
            notice = listener.notices.next() => {
                let number = notice.expect("nothing broke the subscription").number;
                if number > listener.after {
                    assert_eq!(number, next);
                    next += 1;
                }
            }
            () = async {} => (),
        }
    }
    while next <= listener.after + 100 {
        assert_eq!(listener.expect().await.number, next);
        next += 1;
    }
}
