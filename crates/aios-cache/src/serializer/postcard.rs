//! Values as postcard.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::bounded::Bounded;
use super::{Serializer, SerializerError};

/// Values as postcard: the smallest and the fastest, and closed to change. Any change of the type is a new schema version
/// of its namespace, else old bytes may be read as something they are not. Types that have to see what comes
/// (`#[serde(untagged)]`, `#[serde(flatten)]`, `#[serde(skip_serializing_if)]`) can't be read.
///
/// ```
/// use aios_cache::serializer::{Postcard, Serializer};
///
/// let bytes = Postcard.serialize(&(1_u64, "a".to_owned()))?;
/// assert_eq!(bytes, [1, 1, b'a']);
/// assert_eq!(Serializer::<(u64, String)>::deserialize(&Postcard, &bytes)?, (1, "a".to_owned()));
/// # Ok::<_, aios_cache::serializer::SerializerError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Postcard;

impl<V: Serialize + DeserializeOwned> Serializer<V> for Postcard {
    fn id(&self) -> u8 {
        3
    }

    fn serialize(&self, value: &V) -> Result<Vec<u8>, SerializerError> {
        postcard::to_stdvec(value).map_err(SerializerError::new)
    }

    fn deserialize(&self, bytes: &[u8]) -> Result<V, SerializerError> {
        let mut reader = postcard::Deserializer::from_bytes(bytes);
        let value = V::deserialize(Bounded::new(&mut reader, bytes.len())).map_err(SerializerError::new)?;
        match reader.finalize() {
            Ok([]) => Ok(value),
            _ => Err(SerializerError::new("something follows the value")),
        }
    }
}
