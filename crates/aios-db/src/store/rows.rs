//! Many rows in one statement: they travel as one JSON array of arrays, which the database takes apart. So the statement has one
//! bound value for any number of rows, and no limit on bound values is ever near.

use aios_domain::Timestamp;
use serde_json::Value;

use crate::connection::DatabaseKind;

/// What stands at one place of each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Uuid,
    Text,
    Integer,
    Moment,
    Json,
    TextList,
}

impl Field {
    /// The SQL that reads it, as the column's own type.
    fn read(self, kind: DatabaseKind, place: usize) -> String {
        match (kind, self) {
            (DatabaseKind::Postgres, Self::Uuid) => format!("CAST(value->>{place} AS uuid)"),
            (DatabaseKind::Postgres, Self::Integer) => format!("CAST(value->>{place} AS bigint)"),
            (DatabaseKind::Postgres, Self::Moment) => format!("CAST(value->>{place} AS timestamptz)"),
            (DatabaseKind::Postgres, Self::TextList) => {
                format!("ARRAY(SELECT jsonb_array_elements_text(value->{place}))")
            }
            (DatabaseKind::Sqlite, Self::Uuid) => format!("unhex(value->>{place})"),
            (DatabaseKind::Sqlite, Self::TextList) | (_, Self::Json) => format!("value->{place}"),
            (DatabaseKind::Sqlite, Self::Integer | Self::Moment) | (_, Self::Text) => format!("value->>{place}"),
        }
    }
}

/// The rows of the statement's first bound value, as the table `given` with these columns. SQLite numbers parameters as they
/// appear, so no other may stand before it.
pub(crate) fn given(kind: DatabaseKind, columns: &[(&str, Field)]) -> String {
    let columns: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(place, (name, field))| format!("{} AS {name}", field.read(kind, place)))
        .collect();
    let source = match kind {
        DatabaseKind::Postgres => "jsonb_array_elements($1)",
        DatabaseKind::Sqlite => "json_each($1)",
    };
    format!("(SELECT {} FROM {source}) AS given", columns.join(", "))
}

/// An id in a row.
pub(crate) fn id(id: uuid::Uuid) -> Value {
    Value::String(id.simple().to_string())
}

/// A moment in a row.
pub(crate) fn moment(kind: DatabaseKind, moment: Timestamp) -> Value {
    match kind {
        DatabaseKind::Postgres => moment.to_rfc3339_opts(chrono::SecondsFormat::Micros, true).into(),
        DatabaseKind::Sqlite => moment.timestamp_micros().into(),
    }
}
