//! Reviews: one a user and agent, and the agent's rating counters.

use std::collections::HashMap;

use aios_domain::{AgentId, Error, Rating, Review, ReviewDraft, ReviewId, ReviewText, ReviewTitle, Timestamp, UserId};
use aios_pagination::Fingerprint;
use aios_pagination::sql::SqlOrder;
use diesel::prelude::*;

use super::agents::{agent_is_active, agent_lock};
use super::installations::is_installed;
use crate::connection::MultiBackend;
use crate::loaders::TopPerParent;
use crate::paging::{Listing, PageRequest, Paging, read_page};
use crate::profile::RunQueryDsl;
use crate::schema::{agent_reviews, marketplace_agents};
use crate::sql_types::Sql;
use crate::{AnyConnection, DbResult};

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = agent_reviews)]
struct ReviewRow {
    id: uuid::Uuid,
    user_id: UserId,
    agent_id: AgentId,
    rating: i16,
    title: Option<String>,
    review_text: Option<String>,
    helpful_count: i64,
    is_verified_purchase: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl ReviewRow {
    fn into_review(self) -> aios_domain::Result<Review> {
        Ok(Review {
            id: ReviewId(self.id),
            user_id: self.user_id,
            agent_id: self.agent_id,
            rating: Rating::new(i64::from(self.rating)).map_err(Error::internal)?,
            title: self.title.map(ReviewTitle::from_trusted),
            review_text: self.review_text.map(ReviewText::from_trusted),
            helpful_count: self.helpful_count,
            is_verified_purchase: self.is_verified_purchase,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// Writes a user's review of an agent, or rewrites the one there is, and keeps the agent's rating counters.
///
/// # Errors
/// `NotFound` where the agent is not active; those of the database.
pub fn review_put(
    connection: &mut AnyConnection,
    user: UserId,
    agent: AgentId,
    draft: &ReviewDraft,
    now: Timestamp,
) -> DbResult<Review> {
    agent_lock(connection, agent)?;
    if !agent_is_active(connection, agent)? {
        return Err(Error::not_found("agent").into());
    }
    let has_it = is_installed(connection, user, agent)?;
    let Some(old) = review_of_user(connection, user, agent)? else {
        let review = new_review(user, agent, draft, has_it, now);
        review_insert(connection, &review)?;
        rating_counters_add(connection, agent, i64::from(review.rating.stars()), 1)?;
        return Ok(review);
    };
    let change = i64::from(draft.rating.stars()) - i64::from(old.rating);
    let review = Review {
        rating: draft.rating,
        title: draft.title.clone(),
        review_text: draft.review_text.clone(),
        is_verified_purchase: old.is_verified_purchase || has_it,
        updated_at: now,
        ..old.into_review()?
    };
    review_update(connection, &review)?;
    rating_counters_add(connection, agent, change, 0)?;
    Ok(review)
}

/// A page of an agent's reviews, newest first: all, or those with one rating.
///
/// # Errors
/// `InvalidCursor`; those of the database.
pub fn review_list(
    connection: &mut AnyConnection,
    paging: &Paging<'_>,
    agent: AgentId,
    rating: Option<Rating>,
    request: &PageRequest,
) -> DbResult<Listing<Review>> {
    let order: SqlOrder<ReviewRow, agent_reviews::table, MultiBackend> = SqlOrder::named("reviews by age")
        .desc(agent_reviews::created_at, |row: &ReviewRow| row.created_at)
        .unique_desc(agent_reviews::id, |row| row.id);
    let fingerprint = Fingerprint::new("reviews")
        .with("agent", agent.0)
        .with("rating", rating.map(Rating::stars));
    let pager = order
        .pager(paging.cursors)
        .filters(fingerprint)
        .limit(request.limit)
        .keep_plan();
    let listing = read_page(connection, paging, request, &pager, || {
        let query = agent_reviews::table
            .select(ReviewRow::as_select())
            .filter(agent_reviews::agent_id.eq(Sql(agent)))
            .into_boxed();
        match rating {
            Some(rating) => query.filter(agent_reviews::rating.eq(i16::from(rating.stars()))),
            None => query,
        }
    })?;
    Ok(listing.try_map(ReviewRow::into_review)?)
}

/// The newest reviews of each of these agents, at most `most` each, in one statement a thousand agents.
///
/// # Errors
/// Those of the database.
pub fn reviews_newest(
    connection: &mut AnyConnection,
    agents: &[AgentId],
    most: u32,
) -> DbResult<HashMap<AgentId, Vec<Review>>> {
    const NEWEST: TopPerParent = TopPerParent {
        table: "agent_reviews",
        parent: "agent_id",
        order: "created_at DESC, id DESC",
    };
    let parents = agents.iter().map(|agent| agent.0);
    let found = NEWEST.load(connection, parents, most, |row: &ReviewRow| row.agent_id.0)?;
    let reviews = found.into_iter().map(|(agent, rows)| {
        let rows = rows.into_iter().map(ReviewRow::into_review);
        Ok((AgentId(agent), rows.collect::<aios_domain::Result<_>>()?))
    });
    reviews.collect()
}

fn review_of_user(connection: &mut AnyConnection, user: UserId, agent: AgentId) -> DbResult<Option<ReviewRow>> {
    Ok(agent_reviews::table
        .filter(agent_reviews::user_id.eq(Sql(user)))
        .filter(agent_reviews::agent_id.eq(Sql(agent)))
        .select(ReviewRow::as_select())
        .first(connection)
        .optional()?)
}

fn new_review(user: UserId, agent: AgentId, draft: &ReviewDraft, has_it: bool, now: Timestamp) -> Review {
    Review {
        id: ReviewId::new(),
        user_id: user,
        agent_id: agent,
        rating: draft.rating,
        title: draft.title.clone(),
        review_text: draft.review_text.clone(),
        helpful_count: 0,
        is_verified_purchase: has_it,
        created_at: now,
        updated_at: now,
    }
}

fn review_insert(connection: &mut AnyConnection, review: &Review) -> DbResult<()> {
    use agent_reviews as r;

    diesel::insert_into(r::table)
        .values((
            r::id.eq(Sql(review.id)),
            r::user_id.eq(Sql(review.user_id)),
            r::agent_id.eq(Sql(review.agent_id)),
            r::rating.eq(i16::from(review.rating.stars())),
            r::title.eq(review.title.as_ref().map(ReviewTitle::as_str)),
            r::review_text.eq(review.review_text.as_ref().map(ReviewText::as_str)),
            r::is_verified_purchase.eq(review.is_verified_purchase),
            r::created_at.eq(Sql(review.created_at)),
            r::updated_at.eq(Sql(review.updated_at)),
        ))
        .execute(connection)?;
    Ok(())
}

fn review_update(connection: &mut AnyConnection, review: &Review) -> DbResult<()> {
    use agent_reviews as r;

    diesel::update(r::table.filter(r::id.eq(Sql(review.id))))
        .set((
            r::rating.eq(i16::from(review.rating.stars())),
            r::title.eq(review.title.as_ref().map(ReviewTitle::as_str)),
            r::review_text.eq(review.review_text.as_ref().map(ReviewText::as_str)),
            r::is_verified_purchase.eq(review.is_verified_purchase),
            r::updated_at.eq(Sql(review.updated_at)),
        ))
        .execute(connection)?;
    Ok(())
}

fn rating_counters_add(connection: &mut AnyConnection, agent: AgentId, stars: i64, reviews: i64) -> DbResult<()> {
    use marketplace_agents as a;

    diesel::update(a::table.filter(a::id.eq(Sql(agent))))
        .set((
            a::rating_sum.eq(a::rating_sum + stars),
            a::rating_count.eq(a::rating_count + reviews),
        ))
        .execute(connection)?;
    Ok(())
}
