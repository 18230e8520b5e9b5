//! Values as MessagePack.

use rmp_serde::Deserializer;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize as _, Serialize};

use super::bounded::Bounded;
use super::{Serializer, SerializerError};

/// Values as MessagePack, with the names of fields: half to two thirds of JSON, and as open to change. A field that was added
/// needs `#[serde(default)]`, one that was dropped is passed over, and their order is free. Without the names it would be
/// smaller still, but then nothing but a schema version would tell an old layout from a new one; where
/// that is wanted, take postcard.
///
/// ```
/// use aios_cache::serializer::{MessagePack, Serializer};
///
/// let bytes = MessagePack.serialize(&vec![1, 2])?;
/// assert_eq!(bytes, [0x92, 1, 2]);
/// assert_eq!(Serializer::<Vec<u8>>::deserialize(&MessagePack, &bytes)?, [1, 2]);
/// # Ok::<_, aios_cache::serializer::SerializerError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MessagePack;

impl<V: Serialize + DeserializeOwned> Serializer<V> for MessagePack {
    fn id(&self) -> u8 {
        2
    }

    fn serialize(&self, value: &V) -> Result<Vec<u8>, SerializerError> {
        rmp_serde::to_vec_named(value).map_err(SerializerError::new)
    }

    fn deserialize(&self, bytes: &[u8]) -> Result<V, SerializerError> {
        let mut reader = Deserializer::from_read_ref(bytes);
        let value = V::deserialize(Bounded::new(&mut reader, bytes.len())).map_err(SerializerError::new)?;
        // The reader does not say where it is, but it says when there is nothing more to read.
        match IgnoredAny::deserialize(Bounded::new(&mut reader, 0)) {
            Err(rmp_serde::decode::Error::InvalidMarkerRead(_)) => Ok(value),
            _ => Err(SerializerError::new("something follows the value")),
        }
    }
}
