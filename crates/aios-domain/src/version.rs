//! Versions of agents: Semantic Versioning where publishers keep to it, and its neighbours where they don't.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Invalid;

/// A version: numbers parted by dots, then perhaps `-pre.release` and `+build`; at most 64 characters. A leading `v` is
/// cut off. Two numbers or four are as good as three, since registries hold those too.
///
/// Order is by precedence as in Semantic Versioning 2.0.0, section 11, missing numbers read as 0; versions that differ in
/// spelling alone (`1.0` and `1.0.0`, or in the build part) are ordered by their text, so that order agrees with equality.
///
/// ```
/// # use aios_domain::Version;
/// assert!(Version::new("1.10.0")? > Version::new("1.9")?);
/// assert!(Version::new("1.0.0-rc.2")? < Version::new("1.0.0")?);
/// assert!(Version::new("latest").is_err());
/// # Ok::<(), aios_domain::Invalid>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(String);

impl Version {
    /// Checks and keeps a version.
    ///
    /// # Errors
    /// [`Invalid`] where it does not start with a number, or holds other characters than a version has.
    pub fn new(raw: impl AsRef<str>) -> Result<Self, Invalid> {
        let text = raw.as_ref().trim();
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        if is_version(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new(
                "must be a version such as 1.4.0 or 2.0.0-rc.1, at most 64 characters long",
            ))
        }
    }

    /// Takes a version that was checked before, as one read back from the database.
    pub fn from_trusted(text: String) -> Self {
        debug_assert!(is_version(&text), "not a version: {text:?}");
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parts(&self) -> (impl Iterator<Item = &str>, Option<&str>) {
        let text = self.0.split_once('+').map_or(self.0.as_str(), |(text, _build)| text);
        match text.split_once('-') {
            Some((numbers, pre)) => (numbers.split('.'), Some(pre)),
            None => (text.split('.'), None),
        }
    }
}

fn is_version(text: &str) -> bool {
    let (text, build) = text
        .split_once('+')
        .map_or((text, None), |(text, build)| (text, Some(build)));
    let (numbers, pre) = text
        .split_once('-')
        .map_or((text, None), |(numbers, pre)| (numbers, Some(pre)));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let labels = |part: &str| {
        part.split('.')
            .all(|label| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
    };
    text.len() + build.map_or(0, |b| b.len() + 1) <= 64
        && numbers.split('.').all(digits)
        && pre.is_none_or(labels)
        && build.is_none_or(labels)
}

/// Compares two runs of digits by value, whatever their length.
fn compare_numbers(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

fn compare_labels(a: &str, b: &str) -> Ordering {
    let is_number = |label: &str| label.bytes().all(|b| b.is_ascii_digit());
    match (is_number(a), is_number(b)) {
        (true, true) => compare_numbers(a, b),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => a.cmp(b),
    }
}

/// Compares two sequences part by part. A part that is missing on one side counts as `missing`, or, without one, makes
/// that side the smaller.
fn compare_sequences<'a>(
    mut a: impl Iterator<Item = &'a str>,
    mut b: impl Iterator<Item = &'a str>,
    missing: Option<&'a str>,
    compare: fn(&str, &str) -> Ordering,
) -> Ordering {
    loop {
        let order = match (a.next(), b.next(), missing) {
            (None, None, _) => return Ordering::Equal,
            (Some(_), None, None) => Ordering::Greater,
            (None, Some(_), None) => Ordering::Less,
            (a, b, missing) => compare(a.or(missing).unwrap_or_default(), b.or(missing).unwrap_or_default()),
        };
        if order.is_ne() {
            return order;
        }
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let ((numbers, pre), (other_numbers, other_pre)) = (self.parts(), other.parts());
        compare_sequences(numbers, other_numbers, Some("0"), compare_numbers)
            .then_with(|| match (pre, other_pre) {
                (None, None) => Ordering::Equal,
                (None, Some(_)) => Ordering::Greater,
                (Some(_), None) => Ordering::Less,
                (Some(a), Some(b)) => compare_sequences(a.split('.'), b.split('.'), None, compare_labels),
            })
            .then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Version {
    type Error = Invalid;

    fn try_from(raw: String) -> Result<Self, Invalid> {
        Self::new(raw)
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_that_of_semantic_versioning() {
        let ascending = [
            "0.0.1-seed",
            "0.0.1",
            "0.9",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.1",
            "1.2",
            "1.10",
            "2025.5.16",
            "99999999999999999999.0",
        ];
        let versions: Vec<Version> = ascending.iter().map(|v| Version::new(v).unwrap()).collect();
        for pair in versions.windows(2) {
            assert!(pair[0] < pair[1], "{} < {}", pair[0], pair[1]);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in [
            "",
            "latest",
            "1..2",
            "1.x",
            "-1",
            "1.0-",
            "1.0+",
            "^1.0",
            "1.0 beta",
            &"1".repeat(65),
        ] {
            assert!(Version::new(bad).is_err(), "{bad}");
        }
        assert_eq!(Version::new("v2.0").unwrap().as_str(), "2.0");
    }

    proptest::proptest! {
        #[test]
        fn order_agrees_with_equality(a in "[01]{1,2}(\\.[01]{1,2}){0,2}(-[ab01]{1,2})?(\\+[ab])?", b in "[01]{1,2}(\\.[01]{1,2}){0,2}(-[ab01]{1,2})?(\\+[ab])?") {
            let (a, b) = (Version::new(a).unwrap(), Version::new(b).unwrap());
            proptest::prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            proptest::prop_assert_eq!(a.cmp(&b) == Ordering::Equal, a == b);
        }
    }
}
