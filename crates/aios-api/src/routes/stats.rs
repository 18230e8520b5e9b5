//! Figures: of the marketplace, and of one agent.

use actix_web::{HttpResponse, web};

use super::id;
use crate::Api;
use crate::auth::SignedIn;
use crate::problem::Problem;
use crate::wire::{AgentStats, MarketplaceStats};

/// The marketplace at a glance
#[utoipa::path(
    get, path = "/api/v1/marketplace/stats", tag = "Marketplace",
    responses((status = 200, description = "Totals, and agents worth a look.", body = MarketplaceStats)),
)]
pub(crate) async fn marketplace(api: web::Data<Api>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(MarketplaceStats::from(&*api.marketplace.stats().await?)))
}

/// An agent's figures
///
/// For its author and admins.
#[utoipa::path(
    get, path = "/api/v1/marketplace/agents/{id}/stats", tag = "Marketplace",
    params(("id" = String, Path, description = "The agent's id.")),
    responses((status = 200, description = "Views, installs, ratings, and what happened in the last 30 days.", body = AgentStats)),
    security(("bearer" = [])),
)]
pub(crate) async fn agent(
    api: web::Data<Api>,
    SignedIn(caller): SignedIn,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let stats = api.marketplace.agent_stats(&caller, id(&path, "agent")?).await?;
    Ok(HttpResponse::Ok().json(AgentStats::from(stats)))
}
