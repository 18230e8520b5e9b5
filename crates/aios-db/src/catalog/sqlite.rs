//! SQLite's catalogue: the text of each object, and the pragmas that read it.

use diesel::sql_types::{Bool, Integer, Nullable, Text};
use diesel::{QueryableByName, RunQueryDsl, SqliteConnection, sql_query};

use crate::catalog::{BOOKKEEPING, Column, ForeignKey, Index, IndexRow, Line, Table};
use crate::error::DbResult;

/// Indexes that SQLite makes for constraints, and tables that it makes for a virtual table, have no text or begin so.
const DESCRIBE: &str = r"
SELECT type || ' ' || name || ' on ' || tbl_name || ': ' || coalesce(sql, '') AS line FROM sqlite_schema
 WHERE name NOT LIKE ? ESCAPE '\' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'";

const COLUMNS: &str = r#"
SELECT t.name AS table_name, c.name AS column_name, c.type AS declared_type, c."notnull" = 0 AS nullable, c.pk AS key_place
  FROM pragma_table_list t JOIN pragma_table_xinfo(t.name) c
 WHERE t.schema = 'main' AND t.type = 'table' AND c.hidden <> 1
   AND t.name NOT LIKE ? ESCAPE '\' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\'
 ORDER BY t.name, c.cid"#;

const UNIQUE: &str = r#"
SELECT t.name AS table_name, i.name AS key_name, c.name AS column_name, '' AS target_table, '' AS target_column
  FROM pragma_table_list t JOIN pragma_index_list(t.name) i JOIN pragma_index_info(i.name) c
 WHERE t.schema = 'main' AND t.type = 'table' AND i."unique" AND NOT i.partial AND i.origin <> 'pk'
 ORDER BY t.name, i.name, c.seqno"#;

/// A reference that names no column means the primary key.
const FOREIGN_KEYS: &str = r#"
SELECT t.name AS table_name, CAST(f.id AS TEXT) AS key_name, f."from" AS column_name, f."table" AS target_table,
       f."to" AS target_column
  FROM pragma_table_list t JOIN pragma_foreign_key_list(t.name) f
 WHERE t.schema = 'main' AND t.type = 'table'
 ORDER BY t.name, f.id, f.seq"#;

/// An integer that is a row's own number has no index, and a table that is its primary key's index names it all the same.
const INDEXES: &str = r#"
SELECT t.name AS table_name, i.name AS index_name, s.sql AS definition, i."unique" AS is_unique, i.origin = 'pk' AS is_primary
  FROM pragma_table_list t JOIN pragma_index_list(t.name) i LEFT JOIN sqlite_schema s ON s.type = 'index' AND s.name = i.name
 WHERE t.schema = 'main' AND t.type = 'table'
   AND t.name NOT LIKE ? ESCAPE '\' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\'
 ORDER BY t.name, i.name"#;

#[derive(QueryableByName)]
struct ColumnRow {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    declared_type: String,
    #[diesel(sql_type = Bool)]
    nullable: bool,
    #[diesel(sql_type = Integer)]
    key_place: i32,
}

/// One column of a key that may have several.
#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    key_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    target_table: String,
    #[diesel(sql_type = Nullable<Text>)]
    target_column: Option<String>,
}

pub(super) fn describe(connection: &mut SqliteConnection) -> DbResult<Vec<String>> {
    let lines: Vec<Line> = sql_query(DESCRIBE).bind::<Text, _>(BOOKKEEPING).load(connection)?;
    let mut lines: Vec<String> = lines.into_iter().map(|line| plain(&line.line)).collect();
    lines.sort();
    Ok(lines)
}

pub(super) fn indexes(connection: &mut SqliteConnection) -> DbResult<Vec<Index>> {
    let rows: Vec<IndexRow> = sql_query(INDEXES).bind::<Text, _>(BOOKKEEPING).load(connection)?;
    Ok(rows.into_iter().map(Index::from).collect())
}

pub(super) fn tables(connection: &mut SqliteConnection) -> DbResult<Vec<Table>> {
    let columns: Vec<ColumnRow> = sql_query(COLUMNS).bind::<Text, _>(BOOKKEEPING).load(connection)?;
    let mut tables: Vec<Table> = Vec::new();
    for rows in columns.chunk_by(|left, right| left.table_name == right.table_name) {
        tables.push(table(rows));
    }
    for rows in keys(connection, UNIQUE)?.chunk_by(same_key) {
        if let Some(table) = owner(&mut tables, rows) {
            table
                .unique
                .push(rows.iter().map(|row| row.column_name.clone()).collect());
        }
    }
    for rows in keys(connection, FOREIGN_KEYS)?.chunk_by(same_key) {
        let key = ForeignKey {
            columns: rows.iter().map(|row| row.column_name.clone()).collect(),
            table: rows.first().map(|row| row.target_table.clone()).unwrap_or_default(),
            target: rows.iter().filter_map(|row| row.target_column.clone()).collect(),
        };
        if let Some(table) = owner(&mut tables, rows) {
            table.foreign_keys.push(key);
        }
    }
    for table in &mut tables {
        table.foreign_keys.sort();
    }
    tables.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(tables)
}

fn table(rows: &[ColumnRow]) -> Table {
    let columns = rows.iter().map(|row| Column {
        name: row.column_name.clone(),
        declared_type: row.declared_type.clone(),
        // The row's number is never NULL, though nothing in its declaration says so.
        nullable: row.nullable && row.key_place == 0,
    });
    let mut key: Vec<&ColumnRow> = rows.iter().filter(|row| row.key_place > 0).collect();
    key.sort_by_key(|row| row.key_place);
    Table {
        name: rows.first().map(|row| row.table_name.clone()).unwrap_or_default(),
        columns: columns.collect(),
        primary_key: key.into_iter().map(|row| row.column_name.clone()).collect(),
        ..Table::default()
    }
}

fn keys(connection: &mut SqliteConnection, query: &str) -> DbResult<Vec<KeyRow>> {
    Ok(sql_query(query).load(connection)?)
}

fn same_key(left: &KeyRow, right: &KeyRow) -> bool {
    (&left.table_name, &left.key_name) == (&right.table_name, &right.key_name)
}

fn owner<'a>(tables: &'a mut [Table], rows: &[KeyRow]) -> Option<&'a mut Table> {
    let name = &rows.first()?.table_name;
    tables.iter_mut().find(|table| table.name == *name)
}

/// SQL without comments and quotes around plain names, with single spaces: `ALTER TABLE` and a rebuild of a table keep its
/// meaning but not its text. What stands in single quotes stays as it is.
fn plain(sql: &str) -> String {
    let mut plain = String::with_capacity(sql.len());
    let mut characters = sql.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\'' => {
                plain.push('\'');
                // Doubled quotes end one literal and begin the next, which comes to the same here.
                for inner in characters.by_ref() {
                    plain.push(inner);
                    if inner == '\'' {
                        break;
                    }
                }
            }
            '-' if characters.peek() == Some(&'-') => {
                characters.by_ref().find(|inner| *inner == '\n');
                push_space(&mut plain);
            }
            '"' => {}
            _ if character.is_whitespace() => push_space(&mut plain),
            ',' | ')' => {
                plain.truncate(plain.trim_end_matches(' ').len());
                plain.push(character);
            }
            _ => plain.push(character),
        }
    }
    plain.truncate(plain.trim_end_matches(' ').len());
    plain
}

fn push_space(plain: &mut String) {
    if !plain.ends_with([' ', '(']) {
        plain.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_and_comments_do_not_count() {
        let written = "CREATE TABLE \"x\" (\n    -- the key\n    id BLOB NOT NULL,\n    name TEXT\n)";
        assert_eq!(plain(written), "CREATE TABLE x (id BLOB NOT NULL, name TEXT)");
    }

    #[test]
    fn literals_stay_as_they_are() {
        assert_eq!(plain("CHECK (x <> 'a  -- \"b''  c')"), "CHECK (x <> 'a  -- \"b''  c')");
    }

    #[test]
    fn another_meaning_is_another_text() {
        assert_ne!(plain("CHECK (a > 1)"), plain("CHECK (a > 2)"));
    }
}
