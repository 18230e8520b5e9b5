//! Paths of an invalidation: few, since CloudFront limits them and charges for each.

use std::collections::BTreeSet;

/// How many paths with a wildcard may be under way at a time.
const MOST_WILDCARDS: usize = 15;
/// How many paths without.
const MOST_PLAIN: usize = 3_000;

/// These paths without those that another one includes; where they are still too many for CloudFront, all of them as one.
pub(super) fn few_enough(paths: impl IntoIterator<Item = String>) -> Vec<String> {
    let paths: BTreeSet<String> = paths.into_iter().collect();
    let wildcards: BTreeSet<&str> = paths.iter().filter_map(|path| path.strip_suffix('*')).collect();
    let is_included = |path: &str| {
        let own = path.strip_suffix('*');
        // Every beginning of the path may be a wildcard's, the path's own excepted.
        path.char_indices()
            .map(|(end, _)| path.get(..end).unwrap_or_default())
            .any(|beginning| own != Some(beginning) && wildcards.contains(beginning))
            || (own.is_none() && wildcards.contains(path))
    };
    let kept: Vec<String> = paths.iter().filter(|path| !is_included(path)).cloned().collect();
    let with_wildcard = kept.iter().filter(|path| path.ends_with('*')).count();
    if with_wildcard > MOST_WILDCARDS || kept.len() - with_wildcard > MOST_PLAIN {
        return vec!["/*".to_owned()];
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn few(paths: &[&str]) -> Vec<String> {
        few_enough(paths.iter().map(|&path| path.to_owned()))
    }

    #[test]
    fn what_a_wildcard_includes_is_left_out() {
        let paths = [
            "/agents/1*",
            "/agents/1",
            "/agents/1/reviews*",
            "/agents/2",
            "/agents/2",
            "/stats",
        ];
        assert_eq!(few(&paths), ["/agents/1*", "/agents/2", "/stats"]);
        assert_eq!(few(&["/a*", "/*", "/b"]), ["/*"]);
        assert_eq!(few(&["/agents", "/agents?*"]), ["/agents", "/agents?*"]);
        assert!(few(&[]).is_empty());
    }

    #[test]
    fn too_many_become_one() {
        let wild = |count: usize| few_enough((0..count).map(|place| format!("/{place:03}*")));
        assert_eq!((wild(15).len(), wild(16)), (15, vec!["/*".to_owned()]));
        let plain = |count: usize| few_enough((0..count).map(|place| format!("/{place}")));
        assert_eq!((plain(3_000).len(), plain(3_001)), (3_000, vec!["/*".to_owned()]));
    }
}
