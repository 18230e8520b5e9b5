//! Reviews: written and listed.

use actix_web::http::header::LINK;
use actix_web::{HttpRequest, HttpResponse, web};
use aios_domain::{Invalid, Rating};
use aios_marketplace::{Marketplace, Shown};

use super::id;
use crate::Api;
use crate::auth::SignedIn;
use crate::body::Json;
use crate::delivery::{Canonical, Class, Draft, Route};
use crate::params::Params;
use crate::problem::Problem;
use crate::wire::{Review, ReviewBody, ReviewList};

/// List an agent's reviews
///
/// Newest first: all, or those with one rating.
#[utoipa::path(
    get, path = "/api/v1/marketplace/agents/{id}/reviews", tag = "Reviews",
    params(
        ("id" = String, Path, description = "The agent's id."),
        ("rating" = Option<u8>, Query, description = "Only reviews with this many stars.", minimum = 1, maximum = 5),
        ("page" = Option<u32>, Query, description = "The page's number, from 1. Past the first 10,000 rows a page may begin where it did up to ten minutes ago; cursors are always exact.", minimum = 1, maximum = 1_000_000),
        ("limit" = Option<u32>, Query, description = "Reviews a page; 10 unless told otherwise.", minimum = 1, maximum = 50),
        ("cursor" = Option<String>, Query, description = "A cursor of a former page, instead of `page`."),
        ("count" = Option<String>, Query, description = "Whether `total` is counted: `exact`, `estimated` or `none`."),
    ),
    responses((
        status = 200, description = "A page of reviews.", body = ReviewList,
        headers(("Link" = String, description = "`first`, `prev`, `next`, and `last` where pages are numbered (RFC 8288).")),
    )),
)]
pub(crate) async fn list(
    request: HttpRequest,
    api: web::Data<Api>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let mut params = Params::of(&request);
    let page = params.page(50, 10);
    let rating = params.optional("rating", |text| {
        text.parse()
            .map_err(|_| Invalid::new("must be a whole number from 1 to 5"))
            .and_then(Rating::new)
    });
    params.finish()?;
    let agent = id(&path, "agent")?;
    let asked = Canonical::reviews(agent, rating, &page);
    let question = asked.question(Route::Reviews);
    let keeping = (Class::Subject, api.marketplace.keeping(Shown::Reviews(agent)));
    let load = async move |marketplace: Marketplace| {
        let listing = marketplace.review_list(agent, rating, page).await?;
        let draft = Draft::json(&ReviewList::from(&*listing))?.shows(&listing, &marketplace);
        Ok(draft.header(LINK, asked.links(&listing)))
    };
    api.delivery.answer(&request, question, keeping, load).await
}

/// Review an agent
///
/// One review a user and agent: a second one takes the place of the first.
#[utoipa::path(
    post, path = "/api/v1/marketplace/agents/{id}/reviews", tag = "Reviews",
    params(("id" = String, Path, description = "The agent's id.")),
    request_body = ReviewBody,
    responses((status = 200, description = "The review as it is now.", body = Review)),
    security(("bearer" = [])),
)]
pub(crate) async fn write(
    api: web::Data<Api>,
    SignedIn(caller): SignedIn,
    path: web::Path<String>,
    Json(body): Json<ReviewBody>,
) -> Result<HttpResponse, Problem> {
    let review = api
        .marketplace
        .review_write(&caller, id(&path, "agent")?, body.check()?)
        .await?;
    Ok(HttpResponse::Ok().json(Review::from(&review)))
}
