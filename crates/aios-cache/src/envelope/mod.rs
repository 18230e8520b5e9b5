//! What stands around a value in the shared tier: enough to know whether it may be used, before any of it is read.
//!
//! Numbers are unsigned, those of fixed width little-endian, all others varints (seven bits a byte, lowest first):
//!
//! ```text
//! FA 'a' 'c'   magic
//! 01           version of the format
//! u32          length of the whole
//! u8           flags: 1 there is no value (a negative result), 2 the payload is compressed
//! u8           serializer
//! varint       schema version
//! varint       when it was made, ms since 1970
//! varint x 3   kept for, fresh for, stale for, ms
//! varint       how long the load took, µs
//! varint       how many tags; for each its length, its text, its version
//! u8, varint   compression (1 lz4, 2 zstd) and length before it; only where the flag is set
//! ...          payload
//! u64          XXH3 of all before it
//! ```

mod checksum;
mod compress;
#[cfg(test)]
mod frozen;
#[cfg(feature = "testing")]
pub mod fuzzing;
#[cfg(test)]
mod tests;
mod wire;

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;

pub use compress::Compression;

/// How long a payload may be where nothing else is said, decompressed, in bytes: 64 MiB.
pub(crate) const MAX_PAYLOAD: usize = 64 << 20;

/// What a namespace writes, and what it takes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Format {
    /// [`Serializer::id`](crate::serializer::Serializer::id); anything else is rejected.
    pub(crate) serializer: u8,
    /// The version of the value's type; any other is rejected.
    pub(crate) schema: u32,
    /// The longest payload, decompressed, in bytes; what is longer is neither written nor taken.
    pub(crate) max_payload: usize,
    /// How payloads are compressed that are written. What is read may be compressed in any way this build knows.
    pub(crate) compression: Compression,
}

/// Why stored bytes are not used. Each is a miss, and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub(crate) enum Rejected {
    /// Another program's: it does not begin as an entry does.
    #[error("it is no entry of this cache")]
    Foreign,
    /// Of a version of the format, or with a part, that this build does not know.
    #[error("it is of another version of the format")]
    Version,
    /// Its end is missing.
    #[error("it is cut short")]
    Truncated,
    /// Altered since it was written.
    #[error("it was altered")]
    Corrupt,
    /// Written with another serializer.
    #[error("it was written with another serializer")]
    OtherSerializer,
    /// A value of another schema version.
    #[error("it has another schema version")]
    OtherSchema,
    /// Longer than the namespace takes.
    #[error("it is too large")]
    TooLarge,
    /// It can't be decompressed: not what it says, or by something this build was made without.
    #[error("it can't be decompressed")]
    Compression,
}

impl Rejected {
    /// A stable name for metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Foreign => "foreign",
            Self::Version => "version",
            Self::Truncated => "truncated",
            Self::Corrupt => "corrupt",
            Self::OtherSerializer => "other_serializer",
            Self::OtherSchema => "other_schema",
            Self::TooLarge => "too_large",
            Self::Compression => "compression",
        }
    }
}

/// An entry as it stands in the shared tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Envelope<'a> {
    /// [`Serializer::id`](crate::serializer::Serializer::id) of the payload.
    pub(crate) serializer: u8,
    /// The version of the value's type, as its namespace was told.
    pub(crate) schema: u32,
    /// When it was made, in milliseconds since 1970. For people who look at it; nothing is decided by it.
    pub(crate) created_unix_ms: u64,
    /// How long it was kept for in all, from when it was written: what the store still keeps it for, subtracted from this,
    /// is its age.
    pub(crate) keep: Duration,
    /// How long it is fresh.
    pub(crate) fresh: Duration,
    /// How long, from when it was written, it may be served while it is refreshed. At least `fresh`.
    pub(crate) stale: Duration,
    /// How long its load took.
    pub(crate) load: Duration,
    /// The result is that there is none.
    pub(crate) negative: bool,
    /// Its tags with their versions, as they were before it was loaded.
    pub(crate) tags: Vec<(&'a str, u64)>,
    /// The value, decompressed.
    pub(crate) payload: Cow<'a, [u8]>,
}

/// An entry whose payload was not decompressed yet.
#[derive(Debug)]
pub(crate) struct Sealed<'a> {
    /// All about it but the payload, which is empty.
    pub(crate) header: Envelope<'a>,
    payload: &'a [u8],
    compressed: Option<Compressed>,
}

/// How a payload was compressed.
#[derive(Debug, Clone, Copy)]
struct Compressed {
    algorithm: u8,
    length: u64,
}

/// The bytes to store. Fails with nothing but [`Rejected::TooLarge`].
pub(crate) fn seal(envelope: &Envelope<'_>, format: &Format) -> Result<Bytes, Rejected> {
    if envelope.payload.len() > format.max_payload {
        return Err(Rejected::TooLarge);
    }
    match format.compression.compress(&envelope.payload) {
        Some((algorithm, payload)) => {
            // A length in memory fits 64 bits.
            let length = envelope.payload.len() as u64;
            wire::write(envelope, &payload, Some(Compressed { algorithm, length }))
        }
        None => wire::write(envelope, &envelope.payload, None),
    }
}

/// Reads stored bytes without decompressing the payload: enough to look at times and tags.
pub(crate) fn open_header<'a>(bytes: &'a [u8], format: &Format) -> Result<Sealed<'a>, Rejected> {
    let sealed = wire::read(bytes)?;
    if sealed.header.serializer != format.serializer {
        return Err(Rejected::OtherSerializer);
    }
    if sealed.header.schema != format.schema {
        return Err(Rejected::OtherSchema);
    }
    Ok(sealed)
}

/// Reads stored bytes. Borrows from them what it can.
pub(crate) fn open<'a>(bytes: &'a [u8], format: &Format) -> Result<Envelope<'a>, Rejected> {
    open_header(bytes, format)?.open(format)
}

impl<'a> Sealed<'a> {
    /// With its payload.
    pub(crate) fn open(self, format: &Format) -> Result<Envelope<'a>, Rejected> {
        let payload = match self.compressed {
            None if self.payload.len() > format.max_payload => return Err(Rejected::TooLarge),
            None => Cow::Borrowed(self.payload),
            Some(Compressed { algorithm, length }) => {
                let length = usize::try_from(length).map_err(|_| Rejected::TooLarge)?;
                if length > format.max_payload {
                    return Err(Rejected::TooLarge);
                }
                let payload = compress::decompress(algorithm, self.payload, length);
                Cow::Owned(payload.ok_or(Rejected::Compression)?)
            }
        };
        Ok(Envelope { payload, ..self.header })
    }
}
