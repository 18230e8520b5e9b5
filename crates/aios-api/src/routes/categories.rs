//! Categories: listed, counted, made.

use actix_web::{HttpRequest, HttpResponse, web};
use aios_marketplace::{Marketplace, Shown};

use crate::Api;
use crate::auth::Admin;
use crate::body::Json;
use crate::delivery::{Canonical, Class, Draft, Route};
use crate::problem::{Problem, ProblemDocument};
use crate::wire::{Category, CategoryCount, CategoryCounts, CategoryDraft, CategoryList};

/// List categories
///
/// All active ones, by `sort_order`, then name.
#[utoipa::path(
    get, path = "/api/v1/marketplace/categories", tag = "Marketplace",
    responses((status = 200, description = "The categories.", body = CategoryList)),
)]
pub(crate) async fn list(request: HttpRequest, api: web::Data<Api>) -> Result<HttpResponse, Problem> {
    let question = Canonical::path(Route::Categories.pattern()).question(Route::Categories);
    let keeping = (Class::Figures, api.marketplace.keeping(Shown::Categories));
    let load = async |marketplace: Marketplace| {
        let categories = marketplace.category_list().await?;
        let list = CategoryList {
            categories: categories.iter().map(Category::from).collect(),
        };
        Ok(Draft::json(&list)?.shows(&categories, &marketplace))
    };
    api.delivery.answer(&request, question, keeping, load).await
}

/// Count agents by category
#[utoipa::path(
    get, path = "/api/v1/marketplace/categories/stats", tag = "Marketplace",
    responses((status = 200, description = "How many active agents each category holds.", body = CategoryCounts)),
)]
pub(crate) async fn counts(request: HttpRequest, api: web::Data<Api>) -> Result<HttpResponse, Problem> {
    let question = Canonical::path(Route::CategoryCounts.pattern()).question(Route::CategoryCounts);
    let keeping = (Class::Figures, api.marketplace.keeping(Shown::CategoryCounts));
    let load = async |marketplace: Marketplace| {
        let counts = marketplace.category_counts().await?;
        let list = CategoryCounts {
            categories: counts.iter().map(CategoryCount::from).collect(),
        };
        Ok(Draft::json(&list)?.shows(&counts, &marketplace))
    };
    api.delivery.answer(&request, question, keeping, load).await
}

/// Make a category
///
/// For admins.
#[utoipa::path(
    post, path = "/api/v1/marketplace/categories", tag = "Marketplace",
    request_body = CategoryDraft,
    responses(
        (status = 201, description = "The category that was made.", body = Category),
        (status = 409, description = "A category of that name exists.", body = ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("bearer" = [])),
)]
pub(crate) async fn create(
    api: web::Data<Api>,
    Admin(caller): Admin,
    Json(body): Json<CategoryDraft>,
) -> Result<HttpResponse, Problem> {
    let category = api.marketplace.category_create(&caller, body.check()?).await?;
    Ok(HttpResponse::Created().json(Category::from(&category)))
}
