//! What was sealed opens, and nothing else does.

use proptest::prelude::*;

use super::*;

fn format() -> Format {
    Format {
        serializer: 1,
        schema: 7,
        max_payload: 1 << 20,
        compression: Compression::none(),
    }
}

fn envelope(payload: &[u8]) -> Envelope<'_> {
    Envelope {
        serializer: 1,
        schema: 7,
        created_unix_ms: 1_700_000_000_000,
        keep: Duration::from_secs(3_900),
        fresh: Duration::from_secs(300),
        stale: Duration::from_secs(3_600),
        load: Duration::from_micros(12_345),
        negative: false,
        tags: vec![("n:agents", 1 << 52), ("t:agent:5", 0)],
        payload: Cow::Borrowed(payload),
    }
}

/// Every way of compressing that there is.
fn compressions() -> [Compression; 3] {
    [
        Compression::none(),
        Compression::lz4().above(0),
        Compression::zstd(3).above(0),
    ]
}

fn sealed(payload: &[u8], compression: Compression) -> Bytes {
    let format = Format {
        compression,
        ..format()
    };
    seal(&envelope(payload), &format).unwrap()
}

/// Bytes with the length and the checksum put right, as a broken or hostile writer might.
fn signed(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len() - checksum::LENGTH);
    let length = u32::try_from(bytes.len() + checksum::LENGTH).unwrap();
    bytes[4..8].copy_from_slice(&length.to_le_bytes());
    let sum = checksum::of(&bytes);
    bytes.extend(sum);
    bytes
}

fn reason(bytes: &[u8]) -> Rejected {
    open(bytes, &format()).unwrap_err()
}

#[test]
fn an_entry_of_another_serializer_or_schema_is_told_apart() {
    let bytes = sealed(b"value", Compression::none());
    let other = Format {
        serializer: 2,
        ..format()
    };
    assert_eq!(open(&bytes, &other), Err(Rejected::OtherSerializer));
    let other = Format { schema: 8, ..format() };
    assert_eq!(open(&bytes, &other), Err(Rejected::OtherSchema));
}

#[test]
fn bytes_of_others_are_foreign() {
    for bytes in [&b"{\"json\": true}"[..], b"\xFAbc_something", b"x", &[0; 64]] {
        assert_eq!(reason(bytes), Rejected::Foreign);
    }
}

#[test]
fn what_is_cut_short_says_so() {
    let bytes = sealed(b"value", Compression::none());
    for end in 0..bytes.len() {
        assert_eq!(reason(&bytes[..end]), Rejected::Truncated, "{end} of {}", bytes.len());
    }
    let longer = [&bytes, &b"."[..]].concat();
    assert_eq!(reason(&longer), Rejected::Corrupt);
}

#[test]
fn a_format_and_flags_to_come_are_another_version() {
    let bytes = sealed(b"value", Compression::none()).to_vec();
    let mut later = bytes.clone();
    later[3] = 2;
    assert_eq!(reason(&later), Rejected::Version);
    for bit in 2..8 {
        let mut flagged = bytes.clone();
        flagged[8] |= 1 << bit;
        assert_eq!(reason(&signed(flagged)), Rejected::Version);
    }
}

#[test]
fn too_large_a_payload_is_neither_written_nor_taken() {
    let payload = vec![b'x'; 2_000];
    let small = Format {
        max_payload: 1_999,
        ..format()
    };
    assert_eq!(seal(&envelope(&payload), &small), Err(Rejected::TooLarge));
    for compression in compressions() {
        let bytes = sealed(&payload, compression);
        assert_eq!(open(&bytes, &small), Err(Rejected::TooLarge));
        assert_eq!(open(&bytes, &format()).unwrap().payload, payload);
    }
}

/// An entry that says its payload of a few bytes becomes this long.
fn bomb(algorithm: u8, length: u64, payload: &[u8]) -> Bytes {
    wire::write(&envelope(b""), payload, Some(Compressed { algorithm, length })).unwrap()
}

#[test]
fn no_room_is_made_for_what_a_payload_says_it_becomes_and_can_not() {
    let unlimited = Format {
        max_payload: usize::MAX,
        ..format()
    };
    let zeros = vec![0; 100_000];
    let lz4 = lz4_flex::block::compress(&zeros);
    let zstd = zstd::bulk::compress(&zeros, 3).unwrap();
    for (algorithm, payload) in [
        (1, &lz4[..]),
        (2, &zstd),
        (1, b""),
        (2, b""),
        (3, b"payload"),
        (0, b"payload"),
    ] {
        for length in [99_999, 100_001, 1 << 40, u64::MAX] {
            assert_eq!(
                open(&bomb(algorithm, length, payload), &unlimited),
                Err(Rejected::Compression)
            );
        }
        for length in [(1 << 20) + 1, u64::MAX] {
            assert_eq!(
                open(&bomb(algorithm, length, payload), &format()),
                Err(Rejected::TooLarge)
            );
        }
    }
    assert_eq!(open(&bomb(1, 100_000, &lz4), &unlimited).unwrap().payload, zeros);
    assert_eq!(open(&bomb(2, 100_000, &zstd), &unlimited).unwrap().payload, zeros);
}

#[test]
fn the_smallest_form_of_the_largest_payload_is_still_taken() {
    let zeros = vec![0; 1 << 20];
    for compression in compressions() {
        assert_eq!(open(&sealed(&zeros, compression), &format()).unwrap().payload, zeros);
    }
}

#[test]
fn what_compression_does_not_make_smaller_stays_as_it_is() {
    let mut random = fastrand::Rng::with_seed(1);
    let noise: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(10_000).collect();
    let plain = sealed(&noise, Compression::none());
    for compression in compressions() {
        assert_eq!(sealed(&noise, compression), plain);
        let text = b"the same again, ".repeat(100);
        assert_eq!(
            sealed(&text, compression.above(1_601)),
            sealed(&text, Compression::none())
        );
    }
}

#[test]
fn a_header_is_read_without_its_payload() {
    let bytes = bomb(2, 1_000, b"not zstd");
    let sealed = open_header(&bytes, &format()).unwrap();
    assert_eq!(sealed.header, envelope(b""));
    assert_eq!(sealed.open(&format()), Err(Rejected::Compression));
}

#[test]
fn times_longer_than_can_be_written_are_cut() {
    let long = Envelope {
        keep: Duration::MAX,
        load: Duration::MAX,
        ..envelope(b"")
    };
    let bytes = seal(&long, &format()).unwrap();
    let back = open(&bytes, &format()).unwrap();
    assert_eq!(back.keep, Duration::from_millis(u64::MAX));
    assert_eq!(back.load, Duration::from_micros(u64::MAX));
}

prop_compose! {
    fn owned_tags()(tags in prop::collection::vec((any::<String>(), any::<u64>()), 0..5)) -> Vec<(String, u64)> { tags }
}

prop_compose! {
    fn payloads()(
        piece in prop::collection::vec(any::<u8>(), 0..300), times in 1_usize..200,
    ) -> Vec<u8> { piece.repeat(times) }
}

proptest! {
    #[test]
    fn what_was_sealed_opens(
        numbers in any::<[u64; 5]>(), schema in any::<u32>(), serializer in any::<u8>(), negative in any::<bool>(),
        tags in owned_tags(), payload in payloads(), way in 0_usize..3,
    ) {
        let [created_unix_ms, keep, fresh, stale, load] = numbers;
        let envelope = Envelope {
            serializer, schema, created_unix_ms, negative,
            keep: Duration::from_millis(keep),
            fresh: Duration::from_millis(fresh),
            stale: Duration::from_millis(stale),
            load: Duration::from_micros(load),
            tags: tags.iter().map(|(tag, version)| (tag.as_str(), *version)).collect(),
            payload: Cow::Borrowed(&payload),
        };
        let format = Format { serializer, schema, compression: compressions()[way], ..format() };
        let bytes = seal(&envelope, &format).unwrap();
        prop_assert_eq!(open(&bytes, &format), Ok(envelope));
    }

    #[test]
    fn no_entry_with_one_bit_changed_opens(payload in payloads(), way in 0_usize..3, at in any::<usize>(), bit in 0_u8..8) {
        let mut bytes = sealed(&payload, compressions()[way]).to_vec();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        prop_assert!(open(&bytes, &format()).is_err());
    }

    #[test]
    fn no_entry_that_is_cut_short_opens(payload in payloads(), way in 0_usize..3, end in any::<usize>()) {
        let bytes = sealed(&payload, compressions()[way]);
        prop_assert_eq!(reason(&bytes[..end % bytes.len()]), Rejected::Truncated);
    }

    #[test]
    fn random_bytes_never_open(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(open(&bytes, &format()).is_err());
        let framed = [&[0xFA, b'a', b'c', 1][..], &bytes].concat();
        prop_assert!(open(&framed, &format()).is_err());
    }

    /// What is taken would have been written the same way, so no two forms of one entry exist.
    #[test]
    fn altered_bytes_with_a_right_checksum_open_to_just_what_they_say(
        changes in prop::collection::vec((8_usize..70, any::<u8>()), 1..4),
    ) {
        let mut bytes = sealed(b"a value", Compression::none()).to_vec();
        for (at, byte) in changes {
            let last = bytes.len() - checksum::LENGTH - 1;
            bytes[at.min(last)] = byte;
        }
        let bytes = signed(bytes);
        let format = Format { serializer: bytes[9], ..format() };
        if let (Ok(envelope), 0) = (open(&bytes, &format), bytes[8] & 2) {
            prop_assert_eq!(seal(&envelope, &format).unwrap(), bytes);
        }
    }
}

/// Every bit of a small entry, all at once.
#[test]
fn each_single_bit_counts() {
    let bytes = sealed(b"value", Compression::none());
    for at in 0..bytes.len() * 8 {
        let mut altered = bytes.to_vec();
        altered[at / 8] ^= 1 << (at % 8);
        assert!(open(&altered, &format()).is_err(), "bit {at}");
    }
}
