//! A two-tier cache for any tokio service.

mod bulk;
mod cache;
mod call;
pub mod engine;
mod entry;
mod envelope;
mod error;
mod event;
mod flight;
mod hub;
mod key;
mod link;
mod load;
mod loaded;
mod memory;
mod names;
mod namespace;
mod policy;
pub mod serializer;
mod slot;
mod stats;
mod tags;
mod targets;
pub mod time;
mod warm;

#[cfg(feature = "macros")]
pub use aios_cache_macros::cached;
pub use bulk::{Many, NoTagsOfAny, TagNamesOf};
pub use cache::{Cache, CacheBuilder, LinkState};
pub use call::CachedCall;
#[doc(hidden)]
pub use call::expansion as __private;
pub use entry::{Cached, Origin};
pub use envelope::Compression;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub use envelope::fuzzing;
pub use error::{LoadError, NamespaceError};
pub use event::{Event, Listener};
pub use key::{CacheKey, KeyText};
pub use loaded::Loaded;
pub use names::NamespaceNameError;
pub use namespace::{Namespace, NamespaceBuilder};
pub use policy::Policy;
pub use slot::{NoTags, Slot, TagNames};
pub use stats::{CacheStats, NamespaceStats, describe_metrics};
pub use targets::{Outcome, Targets};
pub use warm::{Warmup, WarmupError, WarmupReport, WarmupStep};
