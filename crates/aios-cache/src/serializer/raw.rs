//! Values that are bytes already.

use std::sync::Arc;

use bytes::Bytes;

use super::{Serializer, SerializerError};

/// Values that are bytes or text already, as they are: [`Bytes`], `Vec<u8>`, `String`, `Arc<[u8]>`, `Arc<str>`, and what
/// implements [`RawValue`].
///
/// ```
/// use aios_cache::serializer::{Raw, Serializer};
///
/// let bytes = Raw.serialize(&"page".to_owned())?;
/// assert_eq!(bytes, b"page");
/// assert_eq!(Serializer::<String>::deserialize(&Raw, &bytes)?, "page");
/// # Ok::<_, aios_cache::serializer::SerializerError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Raw;

/// A value that is bytes.
pub trait RawValue: Sized {
    /// The bytes it is.
    fn as_raw(&self) -> &[u8];

    /// The value that is these bytes.
    ///
    /// # Errors
    /// Where these bytes are none.
    fn from_raw(bytes: &[u8]) -> Result<Self, SerializerError>;
}

impl<V: RawValue> Serializer<V> for Raw {
    fn id(&self) -> u8 {
        4
    }

    fn serialize(&self, value: &V) -> Result<Vec<u8>, SerializerError> {
        Ok(value.as_raw().to_vec())
    }

    fn deserialize(&self, bytes: &[u8]) -> Result<V, SerializerError> {
        V::from_raw(bytes)
    }
}

macro_rules! bytes_and_text {
    ($($of:ty: $read:expr),+ $(,)?) => {$(
        impl RawValue for $of {
            fn as_raw(&self) -> &[u8] {
                self.as_ref()
            }

            fn from_raw(bytes: &[u8]) -> Result<Self, SerializerError> {
                $read(bytes)
            }
        }
    )+};
}

bytes_and_text!(
    Bytes: |bytes| Ok(Bytes::copy_from_slice(bytes)),
    Vec<u8>: |bytes: &[u8]| Ok(bytes.to_vec()),
    Arc<[u8]>: |bytes| Ok(Arc::from(bytes)),
    String: |bytes| text(bytes).map(str::to_owned),
);

impl RawValue for Arc<str> {
    fn as_raw(&self) -> &[u8] {
        self.as_bytes()
    }

    fn from_raw(bytes: &[u8]) -> Result<Self, SerializerError> {
        text(bytes).map(Arc::from)
    }
}

fn text(bytes: &[u8]) -> Result<&str, SerializerError> {
    std::str::from_utf8(bytes).map_err(SerializerError::new)
}
