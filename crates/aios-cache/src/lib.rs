//! A two-tier cache for any tokio service.

pub mod engine;
mod envelope;
mod key;
mod names;
pub mod serializer;
pub mod time;

pub use envelope::Compression;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub use envelope::fuzzing;
pub use key::{CacheKey, KeyText};
pub use names::NamespaceNameError;
