//! The primitives under the fence, by one name each: its model checker puts others in their place.

pub(crate) use parking_lot::Mutex;
pub(crate) use std::collections::hash_map::RandomState;
pub(crate) use std::sync::atomic::{AtomicU64, Ordering};
