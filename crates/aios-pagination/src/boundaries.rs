//! Sampled boundaries: every k-th key of a listing, by which a far page is one short range, and a table splits.

use std::fmt;

use crate::cursor::wire::{Reader, put_value, put_varint};
use crate::cursor::{Direction, Expected, Position};
use crate::fingerprint::{Fingerprint, checksum};
use crate::order::Order;
use crate::value::Value;

/// Names a listing, to keep its [`Boundaries`] by: its order and its filters' whole fingerprint.
///
/// Another order or other filters make another name, as far as 96 bits can tell. It is the same on every node, and
/// [`Display`](fmt::Display) writes it in hexadecimal digits, for a cache's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ListingKey {
    order: u32,
    filters: Fingerprint,
}

impl ListingKey {
    /// The listing in this order with these filters.
    pub fn new<R>(order: &Order<R>, filters: Fingerprint) -> Self {
        Self {
            order: order.fingerprint(),
            filters,
        }
    }
}

impl fmt::Display for ListingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}{:016x}", self.order, self.filters.bits())
    }
}

/// The keys of every k-th row of a listing, and how many rows it had.
///
/// The caller keeps them, for instance in a cache under the listing's key. With `k` = 1,000 a listing of a million rows
/// has 1,000 boundaries, some 40 KB; a jump then reads at most `k` index entries and the page's rows.
///
/// **How stale they may be.** A jump starts at a key, so its page is always gapless, sorted, and as the table is now; what
/// ages is the number on it. After `i` rows were inserted and `d` deleted before the page since the sample, its first row
/// stands at most `max(i, d)` places from where counting anew would have it, and `total` is off by `i - d` over the whole
/// listing. Going on from there by the page's cursors repeats and skips nothing, however old the sample is. Sample again
/// when a page's error matters: a listing that turns over 0.1 % of its rows an hour is off by a page of 20 at page 40,000
/// after some two minutes, and by half a per cent of the way after five hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundaries {
    order: u32,
    filters: u32,
    every: u64,
    total: u64,
    keys: Vec<Vec<Value>>,
}

const VERSION: u8 = 1;

impl Boundaries {
    /// Boundaries whose `keys` are the values of rows `every`, `2 * every` and so on, counted from 1, of a listing of
    /// `total` rows; `None` where `every` is 0 or a key has not the order's shape.
    pub fn new(of: Expected<'_>, every: u64, total: u64, keys: Vec<Vec<Value>>) -> Option<Self> {
        let fits = every > 0 && keys.iter().all(|key| of.admits(key));
        fits.then_some(Self {
            order: of.order(),
            filters: of.filters(),
            every,
            total,
            keys,
        })
    }

    /// Rows from one boundary to the next when they were sampled.
    pub fn every(&self) -> u64 {
        self.every
    }

    /// Rows the listing had when it was sampled.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How many pages of `limit` rows that made.
    pub fn pages(&self, limit: u32) -> u64 {
        self.total.div_ceil(u64::from(limit.max(1)))
    }

    /// Whether they were sampled of this listing: this order, these filters.
    pub fn are_of(&self, of: Expected<'_>) -> bool {
        (self.order, self.filters) == (of.order(), of.filters()) && self.keys.iter().all(|key| of.admits(key))
    }

    /// Where to start for the row after the first `skip` ones, and how many rows to skip from there.
    pub fn nearest(&self, skip: u64) -> (Option<Position>, u64) {
        let wanted = usize::try_from(skip / self.every).unwrap_or(usize::MAX);
        let known = wanted.min(self.keys.len());
        let left = skip.saturating_sub(self.every.saturating_mul(known as u64));
        let position = known
            .checked_sub(1)
            .and_then(|index| self.keys.get(index))
            .map(|key| Position::new(Direction::Forward, key.clone()));
        (position, left)
    }

    /// Splits the listing into at most `n` spans of about as many rows each, for parallel readers. Together they hold
    /// every row once, those inserted since the sample too.
    pub fn spans(&self, n: u32) -> Vec<Span> {
        let n = usize::try_from(n.max(1)).unwrap_or(usize::MAX);
        let pieces = self.keys.len() + 1;
        let cuts = (1..n.min(pieces)).filter_map(|cut| {
            let at = cut.saturating_mul(pieces) / n.min(pieces);
            self.keys.get(at.checked_sub(1)?).cloned()
        });
        Span::between(cuts)
    }

    /// The bytes to keep; good for any process and platform.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.order.to_le_bytes());
        bytes.extend_from_slice(&self.filters.to_le_bytes());
        put_varint(&mut bytes, self.every);
        put_varint(&mut bytes, self.total);
        put_varint(&mut bytes, self.keys.len() as u64);
        for key in &self.keys {
            put_varint(&mut bytes, key.len() as u64);
            for value in key {
                put_value(&mut bytes, value);
            }
        }
        let sum = checksum(&bytes);
        bytes.extend_from_slice(&sum);
        bytes
    }

    /// The boundaries from kept bytes; `None` where they were damaged or are of another version: sample again.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (body, sum) = bytes.split_last_chunk::<4>()?;
        if checksum(body) != *sum {
            return None;
        }
        let mut reader = Reader::new(body);
        if reader.byte()? != VERSION {
            return None;
        }
        let order = u32::from_le_bytes(reader.array()?);
        let filters = u32::from_le_bytes(reader.array()?);
        let every = reader.varint().filter(|every| *every > 0)?;
        let total = reader.varint()?;
        let count = reader.varint()?;
        let mut keys = Vec::new();
        for _ in 0..count {
            let length = reader.varint()?;
            let key: Option<Vec<Value>> = (0..length).map(|_| reader.value()).collect();
            keys.push(key?);
        }
        reader.is_empty().then_some(Self {
            order,
            filters,
            every,
            total,
            keys,
        })
    }
}

/// A part of a listing: the rows after one key up to and with another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    after: Option<Vec<Value>>,
    upto: Option<Vec<Value>>,
}

impl Span {
    /// The spans between cuts, the first and the last open-ended.
    pub(crate) fn between(cuts: impl Iterator<Item = Vec<Value>>) -> Vec<Self> {
        let mut spans = Vec::new();
        let mut after = None;
        for cut in cuts {
            spans.push(Self {
                after: after.take(),
                upto: Some(cut.clone()),
            });
            after = Some(cut);
        }
        spans.push(Self { after, upto: None });
        spans
    }

    /// The span's end that reading in this direction starts from.
    #[cfg(feature = "diesel")]
    pub(crate) fn edge(&self, direction: Direction) -> Option<Position> {
        match direction {
            Direction::Forward => Some(Position::new(direction, self.after.clone()?)),
            Direction::Backward => Some(Position::new(direction, self.upto.clone()?).inclusive()),
        }
    }

    /// The filters of the span's rows: the listing's and the span itself.
    #[cfg(feature = "diesel")]
    pub(crate) fn narrow(&self, filters: Fingerprint) -> Fingerprint {
        [&self.after, &self.upto].into_iter().fold(filters, |all, end| {
            let mut bytes = Vec::new();
            for value in end.iter().flatten() {
                put_value(&mut bytes, value);
            }
            all.part(&[u8::from(end.is_some())]).part(&bytes)
        })
    }
}

/// As the bytes of [`Boundaries::to_bytes`].
#[cfg(feature = "serde")]
impl serde::Serialize for Boundaries {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.to_bytes())
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Boundaries {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(FromBytes)
    }
}

/// Takes bytes, and sequences of numbers from formats that have no bytes (JSON).
#[cfg(feature = "serde")]
struct FromBytes;

#[cfg(feature = "serde")]
impl<'de> serde::de::Visitor<'de> for FromBytes {
    type Value = Boundaries;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the bytes of sampled boundaries")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Boundaries, E> {
        Boundaries::from_bytes(bytes).ok_or_else(|| E::custom("these boundaries are damaged; sample them again"))
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut numbers: A) -> Result<Boundaries, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = numbers.next_element()? {
            bytes.push(byte);
        }
        self.visit_bytes(&bytes)
    }
}
