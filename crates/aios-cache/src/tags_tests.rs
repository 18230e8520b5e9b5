//! Tags by themselves.

use crate::tags::{TagTable, Version};

#[test]
fn an_invalidation_makes_stale_before_and_after() {
    let table = TagTable::default();
    let tag = table.get("t");
    let before = tag.mark();
    let mut moving = table.begin("t");
    assert!(!before.is_current());
    let between = tag.mark();
    assert_eq!(tag.version(), Version::Moving);
    moving.confirmed(7);
    drop(moving);
    assert!(!between.is_current());
    assert_eq!(tag.version(), Version::Confirmed(7));
}

#[test]
fn versions_never_go_back_and_nothing_old_is_learnt_after_forgetting() {
    let table = TagTable::default();
    let tag = table.get("t");
    table.learn(&tag, 5, table.epoch());
    let mark = tag.mark_if(5).unwrap();
    table.noticed("t", 4);
    assert!(mark.is_current());
    table.noticed("t", 6);
    assert!(!mark.is_current() && tag.mark_if(5).is_none() && tag.mark_if(6).is_some());
    let epoch = table.epoch();
    table.forget_versions();
    table.learn(&tag, 9, epoch);
    assert_eq!(tag.version(), Version::Unknown);
    table.learn(&tag, 2, table.epoch());
    assert_eq!(tag.version(), Version::Confirmed(2));
}

#[test]
fn a_tag_named_late_is_refused_if_anything_may_have_happened() {
    let table = TagTable::default();
    let since = table.mark();
    assert!(table.mark_unless_bumped("quiet", since).is_some());
    drop(table.begin("loud"));
    assert!(table.mark_unless_bumped("loud", since).is_none());
    assert!(table.mark_unless_bumped("loud", table.mark()).is_some());
    table.prune();
    table.prune();
    assert!(
        table.mark_unless_bumped("quiet", since).is_none(),
        "it may have been dropped and made again"
    );
}

#[test]
fn only_what_is_used_or_new_is_kept() {
    let table = TagTable::default();
    let used = table.get("used");
    table.get("new");
    table.prune();
    assert_eq!(table.len(), 2);
    table.prune();
    table.prune();
    assert_eq!(table.len(), 1);
    let mark = used.mark();
    drop(used);
    drop(mark);
    table.prune();
    assert_eq!(table.len(), 0);
}
