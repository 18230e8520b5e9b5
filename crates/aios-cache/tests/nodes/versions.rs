//! Versions of tags are lost in the shared tier, as where they expire: nothing stale comes of it, and nodes share again.

#[allow(clippy::wildcard_imports, reason = "the tests of one file, parted by subject")]
use super::*;

/// What every entry of `numbers` bears, by the names in the shared tier.
const TAGS: [&str; 3] = ["t:t", "n:numbers", "*"];

/// Loads `key` on one node and reads it on the other, which must not load it.
async fn shares(from: &Node, to: &Node, key: &str, source: &Source) {
    from.read_key(key, source).await;
    eventually("the write", || from.numbers.stats().loading == 0).await;
    let before = source.asked();
    to.read_key(key, source).await;
    assert_eq!(source.asked(), before, "{key} is not shared");
}

#[test]
fn nodes_share_again_after_versions_were_lost() {
    run(async {
        let engine = MemoryEngine::new();
        let source = Source::default();
        let old = Node::over(Arc::new(engine.clone())).await;
        old.read(&source).await;
        eventually("the write", || old.numbers.stats().loading == 0).await;
        // An invalidation of something else moves the numbers on, so that what is made anew has another one.
        let outcome = old.cache.invalidate(aios_cache::Targets::new().tag("other")).await;
        assert_eq!(outcome, aios_cache::Outcome::Everywhere);

        for tag in TAGS {
            assert!(engine.lose_tag(tag), "{tag} has a version");
        }
        let new = Node::over(Arc::new(engine.clone())).await;
        shares(&new, &old, "b", &source).await;
        shares(&old, &new, "c", &source).await;
        shares(&new, &old, "d", &source).await;
    });
}
