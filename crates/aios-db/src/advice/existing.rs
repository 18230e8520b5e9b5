//! The tables and indexes that there are, as far as advice needs to know them.

use std::collections::BTreeMap;

use diesel::sql_types::{Array, BigInt, Bool, Double, Nullable, Text};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};

use super::statement::Columns;
use crate::catalog;
use crate::connection::AnyConnection;
use crate::error::DbResult;

/// An index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Existing {
    pub(super) table: String,
    pub(super) name: String,
    /// Its access method, such as `btree`.
    pub(super) method: String,
    /// Column or expression of each key, without its direction.
    pub(super) columns: Vec<String>,
    /// Direction, collation and operator class of each key, comparable within one database.
    pub(super) traits: Vec<String>,
    /// Whether each key is in descending order.
    pub(super) descending: Vec<bool>,
    /// Columns that it carries along and is not ordered by.
    pub(super) included: Vec<String>,
    /// Of which rows it is, where not of all.
    pub(super) condition: Option<String>,
    /// It serves a key, a constraint or replication, so it may not go.
    pub(super) is_needed: bool,
    /// Queries may use it.
    pub(super) is_valid: bool,
    /// Its size, where the database tells.
    pub(super) bytes: Option<i64>,
}

/// What there is.
#[derive(Debug, Default)]
pub(super) struct Schema {
    pub(super) columns: Columns,
    pub(super) indexes: Vec<Existing>,
    /// How many rows each table has, about; on SQLite no more than were asked for.
    pub(super) rows: BTreeMap<String, i64>,
}

impl Schema {
    /// Reads it. Of a SQLite table no more than `most` rows are counted.
    pub(super) fn read(connection: &mut AnyConnection, most: i64) -> DbResult<Self> {
        let tables = catalog::tables(connection)?;
        let columns: Columns = tables
            .into_iter()
            .map(|table| {
                let columns = table.columns.into_iter().map(|column| column.name);
                (table.name, columns.collect())
            })
            .collect();
        let (indexes, rows) = match connection {
            AnyConnection::Postgres(connection) => (postgres_indexes(connection)?, postgres_rows(connection)?),
            AnyConnection::Sqlite(connection) => {
                let indexes = sqlite_indexes(connection)?;
                let rows = columns.keys().map(|table| sqlite_rows(connection, table, most));
                (indexes, rows.collect::<QueryResult<_>>()?)
            }
        };
        Ok(Self { columns, indexes, rows })
    }
}

const POSTGRES_INDEXES: &str = r"
SELECT t.relname::text AS table_name, c.relname::text AS index_name, am.amname::text AS method,
       ARRAY(SELECT pg_get_indexdef(c.oid, n, true) FROM generate_series(1, i.indnkeyatts) n) AS columns,
       ARRAY(SELECT concat_ws('/', i.indclass[n - 1]::text, i.indcollation[n - 1]::text, i.indoption[n - 1]::text)
               FROM generate_series(1, i.indnkeyatts) n) AS traits,
       ARRAY(SELECT i.indoption[n - 1] & 1 = 1 FROM generate_series(1, i.indnkeyatts) n) AS descending,
       ARRAY(SELECT pg_get_indexdef(c.oid, n, true) FROM generate_series(i.indnkeyatts + 1, i.indnatts) n) AS included,
       pg_get_expr(i.indpred, i.indrelid, true) AS condition,
       i.indisunique OR i.indisprimary OR i.indisexclusion OR i.indisreplident
         OR EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid) AS is_needed,
       i.indisvalid AND i.indisready AS is_valid, pg_relation_size(c.oid) AS bytes
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid JOIN pg_am am ON am.oid = c.relam
 WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind IN ('r', 'm') AND NOT t.relispartition
 ORDER BY 1, 2";

#[derive(QueryableByName)]
struct PostgresRow {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    index_name: String,
    #[diesel(sql_type = Text)]
    method: String,
    #[diesel(sql_type = Array<Text>)]
    columns: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    traits: Vec<String>,
    #[diesel(sql_type = Array<Bool>)]
    descending: Vec<bool>,
    #[diesel(sql_type = Array<Text>)]
    included: Vec<String>,
    #[diesel(sql_type = Nullable<Text>)]
    condition: Option<String>,
    #[diesel(sql_type = Bool)]
    is_needed: bool,
    #[diesel(sql_type = Bool)]
    is_valid: bool,
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

fn postgres_indexes(connection: &mut PgConnection) -> QueryResult<Vec<Existing>> {
    let rows: Vec<PostgresRow> = sql_query(POSTGRES_INDEXES).load(connection)?;
    let indexes = rows.into_iter().map(|row| Existing {
        table: row.table_name,
        name: row.index_name,
        method: row.method,
        columns: row.columns.iter().map(|column| unquoted(column)).collect(),
        traits: row.traits,
        descending: row.descending,
        included: row.included,
        condition: row.condition,
        is_needed: row.is_needed,
        is_valid: row.is_valid,
        bytes: Some(row.bytes),
    });
    Ok(indexes.collect())
}

/// A column's name as the catalogue has it, where it is no more than a name.
fn unquoted(column: &str) -> String {
    let inner = column.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.map_or_else(|| column.to_owned(), |inner| inner.replace("\"\"", "\""))
}

#[derive(QueryableByName)]
struct Rows {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Double)]
    rows: f64,
}

/// The planner's own numbers; of a table that was never analyzed, what the statistics collector counted.
fn postgres_rows(connection: &mut PgConnection) -> QueryResult<BTreeMap<String, i64>> {
    let rows: Vec<Rows> = sql_query(
        "SELECT c.relname::text AS table_name, CAST(greatest(c.reltuples, s.n_live_tup, 0) AS double precision) AS rows \
         FROM pg_class c LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid \
         WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')",
    )
    .load(connection)?;
    #[expect(clippy::cast_possible_truncation, reason = "a number of rows")]
    let rows = rows.into_iter().map(|row| (row.table_name, row.rows as i64));
    Ok(rows.collect())
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

fn sqlite_rows(connection: &mut SqliteConnection, table: &str, most: i64) -> QueryResult<(String, i64)> {
    let counted = format!(
        "SELECT count(*) AS rows FROM (SELECT 1 FROM {} LIMIT {most})",
        super::quoted(table)
    );
    let count: Count = sql_query(counted).get_result(connection)?;
    Ok((table.to_owned(), count.rows))
}

const SQLITE_INDEXES: &str = r#"
SELECT t.name AS table_name, i.name AS index_name, s.sql AS definition, i.origin <> 'c' OR i."unique" AS is_needed,
       coalesce(c.name, '(an expression)') AS column_name, c.cid = -2 AS is_expression, c."desc" AS descending, c.coll AS collation
  FROM pragma_table_list t JOIN pragma_index_list(t.name) i JOIN pragma_index_xinfo(i.name) c
  LEFT JOIN sqlite_schema s ON s.type = 'index' AND s.name = i.name
 WHERE t.schema = 'main' AND t.type = 'table' AND c.key AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\'
 ORDER BY t.name, i.name, c.seqno"#;

#[derive(QueryableByName)]
struct SqliteRow {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    index_name: String,
    #[diesel(sql_type = Nullable<Text>)]
    definition: Option<String>,
    #[diesel(sql_type = Bool)]
    is_needed: bool,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Bool)]
    is_expression: bool,
    #[diesel(sql_type = Bool)]
    descending: bool,
    #[diesel(sql_type = Text)]
    collation: String,
}

fn sqlite_indexes(connection: &mut SqliteConnection) -> QueryResult<Vec<Existing>> {
    let rows: Vec<SqliteRow> = sql_query(SQLITE_INDEXES).load(connection)?;
    let mut indexes: Vec<Existing> = Vec::new();
    for row in rows {
        if indexes.last().is_none_or(|index| index.name != row.index_name) {
            indexes.push(Existing {
                table: row.table_name,
                name: row.index_name.clone(),
                method: "btree".to_owned(),
                condition: row.definition.as_deref().and_then(condition),
                is_needed: row.is_needed,
                is_valid: true,
                ..Existing::default()
            });
        }
        let Some(index) = indexes.last_mut() else { continue };
        // Which expression is not told, so it is like no other's.
        let name = if row.is_expression {
            format!("({} of {})", index.columns.len(), index.name)
        } else {
            row.column_name
        };
        index.columns.push(name);
        index.traits.push(format!("{}/{}", row.collation, row.descending));
        index.descending.push(row.descending);
    }
    Ok(indexes)
}

/// What stands behind `WHERE` of an index's own SQL.
fn condition(sql: &str) -> Option<String> {
    let words: Vec<&str> = sql.split_whitespace().collect();
    let at = words.iter().rposition(|word| word.eq_ignore_ascii_case("where"))?;
    let condition = words.get(at + 1..)?.join(" ");
    Some(condition.replace(['"', '`'], ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_condition_of_an_index_is_read() {
        let sql = "CREATE INDEX a ON t (b)\n  where \"is_active\"\n AND c > 1";
        assert_eq!(condition(sql).as_deref(), Some("is_active AND c > 1"));
        assert_eq!(condition("CREATE INDEX a ON t (b)"), None);
    }

    #[test]
    fn quotes_of_names_are_taken_off() {
        assert_eq!(unquoted("\"a\"\"b\""), "a\"b");
        assert_eq!(unquoted("lower(a)"), "lower(a)");
    }
}
