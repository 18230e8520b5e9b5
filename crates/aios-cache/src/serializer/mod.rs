//! How values become bytes and come back: one small trait, and the formats that are built in.

/// Why a value could not be written, or bytes not read. A value that can't be read is a miss, never an error.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SerializerError(pub Box<dyn std::error::Error + Send + Sync>);

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
