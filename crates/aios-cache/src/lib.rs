//! A two-tier cache for any tokio service.

pub mod engine;
mod envelope;
mod key;
mod names;
pub mod serializer;
pub mod time;

pub use envelope::Compression;
pub use key::{CacheKey, KeyText};
pub use names::NamespaceNameError;
