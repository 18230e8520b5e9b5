//! Many rows at once: what the demonstration catalogue, the registry import and the workshop's seed have in common.

mod rows;

pub use rows::{BulkAgent, BulkEvent, Dataset};
