//! Pages over HTTP, with no web framework's types: requests from query parameters and back, `Link` headers, metadata, Relay.

mod link;
mod meta;
mod query;
pub mod relay;

pub use link::Links;
pub use meta::PageMeta;
pub use query::{Limits, PageQuery, ParameterError, Place};
