//! Text with rules: names, slugs, URLs, colours. Each type is made by a check and is never empty by accident.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Invalid;

/// What a text type asks of its characters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// One line: no control characters at all.
    Line,
    /// Lines: control characters but line feed and tab are refused.
    Lines,
    /// Lower-case letters and digits in groups parted by single hyphens: `data-analysis`.
    Slug,
}

fn checked(raw: &str, min: usize, max: usize, shape: Shape) -> Result<String, Invalid> {
    let text = raw.trim();
    let length = text.chars().count();
    if length < min {
        return Err(Invalid::new("must not be empty"));
    }
    if length > max {
        return Err(Invalid::new(format!("must be at most {max} characters long")));
    }
    let allowed = match shape {
        Shape::Line => !text.chars().any(char::is_control),
        Shape::Lines => !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')),
        Shape::Slug => is_slug(text),
    };
    if allowed {
        return Ok(text.to_owned());
    }
    Err(Invalid::new(match shape {
        Shape::Line => "must be one line without control characters",
        Shape::Lines => "must not hold control characters",
        Shape::Slug => "must be lower-case letters and digits, in groups parted by single hyphens",
    }))
}

fn is_slug(text: &str) -> bool {
    text.split('-')
        .all(|group| !group.is_empty() && group.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks and keeps the text; white space around it is cut off.
            ///
            /// # Errors
            /// [`Invalid`] says what the text must be.
            pub fn new(raw: impl AsRef<str>) -> Result<Self, Invalid> {
                let check: fn(&str) -> Result<String, Invalid> = $check;
                check(raw.as_ref()).map(Self)
            }

            /// Takes a text that was checked before, as one read back from the database.
            pub fn from_trusted(text: String) -> Self {
                debug_assert!(Self::new(&text).is_ok(), "{} holds nonsense: {text:?}", stringify!($name));
                Self(text)
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text, owned.
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(raw: String) -> Result<Self, Invalid> {
                Self::new(raw)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }
    };
}

text_type!(
    /// The name of an agent: one line of 1 to 100 characters.
    AgentName, |raw| checked(raw, 1, 100, Shape::Line)
);

impl AgentName {
    /// The key by which names are sorted, alike on both databases: lower case, compared byte by byte.
    ///
    /// ```
    /// # use aios_domain::AgentName;
    /// assert_eq!(AgentName::new("Über Agent")?.sort_key(), "über agent");
    /// # Ok::<(), aios_domain::Invalid>(())
    /// ```
    pub fn sort_key(&self) -> String {
        self.0.to_lowercase()
    }
}

text_type!(
    /// What an agent does: 1 to 5,000 characters, lines allowed.
    Description, |raw| checked(raw, 1, 5_000, Shape::Lines)
);
text_type!(
    /// What a category holds, or a knowledge entry in short: 1 to 1,000 characters.
    ShortDescription, |raw| checked(raw, 1, 1_000, Shape::Lines)
);
text_type!(
    /// The name of a person or a category as it is shown: one line of 1 to 100 characters.
    DisplayName, |raw| checked(raw, 1, 100, Shape::Line)
);
text_type!(
    /// The name of a category in paths and filters: a slug of 1 to 50 characters.
    CategoryName, |raw| checked(raw, 1, 50, Shape::Slug)
);
text_type!(
    /// A tag: a slug of 1 to 50 characters. Upper case, white space and `_` are folded: `Data Analysis` is `data-analysis`.
    Tag, |raw| checked(&folded(raw), 1, 50, Shape::Slug)
);
text_type!(
    /// The kind of an agent: a slug of 1 to 50 characters, such as `assistant` or `mcp-server`.
    AgentType, |raw| checked(raw, 1, 50, Shape::Slug)
);
text_type!(
    /// The icon of a category: a slug of 1 to 50 characters that a storefront knows how to draw.
    IconName, |raw| checked(raw, 1, 50, Shape::Slug)
);
text_type!(
    /// A licence, best as an SPDX expression: one line of 1 to 100 characters.
    License, |raw| checked(raw, 1, 100, Shape::Line)
);
text_type!(
    /// The name under which a registry publishes an agent: one line of 1 to 200 characters, as `io.github.owner/server`.
    RegistryName, |raw| checked(raw, 1, 200, Shape::Line)
);
text_type!(
    /// The heading of a review: one line of 1 to 200 characters.
    ReviewTitle, |raw| checked(raw, 1, 200, Shape::Line)
);
text_type!(
    /// The text of a review: 1 to 5,000 characters.
    ReviewText, |raw| checked(raw, 1, 5_000, Shape::Lines)
);
text_type!(
    /// The title of a knowledge entry: one line of 1 to 300 characters.
    KnowledgeTitle, |raw| checked(raw, 1, 300, Shape::Line)
);
text_type!(
    /// Where a knowledge entry comes from: one line of 1 to 2,048 characters (a URL, a file name, a book).
    KnowledgeSource, |raw| checked(raw, 1, 2_048, Shape::Line)
);
text_type!(
    /// What a knowledge entry is: a slug of 1 to 50 characters, such as `article` or `note`.
    ContentType, |raw| checked(&raw.trim().to_lowercase().replace('_', "-"), 1, 50, Shape::Slug)
);
text_type!(
    /// The text of a knowledge entry: 1 to 500,000 characters.
    KnowledgeText, |raw| checked(raw, 1, 500_000, Shape::Lines)
);
text_type!(
    /// What someone searches for: 1 to 200 characters. Never query syntax; the database layer takes words out of it.
    SearchQuery, |raw| checked(&raw.replace(char::is_control, " "), 1, 200, Shape::Line)
);
text_type!(
    /// An address such as `name@example.org`: at most 254 characters (RFC 5321), one `@` with text on both sides.
    Email, email
);
text_type!(
    /// A colour as `#rrggbb`, kept in lower case.
    HexColor, hex_color
);
text_type!(
    /// An absolute `http` or `https` URL with a host and without a password, at most 2,048 characters.
    HttpUrl, http_url
);

fn folded(raw: &str) -> String {
    raw.split(|c: char| c.is_whitespace() || c == '_' || c == '-')
        .filter(|part| !part.is_empty())
        .map(str::to_lowercase)
        .collect::<Vec<_>>()
        .join("-")
}

fn email(raw: &str) -> Result<String, Invalid> {
    let text = checked(raw, 1, 254, Shape::Line)?;
    let valid = text.split_once('@').is_some_and(|(local, host)| {
        !local.is_empty()
            && host.contains('.')
            && !host.starts_with('.')
            && !host.ends_with('.')
            && !host.contains('@')
            && !text.contains(char::is_whitespace)
    });
    if valid {
        Ok(text)
    } else {
        Err(Invalid::new("must be an e-mail address such as name@example.org"))
    }
}

fn hex_color(raw: &str) -> Result<String, Invalid> {
    let text = raw.trim();
    let valid = text
        .strip_prefix('#')
        .is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()));
    if valid {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(Invalid::new("must be a colour such as #3366ff"))
    }
}

fn http_url(raw: &str) -> Result<String, Invalid> {
    let text = checked(raw, 1, 2_048, Shape::Line)?;
    let refused = || Invalid::new("must be an absolute http or https URL");
    let url = url::Url::parse(&text).map_err(|_| refused())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(refused());
    }
    if url.password().is_some() {
        return Err(Invalid::new("must not hold a password"));
    }
    // As the caller wrote it where that is clean; the parser's spelling where the parser had to mend something.
    if text.contains(char::is_whitespace) || text.contains(['"', '<', '>', '\\']) {
        return Ok(url.into());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_count_characters_and_not_bytes() {
        assert!(AgentName::new("é".repeat(100)).is_ok());
        assert!(AgentName::new("é".repeat(101)).is_err());
        assert!(AgentName::new(" \t ").is_err());
        assert!(AgentName::new("two\nlines").is_err());
        assert!(Description::new("two\nlines").is_ok());
        assert!(Description::new("a bell \u{7}").is_err());
    }

    #[test]
    fn tags_are_folded_into_slugs() {
        assert_eq!(
            Tag::new(" Data_Analysis  Tool ").unwrap().as_str(),
            "data-analysis-tool"
        );
        for refused in ["", "-", "c++", "日本", &"a".repeat(51)] {
            assert!(Tag::new(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn only_web_urls_without_passwords_pass() {
        for good in [
            "https://example.org",
            "http://example.org:8080/a?b=c#d",
            "https://例え.jp/道",
        ] {
            assert!(HttpUrl::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "example.org",
            "ftp://example.org",
            "javascript:alert(1)",
            "https://",
            "https://u:p@example.org",
            "//example.org",
        ] {
            assert!(HttpUrl::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn colours_and_addresses() {
        assert_eq!(HexColor::new("#3366FF").unwrap().as_str(), "#3366ff");
        assert!(HexColor::new("#36f").is_err());
        assert!(HexColor::new("#gggggg").is_err());
        assert!(Email::new("ada@example.org").is_ok());
        for bad in [
            "ada",
            "@example.org",
            "ada@",
            "ada@host",
            "a b@example.org",
            "a@b@example.org",
        ] {
            assert!(Email::new(bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_was_accepted_is_accepted_again(raw in "\\PC{0,120}") {
            if let Ok(name) = AgentName::new(&raw) {
                proptest::prop_assert_eq!(AgentName::new(name.as_str()), Ok(name));
            }
            if let Ok(tag) = Tag::new(&raw) {
                proptest::prop_assert_eq!(Tag::new(tag.as_str()), Ok(tag));
            }
            if let Ok(url) = HttpUrl::new(&raw) {
                proptest::prop_assert_eq!(HttpUrl::new(url.as_str()), Ok(url));
            }
        }
    }
}
