//! Installations: made, ended, used, listed.

use actix_web::http::header::LINK;
use actix_web::{HttpRequest, HttpResponse, web};
use aios_marketplace::CountMode;

use super::id;
use crate::Api;
use crate::auth::SignedIn;
use crate::body::{Json, OptionalJson};
use crate::links::cursor_link_header;
use crate::params::Params;
use crate::problem::Problem;
use crate::wire::{EventBody, InstallBody, Installation, Message, MyAgents};

/// Everything a user has installed fits into one answer, as in the first version, up to this many.
const MY_AGENTS: u32 = 1_000;

/// Install an agent
///
/// 400 where the caller has it installed already. The body may be left out.
#[utoipa::path(
    post, path = "/api/v1/marketplace/agents/{id}/install", tag = "Installations",
    params(("id" = String, Path, description = "The agent's id.")),
    request_body(content = Option<InstallBody>),
    responses((status = 200, description = "The installation, with its agent.", body = Installation)),
    security(("bearer" = [])),
)]
pub(crate) async fn install(
    api: web::Data<Api>,
    SignedIn(caller): SignedIn,
    path: web::Path<String>,
    OptionalJson(body): OptionalJson<InstallBody>,
) -> Result<HttpResponse, Problem> {
    let settings = body.unwrap_or_default().check()?;
    let installed = api
        .marketplace
        .agent_install(&caller, id(&path, "agent")?, settings)
        .await?;
    Ok(HttpResponse::Ok().json(Installation::from(&installed)))
}

/// Uninstall an agent
#[utoipa::path(
    delete, path = "/api/v1/marketplace/agents/{id}/install", tag = "Installations",
    params(("id" = String, Path, description = "The agent's id.")),
    responses((status = 200, description = "It is uninstalled.", body = Message)),
    security(("bearer" = [])),
)]
pub(crate) async fn uninstall(
    api: web::Data<Api>,
    SignedIn(caller): SignedIn,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    api.marketplace.agent_uninstall(&caller, id(&path, "agent")?).await?;
    Ok(HttpResponse::Ok().json(Message {
        message: "Agent uninstalled successfully",
    }))
}

/// List what the caller has installed
///
/// Newest first, each with its agent. All of it in one answer, up to 1,000; the header `Link` leads on where there is more.
#[utoipa::path(
    get, path = "/api/v1/marketplace/my-agents", tag = "Installations",
    params(
        ("limit" = Option<u32>, Query, description = "Installations a page; 1,000 unless told otherwise.", minimum = 1, maximum = 1000),
        ("cursor" = Option<String>, Query, description = "A cursor from the header `Link`."),
    ),
    responses((
        status = 200, description = "The caller's installations.", body = MyAgents,
        headers(("Link" = String, description = "`first`, `prev`, `next` (RFC 8288).")),
    )),
    security(("bearer" = [])),
)]
pub(crate) async fn mine(
    request: HttpRequest,
    api: web::Data<Api>,
    SignedIn(caller): SignedIn,
) -> Result<HttpResponse, Problem> {
    let mut params = Params::of(&request);
    let page = params.cursor_page(MY_AGENTS, MY_AGENTS, CountMode::Exact);
    params.finish()?;
    let listing = api.marketplace.my_agents(&caller, page).await?;
    let mut response = HttpResponse::Ok();
    if let Some(link) = cursor_link_header(&request, &listing) {
        response.insert_header((LINK, link));
    }
    Ok(response.json(MyAgents::from(&listing)))
}

/// Record a run
///
/// Counts as a use of the caller's installation; 404 where the caller does not have the agent installed.
#[utoipa::path(
    post, path = "/api/v1/marketplace/agents/{id}/events", tag = "Installations",
    params(("id" = String, Path, description = "The agent's id.")),
    request_body = EventBody,
    responses((status = 202, description = "It is recorded.")),
    security(("bearer" = [])),
)]
pub(crate) async fn event(
    api: web::Data<Api>,
    SignedIn(caller): SignedIn,
    path: web::Path<String>,
    Json(body): Json<EventBody>,
) -> Result<HttpResponse, Problem> {
    api.marketplace
        .agent_ran(&caller, id(&path, "agent")?, body.check()?)
        .await?;
    Ok(HttpResponse::Accepted().finish())
}
