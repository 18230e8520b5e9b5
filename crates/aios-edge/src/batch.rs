//! Long lists of tags, in calls that are short enough.

use crate::edge::counted;
use crate::{Edge, Purge, PurgeError};

/// How far a purge got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Tags that are purged.
    pub done: Vec<String>,
    /// Tags that will never be, each with the reason: there is no use in trying again.
    pub refused: Vec<(String, String)>,
    /// Why it ended before all tags were tried.
    pub error: Option<PurgeError>,
}

/// Purges tags, in as many calls as they need. It goes on until it is done or has to wait; what was purged until then needs
/// not be purged again.
///
/// Where a call is refused for what it asks, its halves are tried, so that one tag that the network does not take keeps no
/// other from being purged. Where it takes none at all, that is no fault of the tags, and [`PurgeError::Denied`].
pub fn purge_tags(edge: &dyn Edge, tags: &[String]) -> Report {
    let mut report = Report::default();
    for call in tags.chunks(edge.most_tags().max(1)) {
        if let Err(error) = purge_halving(edge, call, &mut report) {
            report.error = Some(error);
            break;
        }
    }
    match report.refused.as_slice() {
        [(_, reason), _, ..] if report.done.is_empty() && report.error.is_none() => Report {
            error: Some(PurgeError::Denied(reason.clone())),
            ..Report::default()
        },
        _ => report,
    }
}

fn purge_halving(edge: &dyn Edge, tags: &[String], report: &mut Report) -> Result<(), PurgeError> {
    match (counted(edge, Purge::Tags(tags)), tags) {
        (Ok(()), _) => report.done.extend_from_slice(tags),
        (Err(PurgeError::Refused(reason)), [tag]) => report.refused.push((tag.clone(), reason)),
        (Err(PurgeError::Refused(_)), _) => {
            let (first, second) = tags.split_at(tags.len() / 2);
            purge_halving(edge, first, report)?;
            purge_halving(edge, second, report)?;
        }
        (Err(error), _) => return Err(error),
    }
    Ok(())
}

/// Purges everything.
///
/// # Errors
/// As [`Edge::purge`].
pub fn purge_everything(edge: &dyn Edge) -> Result<(), PurgeError> {
    counted(edge, Purge::Everything)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Takes every tag but some, until it has had enough calls.
    struct Picky {
        bad: &'static [&'static str],
        patience: usize,
        calls: Mutex<Vec<usize>>,
    }

    impl Picky {
        fn new(bad: &'static [&'static str]) -> Self {
            Self {
                bad,
                patience: usize::MAX,
                calls: Mutex::default(),
            }
        }
    }

    impl Edge for Picky {
        fn name(&self) -> &'static str {
            "picky"
        }

        fn most_tags(&self) -> usize {
            4
        }

        fn purge(&self, what: Purge<'_>) -> Result<(), PurgeError> {
            let Purge::Tags(tags) = what else { return Ok(()) };
            let mut calls = self.calls.lock().unwrap();
            if calls.len() == self.patience {
                return Err(PurgeError::busy("enough"));
            }
            calls.push(tags.len());
            if tags.iter().any(|tag| self.bad.contains(&tag.as_str())) {
                return Err(PurgeError::Refused("not this".to_owned()));
            }
            Ok(())
        }
    }

    fn tags(count: usize) -> Vec<String> {
        (0..count).map(|tag| tag.to_string()).collect()
    }

    #[test]
    fn no_call_is_longer_than_the_network_takes() {
        let edge = Picky::new(&[]);
        let report = purge_tags(&edge, &tags(10));
        assert_eq!((report.done.len(), report.error), (10, None));
        assert_eq!(*edge.calls.lock().unwrap(), [4, 4, 2]);
        assert_eq!(purge_tags(&edge, &[]), Report::default());
    }

    #[test]
    fn one_bad_tag_spoils_no_other() {
        let edge = Picky::new(&["5"]);
        let report = purge_tags(&edge, &tags(10));
        assert_eq!(report.done.len(), 9);
        assert_eq!(report.refused, [("5".to_owned(), "not this".to_owned())]);
        assert_eq!(report.error, None);
    }

    #[test]
    fn where_no_tag_is_taken_the_tags_are_kept() {
        let report = purge_tags(&Picky::new(&["0", "1", "2"]), &tags(3));
        assert_eq!(report.error, Some(PurgeError::Denied("not this".to_owned())));
        assert!(report.refused.is_empty() && report.done.is_empty());
    }

    #[test]
    fn what_was_purged_before_it_had_to_wait_is_done() {
        let edge = Picky {
            patience: 2,
            ..Picky::new(&[])
        };
        let report = purge_tags(&edge, &tags(10));
        assert_eq!(report.done, tags(8));
        assert_eq!(report.error, Some(PurgeError::busy("enough")));
    }
}
