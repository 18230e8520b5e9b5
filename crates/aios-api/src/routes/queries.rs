//! What the database did for this server, for admins.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, web};
use aios_marketplace::profile::ExplainMode;

use super::id;
use crate::Api;
use crate::auth::Admin;
use crate::delivery::stream;
use crate::params::{Params, boolean};
use crate::problem::Problem;
use crate::wire::{AdviceReport, Queries, QueryPlan};

/// What the database did for this server
///
/// For admins. Statements by their form, requests by their route, what requests repeated, and slow statements with their
/// plans, since this server started. The values of a slow statement may be personal.
#[utoipa::path(
    get, path = "/api/v1/admin/queries", tag = "Operations",
    responses((status = 200, description = "What took longest in all comes first.", body = Queries)),
    security(("bearer" = [])),
)]
pub(crate) async fn list(api: web::Data<Api>, Admin(caller): Admin) -> Result<HttpResponse, Problem> {
    let report = api.marketplace.query_report(&caller)?;
    let response = HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(Queries::from(report));
    Ok(stream::compressible(response))
}

/// The plan of a statement
///
/// For admins. The database is asked for the plan of the slowest run of this statement; where none was slow, of the statement
/// with any values. With `analyze=true` PostgreSQL runs it, if it reads and its values are known, for five seconds at most,
/// in a transaction that can't write.
#[utoipa::path(
    get, path = "/api/v1/admin/queries/{id}/plan", tag = "Operations",
    params(
        ("id" = String, Path, description = "The statement's fingerprint."),
        ("analyze" = Option<bool>, Query, description = "Whether it is run."),
    ),
    responses((status = 200, description = "The plan, or why there is none.", body = QueryPlan)),
    security(("bearer" = [])),
)]
pub(crate) async fn plan(
    request: HttpRequest,
    api: web::Data<Api>,
    Admin(caller): Admin,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let mut params = Params::of(&request);
    let analyze = params.optional("analyze", boolean).unwrap_or_default();
    params.finish()?;
    let mode = if analyze {
        ExplainMode::Analyze
    } else {
        ExplainMode::Plan
    };
    let plan = api.marketplace.query_plan(&caller, id(&path, "query")?, mode).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(QueryPlan::from(plan)))
}

/// Advice on the database
///
/// For admins. Missing indexes of what ran on this server, redundant and unused ones, and bloat, each with the SQL to run;
/// nothing is changed. It is made when it is asked for, which may take a while, and kept for a minute.
#[utoipa::path(
    get, path = "/api/v1/admin/advice", tag = "Operations",
    responses((status = 200, description = "What saves most comes first.", body = AdviceReport)),
    security(("bearer" = [])),
)]
pub(crate) async fn advice(api: web::Data<Api>, Admin(caller): Admin) -> Result<HttpResponse, Problem> {
    let report = api.marketplace.advice(&caller).await?;
    let response = HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(AdviceReport::from(&*report));
    Ok(stream::compressible(response))
}
