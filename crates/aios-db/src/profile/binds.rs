//! Values as diesel prints them, read again, so that the database can plan with them.

use crate::printed::{self, Printed};

/// A value in SQL: a quoted text that the database takes for what it needs, or NULL.
pub(super) type Literal = String;

/// The values of a query, from what diesel prints behind its SQL: `["word", 5, Sql(0190-…), None]`. `None` where one of them
/// is of a kind that is not given back, such as a document: the plan is then made without values.
pub(super) fn literals(printed: &str) -> Option<Vec<Literal>> {
    printed::values(printed)?.iter().map(literal).collect()
}

fn literal(value: &Printed) -> Option<Literal> {
    match value {
        Printed::Word(word) if word == "None" => Some("NULL".to_owned()),
        Printed::Text(text) | Printed::Word(text) => Some(quoted(text)),
        Printed::List(_) => element(value).map(|list| quoted(&list)),
        Printed::Document(_) => None,
    }
}

/// As it stands inside an array of PostgreSQL, or is one.
fn element(value: &Printed) -> Option<String> {
    match value {
        Printed::Word(word) if word == "None" => Some("NULL".to_owned()),
        Printed::Text(text) | Printed::Word(text) => {
            Some(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
        }
        Printed::List(values) => {
            let values: Vec<String> = values.iter().map(element).collect::<Option<_>>()?;
            Some(format!("{{{}}}", values.join(",")))
        }
        Printed::Document(_) => None,
    }
}

/// Whatever the text is: with its quotes doubled it can't end before its end.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\0', "").replace('\'', "''"))
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
