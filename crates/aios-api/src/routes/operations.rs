//! What operators and developers ask: is it alive, is it ready, how does it do, how is it used.

use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};
use aios_domain::Error;
use aios_marketplace::LinkState;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Api;
use crate::delivery::{Draft, Route, stream};
use crate::monitoring_page;
use crate::problem::{Problem, ProblemDocument};

/// Whether the process lives
#[utoipa::path(
    get, path = "/livez", tag = "Operations",
    responses((status = 200, description = "It does.", body = String, content_type = "text/plain", example = "ok")),
)]
pub(crate) async fn alive() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .content_type("text/plain")
        .body("ok")
}

/// Whether requests can be answered
#[utoipa::path(
    get, path = "/readyz", tag = "Operations",
    responses(
        (status = 200, description = "They can.", body = String, content_type = "text/plain", example = "ready"),
        (
            status = 503, description = "The database does not answer.", body = ProblemDocument, content_type = "application/problem+json",
            headers(("Retry-After" = String, description = "After how many seconds it may.")),
        ),
    ),
)]
pub(crate) async fn ready(api: web::Data<Api>) -> Result<HttpResponse, Problem> {
    if !api.marketplace.health().await.database {
        return Err(Error::unavailable("The database does not answer.", Duration::from_secs(5)).into());
    }
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .content_type("text/plain")
        .body("ready"))
}

/// How the service and what it stands on do.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `online`, or `degraded` where something does not answer.
    #[schema(example = "online")]
    status: &'static str,
    services: Services,
}

#[derive(Serialize, ToSchema)]
struct Services {
    api: ServiceHealth,
    database: ServiceHealth,
    redis: ServiceHealth,
}

/// How one service does.
#[derive(Serialize, ToSchema)]
struct ServiceHealth {
    /// `online`, `offline`, or `disabled` where the service is not configured.
    #[schema(example = "online")]
    status: &'static str,
    #[serde(rename = "lastCheck")]
    last_check: DateTime<Utc>,
}

/// How the service does
#[utoipa::path(
    get, path = "/health", tag = "Operations",
    responses((status = 200, description = "Every part and how it does.", body = Health)),
)]
pub(crate) async fn health(api: web::Data<Api>) -> HttpResponse {
    let found = api.marketplace.health().await;
    let (database, redis) = (found.database, found.shared_cache);
    let last_check = api.marketplace.clock().now();
    let part = |status| ServiceHealth { status, last_check };
    let health = Health {
        status: if database && redis != LinkState::Down {
            "online"
        } else {
            "degraded"
        },
        services: Services {
            api: part("online"),
            database: part(if database { "online" } else { "offline" }),
            redis: part(match redis {
                LinkState::Up => "online",
                LinkState::Down => "offline",
                LinkState::None => "disabled",
            }),
        },
    };
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(health)
}

/// Metrics
///
/// In Prometheus' text format. 404 where they are served at an address of their own.
#[utoipa::path(
    get, path = "/metrics", tag = "Operations",
    responses((status = 200, description = "Everything that is counted and timed.", body = String, content_type = "text/plain")),
)]
pub(crate) async fn metrics(api: web::Data<Api>) -> Result<HttpResponse, Problem> {
    let metrics = api.metrics.as_ref().ok_or_else(|| Error::not_found("page"))?;
    let response = HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(metrics.render());
    Ok(stream::compressible(response))
}

/// This document
#[utoipa::path(
    get, path = "/openapi.json", tag = "Operations",
    responses((status = 200, description = "The OpenAPI description of this server.", body = Object)),
)]
pub(crate) async fn openapi(request: HttpRequest, api: web::Data<Api>) -> Result<HttpResponse, Problem> {
    api.delivery.pinned_answer(&request, Route::OpenApi, &api.openapi)
}

pub(crate) fn openapi_answer() -> Draft {
    let document = crate::openapi_json();
    Draft::of(document.into(), HeaderValue::from_static("application/json"))
}

/// The API reference
#[utoipa::path(
    get, path = "/docs", tag = "Operations",
    responses((status = 200, description = "This document for people, as one page of HTML.", body = String, content_type = "text/html")),
)]
pub(crate) async fn docs(request: HttpRequest, api: web::Data<Api>) -> Result<HttpResponse, Problem> {
    api.delivery.pinned_answer(&request, Route::Docs, &api.docs)
}

pub(crate) fn docs_answer(page: String) -> Draft {
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");
    Draft::of(page.into(), HeaderValue::from_static("text/html; charset=utf-8"))
        .header(CONTENT_SECURITY_POLICY, Some(policy))
}

/// The monitoring page
#[utoipa::path(
    get, path = "/monitoring", tag = "Operations",
    responses((status = 200, description = "A page of HTML that shows an admin the database's work and advice on it. It holds nothing itself: it asks for a token.", body = String, content_type = "text/html")),
)]
pub(crate) async fn monitoring(request: HttpRequest, api: web::Data<Api>) -> Result<HttpResponse, Problem> {
    api.delivery.pinned_answer(&request, Route::Monitoring, &api.monitoring)
}

pub(crate) fn monitoring_answer() -> Draft {
    // Hashes and fixed words are all of it, so it is a header's value; were it none, nothing would run.
    let policy = HeaderValue::from_str(&monitoring_page::policy());
    let policy = policy.unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"));
    let page = monitoring_page::render();
    Draft::of(page.into(), HeaderValue::from_static("text/html; charset=utf-8"))
        .header(CONTENT_SECURITY_POLICY, Some(policy))
}

/// The way in
#[utoipa::path(
    get, path = "/", tag = "Operations",
    responses((status = 302, description = "The API reference is at `/docs`.", headers(("Location" = String, description = "`/docs`")))),
)]
pub(crate) async fn root() -> HttpResponse {
    HttpResponse::Found().insert_header((LOCATION, "/docs")).finish()
}
