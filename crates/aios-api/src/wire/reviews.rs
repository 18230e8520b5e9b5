//! Reviews.

use aios_domain::{FieldErrors, Rating, Result, ReviewDraft, ReviewText, ReviewTitle};
use aios_marketplace::Listing;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::agents::failure;
use super::owned;

/// What a user thinks of an agent.
#[derive(Serialize, ToSchema)]
pub(crate) struct Review {
    id: Uuid,
    user_id: Uuid,
    agent_id: Uuid,
    #[schema(example = 5, minimum = 1, maximum = 5)]
    rating: u8,
    #[schema(example = "Saves me an hour a day")]
    title: Option<String>,
    #[schema(example = "The drafts need a second look, the sorting does not.")]
    review_text: Option<String>,
    #[schema(example = 0)]
    helpful_count: i64,
    /// Whether the writer had the agent installed.
    is_verified_purchase: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<&aios_domain::Review> for Review {
    fn from(review: &aios_domain::Review) -> Self {
        Self {
            id: review.id.0,
            user_id: review.user_id.0,
            agent_id: review.agent_id.0,
            rating: review.rating.stars(),
            title: review.title.as_ref().map(owned),
            review_text: review.review_text.as_ref().map(owned),
            helpful_count: review.helpful_count,
            is_verified_purchase: review.is_verified_purchase,
            created_at: review.created_at,
            updated_at: review.updated_at,
        }
    }
}

/// A page of reviews.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReviewList {
    reviews: Vec<Review>,
    /// How many reviews the whole list has; null where it was not counted.
    #[schema(example = 87)]
    total: Option<i64>,
    /// The page's number; null where a cursor was followed.
    #[schema(example = 1)]
    page: Option<u32>,
    /// How many pages there are; null where a cursor was followed, or the list was not counted.
    #[schema(example = 9)]
    pages: Option<i64>,
    #[schema(example = 10)]
    limit: u32,
    /// Leads to the next page; null on the last one.
    next_cursor: Option<String>,
    /// Leads to the page before; null on the first one.
    prev_cursor: Option<String>,
}

impl From<&Listing<aios_domain::Review>> for ReviewList {
    fn from(listing: &Listing<aios_domain::Review>) -> Self {
        Self {
            pages: listing.pages(),
            reviews: listing.items.iter().map(Review::from).collect(),
            total: listing.total,
            page: listing.page,
            limit: listing.limit,
            next_cursor: listing.next_cursor.clone(),
            prev_cursor: listing.prev_cursor.clone(),
        }
    }
}

/// A review to be written.
#[derive(Deserialize, ToSchema)]
pub(crate) struct ReviewBody {
    #[schema(example = 5, minimum = 1, maximum = 5)]
    rating: i64,
    #[schema(example = "Saves me an hour a day", max_length = 200)]
    title: Option<String>,
    #[schema(example = "The drafts need a second look, the sorting does not.", max_length = 5000)]
    review_text: Option<String>,
}

impl ReviewBody {
    pub(crate) fn check(self) -> Result<ReviewDraft> {
        let mut errors = FieldErrors::default();
        let rating = errors.check("rating", Rating::new(self.rating));
        // A form sends a field that was left empty as an empty text.
        let written = |text: &String| !text.trim().is_empty();
        let title = errors.check_optional("title", self.title.filter(written), ReviewTitle::new);
        let review_text = errors.check_optional("review_text", self.review_text.filter(written), ReviewText::new);
        let Some(rating) = rating else {
            return Err(failure(errors));
        };
        errors.finish()?;
        Ok(ReviewDraft {
            rating,
            title,
            review_text,
        })
    }
}
