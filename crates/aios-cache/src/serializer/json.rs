//! Values as JSON.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Serializer, SerializerError};

/// Values as JSON: readable in the store, and open to change. A field that was added needs `#[serde(default)]`.
///
/// What JSON can't say (`NaN`, keys of maps that are no texts) it says differently or not at all; such values are better kept
/// as MessagePack. Reads values nested up to 127 deep.
///
/// ```
/// use aios_cache::serializer::{Json, Serializer};
///
/// let bytes = Json.serialize(&vec![1, 2])?;
/// assert_eq!(bytes, b"[1,2]");
/// assert_eq!(Serializer::<Vec<u8>>::deserialize(&Json, &bytes)?, [1, 2]);
/// # Ok::<_, aios_cache::serializer::SerializerError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Json;

impl<V: Serialize + DeserializeOwned> Serializer<V> for Json {
    fn id(&self) -> u8 {
        1
    }

    fn serialize(&self, value: &V) -> Result<Vec<u8>, SerializerError> {
        serde_json::to_vec(value).map_err(SerializerError::new)
    }

    fn deserialize(&self, bytes: &[u8]) -> Result<V, SerializerError> {
        serde_json::from_slice(bytes).map_err(SerializerError::new)
    }
}
