//! Which index could help: equality columns first, then the order or a range; on the rows that the statement's conditions leave.

use super::existing::{Existing, Schema};
use super::quoted;
use super::statement::{Key, Wish};
use crate::connection::DatabaseKind;

/// Columns of an index at most; more seldom pay for what they cost a write.
const MOST_COLUMNS: usize = 5;
/// PostgreSQL cuts longer names.
const LONGEST_NAME: usize = 63;

/// An index that there could be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) table: String,
    pub(super) keys: Vec<Key>,
    /// How many keys, from the first, are compared for equality: their order among each other does not matter.
    pub(super) equal: usize,
    pub(super) condition: Option<String>,
}

/// The indexes that could give a statement what it asks of a table, and that are not there.
pub(super) fn candidates(wish: &Wish, schema: &Schema) -> Vec<Shape> {
    let plain = |column: &String| Key {
        column: column.clone(),
        descending: false,
        nulls_first: None,
    };
    let equal: Vec<Key> = wish.equal.iter().take(MOST_COLUMNS).map(plain).collect();
    let is_new = |key: &Key| !wish.equal.contains(&key.column);
    let order: Vec<Key> = wish.order.iter().filter(|key| is_new(key)).cloned().collect();
    let ranges: Vec<Key> = wish.ranged.iter().map(plain).filter(is_new).collect();
    let mut tails: Vec<Vec<Key>> = vec![order];
    tails.extend(ranges.into_iter().map(|range| vec![range]));
    tails.push(Vec::new());
    let conditions = (!wish.conditions.is_empty()).then(|| wish.conditions.join(" AND "));
    let mut shapes: Vec<Shape> = Vec::new();
    for tail in tails {
        let mut keys = equal.clone();
        keys.extend(tail);
        keys.truncate(MOST_COLUMNS);
        let shape = Shape {
            table: wish.table.clone(),
            equal: equal.len().min(keys.len()),
            keys,
            condition: conditions.clone(),
        };
        let is_there = schema.indexes.iter().any(|index| shape.is_begun_by(index));
        if !shape.keys.is_empty() && !is_there && !shapes.contains(&shape) {
            shapes.push(shape);
        }
    }
    shapes
}

impl Shape {
    /// Whether an index does all that this one would.
    fn is_begun_by(&self, index: &Existing) -> bool {
        let rows_are_there = index.condition.is_none() || index.condition == self.condition;
        let (Some(first), Some(rest)) = (index.columns.get(..self.equal), index.columns.get(self.equal..)) else {
            return false;
        };
        let (equal, order) = self.keys.split_at(self.equal);
        let has_equal = equal.iter().all(|key| first.contains(&key.column));
        let has_order = order.len() <= rest.len() && order.iter().zip(rest).all(|(key, column)| key.column == *column);
        // An index is read backwards just as well, but all of it or nothing.
        let directions: Vec<bool> = index.descending.iter().skip(self.equal).copied().collect();
        let turned = order.iter().zip(directions).map(|(key, down)| key.descending != down);
        let turns: Vec<bool> = turned.collect();
        let agrees = turns.iter().all(|turn| *turn) || turns.iter().all(|turn| !turn);
        let nulls_are_usual = order.iter().all(|key| key.nulls_first.is_none());
        index.table == self.table
            && index.is_valid
            && index.method == "btree"
            && rows_are_there
            && has_equal
            && has_order
            && agrees
            && nulls_are_usual
    }

    /// Whether this one does all that the other would.
    pub(super) fn begins_with(&self, other: &Self) -> bool {
        self.table == other.table && self.condition == other.condition && self.keys.starts_with(&other.keys)
    }

    /// A name for it that is not taken.
    pub(super) fn name(&self, taken: &[String]) -> String {
        let columns: Vec<&str> = self.keys.iter().map(|key| key.column.as_str()).collect();
        let name = format!("idx_{}_{}", self.table, columns.join("_"));
        let cut = |room: usize| {
            let end = (0..=room.min(name.len())).rev().find(|at| name.is_char_boundary(*at));
            name.get(..end.unwrap_or(0)).unwrap_or_default().to_owned()
        };
        let name = cut(LONGEST_NAME);
        let names = (2..).map(|number| format!("{}_{number}", cut(LONGEST_NAME - 4)));
        let mut names = std::iter::once(name.clone()).chain(names);
        let is_free = |name: &String| !taken.contains(name);
        names.find(is_free).unwrap_or(name)
    }

    /// `ON table (columns) WHERE …`.
    pub(super) fn definition(&self, kind: DatabaseKind) -> String {
        let key = |key: &Key| {
            let direction = if key.descending { " DESC" } else { "" };
            let nulls = match (kind, key.nulls_first) {
                (DatabaseKind::Sqlite, _) | (_, None) => "",
                (_, Some(true)) => " NULLS FIRST",
                (_, Some(false)) => " NULLS LAST",
            };
            format!("{}{direction}{nulls}", quoted(&key.column))
        };
        let keys: Vec<String> = self.keys.iter().map(key).collect();
        let condition = self.condition.as_ref().map(|condition| format!(" WHERE {condition}"));
        let condition = condition.unwrap_or_default();
        format!("ON {} ({}){condition}", quoted(&self.table), keys.join(", "))
    }

    /// The statement that makes it, in a database that others use.
    pub(super) fn sql(&self, kind: DatabaseKind, name: &str) -> String {
        let how = match kind {
            DatabaseKind::Postgres => "CREATE INDEX CONCURRENTLY",
            DatabaseKind::Sqlite => "CREATE INDEX",
        };
        format!("{how} {} {};", quoted(name), self.definition(kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(column: &str) -> Key {
        let descending = column.starts_with('-');
        Key {
            column: column.trim_start_matches('-').to_owned(),
            descending,
            nulls_first: None,
        }
    }

    fn wish(equal: &[&str], ranged: &[&str], order: &[&str], conditions: &[&str]) -> Wish {
        let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        Wish {
            table: "agents".to_owned(),
            equal: owned(equal),
            ranged: owned(ranged),
            order: order.iter().map(|column| key(column)).collect(),
            conditions: owned(conditions),
        }
    }

    fn index(columns: &[&str], condition: Option<&str>) -> Existing {
        let keys: Vec<Key> = columns.iter().map(|column| key(column)).collect();
        Existing {
            table: "agents".to_owned(),
            name: "idx_agents_a".to_owned(),
            method: "btree".to_owned(),
            columns: keys.iter().map(|key| key.column.clone()).collect(),
            descending: keys.iter().map(|key| key.descending).collect(),
            condition: condition.map(str::to_owned),
            is_valid: true,
            ..Existing::default()
        }
    }

    fn told(wish: &Wish, indexes: Vec<Existing>) -> Vec<String> {
        let schema = Schema {
            indexes,
            ..Schema::default()
        };
        let shapes = candidates(wish, &schema);
        shapes
            .iter()
            .map(|shape| shape.definition(DatabaseKind::Postgres))
            .collect()
    }

    #[test]
    fn equality_comes_first_then_order_or_a_range() {
        let wish = wish(&["a"], &["c"], &["-b", "id"], &["is_active"]);
        assert_eq!(
            told(&wish, Vec::new()),
            [
                "ON agents (a, b DESC, id) WHERE is_active",
                "ON agents (a, c) WHERE is_active",
                "ON agents (a) WHERE is_active",
            ]
        );
    }

    #[test]
    fn what_an_index_begins_with_is_there() {
        let wish = wish(&["a", "x"], &[], &["-b", "id"], &["is_active"]);
        let none: [&str; 0] = [];
        for (columns, condition) in [
            (vec!["x", "a", "-b", "id"], None),
            (vec!["a", "x", "b", "-id", "more"], Some("is_active")),
        ] {
            assert_eq!(told(&wish, vec![index(&columns, condition)]), none, "{columns:?}");
        }
        for (columns, condition, left) in [
            (vec!["a", "x", "b", "id"], None, 1),
            (vec!["a", "x", "-b", "id"], Some("is_featured"), 2),
            (vec!["a", "-b", "x", "id"], None, 2),
            (vec!["a"], None, 2),
        ] {
            assert_eq!(told(&wish, vec![index(&columns, condition)]).len(), left, "{columns:?}");
        }
    }

    #[test]
    fn names_are_free_and_fit() {
        let shape = Shape {
            table: "agents".to_owned(),
            keys: vec![key("a")],
            equal: 1,
            condition: None,
        };
        assert_eq!(shape.name(&[]), "idx_agents_a");
        assert_eq!(shape.name(&["idx_agents_a".to_owned()]), "idx_agents_a_2");
        let long = Shape {
            keys: vec![key(&"é".repeat(99))],
            ..shape
        };
        assert_eq!(long.name(&[]).len(), LONGEST_NAME);
    }
}
