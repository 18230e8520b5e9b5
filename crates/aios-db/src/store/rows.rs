//! Many rows in one statement: they travel as one JSON array of arrays, which the database takes apart. So the statement has one
//! bound value for any number of rows, and no limit on bound values is ever near.

use aios_domain::Timestamp;
use diesel::sql_query;
use serde_json::Value;

use crate::connection::DatabaseKind;
use crate::profile::RunQueryDsl;
use crate::sql_types::JsonDocument;
use crate::{AnyConnection, DbResult};

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

/// Holds the rows of `table` whose `key` stands in column `given_key` of the rows given, until the transaction ends. They are taken
/// in the order of their keys, so that two transactions never wait for each other in a circle. SQLite's writing transactions
/// come one after the other.
pub(crate) fn hold(
    connection: &mut AnyConnection,
    (table, key): (&str, &str),
    (given_key, columns): (&str, &[(&str, Field)]),
    rows: &Value,
) -> DbResult<()> {
    if let AnyConnection::Postgres(_) = connection {
        let given = given(DatabaseKind::Postgres, columns);
        sql_query(format!(
            "SELECT 1 AS held FROM {table} WHERE {key} = ANY (ARRAY(SELECT {given_key} FROM {given})) ORDER BY {key} FOR NO KEY UPDATE"
        ))
        .bind::<JsonDocument, _>(rows)
        .execute(connection)?;
    }
    Ok(())
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
