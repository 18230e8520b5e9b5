//! The bytes of a cursor: values with a tag each, integers as variable-length groups of seven bits.

use crate::value::Value;

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INT: u8 = 3;
const UINT: u8 = 4;
const FLOAT: u8 = 5;
const TEXT: u8 = 6;
const BYTES: u8 = 7;
const UUID: u8 = 8;
const MICROS: u8 = 9;
const NANOS: u8 = 10;

/// Appends one value.
pub(crate) fn put_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.push(NULL),
        Value::Bool(false) => out.push(FALSE),
        Value::Bool(true) => out.push(TRUE),
        Value::Int(number) => {
            out.push(INT);
            put_varint(out, zigzag(*number));
        }
        Value::Uint(number) => {
            out.push(UINT);
            put_varint(out, *number);
        }
        Value::Float(number) => {
            out.push(FLOAT);
            out.extend_from_slice(&number.to_bits().to_le_bytes());
        }
        Value::Text(text) => {
            out.push(TEXT);
            put_bytes(out, text.as_bytes());
        }
        Value::Bytes(bytes) => {
            out.push(BYTES);
            put_bytes(out, bytes);
        }
        Value::Uuid(bytes) => {
            out.push(UUID);
            out.extend_from_slice(bytes);
        }
        Value::Time { micros, nanos: 0 } => {
            out.push(MICROS);
            put_varint(out, zigzag(*micros));
        }
        Value::Time { micros, nanos } => {
            out.push(NANOS);
            put_varint(out, zigzag(*micros));
            put_varint(out, u64::from(*nanos));
        }
    }
}

/// Appends a number, seven bits a byte, the lowest first.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    #[expect(clippy::cast_possible_truncation, reason = "seven bits are left")]
    out.push(number as u8);
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Reads from the front of a slice; every method gives `None` where the bytes are not what it reads.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*array)
    }

    /// A number in its shortest form; longer forms of it are refused, so that a position has one encoding.
    pub(crate) fn varint(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return (byte != 0 || shift == 0).then_some(number);
            }
        }
        None
    }

    pub(crate) fn value(&mut self) -> Option<Value> {
        Some(match self.byte()? {
            NULL => Value::Null,
            FALSE => Value::Bool(false),
            TRUE => Value::Bool(true),
            INT => Value::Int(unzigzag(self.varint()?)),
            UINT => Value::Uint(self.varint()?),
            FLOAT => Value::Float(f64::from_bits(u64::from_le_bytes(self.array()?))),
            TEXT => Value::Text(String::from_utf8(self.bytes()?.to_vec()).ok()?),
            BYTES => Value::Bytes(self.bytes()?.to_vec()),
            UUID => Value::Uuid(self.array()?),
            MICROS => Value::Time {
                micros: unzigzag(self.varint()?),
                nanos: 0,
            },
            NANOS => {
                let micros = unzigzag(self.varint()?);
                let nanos = u16::try_from(self.varint()?).ok()?;
                if !(1..1_000).contains(&nanos) {
                    return None;
                }
                Value::Time { micros, nanos }
            }
            _ => return None,
        })
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.varint()?).ok()?;
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }
}

/// Small numbers of either sign to small unsigned ones: 0, -1, 1, -2 become 0, 1, 2, 3.
#[expect(
    clippy::cast_sign_loss,
    reason = "the sign is in the lowest bit by then"
)]
fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

#[expect(clippy::cast_possible_wrap, reason = "the lowest bit becomes the sign")]
fn unzigzag(number: u64) -> i64 {
    ((number >> 1) as i64) ^ -((number & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(value: &Value) {
        let mut bytes = Vec::new();
        put_value(&mut bytes, value);
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.value().as_ref(), Some(value));
        assert!(reader.is_empty());
    }

    #[test]
    fn every_extreme_comes_back_bit_by_bit() {
        for number in [i64::MIN, i64::MIN + 1, -1, 0, 1, (1 << 53) + 1, i64::MAX] {
            there_and_back(&Value::Int(number));
            there_and_back(&Value::Time {
                micros: number,
                nanos: 0,
            });
            there_and_back(&Value::Time {
                micros: number,
                nanos: 999,
            });
        }
        for number in [0, 127, 128, (1 << 53) + 1, u64::MAX] {
            there_and_back(&Value::Uint(number));
        }
        for number in [
            0.0,
            -0.0,
            0.1 + 0.2,
            f64::MIN_POSITIVE / 2.0,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
            -f64::NAN,
        ] {
            there_and_back(&Value::Float(number));
        }
        for text in ["", "naïve", "日本語", "עברית", "🤖\u{0}", "a'b\"c\\"] {
            there_and_back(&Value::Text(text.to_owned()));
        }
        there_and_back(&Value::Null);
        there_and_back(&Value::Bool(true));
        there_and_back(&Value::Bytes(vec![0, 255]));
        there_and_back(&Value::Uuid([0xff; 16]));
    }

    #[test]
    fn a_longer_form_of_a_number_is_refused() {
        assert_eq!(Reader::new(&[UINT, 0x81, 0x00]).value(), None);
        assert_eq!(
            Reader::new(&[UINT, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2]).value(),
            None
        );
    }

    #[test]
    fn a_length_beyond_the_end_is_refused_without_reserving_it() {
        let mut bytes = vec![TEXT];
        put_varint(&mut bytes, u64::MAX);
        assert_eq!(Reader::new(&bytes).value(), None);
    }
}
