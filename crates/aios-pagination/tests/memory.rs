//! Pages of slices and maps: the oracle of the databases, checked against nothing but sorting.

use std::collections::{BTreeMap, HashSet};

use aios_pagination::{At, Cursor, CursorCodec, MapPager, Nulls, Order, Page, Sort};
use proptest::prelude::*;

type Row = (Option<i64>, f64, String, u16);

/// All rows by `next` from the start, and by `prev` from the end.
fn walk<T>(mut page_at: impl FnMut(At<'_>) -> Page<T>) -> [Vec<T>; 2] {
    [true, false].map(|forward| {
        let mut pages = Vec::new();
        let mut cursor: Option<Cursor> = None;
        loop {
            let page = match &cursor {
                None if forward => page_at(At::Start),
                None => page_at(At::End),
                Some(cursor) => page_at(At::Cursor(cursor.as_str())),
            };
            assert_eq!(
                (page.has_next, page.has_prev),
                (page.next.is_some(), page.prev.is_some())
            );
            let behind = if forward { page.has_prev } else { page.has_next };
            assert_eq!(behind, !pages.is_empty());
            cursor = if forward { page.next } else { page.prev };
            pages.push(page.items);
            if cursor.is_none() {
                break;
            }
        }
        if !forward {
            pages.reverse();
        }
        pages.into_iter().flatten().collect()
    })
}

fn row() -> impl Strategy<Value = (Option<i64>, f64, String)> {
    let float = prop_oneof![
        Just(f64::NAN),
        Just(-f64::NAN),
        Just(0.0),
        Just(-0.0),
        Just(f64::INFINITY),
        Just(1.5),
        Just(0.1 + 0.2),
        Just(0.3),
    ];
    let integer = prop_oneof![
        Just(i64::MIN),
        Just(i64::MAX),
        Just(1_i64 << 53),
        Just((1_i64 << 53) + 1),
        -1..2_i64
    ];
    (prop::option::of(integer), float, "[aAß日]{0,2}")
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec(row(), 0..40).prop_map(|rows| {
        rows.into_iter()
            .zip(0_u16..)
            .map(|((a, b, c), id)| (a, b, c, id))
            .collect()
    })
}

fn order() -> impl Strategy<Value = Order<Row>> {
    (any::<[bool; 3]>(), any::<bool>()).prop_map(|([a, b, c], first)| {
        let nulls = if first { Nulls::First } else { Nulls::Last };
        let order = Order::named("rows");
        let order = if a {
            order.asc_nulls(nulls, |row: &Row| row.0)
        } else {
            order.desc_nulls(nulls, |row: &Row| row.0)
        };
        let order = if b {
            order.asc(|row| row.1)
        } else {
            order.desc(|row| row.1)
        };
        let order = order.asc(|row| row.2.clone());
        if c {
            order.unique_asc(|row| row.3)
        } else {
            order.unique_desc(|row| row.3)
        }
    })
}

fn ids(rows: &[&Row]) -> Vec<u16> {
    rows.iter().map(|row| row.3).collect()
}

proptest! {
    #[test]
    fn pages_of_a_slice_joined_are_the_slice((mut rows, order, limit) in (rows(), order(), 1..12_u32)) {
        rows.sort_by(|a, b| order.compare(a, b));
        let codec = CursorCodec::signed(b"secret");
        let pager = order.pager(&codec).limit(limit);
        let expected: Vec<u16> = rows.iter().map(|row| row.3).collect();
        let [forward, backward] = walk(|at| pager.page(&rows, at).expect("a page"));
        prop_assert_eq!(&ids(&forward), &expected);
        prop_assert_eq!(&ids(&backward), &expected);
        for (number, chunk) in (1_u64..).zip(rows.chunks(limit as usize)) {
            let page = pager.numbered(&rows, number).expect("a page");
            prop_assert_eq!(ids(&page.items), ids(&chunk.iter().collect::<Vec<_>>()));
        }
    }

    #[test]
    fn rows_that_come_and_go_between_pages_neither_repeat_nor_lose_the_others(
        (mut rows, order, limit) in (rows(), order(), 1..5_u32),
        changes in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>(), row()), 1..12),
        backward: bool,
    ) {
        rows.sort_by(|a, b| order.compare(a, b));
        let codec = CursorCodec::signed(b"secret");
        let pager = order.pager(&codec).limit(limit);
        let mut steady: HashSet<u16> = rows.iter().map(|row| row.3).collect();
        let (mut changes, mut new_ids) = (changes.into_iter(), 1_000..);
        let mut seen = Vec::new();
        let mut cursor: Option<Cursor> = None;
        loop {
            let start = if backward { At::End } else { At::Start };
            let at = cursor.as_ref().map_or(start, |cursor| At::Cursor(cursor.as_str()));
            let page = pager.page(&rows, at).expect("a page");
            seen.extend(ids(&page.items));
            cursor = if backward { page.prev } else { page.next };
            if cursor.is_none() {
                break;
            }
            // One row comes or goes after each page.
            match changes.next() {
                Some((true, index, _)) if !rows.is_empty() => {
                    steady.remove(&rows.remove(index.index(rows.len())).3);
                }
                Some((_, _, (a, b, c))) => {
                    rows.push((a, b, c, new_ids.next().expect("an id")));
                    rows.sort_by(|a, b| order.compare(a, b));
                }
                None => {}
            }
        }
        let once: HashSet<u16> = seen.iter().copied().collect();
        prop_assert_eq!(once.len(), seen.len(), "a row came twice");
        prop_assert!(steady.is_subset(&once), "a row that stayed was not seen");
    }

    #[test]
    fn pages_of_a_map_joined_are_the_map(
        map in prop::collection::btree_map((any::<i8>(), "[ab]{0,1}", prop_oneof![0..3_u64, Just(u64::MAX), Just(u64::MAX - 1)]), any::<u8>(), 0..40),
        limit in 1..12_u32,
        descending: bool,
    ) {
        let map: BTreeMap<(i8, String, u64), u8> = map;
        let codec = CursorCodec::unsigned();
        let sort = if descending { Sort::Desc } else { Sort::Asc };
        let pager = MapPager::new("map", sort, &codec).limit(limit);
        let mut expected: Vec<_> = map.iter().collect();
        if descending {
            expected.reverse();
        }
        let [forward, backward] = walk(|at| pager.page(&map, at).expect("a page"));
        prop_assert_eq!(&forward, &expected);
        prop_assert_eq!(&backward, &expected);
    }
}

#[test]
fn a_maps_cursor_outlives_its_entry_and_leads_back() {
    let codec = CursorCodec::unsigned();
    let mut map: BTreeMap<u64, char> = (0..10).zip('a'..).collect();
    let pager = MapPager::new("map", Sort::Asc, &codec).limit(5);
    let next = pager.page(&map, At::Start).expect("a page").next.expect("more");
    map.remove(&4);
    let second = pager.page(&map, At::Cursor(next.as_str())).expect("a page");
    assert_eq!(second.items.first(), Some(&(&5, &'f')));
    map.retain(|key, _| *key < 4);
    let empty = pager.page(&map, At::Cursor(next.as_str())).expect("a page");
    assert!(empty.items.is_empty());
    let back = pager
        .page(&map, At::Cursor(empty.prev.expect("a way back").as_str()))
        .expect("a page");
    assert_eq!(back.items.len(), 4);
}

#[test]
fn a_numbered_page_past_the_end_leads_back() {
    let order = Order::named("numbers").unique_asc(|number: &u64| *number);
    let codec = CursorCodec::unsigned();
    let pager = order.pager(&codec).limit(4);
    let numbers: Vec<u64> = (0..10).collect();
    let beyond = pager.numbered(&numbers, 9).expect("a page");
    assert!(beyond.items.is_empty() && beyond.has_prev && !beyond.has_next);
    let back = beyond.prev.expect("a way back");
    let last = pager.page(&numbers, At::Cursor(back.as_str())).expect("a page");
    assert_eq!(last.items, [&6, &7, &8, &9]);
}
