//! How a notice is written on the channel.
//!
//! Lines: the form's version, the number, the node, how many keys and how many tags; then the keys and the tags, each as its
//! length in bytes, a colon, and its text. The first two lines are written by the script, which alone knows the number.

use std::fmt::Write;

use crate::engine::{EngineError, Invalidation, Notice};

/// The version that the scripts write.
const VERSION: &str = "1";

/// All but the first two lines.
pub(super) fn tail(what: &Invalidation<'_>) -> String {
    let mut tail = format!("{}\n{}\n{}\n", what.origin, what.keys.len(), what.tags.len());
    for text in what.keys.iter().chain(what.tags) {
        // Writing to a string does not fail.
        let _ = write!(tail, "{}:{text}", text.len());
    }
    tail
}

/// Reads a notice. One of another version is an error, since it may be about anything.
pub(super) fn parse(payload: &[u8]) -> Result<Notice, EngineError> {
    read(payload).ok_or_else(|| EngineError::Refused("a notice in a form that this version does not know".to_owned()))
}

fn read(payload: &[u8]) -> Option<Notice> {
    let rest = std::str::from_utf8(payload).ok()?;
    let (version, rest) = rest.split_once('\n')?;
    if version != VERSION {
        return None;
    }
    let (number, rest) = rest.split_once('\n')?;
    let (origin, rest) = rest.split_once('\n')?;
    let (keys, rest) = rest.split_once('\n')?;
    let (tags, rest) = rest.split_once('\n')?;
    let (keys, rest) = texts(keys.parse().ok()?, rest)?;
    let (tags, rest) = texts(tags.parse().ok()?, rest)?;
    rest.is_empty().then_some(Notice {
        number: number.parse().ok()?,
        origin: origin.parse().ok()?,
        keys,
        tags,
    })
}

/// So many texts, and what is behind them.
fn texts(count: usize, mut rest: &str) -> Option<(Vec<String>, &str)> {
    // Each takes two bytes at least, so that a made-up count reserves no memory.
    let mut texts = Vec::with_capacity(count.min(rest.len() / 2));
    for _ in 0..count {
        let (length, behind) = rest.split_once(':')?;
        let (text, behind) = behind.split_at_checked(length.parse().ok()?)?;
        texts.push(text.to_owned());
        rest = behind;
    }
    Some((texts, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(keys: &[&str], tags: &[&str]) {
        let tail = tail(&Invalidation {
            keys,
            tags,
            origin: u64::MAX,
        });
        let notice = parse(format!("1\n42\n{tail}").as_bytes()).unwrap();
        assert_eq!(notice.number, 42);
        assert_eq!(notice.origin, u64::MAX);
        assert_eq!(notice.keys, keys);
        assert_eq!(notice.tags, tags);
    }

    #[test]
    fn what_is_written_is_read() {
        round_trip(&[], &[]);
        round_trip(&["a", "", "3:x", "ö}{", "line\nbreak"], &["*", "agent:7"]);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for payload in [
            "",
            "1",
            "2\n42\n0\n0\n0\n",
            "1\nx\n0\n0\n0\n",
            "1\n42\n0\n1\n0\n",
            "1\n42\n0\n1\n0\n9:short",
            "1\n42\n0\n0\n0\nmore",
            "1\n42\n0\n99999999999999\n0\n1:a",
            "1\n42\n0\n1\n0\n1:ö",
        ] {
            assert!(parse(payload.as_bytes()).is_err(), "{payload:?}");
        }
        assert!(parse(b"1\n42\n0\n0\n0\n").is_ok());
        assert!(parse(b"\xff").is_err());
    }
}
