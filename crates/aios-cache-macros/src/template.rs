//! Templates such as `agent:{id}`: text with placeholders, `{{` and `}}` for braces that are meant.

use std::fmt;

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Text as it is, never empty.
    Text(String),
    /// What stands between braces, trimmed; never empty.
    Placeholder(String),
}

/// Why a text is no template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TemplateError {
    /// A `{` that nothing closes, or a second one before it is closed.
    Unclosed,
    /// A `}` that nothing opened.
    Unopened,
    /// `{}`.
    Empty,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unclosed => "a `{` in this template is not closed; for a brace as such write `{{`",
            Self::Unopened => "a `}` in this template closes nothing; for a brace as such write `}}`",
            Self::Empty => "`{}` names nothing; write an argument's name, or an expression on one, between the braces",
        })
    }
}

/// Takes a template to pieces. No two texts follow each other.
pub(crate) fn parse(template: &str) -> Result<Vec<Piece>, TemplateError> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, brace) = rest.split_at(at);
        text.push_str(before);
        if let Some(after) = brace.strip_prefix("{{").or_else(|| brace.strip_prefix("}}")) {
            text.push_str(brace.get(..1).unwrap_or_default());
            rest = after;
            continue;
        }
        let inside = brace.strip_prefix('{').ok_or(TemplateError::Unopened)?;
        let (name, after) = inside.split_once('}').ok_or(TemplateError::Unclosed)?;
        if name.contains('{') {
            return Err(TemplateError::Unclosed);
        }
        if name.trim().is_empty() {
            return Err(TemplateError::Empty);
        }
        push_text(&mut pieces, &mut text);
        pieces.push(Piece::Placeholder(name.trim().to_owned()));
        rest = after;
    }
    text.push_str(rest);
    push_text(&mut pieces, &mut text);
    Ok(pieces)
}

fn push_text(pieces: &mut Vec<Piece>, text: &mut String) {
    if !text.is_empty() {
        pieces.push(Piece::Text(std::mem::take(text)));
    }
}

/// A part of a key: what stands between two colons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Segment {
    /// Text, the same for every key.
    Text(String),
    /// A placeholder with text close around it, mostly none.
    Placeholder {
        before: String,
        name: String,
        after: String,
    },
}

/// Two placeholders without a colon between them: `{a}{b}` is `12` for 1 and 2 and for 12 and nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TwoPlaceholders(pub(crate) String, pub(crate) String);

/// Takes a key's template to the parts between its colons, of which there is one at least.
pub(crate) fn segments(pieces: Vec<Piece>) -> Result<Vec<Segment>, TwoPlaceholders> {
    let mut segments = Vec::new();
    let mut current = Segment::Text(String::new());
    for piece in pieces {
        match piece {
            Piece::Placeholder(name) => {
                current = match current {
                    Segment::Text(before) => Segment::Placeholder {
                        before,
                        name,
                        after: String::new(),
                    },
                    Segment::Placeholder { name: first, .. } => return Err(TwoPlaceholders(first, name)),
                };
            }
            Piece::Text(text) => {
                let mut parts = text.split(':');
                current.push(parts.next().unwrap_or_default());
                for part in parts {
                    segments.push(std::mem::replace(&mut current, Segment::Text(part.to_owned())));
                }
            }
        }
    }
    segments.push(current);
    Ok(segments)
}

impl Segment {
    fn push(&mut self, more: &str) {
        let (Self::Text(text) | Self::Placeholder { after: text, .. }) = self;
        text.push_str(more);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Piece {
        Piece::Text(text.to_owned())
    }

    fn placeholder(name: &str) -> Piece {
        Piece::Placeholder(name.to_owned())
    }

    #[test]
    fn a_template_is_text_and_placeholders() {
        assert_eq!(parse("agents"), Ok(vec![text("agents")]));
        assert_eq!(parse("agent:{id}"), Ok(vec![text("agent:"), placeholder("id")]));
        assert_eq!(parse("{a}{ b.c }"), Ok(vec![placeholder("a"), placeholder("b.c")]));
        assert_eq!(parse("{{{a}}}"), Ok(vec![text("{"), placeholder("a"), text("}")]));
        assert_eq!(parse("}}ü{{"), Ok(vec![text("}ü{")]));
        assert_eq!(parse(""), Ok(vec![]));
    }

    #[test]
    fn braces_have_to_match() {
        assert_eq!(parse("a{b"), Err(TemplateError::Unclosed));
        assert_eq!(parse("{a{b}}"), Err(TemplateError::Unclosed));
        assert_eq!(parse("a}b"), Err(TemplateError::Unopened));
        assert_eq!(parse("a{ }b"), Err(TemplateError::Empty));
    }

    #[test]
    fn a_key_is_cut_at_its_colons() {
        let segments = |template: &str| segments(parse(template).unwrap());
        let text = |text: &str| Segment::Text(text.to_owned());
        let placeholder = |before: &str, name: &str, after: &str| Segment::Placeholder {
            before: before.to_owned(),
            name: name.to_owned(),
            after: after.to_owned(),
        };
        assert_eq!(segments(""), Ok(vec![text("")]));
        assert_eq!(segments("{id}"), Ok(vec![placeholder("", "id", "")]));
        assert_eq!(
            segments("user:{id}:page-{n}.x"),
            Ok(vec![
                text("user"),
                placeholder("", "id", ""),
                placeholder("page-", "n", ".x"),
            ])
        );
        assert_eq!(
            segments(":a::{b}:"),
            Ok(vec![text(""), text("a"), text(""), placeholder("", "b", ""), text("")])
        );
        assert_eq!(
            segments("{a}-{b}"),
            Err(TwoPlaceholders("a".to_owned(), "b".to_owned()))
        );
    }

    fn any_piece() -> impl Strategy<Value = Piece> {
        let text = "[a-z:{}]{1,4}".prop_map(Piece::Text);
        let placeholder = "[a-z.]{1,4}".prop_map(Piece::Placeholder);
        prop_oneof![text, placeholder]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(mut pieces in prop::collection::vec(any_piece(), 0..6)) {
            // Two texts in a row are one.
            pieces.dedup_by(|a, b| matches!((a, b), (Piece::Text(_), Piece::Text(_))));
            let written: String = pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Text(text) => text.replace('{', "{{").replace('}', "}}"),
                    Piece::Placeholder(name) => format!("{{{name}}}"),
                })
                .collect();
            prop_assert_eq!(parse(&written), Ok(pieces));
        }

        #[test]
        fn segments_joined_by_colons_are_the_template(pieces in prop::collection::vec(any_piece(), 0..6)) {
            let whole = |pieces: &[Piece]| -> String {
                let shown = pieces.iter().map(|piece| match piece {
                    Piece::Text(text) => text.clone(),
                    Piece::Placeholder(name) => format!("<{name}>"),
                });
                shown.collect()
            };
            let expected = whole(&pieces);
            if let Ok(segments) = segments(pieces) {
                let shown: Vec<String> = segments
                    .into_iter()
                    .map(|segment| match segment {
                        Segment::Text(text) => text,
                        Segment::Placeholder { before, name, after } => format!("{before}<{name}>{after}"),
                    })
                    .collect();
                prop_assert_eq!(shown.join(":"), expected);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "[a{}:ü]{0,12}") {
            let _ = parse(&text).map(segments);
        }
    }
}
