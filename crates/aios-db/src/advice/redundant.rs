//! Indexes that another one makes superfluous.

use super::existing::{Existing, Schema};
use super::{Advice, AdviceKind, drop_index, megabytes};
use crate::connection::DatabaseKind;

/// An index all of whose columns another begins with serves no query that the other does not.
pub(super) fn redundant(schema: &Schema, kind: DatabaseKind) -> Vec<Advice> {
    let mut found = Vec::new();
    for index in schema.indexes.iter().filter(|index| !index.is_needed && index.is_valid) {
        let other = schema.indexes.iter().find(|other| stands_in(other, index));
        if let Some(other) = other {
            let how = if other.columns.len() == index.columns.len() {
                "has the same columns"
            } else {
                "begins with the same columns"
            };
            found.push(Advice {
                kind: AdviceKind::RedundantIndex,
                table: index.table.clone(),
                subject: index.name.clone(),
                reason: format!("{} {how} ({}).", other.name, index.columns.join(", ")),
                measured: index.bytes.map(|bytes| megabytes(bytes, 0)),
                statements: Vec::new(),
                sql: drop_index(kind, &index.name),
            });
        }
    }
    found
}

/// Whether `other` serves whatever `index` does, and is the one to stay.
fn stands_in(other: &Existing, index: &Existing) -> bool {
    let is_alike = other.name != index.name
        && other.table == index.table
        && other.is_valid
        && other.method == index.method
        && other.condition == index.condition;
    if !is_alike || !other.columns.starts_with(&index.columns) || !other.traits.starts_with(&index.traits) {
        return false;
    }
    let carries = |column: &String| other.columns.contains(column) || other.included.contains(column);
    if !index.included.iter().all(carries) {
        return false;
    }
    let is_same = other.columns.len() == index.columns.len();
    // Of two that are the same, the one that may not go stays, or carries more, or comes first by its name.
    let rank = |index: &Existing| (!index.is_needed, usize::MAX - index.included.len(), index.name.clone());
    if is_same {
        rank(other) < rank(index)
    } else {
        // In other kinds of index the columns have no order that the first ones keep by themselves.
        index.method == "btree"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(name: &str, columns: &[&str]) -> Existing {
        Existing {
            table: "t".to_owned(),
            name: name.to_owned(),
            method: "btree".to_owned(),
            columns: columns.iter().map(ToString::to_string).collect(),
            traits: columns.iter().map(|_| "usual".to_owned()).collect(),
            descending: vec![false; columns.len()],
            is_valid: true,
            ..Existing::default()
        }
    }

    fn names(indexes: Vec<Existing>) -> Vec<String> {
        let schema = Schema {
            indexes,
            ..Schema::default()
        };
        let found = redundant(&schema, DatabaseKind::Postgres);
        found.into_iter().map(|advice| advice.subject).collect()
    }

    #[test]
    fn prefixes_and_doubles_are_redundant() {
        assert_eq!(names(vec![index("a", &["x"]), index("b", &["x", "y"])]), ["a"]);
        assert_eq!(names(vec![index("a", &["x"]), index("b", &["x"])]), ["b"]);
        assert!(names(vec![index("a", &["y"]), index("b", &["x", "y"])]).is_empty());
    }

    #[test]
    fn what_differs_stays() {
        let base = || index("b", &["x", "y"]);
        let changes: [fn(&mut Existing); 7] = [
            |index| index.is_needed = true,
            |index| index.is_valid = false,
            |index| index.condition = Some("x".to_owned()),
            |index| index.traits = vec!["descending".to_owned()],
            |index| index.method = "gin".to_owned(),
            |index| index.included = vec!["z".to_owned()],
            |index| index.table = "u".to_owned(),
        ];
        for change in changes {
            let mut other = index("a", &["x"]);
            change(&mut other);
            assert!(names(vec![other.clone(), base()]).is_empty(), "{other:?}");
        }
    }

    #[test]
    fn a_key_makes_its_double_redundant() {
        let mut key = index("z", &["x"]);
        key.is_needed = true;
        assert_eq!(names(vec![index("a", &["x"]), key]), ["a"]);
    }
}
