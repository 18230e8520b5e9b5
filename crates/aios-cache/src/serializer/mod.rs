//! How values become bytes and come back: one small trait, and the formats that are built in.

#[cfg(any(feature = "msgpack", feature = "postcard"))]
mod bounded;
#[cfg(any(test, feature = "testing"))]
pub mod conformance;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "msgpack")]
mod msgpack;
#[cfg(feature = "postcard")]
mod postcard;
mod raw;
#[cfg(test)]
mod tests;

#[cfg(feature = "json")]
pub use json::Json;
#[cfg(feature = "msgpack")]
pub use msgpack::MessagePack;
#[cfg(feature = "postcard")]
pub use postcard::Postcard;
pub use raw::{Raw, RawValue};

/// Why a value could not be written, or bytes not read. A value that can't be read is a miss, never an error.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SerializerError(pub Box<dyn std::error::Error + Send + Sync>);

impl SerializerError {
    /// From an error, or from a text that says what is wrong.
    pub fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}

/// Turns values into bytes and back.
///
/// Bytes that [`serialize`](Self::serialize) did not write (cut short, altered, of another program) give an error; they
/// must neither panic nor make it allocate beyond some multiple of their length.
pub trait Serializer<V>: Send + Sync + 'static {
    /// Names the format in stored entries, for good: entries of another format are misses. Below 128 for the built-in ones.
    fn id(&self) -> u8;

    /// The value as bytes.
    ///
    /// # Errors
    /// Where the format can't express it; it is then kept in memory alone, and counted.
    fn serialize(&self, value: &V) -> Result<Vec<u8>, SerializerError>;

    /// The value that was written as `bytes`.
    ///
    /// # Errors
    /// Where these bytes are none.
    fn deserialize(&self, bytes: &[u8]) -> Result<V, SerializerError>;
}
