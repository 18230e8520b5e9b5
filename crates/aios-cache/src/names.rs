//! Names of namespaces, which are checked, and of tags, which are any text.

use crate::key::escape;

/// How long a namespace's name may be, in bytes.
const LONGEST: usize = 64;

/// Why a namespace can't have this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NamespaceNameError {
    /// It is empty.
    #[error("a namespace needs a name")]
    Empty,
    /// It is longer than 64 characters.
    #[error("a namespace's name has at most 64 characters, this one has {0}")]
    TooLong(usize),
    /// It has a character other than the small letters a to z, digits, `_`, `.` and `-`.
    #[error("a namespace's name has small letters, digits, '_', '.' and '-', this one has {0:?}")]
    Character(char),
}

/// Tells whether a namespace may be called this.
pub(crate) fn check_namespace(name: &str) -> Result<(), NamespaceNameError> {
    if name.is_empty() {
        return Err(NamespaceNameError::Empty);
    }
    let fits = |c: &char| matches!(c, 'a'..='z' | '0'..='9' | '_' | '.' | '-');
    if let Some(other) = name.chars().find(|c| !fits(c)) {
        return Err(NamespaceNameError::Character(other));
    }
    if name.len() > LONGEST {
        return Err(NamespaceNameError::TooLong(name.len()));
    }
    Ok(())
}

/// The engine's name for a user's tag. No two tags share one, none is that of a namespace or of everything.
pub(crate) fn user_tag(tag: &str) -> String {
    let mut name = String::with_capacity(2 + tag.len());
    name.push_str("t:");
    escape(tag, "%", |piece| name.push_str(piece));
    name
}

/// The engine's name for the tag that everything in a namespace bears.
pub(crate) fn namespace_tag(namespace: &str) -> String {
    format!("n:{namespace}")
}

/// The namespace whose tag this is.
pub(crate) fn namespace_of_tag(tag: &str) -> Option<&str> {
    tag.strip_prefix("n:")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::EVERYTHING;

    #[test]
    fn namespaces_have_short_plain_names() {
        assert_eq!(check_namespace("agents.by_id-2"), Ok(()));
        assert_eq!(check_namespace(&"x".repeat(64)), Ok(()));
        assert_eq!(check_namespace(""), Err(NamespaceNameError::Empty));
        assert_eq!(check_namespace(&"x".repeat(65)), Err(NamespaceNameError::TooLong(65)));
        assert_eq!(check_namespace("Agents"), Err(NamespaceNameError::Character('A')));
        assert_eq!(check_namespace("a:b"), Err(NamespaceNameError::Character(':')));
    }

    #[test]
    fn tags_are_read_as_they_were_given() {
        assert_eq!(user_tag("agent:5"), "t:agent:5");
        assert_eq!(user_tag("100%\n"), "t:100%25%0A");
        assert_eq!(namespace_tag("agents"), "n:agents");
    }

    proptest! {
        #[test]
        fn no_tag_is_another_or_a_reserved_one(one in any::<String>(), other in "[n:t*%0A\n]{0,4}", name in "[a-z]{1,3}") {
            let tag = user_tag(&one);
            prop_assert!(!tag.chars().any(char::is_control));
            prop_assert_eq!(one == other, tag == user_tag(&other));
            prop_assert!(user_tag(&other) != EVERYTHING && user_tag(&other) != namespace_tag(&name));
        }
    }
}
