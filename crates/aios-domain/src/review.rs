//! Reviews: what a user thinks of an agent.

use serde::{Deserialize, Serialize};

use crate::{AgentId, Rating, ReviewId, ReviewText, ReviewTitle, Timestamp, UserId};

/// A review. A user has at most one of an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// The review.
    pub id: ReviewId,
    /// Who wrote it.
    pub user_id: UserId,
    /// Of which agent.
    pub agent_id: AgentId,
    /// The stars.
    pub rating: Rating,
    /// A heading.
    pub title: Option<ReviewTitle>,
    /// The text.
    pub review_text: Option<ReviewText>,
    /// How many users found it helpful.
    pub helpful_count: i64,
    /// Whether the writer had the agent installed when the review was written or last changed.
    pub is_verified_purchase: bool,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What a user writes about an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewDraft {
    /// The stars.
    pub rating: Rating,
    /// A heading.
    pub title: Option<ReviewTitle>,
    /// The text.
    pub review_text: Option<ReviewText>,
}
