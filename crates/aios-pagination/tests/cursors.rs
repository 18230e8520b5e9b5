//! Cursors: what comes back, what is refused and why, and how long they are.

#![allow(clippy::expect_used, reason = "a test's helpers fail as the test does")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aios_pagination::{
    CursorCodec, CursorError, Direction, Expected, Fingerprint, Nulls, Order, Position, Value,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;

type Row = (i64, Option<f64>, uuid::Uuid);

fn order() -> Order<Row> {
    Order::named("popular")
        .desc(|row: &Row| row.0)
        .desc_nulls(Nulls::Last, |row| row.1)
        .unique_desc(|row| row.2)
}

fn position() -> Position {
    let id = uuid::Uuid::from_u128(u128::MAX - 7);
    Position::new(
        Direction::Forward,
        order().values(&(i64::MIN, Some(0.1), id)),
    )
}

fn token(codec: &CursorCodec, filters: Fingerprint) -> String {
    let order = order();
    codec
        .encode(&position(), Expected::new(&order, filters))
        .expect("short enough")
        .into_string()
}

fn read(codec: &CursorCodec, token: &str) -> Result<Position, CursorError> {
    let order = order();
    codec.decode(token, Expected::new(&order, Fingerprint::default()))
}

fn at(seconds: u64) -> impl Fn() -> SystemTime + Send + Sync + 'static {
    move || UNIX_EPOCH + Duration::from_secs(seconds)
}

fn codecs() -> [CursorCodec; 2] {
    [CursorCodec::unsigned(), CursorCodec::signed(b"secret")]
}

#[test]
fn a_cursor_of_three_keys_has_at_most_120_characters_at_their_longest() {
    for codec in codecs() {
        let codec = codec.expires_after(Duration::from_secs(u64::from(u32::MAX)));
        let token = token(&codec, Fingerprint::default());
        assert!(token.len() <= 120, "{} characters", token.len());
        assert!(
            token
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        );
    }
    let named: Order<(String, u64, i64)> = Order::named("named")
        .asc(|row: &(String, u64, i64)| row.0.clone())
        .asc(|row| row.1)
        .unique_asc(|row| row.2);
    let row = (
        "A name of forty letters, as they come.. ".to_owned(),
        u64::MAX,
        i64::MIN,
    );
    let position = Position::new(Direction::Backward, named.values(&row));
    let token = CursorCodec::signed(b"secret")
        .encode(&position, Expected::new(&named, Fingerprint::default()))
        .expect("short enough");
    assert!(
        token.as_str().len() <= 134,
        "{} characters",
        token.as_str().len()
    );
}

#[test]
fn every_cut_is_told_from_every_change() {
    for codec in codecs() {
        let token = token(&codec, Fingerprint::default());
        assert_eq!(read(&codec, &token), Ok(position()));
        for length in 2..token.len() {
            assert_eq!(
                read(&codec, &token[..length]),
                Err(CursorError::Truncated),
                "{length}"
            );
        }
        for length in 0..2 {
            assert_eq!(read(&codec, &token[..length]), Err(CursorError::NotACursor));
        }
        let longer = format!("{token}AAAA");
        assert_eq!(read(&codec, &longer), Err(CursorError::Altered));
    }
}

#[test]
fn every_bit_changed_is_refused_with_a_fitting_reason() {
    for codec in codecs() {
        let token = token(&codec, Fingerprint::default());
        let bytes = URL_SAFE_NO_PAD.decode(&token).expect("base64");
        for byte in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[byte] ^= 1 << bit;
                let error = read(&codec, &URL_SAFE_NO_PAD.encode(&changed)).expect_err("refused");
                let fits = match byte {
                    0 => {
                        matches!(error, CursorError::UnknownVersion(version) if version == changed[0])
                    }
                    1 => matches!(error, CursorError::Altered | CursorError::NotSignedHere),
                    2 | 3 => matches!(error, CursorError::Altered | CursorError::Truncated),
                    12 => matches!(error, CursorError::Altered | CursorError::UnknownKey),
                    _ => error == CursorError::Altered,
                };
                assert!(fits, "byte {byte}, bit {bit}: {error:?}");
            }
        }
    }
}

#[test]
fn what_is_no_cursor_is_said_to_be_none() {
    for codec in codecs() {
        for sent in ["", "%%%", "....", "not a cursor", "é", "=", "🤖🤖🤖🤖"] {
            assert_eq!(read(&codec, sent), Err(CursorError::NotACursor), "{sent:?}");
        }
        assert_eq!(
            read(&codec, "hello"),
            Err(CursorError::UnknownVersion(0x85))
        );
    }
}

#[test]
fn a_long_text_is_refused_before_it_is_read() {
    let codec = CursorCodec::unsigned().max_length(120);
    let sent = "A".repeat(121);
    assert_eq!(
        read(&codec, &sent),
        Err(CursorError::TooLong {
            length: 121,
            max: 120
        })
    );
}

#[test]
fn a_key_too_long_for_a_cursor_is_an_error_where_it_is_made() {
    let order: Order<String> = Order::named("text").unique_asc(String::clone);
    let of = Expected::new(&order, Fingerprint::default());
    let codec = CursorCodec::signed(b"secret");
    let make = |length: usize| {
        let position = Position::new(Direction::Forward, vec![Value::Text("x".repeat(length))]);
        codec.encode(&position, of)
    };
    let longest = make(1_500).expect("1,500 letters fit");
    assert!(codec.decode(longest.as_str(), of).is_ok());
    let refused = make(1_600).expect_err("1,600 do not");
    assert_eq!(refused.max, 2_048);
    assert!(refused.to_string().contains("shorter expression"));
    let roomy = codec.clone().max_length(usize::MAX);
    let huge = Position::new(Direction::Forward, vec![Value::Text("x".repeat(70_000))]);
    assert!(
        roomy.encode(&huge, of).is_err(),
        "the frame's own bound holds"
    );
}

#[test]
fn keys_rotate() {
    let old = CursorCodec::signed(b"old");
    let new = CursorCodec::signed(b"new")
        .also_accept(b"older")
        .also_accept(b"old");
    let only_new = CursorCodec::signed(b"new");
    let from_old = token(&old, Fingerprint::default());
    let from_new = token(&new, Fingerprint::default());
    assert_eq!(read(&new, &from_old), Ok(position()));
    assert_eq!(
        read(&only_new, &from_new),
        Ok(position()),
        "new ones are signed with the new key"
    );
    assert!(matches!(
        read(&only_new, &from_old),
        Err(CursorError::UnknownKey | CursorError::Altered)
    ));
}

#[test]
fn two_keys_with_one_id_are_both_tried() {
    // A key's id is one byte: among 600 secrets some share the first one's.
    let first = CursorCodec::signed(b"0");
    let made = token(&first, Fingerprint::default());
    let id = URL_SAFE_NO_PAD.decode(&made).expect("base64")[12];
    let twin = (1..10_000_u32)
        .map(|number| number.to_string())
        .find(|secret| {
            let token = token(
                &CursorCodec::signed(secret.as_bytes()),
                Fingerprint::default(),
            );
            URL_SAFE_NO_PAD.decode(token).expect("base64")[12] == id
        })
        .expect("a twin");
    let both = CursorCodec::signed(twin.as_bytes()).also_accept(b"0");
    assert_eq!(read(&both, &made), Ok(position()));
}

#[test]
fn signed_and_unsigned_do_not_mix() {
    let [unsigned, signed] = codecs();
    let plain = token(&unsigned, Fingerprint::default());
    let sealed = token(&signed, Fingerprint::default());
    assert_eq!(read(&signed, &plain), Err(CursorError::NotSignedHere));
    assert_eq!(read(&unsigned, &sealed), Err(CursorError::NotSignedHere));
}

#[test]
fn a_cursor_expires_after_its_time_and_not_before() {
    for codec in codecs() {
        let codec = codec.expires_after(Duration::from_secs(60));
        let made = token(&codec.clone().clock(at(1_000)), Fingerprint::default());
        assert_eq!(read(&codec.clone().clock(at(1_060)), &made), Ok(position()));
        assert_eq!(
            read(&codec.clone().clock(at(1_061)), &made),
            Err(CursorError::Expired)
        );
    }
}

#[test]
fn a_cursor_made_before_expiry_was_brought_in_stays_good() {
    for codec in codecs() {
        let made = token(&codec, Fingerprint::default());
        let expiring = codec.expires_after(Duration::ZERO);
        assert_eq!(read(&expiring, &made), Ok(position()));
    }
}

#[test]
fn another_sort_and_other_filters_are_told_apart() {
    for codec in codecs() {
        let made = token(&codec, Fingerprint::new("agents"));
        assert_eq!(read(&codec, &made), Err(CursorError::OtherFilters));
        let renamed: Order<Row> = Order::named("recent")
            .desc(|row: &Row| row.0)
            .desc_nulls(Nulls::Last, |row| row.1)
            .unique_desc(|row| row.2);
        let turned: Order<Row> = Order::named("popular")
            .asc(|row: &Row| row.0)
            .desc_nulls(Nulls::Last, |row| row.1)
            .unique_desc(|row| row.2);
        let nulls: Order<Row> = Order::named("popular")
            .desc(|row: &Row| row.0)
            .desc_nulls(Nulls::First, |row| row.1)
            .unique_desc(|row| row.2);
        let typed: Order<Row> = Order::named("popular")
            .desc(|row: &Row| row.0.unsigned_abs())
            .desc_nulls(Nulls::Last, |row| row.1)
            .unique_desc(|row| row.2);
        for other in [renamed, turned, nulls, typed] {
            let of = Expected::new(&other, Fingerprint::new("agents"));
            assert_eq!(codec.decode(&made, of), Err(CursorError::OtherOrder));
        }
    }
}

#[test]
fn every_reason_says_what_to_do_and_has_a_name() {
    let all = [
        CursorError::TooLong { length: 9, max: 1 },
        CursorError::NotACursor,
        CursorError::Truncated,
        CursorError::Altered,
        CursorError::NotSignedHere,
        CursorError::UnknownKey,
        CursorError::UnknownVersion(2),
        CursorError::OtherOrder,
        CursorError::OtherFilters,
        CursorError::Expired,
    ];
    let codes: std::collections::HashSet<&str> = all.iter().map(CursorError::code).collect();
    assert_eq!(codes.len(), all.len());
    for error in all {
        let text = error.to_string();
        assert!(
            text.contains("send") || text.contains("start again"),
            "{text}"
        );
    }
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::Int),
        any::<u64>().prop_map(Value::Uint),
        any::<u64>().prop_map(|bits| Value::Float(f64::from_bits(bits))),
        any::<String>().prop_map(Value::Text),
        any::<Vec<u8>>().prop_map(Value::Bytes),
        any::<[u8; 16]>().prop_map(Value::Uuid),
        any::<bool>().prop_map(Value::Bool),
        (any::<i64>(), 0..1_000_u16).prop_map(|(micros, nanos)| Value::Time { micros, nanos }),
        Just(Value::Null),
    ]
}

/// An order with one nullable key of the value's kind, and a unique one.
fn order_for(value: &Value) -> Order<()> {
    let order = Order::named("any");
    let nulls = Nulls::Last;
    let order = match value {
        Value::Int(_) | Value::Null => order.asc_nulls(nulls, |()| None::<i64>),
        Value::Uint(_) => order.asc_nulls(nulls, |()| None::<u64>),
        Value::Float(_) => order.asc_nulls(nulls, |()| None::<f64>),
        Value::Text(_) => order.asc_nulls(nulls, |()| None::<String>),
        Value::Bytes(_) => order.asc_nulls(nulls, |()| None::<Vec<u8>>),
        Value::Uuid(_) => order.asc_nulls(nulls, |()| None::<uuid::Uuid>),
        Value::Bool(_) => order.asc_nulls(nulls, |()| None::<bool>),
        _ => order.asc_nulls(nulls, |()| None::<chrono::DateTime<chrono::Utc>>),
    };
    order.unique_asc(|()| 0_u64)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_value_comes_back_exactly(value in value(), unique: u64, backward: bool, inclusive: bool, signed: bool) {
        let order = order_for(&value);
        let of = Expected::new(&order, Fingerprint::default());
        let direction = if backward { Direction::Backward } else { Direction::Forward };
        let mut position = Position::new(direction, vec![value, Value::Uint(unique)]);
        if inclusive {
            position = position.inclusive();
        }
        let codec = codecs()[usize::from(signed)].clone();
        let token = codec.encode(&position, of).expect("short enough");
        prop_assert_eq!(codec.decode(token.as_str(), of), Ok(position));
    }

    #[test]
    fn no_text_makes_the_decoder_panic(text: String, codec in 0..2_usize) {
        let _ = read(&codecs()[codec], &text);
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(bytes: Vec<u8>, codec in 0..2_usize) {
        let framed = [&[1, 0, 0, u8::try_from(bytes.len() + 4).unwrap_or(0)], bytes.as_slice()].concat();
        let _ = read(&codecs()[codec], &URL_SAFE_NO_PAD.encode(framed));
    }
}
