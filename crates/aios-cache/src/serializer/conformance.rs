//! What every serializer has to hold, as a test that a new one can run.

use std::fmt::Debug;

use super::Serializer;

/// What a serializer did that it must not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Nonconformance(String);

/// How many altered forms of each value's bytes are tried.
const ALTERED: usize = 2_000;

/// Tries a serializer with some values: each comes back as it went out, its bytes cut short, lengthened and altered at random
/// (from the seed) give values or errors and never a panic, and the identifier stays the same.
///
/// ```
/// use aios_cache::serializer::{Json, conformance};
///
/// conformance::check(&Json, [vec![], vec![1_u8, 2]], 7)?;
/// # Ok::<_, conformance::Nonconformance>(())
/// ```
///
/// # Errors
/// With the first thing that does not hold.
pub fn check<S, V>(serializer: &S, values: impl IntoIterator<Item = V>, seed: u64) -> Result<(), Nonconformance>
where
    S: Serializer<V>,
    V: Debug + PartialEq,
{
    let mut random = fastrand::Rng::with_seed(seed);
    let id = serializer.id();
    for value in values {
        let bytes = there_and_back(serializer, &value)?;
        for end in 0..bytes.len().min(ALTERED) {
            let _ = serializer.deserialize(bytes.get(..end).unwrap_or_default());
        }
        for _ in 0..ALTERED {
            let _ = serializer.deserialize(&altered(&bytes, &mut random));
        }
        there_and_back(serializer, &value)?;
    }
    if serializer.id() == id {
        Ok(())
    } else {
        Err(Nonconformance(format!(
            "its identifier was {id} and is {}",
            serializer.id()
        )))
    }
}

/// The bytes of a value, which must be those of an equal one.
fn there_and_back<S, V>(serializer: &S, value: &V) -> Result<Vec<u8>, Nonconformance>
where
    S: Serializer<V>,
    V: Debug + PartialEq,
{
    let failed = |what: &str, why: &dyn Debug| Nonconformance(format!("{value:?} {what}: {why:?}"));
    let bytes = serializer
        .serialize(value)
        .map_err(|error| failed("could not be written", &error))?;
    let back = serializer
        .deserialize(&bytes)
        .map_err(|error| failed("could not be read back", &error))?;
    if back == *value {
        Ok(bytes)
    } else {
        Err(failed("came back as another", &back))
    }
}

/// Bytes with some changed, some put in, some taken out, and mostly such as mean something in one format or another.
fn altered(bytes: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    const TELLING: &[u8] = &[
        0, 1, 0x7F, 0x80, 0xC0, 0xC1, 0xC9, 0xD9, 0xDC, 0xDD, 0xDF, 0xFE, 0xFF, b'[', b'{', b'"', b'\\',
    ];
    let mut bytes = bytes.to_vec();
    for _ in 0..random.usize(1..=4) {
        let at = random.usize(0..=bytes.len());
        let byte = match random.choice(TELLING) {
            Some(byte) if random.bool() => *byte,
            _ => random.u8(..),
        };
        match (random.u8(..8), bytes.get_mut(at)) {
            (0, _) => drop(bytes.splice(at.., std::iter::repeat_n(byte, random.usize(..40)))),
            (1, _) => bytes.insert(at, byte),
            (2, Some(_)) => drop(bytes.remove(at)),
            (_, Some(old)) => *old = byte,
            (_, None) => bytes.push(byte),
        }
    }
    bytes
}
