//! The stream of all rows.

use std::cell::Cell;

use aios_pagination::{At, Cursor, CursorCodec, Order, Page, PageError, rows};
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _};

fn order() -> Order<u64> {
    Order::named("numbers").unique_asc(|number: &u64| *number)
}

fn page<'n>(
    order: &Order<u64>,
    numbers: &'n [u64],
    cursor: Option<&Cursor>,
) -> Result<Page<&'n u64>, PageError> {
    let codec = CursorCodec::unsigned();
    order
        .pager(&codec)
        .limit(10)
        .page(numbers, At::from(cursor.map(Cursor::as_str)))
}

#[test]
fn pages_are_fetched_when_their_rows_are_wanted() {
    let order = order();
    let numbers: Vec<u64> = (0..30).collect();
    let fetched = Cell::new(0);
    let mut all = rows(async |cursor: Option<Cursor>| {
        fetched.set(fetched.get() + 1);
        page(&order, &numbers, cursor.as_ref())
    });
    assert_eq!(fetched.get(), 0);
    for number in &numbers[..11] {
        let row = all.next().now_or_never().expect("nothing waits");
        assert_eq!(row.expect("more").expect("a row"), number);
    }
    assert_eq!(fetched.get(), 2);
    let rest: Vec<&u64> = all
        .try_collect()
        .now_or_never()
        .expect("nothing waits")
        .expect("rows");
    assert_eq!(
        (rest.len(), fetched.get()),
        (19, 3),
        "the full last page is known to be the last"
    );
}

#[test]
fn an_error_ends_the_stream() {
    let order = order();
    let numbers: Vec<u64> = (0..30).collect();
    let all = rows(async |cursor: Option<Cursor>| match cursor {
        None => page(&order, &numbers, None).map_err(|error| error.to_string()),
        Some(_) => Err("gone".to_owned()),
    });
    let all: Vec<Result<&u64, String>> = all.collect().now_or_never().expect("nothing waits");
    assert_eq!(all.len(), 11);
    assert_eq!(all[10], Err("gone".to_owned()));
}

#[test]
fn an_empty_listing_is_an_empty_stream() {
    let order = order();
    let all = rows(async |cursor: Option<Cursor>| page(&order, &[], cursor.as_ref()));
    let all: Vec<&u64> = all
        .try_collect()
        .now_or_never()
        .expect("nothing waits")
        .expect("rows");
    assert!(all.is_empty());
}
