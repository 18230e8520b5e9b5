//! The cursor decoder: it never panics, and whatever it takes it would have written the same way.
//!
//! The fuzzer's bytes go in three ways: as a token, as the body of an unsigned token whose frame and checksum are put
//! right (else hardly an input would get past them), and as values that go out and come back.
#![no_main]

use std::time::{Duration, SystemTime};

use aios_pagination::{CursorCodec, Direction, Expected, Fingerprint, Nulls, Order, Position, Value};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;

type Row = (Option<i64>, Option<f64>, Option<String>, u64);

fn order() -> Order<Row> {
    Order::named("fuzz")
        .asc_nulls(Nulls::First, |row: &Row| row.0)
        .desc_nulls(Nulls::Last, |row| row.1)
        .asc_nulls(Nulls::Last, |row| row.2.clone())
        .unique_asc(|row| row.3)
}

fn clock() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

fuzz_target!(|data: &[u8]| {
    let order = order();
    let of = Expected::new(&order, Fingerprint::default());
    let unsigned = CursorCodec::unsigned().clock(clock);
    let signed = CursorCodec::signed(b"secret").also_accept(b"former").clock(clock);
    if let Ok(token) = std::str::from_utf8(data) {
        let _ = signed.decode(token, of);
        take(&unsigned, token, of);
    }
    take(&unsigned, &framed(data, &unsigned, of), of);
    there_and_back(data, &signed, of);
});

/// A token that is taken must be the one its position is written as, but for an expiry, which the codec here does not set.
fn take(codec: &CursorCodec, token: &str, of: Expected<'_>) {
    if let Ok(position) = codec.decode(token, of) {
        let again = codec.encode(&position, of).expect("short enough");
        let expires = URL_SAFE_NO_PAD.decode(token).expect("it was decoded")[1] & 8 != 0;
        assert!(expires || again.as_str() == token);
    }
}

/// The data as the values of an unsigned token: flags from its first byte, frame, fingerprints and checksum put right.
fn framed(data: &[u8], codec: &CursorCodec, of: Expected<'_>) -> String {
    let (flags, body) = data.split_first().map_or((0, data), |(flags, body)| (flags & 0b1011, body));
    let empty = codec
        .encode(&Position::new(Direction::Forward, Vec::new()), of)
        .expect("short enough");
    let head = URL_SAFE_NO_PAD.decode(empty.as_str()).expect("it was encoded");
    let mut bytes = head[..12].to_vec();
    bytes[1] = flags;
    bytes.extend_from_slice(&body[..body.len().min(1_000)]);
    let length = u16::try_from(bytes.len() + 4).expect("short enough");
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
    let sum = checksum(&bytes);
    bytes.extend_from_slice(&sum);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// FNV-1a over 64 bits, folded to 32, as the format says.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    let state = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |state, byte| {
        (state ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (state ^ (state >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    ((mixed ^ (mixed >> 32)) as u32).to_le_bytes()
}

/// Values made of the data come back bit by bit, signed.
fn there_and_back(data: &[u8], codec: &CursorCodec, of: Expected<'_>) {
    let Some((number, rest)) = data.split_first_chunk::<8>() else {
        return;
    };
    let number = u64::from_le_bytes(*number);
    let text = String::from_utf8_lossy(&rest[..rest.len().min(300)]).into_owned();
    let values = vec![
        if number % 5 == 0 { Value::Null } else { Value::Int(number as i64) },
        Value::Float(f64::from_bits(number)),
        if text.is_empty() { Value::Null } else { Value::Text(text) },
        Value::Uint(number.rotate_left(17)),
    ];
    let mut position = Position::new(Direction::Backward, values);
    if number & 1 == 0 {
        position = position.inclusive();
    }
    let token = codec.encode(&position, of).expect("short enough");
    assert_eq!(codec.decode(token.as_str(), of), Ok(position));
}
