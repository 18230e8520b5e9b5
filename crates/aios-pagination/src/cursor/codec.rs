//! Positions to tokens and back: framed, checked, and refused with the reason.
//!
//! A token is base64url (RFC 4648 section 5, no padding) of: version (1 byte), flags (1), length of the whole in bytes
//! (2, big end first), fingerprints of order and filters (4 each, little end first), the key's id where signed (1), the
//! expiry in Unix seconds where it has one (a varint), the values, and the signature (16) or checksum (4) of it all.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

#[cfg(feature = "sign")]
use super::sign::{self, Keyring, Verdict};
use super::wire::{Reader, put_value, put_varint};
use super::{Cursor, CursorError, Direction, KeysTooLong, Position};
use crate::fingerprint::{Fingerprint, checksum};
use crate::order::{KeyShape, Order};
use crate::value::Value;

const VERSION: u8 = 1;
const BACKWARD: u8 = 1;
const INCLUSIVE: u8 = 1 << 1;
const SIGNED: u8 = 1 << 2;
const EXPIRES: u8 = 1 << 3;
const ALL_FLAGS: u8 = BACKWARD | INCLUSIVE | SIGNED | EXPIRES;
const CHECKSUM_LENGTH: usize = 4;
const DEFAULT_MAX_LENGTH: usize = 2_048;

/// The listing a cursor belongs to, as far as a cursor knows it.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    order: u32,
    filters: u32,
    shapes: &'a [KeyShape],
}

impl<'a> Expected<'a> {
    /// The listing in this order with these filters.
    pub fn new<R>(order: &'a Order<R>, filters: Fingerprint) -> Self {
        Self {
            order: order.fingerprint(),
            filters: filters.folded(),
            shapes: order.shapes(),
        }
    }

    pub(crate) fn order(self) -> u32 {
        self.order
    }

    pub(crate) fn filters(self) -> u32 {
        self.filters
    }

    /// Whether these may be the values of a row's keys.
    pub(crate) fn admits(self, key: &[Value]) -> bool {
        key.len() == self.shapes.len()
            && self
                .shapes
                .iter()
                .zip(key)
                .all(|(shape, value)| shape.admits(value))
    }
}

/// Makes tokens of positions and reads them back.
///
/// One serves a whole service. Without a key, cursors carry a checksum, which finds accidents; with one they are signed,
/// and a client can't make or change one. Nothing in a cursor is secret either way: it is readable, not encrypted.
///
/// ```
/// use aios_pagination::CursorCodec;
/// use std::time::Duration;
///
/// let unsigned = CursorCodec::unsigned();
/// # #[cfg(feature = "sign")]
/// let signed = CursorCodec::signed(b"this month's secret")
///     .also_accept(b"last month's secret")
///     .expires_after(Duration::from_secs(86_400));
/// ```
#[derive(Clone)]
#[must_use]
pub struct CursorCodec {
    #[cfg(feature = "sign")]
    keys: Option<Arc<Keyring>>,
    lifetime: Option<Duration>,
    max_length: usize,
    clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

impl fmt::Debug for CursorCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CursorCodec")
            .field("signed", &self.is_signed())
            .field("lifetime", &self.lifetime)
            .field("max_length", &self.max_length)
            .finish_non_exhaustive()
    }
}

impl CursorCodec {
    /// Cursors with a checksum and no signature.
    pub fn unsigned() -> Self {
        Self {
            #[cfg(feature = "sign")]
            keys: None,
            lifetime: None,
            max_length: DEFAULT_MAX_LENGTH,
            clock: Arc::new(SystemTime::now),
        }
    }

    /// Cursors signed with HMAC-SHA-256 under this secret; 32 random bytes make a good one.
    #[cfg(feature = "sign")]
    pub fn signed(secret: &[u8]) -> Self {
        Self {
            keys: Some(Arc::new(Keyring::new(secret))),
            ..Self::unsigned()
        }
    }

    /// Also takes cursors signed with a former secret. New ones are signed with the current secret alone; on an unsigned
    /// codec this changes nothing.
    #[cfg(feature = "sign")]
    pub fn also_accept(mut self, former: &[u8]) -> Self {
        if let Some(keys) = &mut self.keys {
            Arc::make_mut(keys).accept(former);
        }
        self
    }

    /// Cursors made from now on are refused after this long (to the second).
    pub fn expires_after(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// Characters a cursor may have, 2,048 unless told; longer ones are refused unread, and never made.
    pub fn max_length(mut self, characters: usize) -> Self {
        self.max_length = characters;
        self
    }

    /// Where the time comes from; the system's clock unless told.
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The token of a position in a listing.
    pub fn encode(&self, position: &Position, of: Expected<'_>) -> Result<Cursor, KeysTooLong> {
        let mut bytes = Vec::with_capacity(96);
        bytes.extend_from_slice(&[VERSION, self.flags_of(position), 0, 0]);
        bytes.extend_from_slice(&of.order.to_le_bytes());
        bytes.extend_from_slice(&of.filters.to_le_bytes());
        #[cfg(feature = "sign")]
        if let Some(keys) = &self.keys {
            bytes.push(keys.id());
        }
        if let Some(lifetime) = self.lifetime {
            put_varint(&mut bytes, self.now().saturating_add(lifetime.as_secs()));
        }
        for value in position.values() {
            put_value(&mut bytes, value);
        }
        let whole = bytes.len() + self.seal_length();
        let length = (whole * 4).div_ceil(3);
        let (Ok(framed), true) = (u16::try_from(whole), length <= self.max_length) else {
            return Err(KeysTooLong {
                length,
                max: self.max_length.min(usize::from(u16::MAX)),
            });
        };
        for (to, from) in bytes.iter_mut().skip(2).zip(framed.to_be_bytes()) {
            *to = from;
        }
        self.seal(&mut bytes);
        Ok(Cursor(URL_SAFE_NO_PAD.encode(&bytes)))
    }

    /// The position a token stands for, if it is a cursor of this listing.
    ///
    /// Length, version, frame and signature are checked in that sequence, before any of the rest is read.
    pub fn decode(&self, token: &str, of: Expected<'_>) -> Result<Position, CursorError> {
        if token.len() > self.max_length {
            return Err(CursorError::TooLong {
                length: token.len(),
                max: self.max_length,
            });
        }
        let bytes = unframe(token)?;
        let body = self.unseal(&bytes)?;
        self.parse(body, of).ok_or(CursorError::NotACursor)?
    }

    fn flags_of(&self, position: &Position) -> u8 {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        flag(position.direction() == Direction::Backward, BACKWARD)
            | flag(position.is_inclusive(), INCLUSIVE)
            | flag(self.is_signed(), SIGNED)
            | flag(self.lifetime.is_some(), EXPIRES)
    }

    /// Reads what the seal has vouched for; `None` where it is not a cursor's body all the same.
    fn parse(&self, body: &[u8], of: Expected<'_>) -> Option<Result<Position, CursorError>> {
        let mut reader = Reader::new(body);
        let [_, flags, _, _] = reader.array()?;
        let order = u32::from_le_bytes(reader.array()?);
        let filters = u32::from_le_bytes(reader.array()?);
        if flags & SIGNED != 0 {
            reader.byte()?;
        }
        if flags & EXPIRES != 0 && reader.varint()? < self.now() {
            return Some(Err(CursorError::Expired));
        }
        if order != of.order {
            return Some(Err(CursorError::OtherOrder));
        }
        if filters != of.filters {
            return Some(Err(CursorError::OtherFilters));
        }
        let mut values = Vec::with_capacity(of.shapes.len());
        for shape in of.shapes {
            values.push(reader.value().filter(|value| shape.admits(value))?);
        }
        let direction = if flags & BACKWARD == 0 {
            Direction::Forward
        } else {
            Direction::Backward
        };
        reader.is_empty().then_some(Ok(Position {
            direction,
            inclusive: flags & INCLUSIVE != 0,
            values,
        }))
    }

    /// Seconds since the Unix epoch.
    fn now(&self) -> u64 {
        (self.clock)()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
    }
}

#[cfg(feature = "sign")]
impl CursorCodec {
    fn is_signed(&self) -> bool {
        self.keys.is_some()
    }

    fn seal_length(&self) -> usize {
        if self.is_signed() {
            sign::LENGTH
        } else {
            CHECKSUM_LENGTH
        }
    }

    fn seal(&self, bytes: &mut Vec<u8>) {
        match &self.keys {
            Some(keys) => {
                let signature = keys.sign(bytes);
                bytes.extend_from_slice(&signature);
            }
            None => append_checksum(bytes),
        }
    }

    fn unseal<'a>(&self, bytes: &'a [u8]) -> Result<&'a [u8], CursorError> {
        let signed = bytes.get(1).is_some_and(|flags| flags & SIGNED != 0);
        match &self.keys {
            None if !signed => check_checksum(bytes),
            Some(keys) if signed => {
                let (body, signature) = split_seal(bytes, sign::LENGTH)?;
                let id = *body.get(KEY_ID_AT).ok_or(CursorError::NotACursor)?;
                match keys.verify(id, body, signature) {
                    Verdict::Good => Ok(body),
                    Verdict::Bad => Err(CursorError::Altered),
                    Verdict::UnknownKey => Err(CursorError::UnknownKey),
                }
            }
            _ => Err(CursorError::NotSignedHere),
        }
    }
}

#[cfg(not(feature = "sign"))]
impl CursorCodec {
    #[expect(
        clippy::unused_self,
        reason = "with the feature `sign` it depends on the keys"
    )]
    fn is_signed(&self) -> bool {
        false
    }

    #[expect(
        clippy::unused_self,
        reason = "with the feature `sign` it depends on the keys"
    )]
    fn seal_length(&self) -> usize {
        CHECKSUM_LENGTH
    }

    #[expect(
        clippy::unused_self,
        reason = "with the feature `sign` it depends on the keys"
    )]
    fn seal(&self, bytes: &mut Vec<u8>) {
        append_checksum(bytes);
    }

    #[expect(
        clippy::unused_self,
        reason = "with the feature `sign` it depends on the keys"
    )]
    fn unseal<'a>(&self, bytes: &'a [u8]) -> Result<&'a [u8], CursorError> {
        if bytes.get(1).is_some_and(|flags| flags & SIGNED != 0) {
            return Err(CursorError::NotSignedHere);
        }
        check_checksum(bytes)
    }
}

/// Where a signed cursor names its key: after version, flags, length and the two fingerprints.
#[cfg(feature = "sign")]
const KEY_ID_AT: usize = 12;

fn append_checksum(bytes: &mut Vec<u8>) {
    let sum = checksum(bytes);
    bytes.extend_from_slice(&sum);
}

fn check_checksum(bytes: &[u8]) -> Result<&[u8], CursorError> {
    let (body, sum) = split_seal(bytes, CHECKSUM_LENGTH)?;
    if checksum(body) == sum {
        Ok(body)
    } else {
        Err(CursorError::Altered)
    }
}

fn split_seal(bytes: &[u8], length: usize) -> Result<(&[u8], &[u8]), CursorError> {
    bytes
        .len()
        .checked_sub(length)
        .and_then(|at| bytes.split_at_checked(at))
        .ok_or(CursorError::NotACursor)
}

/// The bytes of a token whose version and length are right.
fn unframe(token: &str) -> Result<Vec<u8>, CursorError> {
    // A cut inside a group of four characters is no base64 any more, but the groups before it still tell the length.
    let (bytes, is_whole) = match URL_SAFE_NO_PAD.decode(token) {
        Ok(bytes) => (bytes, true),
        Err(_) => (
            token
                .get(..token.len() / 4 * 4)
                .and_then(|groups| URL_SAFE_NO_PAD.decode(groups).ok())
                .ok_or(CursorError::NotACursor)?,
            false,
        ),
    };
    let mut reader = Reader::new(&bytes);
    let version = reader.byte().ok_or(CursorError::NotACursor)?;
    if version != VERSION {
        return Err(CursorError::UnknownVersion(version));
    }
    let flags = reader.byte().ok_or(CursorError::Truncated)?;
    let length = usize::from(u16::from_be_bytes(
        reader.array().ok_or(CursorError::Truncated)?,
    ));
    if flags & !ALL_FLAGS != 0 {
        return Err(CursorError::Altered);
    }
    if bytes.len() < length {
        return Err(CursorError::Truncated);
    }
    if bytes.len() > length || !is_whole {
        return Err(CursorError::Altered);
    }
    Ok(bytes)
}
