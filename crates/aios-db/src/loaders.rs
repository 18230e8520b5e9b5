//! Eager loading: what rows refer to, and what refers to them, for many rows in one statement instead of one for each.
//!
//! - [`belongs_to`]: the one row that each key names, such as the agents of installations.
//! - [`has_many`]: all rows that bear each key, such as the tags of agents. For relations that are short by their nature.
//! - [`TopPerParent`]: the first few rows of each parent, such as the newest reviews of each of twenty agents.
//!
//! Keys are asked for once each, and in chunks below what a statement can bind (32,766 values on SQLite).

use std::collections::HashMap;
use std::hash::Hash;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Untyped};
use uuid::Uuid;

use crate::DbResult;
use crate::connection::{AnyConnection, DatabaseKind, MultiBackend};
use crate::raw::{Prepared, prepared};
use crate::sql_types::{Sql, Uuid as UuidType};

/// How many keys a statement asks for at most.
pub const CHUNK: usize = 1_000;

/// The row that each of the keys names, by key: one statement a chunk. Keys that name none are left out.
///
/// `load` reads the rows with these keys, `key` says which one a row has.
///
/// # Errors
/// What `load` returns.
pub fn belongs_to<K: Copy + Eq + Hash + Ord, R>(
    connection: &mut AnyConnection,
    keys: impl IntoIterator<Item = K>,
    mut load: impl FnMut(&mut AnyConnection, &[K]) -> DbResult<Vec<R>>,
    key: impl Fn(&R) -> K,
) -> DbResult<HashMap<K, R>> {
    let mut found = HashMap::new();
    for chunk in distinct(keys).chunks(CHUNK) {
        found.extend(load(connection, chunk)?.into_iter().map(|row| (key(&row), row)));
    }
    Ok(found)
}

/// All rows that bear each of the keys, by key, in the order in which `load` gives them: one statement a chunk. Keys without
/// rows have an empty list.
///
/// # Errors
/// What `load` returns.
pub fn has_many<K: Copy + Eq + Hash + Ord, R>(
    connection: &mut AnyConnection,
    keys: impl IntoIterator<Item = K>,
    mut load: impl FnMut(&mut AnyConnection, &[K]) -> DbResult<Vec<R>>,
    key: impl Fn(&R) -> K,
) -> DbResult<HashMap<K, Vec<R>>> {
    let keys = distinct(keys);
    let mut found: HashMap<K, Vec<R>> = keys.iter().map(|key| (*key, Vec::new())).collect();
    for chunk in keys.chunks(CHUNK) {
        for row in load(connection, chunk)? {
            found.entry(key(&row)).or_default().push(row);
        }
    }
    Ok(found)
}

fn distinct<K: Ord>(keys: impl IntoIterator<Item = K>) -> Vec<K> {
    let mut keys: Vec<K> = keys.into_iter().collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The first rows of each parent: one statement a chunk. An index on the parent and the order gives them without a sort.
///
/// Each parent's rows are looked up until there are enough: by a `LATERAL` join on PostgreSQL, and on SQLite, which has none, by
/// their keys. (Numbering them by a window function reads all of a parent's rows: 160 ms for popular agents' reviews.)
#[derive(Clone, Copy, Debug)]
pub struct TopPerParent {
    /// The table of the rows, whose key is `id`.
    pub table: &'static str,
    /// Its column that names the parent.
    pub parent: &'static str,
    /// The order among a parent's rows, as SQL.
    pub order: &'static str,
}

impl TopPerParent {
    /// Reads at most `most` rows of each parent, by parent, in the order.
    ///
    /// # Errors
    /// Those of the database.
    pub fn load<K, R>(
        &self,
        connection: &mut AnyConnection,
        parents: impl IntoIterator<Item = K>,
        most: u32,
        parent: impl Fn(&R) -> K,
    ) -> DbResult<HashMap<K, Vec<R>>>
    where
        K: Copy + Eq + Hash + Ord + Into<Uuid>,
        R: diesel::deserialize::FromSqlRow<Untyped, MultiBackend> + 'static,
    {
        let parents = distinct(parents);
        let mut found: HashMap<K, Vec<R>> = parents.iter().map(|key| (*key, Vec::new())).collect();
        for chunk in parents.chunks(CHUNK) {
            let ids: Vec<Uuid> = chunk.iter().map(|key| (*key).into()).collect();
            for row in self.query(connection.kind(), padded(ids), most).load::<R>(connection)? {
                found.entry(parent(&row)).or_default().push(row);
            }
        }
        Ok(found)
    }

    fn query(&self, kind: DatabaseKind, ids: Vec<Uuid>, most: u32) -> Prepared {
        let Self { table, parent, order } = self;
        let places: Vec<String> = (1..=ids.len()).map(|place| format!("${place}")).collect();
        let limit = ids.len() + 1;
        let places = places.join(match kind {
            DatabaseKind::Postgres => ", ",
            DatabaseKind::Sqlite => "), (",
        });
        let text = match kind {
            DatabaseKind::Postgres => format!(
                "SELECT child.* FROM unnest(ARRAY[{places}]) AS parent (id) CROSS JOIN LATERAL \
                 (SELECT * FROM {table} WHERE {parent} = parent.id ORDER BY {order} LIMIT ${limit}) AS child"
            ),
            DatabaseKind::Sqlite => format!(
                "WITH parent (id) AS (VALUES ({places})) SELECT child.* FROM parent JOIN {table} AS child ON child.id IN \
                 (SELECT id FROM {table} WHERE {parent} = parent.id ORDER BY {order} LIMIT ${limit}) \
                 ORDER BY {parent}, {order}"
            ),
        };
        let mut query = prepared(text);
        for id in ids {
            query = query.bind::<UuidType, _>(Sql(id));
        }
        query.bind::<BigInt, _>(i64::from(most))
    }
}

/// The ids, filled up to a power of two with one that nothing has: so that there are ten texts of a statement to keep
/// prepared, and not a thousand.
fn padded(mut ids: Vec<Uuid>) -> Vec<Uuid> {
    ids.resize(ids.len().next_power_of_two(), Uuid::nil());
    ids
}
