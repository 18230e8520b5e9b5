//! From which size on is compression worth it? Each name tells the size before and after.
//!
//! `cargo bench -p aios-cache --bench compression`
#![expect(missing_docs, reason = "criterion's macros make functions of their own")]
#![expect(clippy::expect_used, reason = "a benchmark may fail")]

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};

/// A listing as JSON, of about so many bytes.
fn listing(bytes: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(1);
    let words = "assistant for reading and writing mail with care plans a trip in time";
    let words: Vec<&str> = words.split(' ').collect();
    let mut text = String::from("[");
    while text.len() < bytes {
        let id = random.u128(..);
        let count = random.u8(..);
        let sentence: Vec<&str> = std::iter::repeat_with(|| *random.choice(&words).expect("there are some"))
            .take(8 + usize::from(count) % 22)
            .collect();
        let sentence = sentence.join(" ");
        write!(
            text,
            "{{\"id\":\"{id:032x}\",\"name\":\"Agent {}\",\"description\":\"{sentence}\",\"category\":\"productivity\",\
             \"rating\":{:.2},\"installs\":{},\"is_featured\":{},\"created_at\":\"2025-0{}-1{}T08:15:30Z\"}},",
            random.u16(..),
            random.f64() * 5.0,
            random.u32(..100_000),
            random.bool(),
            random.u8(1..9),
            random.u8(0..9),
        )
        .expect("in memory");
    }
    text.truncate(bytes);
    text.into_bytes()
}

/// Measures one thing, with the size before and after in its name.
fn measure<T>(c: &mut Criterion, what: &str, payload: &[u8], packed: &[u8], mut work: impl FnMut() -> T) {
    let name = format!("{what}/{} to {}", payload.len(), packed.len());
    c.bench_function(&name, |bencher| bencher.iter(&mut work));
}

fn compression(c: &mut Criterion) {
    for bytes in [512, 1 << 10, 2 << 10, 4 << 10, 8 << 10, 16 << 10, 64 << 10] {
        let payload = listing(bytes);
        let payload = black_box(&payload[..]);
        let packed = lz4_flex::block::compress(payload);
        let packed = black_box(&packed[..]);
        measure(c, "lz4 compress", payload, packed, || {
            lz4_flex::block::compress(payload)
        });
        measure(c, "lz4 decompress", payload, packed, || {
            lz4_flex::block::decompress(packed, bytes)
        });
        for level in [1, 3] {
            let packed = zstd::bulk::compress(payload, level).expect("in memory");
            let packed = black_box(&packed[..]);
            let name = |what| format!("zstd-{level} {what}");
            let mut kept = zstd::bulk::Compressor::new(level).expect("in memory");
            measure(c, &name("compress"), payload, packed, || {
                zstd::bulk::compress(payload, level)
            });
            measure(c, &name("compress, context kept"), payload, packed, || {
                kept.compress(payload)
            });
            let mut kept = zstd::bulk::Decompressor::new().expect("in memory");
            measure(c, &name("decompress"), payload, packed, || {
                zstd::bulk::decompress(packed, bytes)
            });
            measure(c, &name("decompress, context kept"), payload, packed, || {
                kept.decompress(packed, bytes)
            });
        }
    }
}

criterion_group!(benches, compression);
criterion_main!(benches);
