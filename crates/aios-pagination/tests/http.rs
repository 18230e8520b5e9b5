//! Query parameters to requests and back, and the rest that goes over the wire.

use aios_pagination::http::{Limits, Links, PageMeta, PageQuery, Place};
use aios_pagination::{At, Boundaries, CursorCodec, Expected, Fingerprint, Order, Page, Value};
use proptest::prelude::*;

fn read(pairs: &[(&str, &str)]) -> Result<PageQuery, Vec<String>> {
    PageQuery::from_pairs(pairs.iter().copied(), Limits::default())
        .map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

#[test]
fn parameters_are_read_with_their_bounds() {
    assert_eq!(
        read(&[]),
        Ok(PageQuery {
            limit: 20,
            place: Place::First
        })
    );
    assert_eq!(
        read(&[("limit", "100"), ("other", "x")]).map(|query| query.limit),
        Ok(100)
    );
    assert_eq!(read(&[("page", "7")]).map(|query| query.place), Ok(Place::Number(7)));
    assert_eq!(read(&[("page", "7")]).map(|query| query.at().is_none()), Ok(true));
    assert_eq!(read(&[("limit", "5"), ("limit", "6")]).map(|query| query.limit), Ok(6));
}

#[test]
fn every_wrong_parameter_is_named() {
    for limit in ["0", "101", "-1", "x", "", "1e3", "99999999999999999999"] {
        assert_eq!(
            read(&[("limit", limit)]),
            Err(vec!["limit must be between 1 and 100".to_owned()])
        );
    }
    for page in ["0", "-1", "x", "", "99999999999999999999"] {
        assert_eq!(
            read(&[("page", page)]),
            Err(vec!["page must be a whole number from 1".to_owned()])
        );
    }
    assert_eq!(
        read(&[("page", "1"), ("cursor", "x"), ("limit", "0")]),
        Err(vec![
            "limit must be between 1 and 100".to_owned(),
            "cursor must not be given together with page".to_owned()
        ])
    );
}

proptest! {
    #[test]
    fn a_request_comes_back_from_its_own_pairs(limit in 1..=100_u32, number in 1_u64.., cursor in "[A-Za-z0-9_-]{1,60}", which in 0..3) {
        let place = match which {
            0 => Place::First,
            1 => Place::Number(number),
            _ => Place::Cursor(cursor),
        };
        let query = PageQuery { limit, place };
        prop_assert_eq!(PageQuery::from_pairs(query.to_pairs(), Limits::default()), Ok(query));
    }
}

/// Follows `Link: rel="next"` from the first page to the last, reading each target as a server would.
#[test]
fn links_lead_through_the_whole_listing() {
    let order = Order::named("numbers").unique_desc(|number: &u64| *number);
    let numbers: Vec<u64> = (0..53).rev().collect();
    let codec = CursorCodec::signed(b"secret");
    let mut seen = Vec::new();
    let mut target = "/numbers?limit=10".to_owned();
    loop {
        let pairs = target
            .split_once('?')
            .expect("a query")
            .1
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        let query = PageQuery::from_pairs(pairs, Limits::default()).expect("our own link");
        let page = order
            .pager(&codec)
            .limit(query.limit)
            .page(&numbers, query.at().expect("no number"))
            .expect("our own cursor");
        seen.extend(page.items.iter().copied().copied());
        let none: [(&str, &str); 0] = [];
        let header = Links::new("/numbers", none)
            .cursors(&page, query.limit)
            .to_value()
            .expect("links");
        let next = header.split(", ").find(|link| link.ends_with("rel=\"next\""));
        match next {
            Some(link) => target = link[1..link.find('>').expect("a target")].to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, numbers);
}

#[test]
fn pages_cursors_and_boundaries_serialise() {
    let order = Order::named("numbers").unique_asc(|number: &u64| *number);
    let codec = CursorCodec::unsigned();
    let numbers = [1, 2, 3];
    let page = order
        .pager(&codec)
        .limit(2)
        .page(&numbers, At::Start)
        .expect("a page")
        .map(|number| *number);
    let json = serde_json::to_string(&page).expect("JSON");
    assert_eq!(serde_json::from_str::<Page<u64>>(&json).expect("its own JSON"), page);
    assert_eq!(PageMeta::of(&page, 2, None).next_cursor, page.next);

    let of = Expected::new(&order, Fingerprint::default());
    let boundaries =
        Boundaries::new(of, 1, 3, vec![vec![Value::Uint(1)], vec![Value::Uint(2)]]).expect("of this order");
    let json = serde_json::to_string(&boundaries).expect("JSON");
    assert_eq!(
        serde_json::from_str::<Boundaries>(&json).expect("its own JSON"),
        boundaries
    );
    assert!(serde_json::from_str::<Boundaries>("[1,2,3]").is_err());
    assert_eq!(Boundaries::new(of, 1, 3, vec![vec![Value::Int(1)]]), None);
    assert_eq!(Boundaries::new(of, 0, 3, Vec::new()), None);
}
