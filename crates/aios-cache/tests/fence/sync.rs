//! The primitives under the fence, as the model checker schedules them.

use std::collections::hash_map::DefaultHasher;
use std::hash::BuildHasherDefault;

pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};

/// Every execution must take the same shard.
pub(crate) type RandomState = BuildHasherDefault<DefaultHasher>;

/// Without poisoning, as the one that it stands for.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
        self.0.lock().unwrap()
    }
}
