//! Tables as calls of diesel's macros.

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::agreement::{AgreedColumn, AgreedTable};

const HEADER: &str = "//! The tables as diesel sees them, read out of both migrated databases: `cargo xtask migrate schema` writes this file.\n";

/// The whole file.
pub(crate) fn render(tables: &[AgreedTable<'_>]) -> String {
    let mut parts = vec![HEADER.to_owned()];
    parts.extend(tables.iter().map(table));
    let joins: String = tables.iter().flat_map(|table| joinable(table, tables)).collect();
    parts.push(joins);
    parts.push(same_query(tables));
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

fn table(table: &AgreedTable<'_>) -> String {
    let mut lines = imports(&table.columns);
    lines.push(String::new());
    lines.push(format!("{} ({}) {{", table.name, table.primary_key.join(", ")));
    lines.extend(
        table
            .columns
            .iter()
            .map(|column| format!("    {} -> {},", column.name, sql_type(column))),
    );
    lines.push("}".to_owned());
    let indented = lines.iter().map(|line| {
        if line.is_empty() {
            "\n".to_owned()
        } else {
            format!("    {line}\n")
        }
    });
    format!("diesel::table! {{\n{}}}\n", indented.collect::<String>())
}

fn sql_type(column: &AgreedColumn<'_>) -> String {
    if column.nullable {
        format!("Nullable<{}>", column.column_type.rust)
    } else {
        column.column_type.rust.to_owned()
    }
}

/// What the columns need, diesel's first.
fn imports(columns: &[AgreedColumn<'_>]) -> Vec<String> {
    let mut modules: [(&str, BTreeSet<&str>); 2] = Default::default();
    let [diesel, ours] = &mut modules;
    (diesel.0, ours.0) = ("diesel::sql_types", "crate::sql_types");
    for column in columns {
        let module = if column.column_type.is_ours {
            &mut *ours
        } else {
            &mut *diesel
        };
        module.1.insert(column.column_type.rust);
        if column.nullable {
            diesel.1.insert("Nullable");
        }
    }
    let used = modules.into_iter().filter(|(_, types)| !types.is_empty());
    used.map(|(module, types)| format!("use {module}::{};", one_or_braces(&types)))
        .collect()
}

fn one_or_braces(names: &BTreeSet<&str>) -> String {
    let list = names.iter().copied().collect::<Vec<_>>().join(", ");
    if names.len() == 1 { list } else { format!("{{{list}}}") }
}

/// diesel joins by itself over a single column that refers to a primary key, where it is the only one between two tables.
fn joinable(table: &AgreedTable<'_>, tables: &[AgreedTable<'_>]) -> Vec<String> {
    let mut targets: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for key in table.foreign_keys {
        let target = tables.iter().find(|target| target.name == key.table);
        let is_primary = target.is_some_and(|target| target.primary_key == key.target);
        if let ([column], true, true) = (key.columns.as_slice(), is_primary, key.table != table.name) {
            targets.entry(&key.table).or_default().push(column);
        }
    }
    let only = targets
        .into_iter()
        .filter_map(|(target, columns)| match columns.as_slice() {
            [column] => Some((target, *column)),
            _ => None,
        });
    only.map(|(target, column)| format!("diesel::joinable!({} -> {target} ({column}));\n", table.name))
        .collect()
}

fn same_query(tables: &[AgreedTable<'_>]) -> String {
    let names: Vec<&str> = tables.iter().map(|table| table.name).collect();
    format!(
        "diesel::allow_tables_to_appear_in_same_query!(\n    {},\n);\n",
        names.join(",\n    ")
    )
}

#[cfg(test)]
mod tests {
    use aios_db::catalog::{Column, ForeignKey, Table};

    use super::*;
    use crate::schema::agreement::agree;

    fn tables(types: [&str; 2]) -> Vec<Table> {
        let column = |name: &str, declared_type: &str, nullable| Column {
            name: name.to_owned(),
            declared_type: declared_type.to_owned(),
            nullable,
        };
        let reference = |column: &str, table: &str, target: &str| ForeignKey {
            columns: vec![column.to_owned()],
            table: table.to_owned(),
            target: vec![target.to_owned()],
        };
        let [id, text] = types;
        let columns = |last: &str, nullable| vec![column("id", id, false), column(last, text, nullable)];
        let table = |name: &str, columns, foreign_keys| Table {
            name: name.to_owned(),
            columns,
            primary_key: vec!["id".to_owned()],
            unique: Vec::new(),
            foreign_keys,
        };
        vec![
            table(
                "agents",
                columns("category", true),
                vec![reference("category", "tags", "name"), reference("id", "tags", "id")],
            ),
            table(
                "reviews",
                columns("body", false),
                vec![reference("id", "agents", "id"), reference("body", "agents", "id")],
            ),
            table("tags", vec![column("id", id, false)], Vec::new()),
        ]
    }

    #[test]
    fn the_file() {
        let (postgres, sqlite) = (tables(["uuid", "text"]), tables(["BLOB", "TEXT"]));
        let file = render(&agree(&postgres, &sqlite).unwrap());
        let expected = "\
diesel::table! {
    use diesel::sql_types::{Nullable, Text};
    use crate::sql_types::Uuid;

    agents (id) {
        id -> Uuid,
        category -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::Text;
    use crate::sql_types::Uuid;

    reviews (id) {
        id -> Uuid,
        body -> Text,
    }
}

diesel::table! {
    use crate::sql_types::Uuid;

    tags (id) {
        id -> Uuid,
    }
}

diesel::joinable!(agents -> tags (id));

diesel::allow_tables_to_appear_in_same_query!(
    agents,
    reviews,
    tags,
);
";
        assert_eq!(file, format!("{HEADER}\n{expected}"));
    }
}
