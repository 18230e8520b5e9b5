//! PostgreSQL's catalogue, of the schema that is current.

use diesel::sql_types::{Array, Bool, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};

use crate::catalog::{BOOKKEEPING, Column, ForeignKey, Index, IndexRow, Line, Table};
use crate::error::DbResult;

/// Each part is one kind of object; `mine` are the relations that neither an extension nor the bookkeeping owns.
const DESCRIBE: &str = r"
WITH extension_objects AS (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
), mine AS (
    SELECT c.* FROM pg_class c
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relname NOT LIKE $1
      AND NOT EXISTS (SELECT FROM extension_objects e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid)
)
SELECT format('relation %s kind %s options %s', relname, relkind, coalesce(array_to_string(reloptions, ','), '')) AS line
  FROM mine WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
UNION ALL
SELECT format('column %s.%s number %s type %s%s%s%s default %s generated %s', relname, attname,
              row_number() OVER (PARTITION BY m.oid ORDER BY attnum), format_type(atttypid, atttypmod),
              CASE WHEN attnotnull THEN ' not null' ELSE '' END,
              CASE WHEN attcollation <> t.typcollation THEN ' collate ' || attcollation::regcollation::text ELSE '' END,
              CASE WHEN attidentity <> '' THEN ' identity ' || attidentity::text ELSE '' END,
              coalesce(pg_get_expr(adbin, adrelid), ''), attgenerated)
  FROM mine m JOIN pg_attribute a ON a.attrelid = m.oid AND attnum > 0 AND NOT attisdropped JOIN pg_type t ON t.oid = atttypid
  LEFT JOIN pg_attrdef d ON d.adrelid = m.oid AND d.adnum = attnum WHERE relkind IN ('r', 'p', 'v', 'm', 'f')
UNION ALL
SELECT format('constraint %s on %s valid %s: %s', conname, relname, convalidated, pg_get_constraintdef(c.oid))
  FROM pg_constraint c JOIN mine m ON m.oid = c.conrelid
UNION ALL
SELECT format('index valid %s: %s', indisvalid, pg_get_indexdef(indexrelid))
  FROM pg_index i JOIN mine m ON m.oid = i.indrelid
UNION ALL
SELECT format('trigger %s enabled %s', pg_get_triggerdef(t.oid), tgenabled)
  FROM pg_trigger t JOIN mine m ON m.oid = t.tgrelid WHERE NOT tgisinternal
UNION ALL
SELECT format('statistics %s', pg_get_statisticsobjdef(s.oid))
  FROM pg_statistic_ext s JOIN mine m ON m.oid = s.stxrelid
UNION ALL
SELECT format('view %s: %s', relname, pg_get_viewdef(oid)) FROM mine WHERE relkind IN ('v', 'm')
UNION ALL
SELECT format('function %s', pg_get_functiondef(p.oid))
  FROM pg_proc p WHERE p.pronamespace = current_schema()::regnamespace AND p.prokind IN ('f', 'p')
   AND NOT EXISTS (SELECT FROM extension_objects e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid)
UNION ALL
SELECT format('type %s kind %s: %s', typname, typtype, coalesce(
           (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid),
           format_type(typbasetype, typtypmod)))
  FROM pg_type t WHERE t.typnamespace = current_schema()::regnamespace AND typtype IN ('e', 'd', 'r')
   AND NOT EXISTS (SELECT FROM extension_objects e WHERE e.classid = 'pg_type'::regclass AND e.objid = t.oid)
ORDER BY 1";

const COLUMNS: &str = r"
SELECT c.relname::text AS table_name, attname::text AS column_name, format_type(atttypid, atttypmod) AS declared_type,
       NOT attnotnull AS nullable
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND attnum > 0 AND NOT attisdropped
 WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND c.relname NOT LIKE $1
 ORDER BY c.relname, attnum";

const KEYS: &str = r"
SELECT c.relname::text AS table_name, k.contype::text AS kind,
       ARRAY(SELECT attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u (number, place)
             JOIN pg_attribute ON attrelid = k.conrelid AND attnum = u.number ORDER BY u.place) AS columns,
       coalesce((SELECT relname::text FROM pg_class WHERE oid = k.confrelid), '') AS target_table,
       ARRAY(SELECT attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (number, place)
             JOIN pg_attribute ON attrelid = k.confrelid AND attnum = u.number ORDER BY u.place) AS target_columns
  FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
 WHERE c.relnamespace = current_schema()::regnamespace AND k.contype IN ('p', 'u', 'f') AND c.relname NOT LIKE $1
 ORDER BY c.relname, k.conname";

const INDEXES: &str = r"
SELECT c.relname::text AS table_name, i.relname::text AS index_name, pg_get_indexdef(i.oid) AS definition,
       indisunique AS is_unique, indisprimary AS is_primary
  FROM pg_index JOIN pg_class c ON c.oid = indrelid JOIN pg_class i ON i.oid = indexrelid
 WHERE c.relnamespace = current_schema()::regnamespace AND c.relname NOT LIKE $1
 ORDER BY 1, 2";

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
}

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Array<Text>)]
    columns: Vec<String>,
    #[diesel(sql_type = Text)]
    target_table: String,
    #[diesel(sql_type = Array<Text>)]
    target_columns: Vec<String>,
}

pub(super) fn describe(connection: &mut PgConnection) -> DbResult<Vec<String>> {
    let lines: Vec<Line> = sql_query(DESCRIBE).bind::<Text, _>(BOOKKEEPING).load(connection)?;
    let mut lines: Vec<String> = lines.into_iter().map(|line| line.line).collect();
    // In the order of bytes, whatever the database's locale thinks of it.
    lines.sort();
    Ok(lines)
}

pub(super) fn indexes(connection: &mut PgConnection) -> DbResult<Vec<Index>> {
    let rows: Vec<IndexRow> = sql_query(INDEXES).bind::<Text, _>(BOOKKEEPING).load(connection)?;
    Ok(rows.into_iter().map(Index::from).collect())
}

pub(super) fn tables(connection: &mut PgConnection) -> DbResult<Vec<Table>> {
    let columns: Vec<ColumnRow> = sql_query(COLUMNS).bind::<Text, _>(BOOKKEEPING).load(connection)?;
    let keys: Vec<KeyRow> = sql_query(KEYS).bind::<Text, _>(BOOKKEEPING).load(connection)?;
    let mut tables: Vec<Table> = Vec::new();
    for row in columns {
        let column = Column {
            name: row.column_name,
            declared_type: row.declared_type,
            nullable: row.nullable,
        };
        match tables.last_mut() {
            Some(table) if table.name == row.table_name => table.columns.push(column),
            _ => tables.push(Table {
                name: row.table_name,
                columns: vec![column],
                ..Table::default()
            }),
        }
    }
    for key in keys {
        let Some(table) = tables.iter_mut().find(|table| table.name == key.table_name) else {
            continue;
        };
        match key.kind.as_str() {
            "p" => table.primary_key = key.columns,
            "u" => table.unique.push(key.columns),
            _ => table.foreign_keys.push(ForeignKey {
                columns: key.columns,
                table: key.target_table,
                target: key.target_columns,
            }),
        }
    }
    for table in &mut tables {
        table.foreign_keys.sort();
    }
    tables.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(tables)
}
