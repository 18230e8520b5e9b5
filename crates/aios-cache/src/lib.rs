//! A two-tier cache for any tokio service.

pub mod engine;
mod envelope;
mod key;
pub mod serializer;
pub mod time;
