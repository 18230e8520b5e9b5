//! Use cases of the marketplace: who may do what, in which transaction, and what is counted.
//!
//! [`Marketplace`] is the whole of it. Every method is one thing that someone does; it checks the caller, runs the change and
//! its counters in one transaction, and answers in the words of `aios-domain`. No HTTP and no SQL stands here.

mod agents;
mod boundaries;
mod caching;
mod categories;
mod clock;
pub mod demo;
mod edge;
mod import;
mod installations;
mod knowledge;
mod lists;
mod marketplace;
mod pruning;
mod queries;
pub mod registry;
mod relay;
mod reviews;
mod runs;
mod stats;
mod views;
mod warm_up;
mod writes;

pub use agents::{AgentView, Precondition, revision};
pub use aios_cache::{Cached, LinkState};
pub use aios_db::store::agent_list::AgentListQuery;
pub use aios_db::{CountMode, Listing, PageAt, PageRequest, advice, profile};
pub use boundaries::FarPagePolicy;
pub use caching::{AgentListing, CacheSettings, Keeping, Shown, edge_key, edge_paths};
pub use clock::{Clock, ManualClock, SystemClock};
pub use edge::{EdgeLine, EdgeSettings};
pub use import::{ImportProgress, ImportSummary};
pub use marketplace::{Health, Marketplace};
pub use pruning::Pruned;
pub use relay::{RELAY_INTERVAL, describe_metrics};
