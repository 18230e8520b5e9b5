//! Knowledge entries: the caller's own.

use actix_web::http::header::{LINK, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};
use aios_domain::{ContentType, KnowledgeFilter, Tag};
use aios_marketplace::CountMode;

use super::id;
use crate::Api;
use crate::auth::SignedIn;
use crate::body::Json;
use crate::delivery::stream::compressible;
use crate::links::cursor_link_header;
use crate::params::Params;
use crate::problem::Problem;
use crate::wire::{Knowledge, KnowledgeBody, KnowledgeSearch};

/// Keep a text
#[utoipa::path(
    post, path = "/api/v1/knowledge/content", tag = "Knowledge",
    request_body = KnowledgeBody,
    responses((
        status = 201, description = "The entry.", body = Knowledge,
        headers(("Location" = String, description = "Where the entry is.")),
    )),
    security(("bearer" = [])),
)]
pub(crate) async fn create(
    api: web::Data<Api>,
    SignedIn(caller): SignedIn,
    Json(body): Json<KnowledgeBody>,
) -> Result<HttpResponse, Problem> {
    let entry = api.marketplace.knowledge_create(&caller, body.check()?).await?;
    let location = format!("/api/v1/knowledge/content/{}", entry.id);
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, location))
        .json(Knowledge::from(&entry)))
}

/// List the caller's texts
///
/// Newest first. The header `Link` leads to the pages around this one.
#[utoipa::path(
    get, path = "/api/v1/knowledge/content", tag = "Knowledge",
    params(
        ("content_type" = Option<String>, Query, description = "Of this type.", example = "article"),
        ("tag" = Option<String>, Query, description = "Bearing this tag.", example = "refunds"),
        ("limit" = Option<u32>, Query, description = "Entries a page; 20 unless told otherwise.", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "A cursor from the header `Link`."),
    ),
    responses((
        status = 200, description = "The entries.", body = Vec<Knowledge>,
        headers(("Link" = String, description = "`first`, `prev`, `next` (RFC 8288).")),
    )),
    security(("bearer" = [])),
)]
pub(crate) async fn list(
    request: HttpRequest,
    api: web::Data<Api>,
    SignedIn(caller): SignedIn,
) -> Result<HttpResponse, Problem> {
    let mut params = Params::of(&request);
    let filter = KnowledgeFilter {
        content_type: params.optional("content_type", |text| ContentType::new(text)),
        tag: params.optional("tag", |text| Tag::new(text)),
    };
    let page = params.cursor_page(100, 20, CountMode::None);
    params.finish()?;
    let listing = api.marketplace.knowledge_list(&caller, filter, page).await?;
    let mut response = HttpResponse::Ok();
    if let Some(link) = cursor_link_header(&request, &listing) {
        response.insert_header((LINK, link));
    }
    let entries: Vec<_> = listing.items.iter().map(Knowledge::from).collect();
    // Nothing but the caller's own texts.
    Ok(compressible(response.json(entries)))
}

/// Read one of the caller's texts
#[utoipa::path(
    get, path = "/api/v1/knowledge/content/{id}", tag = "Knowledge",
    params(("id" = String, Path, description = "The entry's id.")),
    responses((status = 200, description = "The entry.", body = Knowledge)),
    security(("bearer" = [])),
)]
pub(crate) async fn read(
    api: web::Data<Api>,
    SignedIn(caller): SignedIn,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let entry = api.marketplace.knowledge_get(&caller, id(&path, "content")?).await?;
    Ok(compressible(HttpResponse::Ok().json(Knowledge::from(entry.as_ref()))))
}

/// Replace one of the caller's texts
#[utoipa::path(
    put, path = "/api/v1/knowledge/content/{id}", tag = "Knowledge",
    params(("id" = String, Path, description = "The entry's id.")),
    request_body = KnowledgeBody,
    responses((status = 200, description = "The entry as it is now.", body = Knowledge)),
    security(("bearer" = [])),
)]
pub(crate) async fn replace(
    api: web::Data<Api>,
    SignedIn(caller): SignedIn,
    path: web::Path<String>,
    Json(body): Json<KnowledgeBody>,
) -> Result<HttpResponse, Problem> {
    let entry = api
        .marketplace
        .knowledge_replace(&caller, id(&path, "content")?, body.check()?)
        .await?;
    Ok(HttpResponse::Ok().json(Knowledge::from(&entry)))
}

/// Delete one of the caller's texts
#[utoipa::path(
    delete, path = "/api/v1/knowledge/content/{id}", tag = "Knowledge",
    params(("id" = String, Path, description = "The entry's id.")),
    responses((status = 204, description = "It is deleted.")),
    security(("bearer" = [])),
)]
pub(crate) async fn remove(
    api: web::Data<Api>,
    SignedIn(caller): SignedIn,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    api.marketplace.knowledge_delete(&caller, id(&path, "content")?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Search the caller's texts
///
/// Words, or beginnings of words, in title, tags, summary and text; best match first.
#[utoipa::path(
    post, path = "/api/v1/knowledge/search", tag = "Knowledge",
    request_body = KnowledgeSearch,
    responses((status = 200, description = "The entries that match.", body = Vec<Knowledge>)),
    security(("bearer" = [])),
)]
pub(crate) async fn search(
    api: web::Data<Api>,
    SignedIn(caller): SignedIn,
    Json(body): Json<KnowledgeSearch>,
) -> Result<HttpResponse, Problem> {
    let (query, limit) = body.check()?;
    let found = api.marketplace.knowledge_search(&caller, query, limit).await?;
    Ok(HttpResponse::Ok().json(found.iter().map(Knowledge::from).collect::<Vec<_>>()))
}
