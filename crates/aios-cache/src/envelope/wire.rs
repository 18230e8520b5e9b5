//! An entry's bytes, as the module above lays them out.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;

use super::{Compressed, Envelope, Rejected, Sealed, checksum};

const MAGIC: [u8; 3] = [0xFA, b'a', b'c'];
const VERSION: u8 = 1;
/// Magic, version and length.
const FRAME: usize = 8;

const NEGATIVE: u8 = 1;
const COMPRESSED: u8 = 2;

/// The entry's bytes with a payload that is compressed already, or not at all.
pub(super) fn write(
    envelope: &Envelope<'_>,
    payload: &[u8],
    compressed: Option<Compressed>,
) -> Result<Bytes, Rejected> {
    let tags: usize = envelope.tags.iter().map(|(tag, _)| tag.len() + 12).sum();
    let mut writer = Writer(Vec::with_capacity(FRAME + 64 + tags + payload.len()));
    // The length is known at the end.
    writer.bytes(&[0; FRAME]);
    let negative = if envelope.negative { NEGATIVE } else { 0 };
    let flags = negative | if compressed.is_some() { COMPRESSED } else { 0 };
    writer.bytes(&[flags, envelope.serializer]);
    writer.header(envelope);
    if let Some(Compressed { algorithm, length }) = compressed {
        writer.bytes(&[algorithm]);
        writer.varint(length);
    }
    writer.bytes(payload);
    writer.finish()
}

struct Writer(Vec<u8>);

impl Writer {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(0x80 | low_bits(number));
            number >>= 7;
        }
        self.0.push(low_bits(number));
    }

    fn milliseconds(&mut self, duration: Duration) {
        self.varint(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
    }

    fn header(&mut self, envelope: &Envelope<'_>) {
        self.varint(u64::from(envelope.schema));
        self.varint(envelope.created_unix_ms);
        self.milliseconds(envelope.keep);
        self.milliseconds(envelope.fresh);
        self.milliseconds(envelope.stale);
        self.varint(u64::try_from(envelope.load.as_micros()).unwrap_or(u64::MAX));
        // Lengths in memory fit 64 bits.
        self.varint(envelope.tags.len() as u64);
        for (tag, version) in &envelope.tags {
            self.varint(tag.len() as u64);
            self.bytes(tag.as_bytes());
            self.varint(*version);
        }
    }

    /// Puts in the frame and the checksum.
    fn finish(self) -> Result<Bytes, Rejected> {
        let mut bytes = self.0;
        let after_frame = bytes.len() - FRAME + checksum::LENGTH;
        let frame = frame(after_frame).ok_or(Rejected::TooLarge)?;
        if let Some(place) = bytes.first_chunk_mut() {
            *place = frame;
        }
        let sum = checksum::of(&bytes);
        bytes.extend_from_slice(&sum);
        Ok(Bytes::from(bytes))
    }
}

/// What stands before so many bytes.
pub(super) fn frame(bytes: usize) -> Option<[u8; FRAME]> {
    let [m0, m1, m2] = MAGIC;
    let [l0, l1, l2, l3] = u32::try_from(FRAME + bytes).ok()?.to_le_bytes();
    Some([m0, m1, m2, VERSION, l0, l1, l2, l3])
}

fn low_bits(number: u64) -> u8 {
    (number & 0x7F) as u8
}

/// All of an entry, its payload as it is stored.
pub(super) fn read(bytes: &[u8]) -> Result<Sealed<'_>, Rejected> {
    let mut reader = Reader(checked(bytes)?);
    let flags = reader.byte()?;
    if flags & !(NEGATIVE | COMPRESSED) != 0 {
        return Err(Rejected::Version);
    }
    let serializer = reader.byte()?;
    let header = Envelope {
        serializer,
        schema: u32::try_from(reader.varint()?).map_err(|_| Rejected::Corrupt)?,
        created_unix_ms: reader.varint()?,
        keep: Duration::from_millis(reader.varint()?),
        fresh: Duration::from_millis(reader.varint()?),
        stale: Duration::from_millis(reader.varint()?),
        load: Duration::from_micros(reader.varint()?),
        negative: flags & NEGATIVE != 0,
        tags: reader.tags()?,
        payload: Cow::default(),
    };
    let compressed = match flags & COMPRESSED {
        0 => None,
        _ => Some(Compressed {
            algorithm: reader.byte()?,
            length: reader.varint()?,
        }),
    };
    Ok(Sealed {
        header,
        payload: reader.0,
        compressed,
    })
}

/// What stands between frame and checksum, which both fit.
fn checked(bytes: &[u8]) -> Result<&[u8], Rejected> {
    let Some((frame, _)) = bytes.split_first_chunk::<FRAME>() else {
        let begins = bytes.starts_with(&MAGIC) || MAGIC.starts_with(bytes);
        return Err(if begins { Rejected::Truncated } else { Rejected::Foreign });
    };
    let [m0, m1, m2, version, l0, l1, l2, l3] = *frame;
    if [m0, m1, m2] != MAGIC {
        return Err(Rejected::Foreign);
    }
    if version != VERSION {
        return Err(Rejected::Version);
    }
    match usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])) {
        Ok(length) if length == bytes.len() => {}
        Ok(length) if length < bytes.len() => return Err(Rejected::Corrupt),
        _ => return Err(Rejected::Truncated),
    }
    let (content, sum) = bytes
        .split_last_chunk::<{ checksum::LENGTH }>()
        .ok_or(Rejected::Corrupt)?;
    if checksum::of(content) != *sum {
        return Err(Rejected::Corrupt);
    }
    content.get(FRAME..).ok_or(Rejected::Corrupt)
}

/// Reads from the front. The checksum fits already, so whatever is wrong now was written wrongly.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8, Rejected> {
        let (byte, rest) = self.0.split_first().ok_or(Rejected::Corrupt)?;
        self.0 = rest;
        Ok(*byte)
    }

    fn bytes(&mut self, length: usize) -> Result<&'a [u8], Rejected> {
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(Rejected::Corrupt)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// Takes the shortest form of a number alone.
    fn varint(&mut self) -> Result<u64, Rejected> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            number |= bits << shift;
            if byte & 0x80 == 0 {
                let too_long = byte == 0 && shift > 0;
                let too_large = bits << shift >> shift != bits;
                return if too_long || too_large {
                    Err(Rejected::Corrupt)
                } else {
                    Ok(number)
                };
            }
        }
        Err(Rejected::Corrupt)
    }

    fn length(&mut self) -> Result<usize, Rejected> {
        usize::try_from(self.varint()?).map_err(|_| Rejected::Corrupt)
    }

    fn tags(&mut self) -> Result<Vec<(&'a str, u64)>, Rejected> {
        let count = self.length()?;
        // The shortest tag has two bytes, so room is made for no more than may be there.
        if count > self.0.len() / 2 {
            return Err(Rejected::Corrupt);
        }
        let mut tags = Vec::with_capacity(count);
        for _ in 0..count {
            let length = self.length()?;
            let tag = std::str::from_utf8(self.bytes(length)?).map_err(|_| Rejected::Corrupt)?;
            tags.push((tag, self.varint()?));
        }
        Ok(tags)
    }
}
