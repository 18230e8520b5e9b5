//! Figures: of the marketplace, and of one agent.

use actix_web::{HttpRequest, HttpResponse, web};
use aios_marketplace::{Marketplace, Shown};

use super::id;
use crate::Api;
use crate::auth::SignedIn;
use crate::delivery::{Canonical, Class, Draft, Route};
use crate::problem::Problem;
use crate::wire::{AgentStats, MarketplaceStats};

/// The marketplace at a glance
#[utoipa::path(
    get, path = "/api/v1/marketplace/stats", tag = "Marketplace",
    responses((status = 200, description = "Totals, and agents worth a look.", body = MarketplaceStats)),
)]
pub(crate) async fn marketplace(request: HttpRequest, api: web::Data<Api>) -> Result<HttpResponse, Problem> {
    let question = Canonical::path(Route::Stats.pattern()).question(Route::Stats);
    let keeping = (Class::Figures, api.marketplace.keeping(Shown::Stats));
    let load = async |marketplace: Marketplace| {
        let stats = marketplace.stats().await?;
        Ok(Draft::json(&MarketplaceStats::from(&*stats))?.shows(&stats, &marketplace))
    };
    api.delivery.answer(&request, question, keeping, load).await
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
