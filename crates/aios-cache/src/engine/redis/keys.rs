//! What things are called in Redis.

use std::fmt::Write;

/// The names of everything that one cache keeps in Redis.
///
/// An entry is `{PREFIX:KEY}` and its lease `{PREFIX:KEY}:l`: the braces make a Cluster keep both in one slot, also where the
/// key itself has braces, since the part that is hashed ends at the first closing one in both. All else is under `{PREFIX}`,
/// in one slot, so that one script can count, set versions and publish. No name stands for two things: an entry ends with a
/// brace, a lease does not, and a prefix has neither braces nor colons, because [`Names::new`] escapes them.
#[derive(Debug, Clone)]
pub(super) struct Names {
    prefix: String,
    /// The counter of invalidations.
    pub(super) number: String,
    /// Which servers were there at the last check.
    pub(super) identity: String,
    /// The channel of notices.
    pub(super) channel: String,
}

impl Names {
    /// The names under a prefix, which is not empty. Channels know no databases, so that the channel names its own.
    pub(super) fn new(prefix: &str, database: u32) -> Self {
        let prefix = escaped(prefix);
        let channel = match database {
            0 => format!("{{{prefix}}}:c"),
            other => format!("{{{prefix}}}:c:{other}"),
        };
        Self {
            number: format!("{{{prefix}}}:n"),
            identity: format!("{{{prefix}}}:id"),
            channel,
            prefix,
        }
    }

    pub(super) fn entry(&self, key: &str) -> String {
        // Made for each read; this is a third of what `format!` takes.
        let mut name = String::with_capacity(self.prefix.len() + key.len() + 3);
        name.push('{');
        name.push_str(&self.prefix);
        name.push(':');
        name.push_str(key);
        name.push('}');
        name
    }

    pub(super) fn lease(&self, key: &str) -> String {
        format!("{{{}:{key}}}:l", self.prefix)
    }

    /// Where a tag's version is kept.
    pub(super) fn tag(&self, tag: &str) -> String {
        format!("{{{}}}:t:{tag}", self.prefix)
    }
}

/// The prefix with a `%XX` for each character that has a meaning in our names.
fn escaped(prefix: &str) -> String {
    let mut escaped = String::with_capacity(prefix.len());
    for character in prefix.chars() {
        if matches!(character, '{' | '}' | ':' | '%') || character.is_ascii_control() {
            // Writing to a string does not fail.
            let _ = write!(escaped, "%{:02X}", u32::from(character));
        } else {
            escaped.push(character);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The part of a name that a Cluster hashes.
    fn hashed(name: &str) -> &str {
        let Some((_, rest)) = name.split_once('{') else {
            return name;
        };
        match rest.split_once('}') {
            Some((tag, _)) if !tag.is_empty() => tag,
            _ => name,
        }
    }

    #[test]
    fn an_entry_and_its_lease_share_a_slot() {
        let names = Names::new("aios", 0);
        for key in ["a", "", "}", "{", "}{", "a}b{c", "{}", "{a}", "äöü}"] {
            assert_eq!(hashed(&names.entry(key)), hashed(&names.lease(key)), "{key}");
        }
    }

    #[test]
    fn control_names_share_a_slot() {
        let names = Names::new("a:{b}", 3);
        let all = [
            &names.number,
            &names.identity,
            &names.channel,
            &names.tag("*"),
            &names.tag("x}"),
        ];
        assert!(all.iter().all(|name| hashed(name) == "a%3A%7Bb%7D"), "{all:?}");
    }

    #[test]
    fn no_two_things_share_a_name() {
        let mut all = Vec::new();
        for prefix in ["a", "a:b", "a%3Ab", "{a}", "a}"] {
            let names = Names::new(prefix, 0);
            all.extend([names.number.clone(), names.identity.clone(), names.channel.clone()]);
            for key in ["", "x", "x}:l", "b:x", "}:n", ":n", "}", "n"] {
                all.extend([names.entry(key), names.lease(key), names.tag(key)]);
            }
        }
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn databases_have_channels_of_their_own() {
        assert_eq!(Names::new("aios", 0).channel, "{aios}:c");
        assert_eq!(Names::new("aios", 7).channel, "{aios}:c:7");
    }
}
