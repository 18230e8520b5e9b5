//! The words of the marketplace: agents, installations, reviews, categories, users, knowledge and events as types that
//! can't hold nonsense, and the one error type of the workspace. No I/O lives here, and no wire format.
//!
//! A value of one of these types has been checked when it was made: [`AgentName::new`] refuses an empty name,
//! [`Pricing::new`] a free agent with a price. Code that receives one never checks again.
//!
//! ```
//! use aios_domain::{Price, Pricing, PricingModel, Rating};
//!
//! assert!(Rating::new(6).is_err());
//! assert!(Pricing::new(PricingModel::Free, Price::from_cents(500)?).is_err());
//! # Ok::<(), aios_domain::Invalid>(())
//! ```

mod agent;
mod caller;
mod category;
mod error;
mod event;
mod ids;
mod installation;
mod json;
mod knowledge;
mod pricing;
mod rating;
mod review;
mod stats;
mod text;
mod time;
mod user;
mod version;

pub use agent::{
    Agent, AgentChanges, AgentDraft, AgentField, AgentFieldSet, AgentFilter, AgentSort, AgentSummary, Capability,
    MAX_CAPABILITIES, MAX_TAGS, PartialAgentSummary, normalised_tags,
};
pub use caller::{Caller, Role};
pub use category::{Category, CategoryCount, CategoryDraft};
pub use error::{Error, ErrorKind, FieldError, FieldErrors, Invalid, Result};
pub use event::{EventKind, RecentActivity};
pub use ids::{AgentId, CategoryId, EventId, InstallationId, KnowledgeId, ReviewId, TagId, UserId};
pub use installation::{Installation, InstalledAgent};
pub use json::JsonObject;
pub use knowledge::{KnowledgeDraft, KnowledgeEntry, KnowledgeFilter};
pub use pricing::{Price, Pricing, PricingModel};
pub use rating::Rating;
pub use review::{Review, ReviewDraft};
pub use stats::{AgentStats, MarketplaceStats};
pub use text::{
    AgentName, AgentType, CategoryName, ContentType, Description, DisplayName, Email, HexColor, HttpUrl, IconName,
    KnowledgeSource, KnowledgeText, KnowledgeTitle, License, RegistryName, ReviewText, ReviewTitle, SearchQuery,
    ShortDescription, Tag,
};
pub use time::{Timestamp, to_microseconds};
pub use user::User;
pub use version::Version;
