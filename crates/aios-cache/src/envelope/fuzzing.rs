//! What the fuzz target of the envelope calls. Not part of the interface.

use super::{Compression, Format, checksum, open, seal, wire};

/// How large a payload the fuzzed decoder takes, in bytes.
const MAX_PAYLOAD: usize = 1 << 20;

/// Whether what these bytes are read as is read the same when it was written again; nothing where they are rejected.
pub fn reopens(bytes: &[u8]) -> Option<bool> {
    let header = wire::read(bytes).ok()?.header;
    let format = Format {
        serializer: header.serializer,
        schema: header.schema,
        max_payload: MAX_PAYLOAD,
        compression: Compression::default().above(64),
    };
    let envelope = open(bytes, &format).ok()?;
    let again = seal(&envelope, &format).ok()?;
    Some(open(&again, &format).as_ref() == Ok(&envelope))
}

/// These bytes as what stands between frame and checksum.
pub fn framed(content: &[u8]) -> Vec<u8> {
    let mut bytes = wire::frame(content.len() + checksum::LENGTH)
        .unwrap_or_default()
        .to_vec();
    bytes.extend_from_slice(content);
    let sum = checksum::of(&bytes);
    bytes.extend_from_slice(&sum);
    bytes
}
