//! Eager loading finds what asking for each row finds, in as many statements as there are chunks.

use std::collections::BTreeMap;

use aios_test_support::{TestDatabase, on_both_databases};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use aios_db::loaders::{CHUNK, TopPerParent, belongs_to, has_many};
use aios_db::sql_types::Sql;
use aios_db::{AnyConnection, DatabaseKind, DbResult, recording};
use diesel::prelude::*;
use std::collections::HashMap;
use uuid::Uuid;

diesel::table! {
    use diesel::sql_types::BigInt;
    use aios_db::sql_types::Uuid;

    children (id) {
        id -> BigInt,
        parent_id -> Uuid,
        rank -> BigInt,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, QueryableByName)]
#[diesel(table_name = children)]
struct Child {
    id: i64,
    parent_id: Uuid,
    rank: i64,
}

const BY_RANK: TopPerParent = TopPerParent {
    table: "children",
    parent: "parent_id",
    order: "rank, id",
};

fn id(number: usize) -> Uuid {
    Uuid::from_u128(number as u128 + 1)
}

/// A table of children: of the parent with number `n` as many as `counts[n]`.
fn families(database: &TestDatabase, counts: &[usize]) -> (AnyConnection, Vec<Child>) {
    let mut connection = database.connection();
    let uuid = match connection.kind() {
        DatabaseKind::Postgres => "uuid",
        DatabaseKind::Sqlite => "BLOB",
    };
    let table = format!(
        "DROP TABLE IF EXISTS children; \
         CREATE TABLE children (id bigint PRIMARY KEY, parent_id {uuid} NOT NULL, rank bigint NOT NULL)"
    );
    recording::execute(&mut connection, &table).unwrap();
    let mut all = Vec::new();
    for (parent, &count) in counts.iter().enumerate() {
        for place in 0..count {
            let number = i64::try_from(all.len()).unwrap();
            let rank = (number * 7919 + i64::try_from(place).unwrap()) % 5;
            all.push(Child {
                id: number,
                parent_id: id(parent),
                rank,
            });
        }
    }
    for rows in all.chunks(500) {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                (
                    children::id.eq(row.id),
                    children::parent_id.eq(Sql(row.parent_id)),
                    children::rank.eq(row.rank),
                )
            })
            .collect();
        for row in rows {
            diesel::insert_into(children::table)
                .values(row)
                .execute(&mut connection)
                .unwrap();
        }
    }
    (connection, all)
}

fn load(connection: &mut AnyConnection, keys: &[Uuid]) -> DbResult<Vec<Child>> {
    let keys: Vec<Sql<Uuid>> = keys.iter().map(|&key| Sql(key)).collect();
    Ok(children::table
        .filter(children::parent_id.eq_any(keys))
        .order((children::rank, children::id))
        .load(connection)?)
}

/// What each parent should have, by hand.
fn expected(all: &[Child], parents: &[Uuid], most: usize) -> BTreeMap<Uuid, Vec<Child>> {
    let of = |parent: Uuid| {
        let mut rows: Vec<Child> = all.iter().filter(|row| row.parent_id == parent).cloned().collect();
        rows.sort_by_key(|row| (row.rank, row.id));
        rows.truncate(most);
        rows
    };
    parents.iter().map(|&parent| (parent, of(parent))).collect()
}

fn sorted(found: HashMap<Uuid, Vec<Child>>) -> BTreeMap<Uuid, Vec<Child>> {
    found.into_iter().collect()
}

on_both_databases! {
    fn each_parent_has_its_first_children(database: &TestDatabase) {
        let mut runner = TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
        let families_and_question = (prop::collection::vec(0_usize..6, 1..12), prop::collection::vec(0_usize..14, 0..20), 0_u32..5);
        runner
            .run(&families_and_question, |(counts, asked, most)| {
                let (mut connection, all) = families(database, &counts);
                let parents: Vec<Uuid> = asked.into_iter().map(id).collect();
                let top = BY_RANK.load(&mut connection, parents.clone(), most, |row: &Child| row.parent_id).unwrap();
                prop_assert_eq!(sorted(top), expected(&all, &parents, most as usize));
                let many = has_many(&mut connection, parents.clone(), load, |row: &Child| row.parent_id).unwrap();
                prop_assert_eq!(sorted(many), expected(&all, &parents, usize::MAX));
                Ok(())
            })
            .unwrap();
    }

    fn chunks_meet_without_a_gap(database: &TestDatabase) {
        let (mut connection, all) = families(database, &vec![1; 2 * CHUNK + 1]);
        for count in [CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1] {
            let parents: Vec<Uuid> = (0..count).map(id).collect();
            let doubled = parents.iter().chain(&parents).copied();
            let (found, statements) = recording::record(&mut connection, |connection| {
                belongs_to(connection, doubled, load, |row: &Child| row.parent_id).unwrap()
            });
            assert_eq!(statements.len(), count.div_ceil(CHUNK), "{count} keys");
            assert_eq!(found.len(), count);
            assert!(found.iter().all(|(key, row)| row.parent_id == *key));
            let (top, statements) = recording::record(&mut connection, |connection| {
                BY_RANK.load(connection, parents.clone(), 3, |row: &Child| row.parent_id).unwrap()
            });
            assert_eq!(statements.len(), count.div_ceil(CHUNK), "{count} parents");
            assert_eq!(sorted(top), expected(&all[..count], &parents, 3));
        }
    }

    fn nothing_asked_is_no_statement(database: &TestDatabase) {
        let (mut connection, _) = families(database, &[1]);
        let (found, statements) = recording::record(&mut connection, |connection| {
            belongs_to(connection, [], load, |row: &Child| row.parent_id).unwrap()
        });
        assert!(found.is_empty() && statements.is_empty());
    }
}
