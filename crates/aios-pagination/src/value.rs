//! The values a cursor carries, and the trait by which a key's Rust type becomes one and comes back.

use std::cmp::Ordering;

/// One sort key's value at one row, in the form a cursor stores.
///
/// Every variant survives encoding bit by bit: 64-bit integers are integers, floats are their bits, times are whole
/// microseconds (and the nanoseconds beyond them), text is its bytes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Value {
    /// SQL `NULL`, or `None`.
    Null,
    /// A truth value; `false` sorts first.
    Bool(bool),
    /// A signed integer of up to 64 bits.
    Int(i64),
    /// An unsigned integer of up to 64 bits.
    Uint(u64),
    /// A double; `-0.0` equals `0.0`, NaN equals NaN and sorts after all others, as in PostgreSQL.
    Float(f64),
    /// Text, sorted by its UTF-8 bytes in memory; a database sorts by the column's collation.
    Text(String),
    /// Bytes, sorted as unsigned.
    Bytes(Vec<u8>),
    /// A UUID, sorted by its bytes.
    Uuid([u8; 16]),
    /// A point in time.
    Time {
        /// Microseconds since the Unix epoch, negative before it.
        micros: i64,
        /// Nanoseconds beyond `micros`, 0 to 999.
        nanos: u16,
    },
}

impl Value {
    /// The kind, or `None` for [`Value::Null`], which belongs to every nullable key.
    pub fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Null => return None,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Uint(_) => Kind::Uint,
            Self::Float(_) => Kind::Float,
            Self::Text(_) => Kind::Text,
            Self::Bytes(_) => Kind::Bytes,
            Self::Uuid(_) => Kind::Uuid,
            Self::Time { .. } => Kind::Time,
        })
    }

    /// Whether this is [`Value::Null`].
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Ascending order of two values of one kind; `NULL` and unlike kinds come out in a fixed but arbitrary order,
    /// since the order's declaration places the `NULL`s.
    pub(crate) fn ascending(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Uint(a), Self::Uint(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => float_order(*a, *b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Bytes(a), Self::Bytes(b)) => a.cmp(b),
            (Self::Uuid(a), Self::Uuid(b)) => a.cmp(b),
            (
                Self::Time { micros, nanos },
                Self::Time {
                    micros: other_micros,
                    nanos: other_nanos,
                },
            ) => (micros, nanos).cmp(&(other_micros, other_nanos)),
            (a, b) => a.kind().cmp(&b.kind()),
        }
    }
}

/// Equal as a cursor sees it: floats by their bits, so that `NaN` equals itself and `-0.0` differs from `0.0`.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::Null, _) | (_, Self::Null) => false,
            (a, b) => a.ascending(b) == Ordering::Equal,
        }
    }
}

impl Eq for Value {}

/// The total order PostgreSQL gives doubles: both zeros are equal, NaN is equal to itself and above all others.
fn float_order(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// The type of a key's values; part of an order's fingerprint, and checked when a cursor is read.
// The sequence is in every fingerprint: new kinds go to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// [`Value::Bool`]
    Bool,
    /// [`Value::Int`]
    Int,
    /// [`Value::Uint`]
    Uint,
    /// [`Value::Float`]
    Float,
    /// [`Value::Text`]
    Text,
    /// [`Value::Bytes`]
    Bytes,
    /// [`Value::Uuid`]
    Uuid,
    /// [`Value::Time`]
    Time,
}

/// A Rust type that may be a sort key.
///
/// Implemented for the integers, floats, `bool`, `String`, `Vec<u8>`, with the feature `uuid` for `uuid::Uuid`, and with
/// `chrono` for `DateTime<Utc>`, `NaiveDateTime` and `NaiveDate`. A newtype delegates in a few lines:
///
/// ```
/// use aios_pagination::{CursorValue, Kind, Value};
///
/// struct AgentNumber(i64);
///
/// impl CursorValue for AgentNumber {
///     const KIND: Kind = <i64 as CursorValue>::KIND;
///     fn into_value(self) -> Value {
///         self.0.into_value()
///     }
///     fn from_value(value: &Value) -> Option<Self> {
///         i64::from_value(value).map(Self)
///     }
///     fn lowest() -> Option<Self> {
///         i64::lowest().map(Self)
///     }
/// }
/// # assert_eq!(AgentNumber::from_value(&AgentNumber(7).into_value()).unwrap().0, 7);
/// ```
pub trait CursorValue: Sized {
    /// The kind of [`Value`] this type becomes; never `NULL`, nullable keys take `Option<Self>`.
    const KIND: Kind;

    /// The value as a cursor stores it. It must lose nothing: what comes back is compared with the column.
    fn into_value(self) -> Value;

    /// The value back from a cursor, or `None` where the cursor's value is out of this type's range.
    fn from_value(value: &Value) -> Option<Self>;

    /// A value no stored one sorts before, if the type has one.
    ///
    /// With it the step from the `NULL`s of a nullable key to its other values is an index range on every database
    /// (`key >= lowest`); without it the step says `key IS NOT NULL`, which SQLite answers by reading past the `NULL`s.
    fn lowest() -> Option<Self> {
        None
    }
}

macro_rules! integers {
    ($($type:ty => $variant:ident),+ $(,)?) => {$(
        impl CursorValue for $type {
            const KIND: Kind = Kind::$variant;
            fn into_value(self) -> Value {
                Value::$variant(self.into())
            }
            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    Value::$variant(number) => (*number).try_into().ok(),
                    _ => None,
                }
            }
            fn lowest() -> Option<Self> {
                Some(<$type>::MIN)
            }
        }
    )+};
}

integers!(i8 => Int, i16 => Int, i32 => Int, i64 => Int, u8 => Uint, u16 => Uint, u32 => Uint, u64 => Uint);

impl CursorValue for bool {
    const KIND: Kind = Kind::Bool;
    fn into_value(self) -> Value {
        Value::Bool(self)
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(truth) => Some(*truth),
            _ => None,
        }
    }
    fn lowest() -> Option<Self> {
        Some(false)
    }
}

impl CursorValue for f64 {
    const KIND: Kind = Kind::Float;
    fn into_value(self) -> Value {
        Value::Float(self)
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Float(number) => Some(*number),
            _ => None,
        }
    }
    fn lowest() -> Option<Self> {
        Some(f64::NEG_INFINITY)
    }
}

impl CursorValue for f32 {
    const KIND: Kind = Kind::Float;
    fn into_value(self) -> Value {
        Value::Float(self.into())
    }
    fn from_value(value: &Value) -> Option<Self> {
        let wide = f64::from_value(value)?;
        #[expect(clippy::cast_possible_truncation, reason = "what the cast loses is refused below")]
        let narrow = wide as f32;
        (f64::from(narrow).to_bits() == wide.to_bits() || wide.is_nan()).then_some(narrow)
    }
    fn lowest() -> Option<Self> {
        Some(f32::NEG_INFINITY)
    }
}

impl CursorValue for String {
    const KIND: Kind = Kind::Text;
    fn into_value(self) -> Value {
        Value::Text(self)
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
    fn lowest() -> Option<Self> {
        Some(String::new())
    }
}

impl CursorValue for Vec<u8> {
    const KIND: Kind = Kind::Bytes;
    fn into_value(self) -> Value {
        Value::Bytes(self)
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => Some(bytes.clone()),
            _ => None,
        }
    }
    fn lowest() -> Option<Self> {
        Some(Vec::new())
    }
}

#[cfg(feature = "uuid")]
impl CursorValue for uuid::Uuid {
    const KIND: Kind = Kind::Uuid;
    fn into_value(self) -> Value {
        Value::Uuid(self.into_bytes())
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Uuid(bytes) => Some(Self::from_bytes(*bytes)),
            _ => None,
        }
    }
    fn lowest() -> Option<Self> {
        Some(Self::nil())
    }
}

#[cfg(feature = "chrono")]
mod times {
    //! chrono's types, to the nanosecond they hold.

    use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};

    use super::{CursorValue, Kind, Value};

    impl CursorValue for DateTime<Utc> {
        const KIND: Kind = Kind::Time;
        fn into_value(self) -> Value {
            // A leap second's nanoseconds reach 1,999,999,999: the remainder keeps to the documented range, and the
            // microseconds carry the rest.
            let nanos = self.timestamp_subsec_nanos();
            Value::Time {
                micros: self.timestamp_micros(),
                nanos: u16::try_from(nanos % 1_000).unwrap_or_default(),
            }
        }
        fn from_value(value: &Value) -> Option<Self> {
            match value {
                Value::Time { micros, nanos } => DateTime::from_timestamp_micros(*micros)?
                    .checked_add_signed(TimeDelta::nanoseconds(i64::from(*nanos))),
                _ => None,
            }
        }
        /// The year -4000, which every database's timestamps reach (PostgreSQL's begin in 4713 BC).
        fn lowest() -> Option<Self> {
            NaiveDateTime::lowest().map(|time| time.and_utc())
        }
    }

    impl CursorValue for NaiveDateTime {
        const KIND: Kind = Kind::Time;
        fn into_value(self) -> Value {
            self.and_utc().into_value()
        }
        fn from_value(value: &Value) -> Option<Self> {
            DateTime::<Utc>::from_value(value).map(|time| time.naive_utc())
        }
        fn lowest() -> Option<Self> {
            NaiveDate::lowest().and_then(|day| day.and_hms_opt(0, 0, 0))
        }
    }

    impl CursorValue for NaiveDate {
        const KIND: Kind = Kind::Time;
        fn into_value(self) -> Value {
            self.and_time(chrono::NaiveTime::MIN).into_value()
        }
        fn from_value(value: &Value) -> Option<Self> {
            NaiveDateTime::from_value(value).map(|time| time.date())
        }
        fn lowest() -> Option<Self> {
            NaiveDate::from_ymd_opt(-4000, 1, 1)
        }
    }
}
