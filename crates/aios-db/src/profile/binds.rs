//! Values as diesel prints them, read again, so that the database can plan with them.

use std::iter::Peekable;
use std::str::Chars;

/// A value in SQL: a quoted text that the database takes for what it needs, or NULL.
pub(super) type Literal = String;

/// The values of a query, from what diesel prints behind its SQL: `["word", 5, Sql(0190-…), None]`. `None` where one of them
/// is of a kind that can't be read back, such as a document: the plan is then made without values.
pub(super) fn literals(printed: &str) -> Option<Vec<Literal>> {
    let mut reader = Reader(printed.chars().peekable());
    let values = reader.list()?;
    reader.0.next().is_none().then_some(())?;
    Some(values.into_iter().map(Value::literal).collect())
}

enum Value {
    Null,
    Text(String),
    List(Vec<Value>),
}

impl Value {
    fn literal(self) -> Literal {
        match self {
            Self::Null => "NULL".to_owned(),
            Self::Text(text) => quoted(&text),
            Self::List(_) => quoted(&self.inner()),
        }
    }

    /// As it stands inside an array of PostgreSQL, or is one.
    fn inner(&self) -> String {
        match self {
            Self::Null => "NULL".to_owned(),
            Self::Text(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
            Self::List(values) => {
                let values: Vec<String> = values.iter().map(Self::inner).collect();
                format!("{{{}}}", values.join(","))
            }
        }
    }
}

/// Whatever the text is: with its quotes doubled it can't end before its end.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\0', "").replace('\'', "''"))
}

struct Reader<'a>(Peekable<Chars<'a>>);

impl Reader<'_> {
    fn list(&mut self) -> Option<Vec<Value>> {
        self.0.next_if_eq(&'[')?;
        let mut values = Vec::new();
        loop {
            self.spaces();
            if self.0.next_if_eq(&']').is_some() {
                return Some(values);
            }
            values.push(self.value()?);
            self.spaces();
            if self.0.next_if_eq(&',').is_none() && self.0.peek() != Some(&']') {
                return None;
            }
        }
    }

    fn value(&mut self) -> Option<Value> {
        match self.0.peek()? {
            '"' => self.text().map(Value::Text),
            '[' => self.list().map(Value::List),
            _ => self.word(),
        }
    }

    /// A number, an id, a moment, `None`, or a value in a wrapper's brackets.
    fn word(&mut self) -> Option<Value> {
        let mut word = String::new();
        while let Some(c) = self.0.next_if(|c| c.is_ascii_alphanumeric() || "-+.:_".contains(*c)) {
            word.push(c);
        }
        if self.0.next_if_eq(&'(').is_some() {
            let value = self.value()?;
            self.0.next_if_eq(&')')?;
            return Some(value);
        }
        match word.as_str() {
            "" => None,
            "None" => Some(Value::Null),
            _ => Some(Value::Text(word)),
        }
    }

    /// A text with the escapes of Rust's `Debug`.
    fn text(&mut self) -> Option<String> {
        self.0.next_if_eq(&'"')?;
        let mut text = String::new();
        loop {
            text.push(match self.0.next()? {
                '"' => return Some(text),
                '\\' => match self.0.next()? {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    '0' => '\0',
                    'u' => self.code()?,
                    c @ ('"' | '\\' | '\'') => c,
                    _ => return None,
                },
                c => c,
            });
        }
    }

    fn code(&mut self) -> Option<char> {
        self.0.next_if_eq(&'{')?;
        let mut digits = String::new();
        while let Some(digit) = self.0.next_if(char::is_ascii_hexdigit) {
            digits.push(digit);
        }
        self.0.next_if_eq(&'}')?;
        char::from_u32(u32::from_str_radix(&digits, 16).ok()?)
    }

    fn spaces(&mut self) {
        while self.0.next_if_eq(&' ').is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_read_back() {
        let printed = r#"["it's \"so\"", 5, -1.5, true, None, Some("a"), Sql(AgentId(0190-ab)), 2026-01-31T12:00:00Z, TextListValue(["a\\", "b"])]"#;
        let expected = [
            "'it''s \"so\"'",
            "'5'",
            "'-1.5'",
            "'true'",
            "NULL",
            "'a'",
            "'0190-ab'",
            "'2026-01-31T12:00:00Z'",
            r#"'{"a\\","b"}'"#,
        ];
        assert_eq!(literals(printed).unwrap(), expected);
        assert_eq!(literals("[]"), Some(Vec::new()));
    }

    #[test]
    fn what_cant_be_read_back_is_left() {
        for printed in [
            "",
            "[",
            "[1",
            "[1] x",
            r#"[Object {"a": Number(1)}]"#,
            "[\"a",
            "[Two(1, 2)]",
            "[1 2]",
            "[\"cut…",
        ] {
            assert_eq!(literals(printed), None, "{printed}");
        }
    }

    proptest! {
        /// Any text comes back as it was, and stays inside its quotes.
        #[test]
        fn texts_come_back(texts in proptest::collection::vec("[^\0]{0,20}", 0..5)) {
            let expected: Vec<String> = texts.iter().map(|text| format!("'{}'", text.replace('\'', "''"))).collect();
            prop_assert_eq!(literals(&format!("{texts:?}")), Some(expected));
        }
    }
}
