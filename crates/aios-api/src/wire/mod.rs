//! Bodies as they are on the wire. Those that come in hold plain values, and become words of the domain with all that is
//! wrong said at once; those that go out are made from words of the domain.

mod advice;
mod agents;
mod categories;
mod installations;
mod knowledge;
mod queries;
mod reviews;
mod stats;

pub(crate) use advice::AdviceReport;
pub use advice::advice_json;
pub(crate) use agents::{
    Agent, AgentDraft, AgentList, AgentPatch, AgentSearch, AgentSummary, PricingModelName, SortName, min_rating,
};
pub(crate) use categories::{Category, CategoryCount, CategoryCounts, CategoryDraft, CategoryList};
pub(crate) use installations::{EventBody, InstallBody, Installation, Message, MyAgents};
pub(crate) use knowledge::{Knowledge, KnowledgeBody, KnowledgeSearch};
pub(crate) use queries::{Queries, QueryPlan};
pub(crate) use reviews::{Review, ReviewBody, ReviewList};
pub(crate) use stats::{AgentStats, MarketplaceStats};

use aios_domain::{FieldErrors, Invalid, JsonObject};
use serde::{Deserialize, Deserializer};

/// A text of the domain as one of the wire's: many answers share the domain's.
fn owned(text: &impl AsRef<str>) -> String {
    text.as_ref().to_owned()
}

/// Reads a member that may be missing, `null`, or a value, and tells the first two apart.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Checks each item of a list, and says which one is wrong.
fn check_list<T>(
    errors: &mut FieldErrors,
    field: &str,
    items: Vec<String>,
    most: usize,
    check: impl Fn(String) -> Result<T, Invalid>,
) -> Vec<T> {
    if items.len() > most {
        errors.add(field.to_owned(), format!("must hold at most {most} items"));
        return Vec::new();
    }
    let items = items.into_iter().enumerate();
    items
        .filter_map(|(place, item)| errors.check(format!("{field}[{place}]"), check(item)))
        .collect()
}

/// Checks an object that may be missing or `null`; both mean the empty one.
fn check_object(errors: &mut FieldErrors, field: &'static str, value: Option<serde_json::Value>) -> JsonObject {
    errors
        .check_optional(field, value.filter(|value| !value.is_null()), JsonObject::new)
        .unwrap_or_default()
}
