//! Bound values with their types, read from what diesel prints of them.

use aios_domain::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::connection::DatabaseKind;
use crate::printed::{self, Printed};

/// A bound value.
#[derive(Clone, Debug, PartialEq)]
pub enum Bind {
    /// `NULL`.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number of whatever width.
    Integer(i64),
    /// A number.
    Double(f64),
    /// A text.
    Text(String),
    /// A UUID.
    Uuid(Uuid),
    /// A moment.
    Moment(Timestamp),
    /// Several values bound as one.
    List(Vec<Bind>),
    /// A JSON document: an object or an array.
    Json(Value),
}

impl Bind {
    /// The values in `[1, "x", Sql(AgentId(…))]`; `None` where they can't be read.
    pub(super) fn read_all(text: &str) -> Option<Vec<Self>> {
        printed::values(text)?.into_iter().map(Self::of).collect()
    }

    fn of(value: Printed) -> Option<Self> {
        match value {
            Printed::Text(text) => Some(Self::Text(text)),
            Printed::List(values) => values.into_iter().map(Self::of).collect::<Option<_>>().map(Self::List),
            Printed::Document(document) => Some(Self::Json(document)),
            Printed::Word(word) => match word.as_str() {
                "None" => Some(Self::Null),
                "true" => Some(Self::Bool(true)),
                "false" => Some(Self::Bool(false)),
                word => simple(word),
            },
        }
    }

    /// The value as SQL.
    pub(super) fn literal(&self, kind: DatabaseKind) -> String {
        match (self, kind) {
            (Self::Null, _) => "NULL".to_owned(),
            (Self::Bool(yes), DatabaseKind::Postgres) => yes.to_string(),
            (Self::Bool(yes), DatabaseKind::Sqlite) => i32::from(*yes).to_string(),
            (Self::Integer(number), _) => number.to_string(),
            (Self::Double(number), _) => format!("{number:?}"),
            (Self::Uuid(id), DatabaseKind::Sqlite) => format!("x'{}'", id.simple()),
            (Self::Moment(moment), DatabaseKind::Sqlite) => moment.timestamp_micros().to_string(),
            (Self::List(list), DatabaseKind::Sqlite) => {
                let texts: Vec<String> = list.iter().map(Self::plain).collect();
                quoted(&serde_json::json!(texts).to_string())
            }
            (Self::Text(_) | Self::Json(_) | Self::Uuid(_) | Self::Moment(_) | Self::List(_), _) => {
                quoted(&self.plain())
            }
        }
    }

    /// The value as PostgreSQL reads it from a text.
    pub fn plain(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Bool(yes) => yes.to_string(),
            Self::Integer(number) => number.to_string(),
            Self::Double(number) => format!("{number:?}"),
            Self::Text(text) => text.clone(),
            Self::Uuid(id) => id.to_string(),
            Self::Moment(moment) => moment.to_rfc3339(),
            Self::Json(document) => document.to_string(),
            Self::List(list) => {
                let items = list.iter().map(|item| {
                    let text = item.plain().replace('\\', "\\\\").replace('"', "\\\"");
                    format!("\"{text}\"")
                });
                format!("{{{}}}", items.collect::<Vec<_>>().join(","))
            }
        }
    }

    /// PostgreSQL's name of the type that diesel binds it as; whole numbers are taken for wide ones, which compare alike.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "unknown",
            Self::Bool(_) => "boolean",
            Self::Integer(_) => "bigint",
            Self::Double(_) => "double precision",
            Self::Text(_) => "text",
            Self::Uuid(_) => "uuid",
            Self::Moment(_) => "timestamptz",
            Self::Json(_) => "jsonb",
            Self::List(list) => match list.first() {
                Some(Self::Uuid(_)) => "uuid[]",
                Some(Self::Integer(_)) => "bigint[]",
                Some(Self::Double(_)) => "double precision[]",
                Some(Self::Moment(_)) => "timestamptz[]",
                _ => "text[]",
            },
        }
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn simple(word: &str) -> Option<Bind> {
    let integer = || word.parse().ok().map(Bind::Integer);
    let double = || word.parse().ok().map(Bind::Double);
    let id = || Uuid::parse_str(word).ok().map(Bind::Uuid);
    let moment = || word.parse().ok().map(Bind::Moment);
    integer().or_else(double).or_else(id).or_else(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_diesel_shows_is_read() {
        let id = "01a21400-03db-77f5-8de7-c0889c4d3ced";
        let text = format!(
            r#"[Sql(UserId({id})), 7, -2, 4.5, "a \"b\" \u{{e9}}\n", None, Some(true), Sql(2026-01-31T12:00:00.123456Z), TextListValue(["a", "b"]), [Sql({id})], Sql(Object {{"a": String("}}")}}), []]"#
        );
        let uuid: Uuid = id.parse().unwrap();
        let moment: Timestamp = "2026-01-31T12:00:00.123456Z".parse().unwrap();
        let words = vec![Bind::Text("a".to_owned()), Bind::Text("b".to_owned())];
        let expected = vec![
            Bind::Uuid(uuid),
            Bind::Integer(7),
            Bind::Integer(-2),
            Bind::Double(4.5),
            Bind::Text("a \"b\" é\n".to_owned()),
            Bind::Null,
            Bind::Bool(true),
            Bind::Moment(moment),
            Bind::List(words),
            Bind::List(vec![Bind::Uuid(uuid)]),
            Bind::Json(serde_json::json!({ "a": "}" })),
            Bind::List(Vec::new()),
        ];
        assert_eq!(Bind::read_all(&text), Some(expected));
        assert_eq!(Bind::read_all("[1, "), None);
        assert_eq!(Bind::read_all("[what]"), None);
    }

    #[test]
    fn values_are_written_as_each_database_reads_them() {
        let list = Bind::List(vec![Bind::Text("it's \"x\"".to_owned())]);
        assert_eq!(list.literal(DatabaseKind::Postgres), r#"'{"it''s \"x\""}'"#);
        assert_eq!(list.literal(DatabaseKind::Sqlite), r#"'["it''s \"x\""]'"#);
        let id = Bind::Uuid(Uuid::from_u128(1));
        assert_eq!(id.literal(DatabaseKind::Sqlite), "x'00000000000000000000000000000001'");
        assert_eq!(
            id.literal(DatabaseKind::Postgres),
            "'00000000-0000-0000-0000-000000000001'"
        );
    }

    proptest::proptest! {
        #[test]
        fn any_document_survives(text in ".*", number: i64, eighths in -10_000..10_000, yes: bool) {
            // Such as JSON gives back to the last bit.
            let double = f64::from(eighths) / 8.0;
            let document = serde_json::json!([[text.clone(), number, null], { text.clone(): [yes, double, {}, []] }]);
            let shown = format!("[Sql({document:?}), 1]");
            let expected = vec![Bind::Json(document), Bind::Integer(1)];
            proptest::prop_assert_eq!(Bind::read_all(&shown), Some(expected));
        }

        #[test]
        fn any_text_survives(text in ".*", number: i64) {
            let shown = format!("{:?}", (vec![Some(text.clone())], number));
            let shown = format!("[{}]", &shown[1..shown.len() - 1]);
            let expected = vec![Bind::List(vec![Bind::Text(text)]), Bind::Integer(number)];
            proptest::prop_assert_eq!(Bind::read_all(&shown), Some(expected));
        }
    }
}
