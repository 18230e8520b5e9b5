//! Whether the tables of both databases are the same in all that diesel sees of them.

use aios_db::catalog::{Column, ForeignKey, Table};

use crate::schema::types::{self, ColumnType};

/// Columns that one database alone needs. Queries in diesel's language never name them, so `schema.rs` leaves them out.
const ONE_SIDED_COLUMNS: [(&str, &str); 2] = [
    // The words of a row for PostgreSQL's full-text search; SQLite keeps them in virtual tables, which are not listed at all.
    ("postgres", "search_vector"),
    // The row's number, by which SQLite's full-text index refers to it.
    ("sqlite", "seq"),
];

/// A table as both databases have it.
#[derive(Debug)]
pub(crate) struct AgreedTable<'a> {
    pub(crate) name: &'a str,
    pub(crate) primary_key: &'a [String],
    pub(crate) columns: Vec<AgreedColumn<'a>>,
    pub(crate) foreign_keys: &'a [ForeignKey],
}

/// A column as both databases have it.
#[derive(Debug)]
pub(crate) struct AgreedColumn<'a> {
    pub(crate) name: &'a str,
    pub(crate) column_type: &'static ColumnType,
    pub(crate) nullable: bool,
}

/// The tables, or every complaint about them.
pub(crate) fn agree<'a>(postgres: &'a [Table], sqlite: &'a [Table]) -> Result<Vec<AgreedTable<'a>>, Vec<String>> {
    let mut complaints = Vec::new();
    let alone = |these: &[Table], those: &[Table], side: &str| -> Vec<String> {
        let alone = these
            .iter()
            .filter(|table| !those.iter().any(|other| other.name == table.name));
        alone
            .map(|table| format!("{}: only {side} has this table", table.name))
            .collect()
    };
    complaints.extend(alone(postgres, sqlite, "PostgreSQL"));
    complaints.extend(alone(sqlite, postgres, "SQLite"));
    let mut agreed = Vec::new();
    for table in postgres {
        if let Some(other) = sqlite.iter().find(|other| other.name == table.name) {
            agreed.push(agree_on_table(table, other, &mut complaints));
        }
    }
    if complaints.is_empty() {
        Ok(agreed)
    } else {
        Err(complaints)
    }
}

fn agree_on_table<'a>(postgres: &'a Table, sqlite: &'a Table, complaints: &mut Vec<String>) -> AgreedTable<'a> {
    let name = postgres.name.as_str();
    if !has_key(sqlite, &postgres.primary_key) {
        complaints.push(format!(
            "{name}: ({}) is PostgreSQL's primary key and neither that nor UNIQUE on SQLite",
            postgres.primary_key.join(", ")
        ));
    }
    if postgres.foreign_keys != sqlite.foreign_keys {
        complaints.push(format!("{name}: the foreign keys differ"));
    }
    let (ours, theirs) = (shared_columns(postgres, "postgres"), shared_columns(sqlite, "sqlite"));
    let names = |columns: &[&Column]| {
        columns
            .iter()
            .map(|column| column.name.clone())
            .collect::<Vec<_>>()
            .join(", ")
    };
    if names(&ours) != names(&theirs) {
        complaints.push(format!(
            "{name}: the columns, or their order, differ; PostgreSQL: {}; SQLite: {}",
            names(&ours),
            names(&theirs)
        ));
    }
    let columns = ours.iter().zip(&theirs).filter_map(|(ours, theirs)| {
        agree_on_column(ours, theirs)
            .map_err(|complaint| complaints.push(format!("{name}.{}: {complaint}", ours.name)))
            .ok()
    });
    let columns = columns.collect();
    AgreedTable {
        name,
        primary_key: &postgres.primary_key,
        columns,
        foreign_keys: &postgres.foreign_keys,
    }
}

fn agree_on_column<'a>(postgres: &'a Column, sqlite: &Column) -> Result<AgreedColumn<'a>, String> {
    let declared = &postgres.declared_type;
    let column_type = types::by_postgres_name(declared).ok_or_else(|| {
        format!("no SQL type is known for PostgreSQL's {declared}: use another, or add it to xtask/src/schema/types.rs")
    })?;
    if column_type.sqlite != sqlite.declared_type {
        return Err(format!(
            "{declared} on PostgreSQL is {} on SQLite, not {}",
            column_type.sqlite, sqlite.declared_type
        ));
    }
    if postgres.nullable != sqlite.nullable {
        return Err("it may be NULL on one side and not on the other".to_owned());
    }
    Ok(AgreedColumn {
        name: &postgres.name,
        column_type,
        nullable: postgres.nullable,
    })
}

fn shared_columns<'a>(table: &'a Table, side: &str) -> Vec<&'a Column> {
    table
        .columns
        .iter()
        .filter(|column| !ONE_SIDED_COLUMNS.contains(&(side, column.name.as_str())))
        .collect()
}

/// Whether a table has this primary key, or where the row's number is the primary key, whether these columns are unique.
fn has_key(table: &Table, key: &[String]) -> bool {
    table.primary_key == key || table.unique.iter().any(|unique| unique == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, declared_type: &str, nullable: bool) -> Column {
        Column {
            name: name.to_owned(),
            declared_type: declared_type.to_owned(),
            nullable,
        }
    }

    fn table(name: &str, columns: Vec<Column>) -> Table {
        let primary_key = vec![columns[0].name.clone()];
        Table {
            name: name.to_owned(),
            columns,
            primary_key,
            ..Table::default()
        }
    }

    fn pair() -> (Table, Table) {
        (
            table(
                "agents",
                vec![column("id", "uuid", false), column("name", "text", true)],
            ),
            table(
                "agents",
                vec![column("id", "BLOB", false), column("name", "TEXT", true)],
            ),
        )
    }

    fn complaint(postgres: Table, sqlite: Table) -> String {
        let complaints = agree(&[postgres], &[sqlite]).unwrap_err();
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        complaints[0].clone()
    }

    #[test]
    fn equal_tables_agree() {
        let (postgres, sqlite) = pair();
        let (postgres, sqlite) = ([postgres], [sqlite]);
        let agreed = agree(&postgres, &sqlite).unwrap();
        assert_eq!(agreed[0].columns[0].column_type.rust, "Uuid");
        assert!(agreed[0].columns[1].nullable);
    }

    #[test]
    fn what_one_side_alone_needs_is_left_out() {
        let (mut postgres, mut sqlite) = pair();
        postgres.columns.push(column("search_vector", "tsvector", false));
        sqlite.columns.insert(0, column("seq", "INTEGER", false));
        sqlite.primary_key = vec!["seq".to_owned()];
        sqlite.unique = vec![vec!["id".to_owned()]];
        let (postgres, sqlite) = ([postgres], [sqlite]);
        assert_eq!(agree(&postgres, &sqlite).unwrap()[0].columns.len(), 2);
    }

    #[test]
    fn a_row_number_does_not_excuse_a_missing_key() {
        let (postgres, mut sqlite) = pair();
        sqlite.primary_key = vec!["seq".to_owned()];
        assert!(complaint(postgres, sqlite).contains("primary key"));
    }

    #[test]
    fn a_table_on_one_side() {
        let (postgres, _) = pair();
        assert_eq!(
            agree(&[postgres], &[]).unwrap_err(),
            ["agents: only PostgreSQL has this table"]
        );
    }

    #[test]
    fn a_column_on_one_side() {
        let (mut postgres, sqlite) = pair();
        postgres.columns.push(column("icon", "text", true));
        assert!(complaint(postgres, sqlite).contains("id, name, icon"));
    }

    #[test]
    fn another_type() {
        let (postgres, mut sqlite) = pair();
        sqlite.columns[1].declared_type = "INTEGER".to_owned();
        assert!(complaint(postgres, sqlite).starts_with("agents.name: text on PostgreSQL is TEXT"));
    }

    #[test]
    fn an_unknown_type() {
        let (mut postgres, sqlite) = pair();
        postgres.columns[1].declared_type = "money".to_owned();
        assert!(complaint(postgres, sqlite).contains("types.rs"));
    }

    #[test]
    fn another_nullability() {
        let (postgres, mut sqlite) = pair();
        sqlite.columns[1].nullable = false;
        assert!(complaint(postgres, sqlite).contains("NULL"));
    }

    #[test]
    fn another_foreign_key() {
        let (mut postgres, sqlite) = pair();
        postgres.foreign_keys.push(ForeignKey::default());
        assert!(complaint(postgres, sqlite).contains("foreign keys"));
    }
}
