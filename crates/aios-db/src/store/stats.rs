//! The marketplace at a glance.

use aios_domain::{AgentSummary, CategoryName, MarketplaceStats};
use diesel::prelude::*;

use super::agents::AgentSummaryRow;
use super::totals::marketplace_totals;
use crate::profile::RunQueryDsl;
use crate::raw::FirstRows;
use crate::schema::{categories, marketplace_agents};
use crate::{AnyConnection, DbResult};

const FEATURED: u32 = 6;
const TRENDING: u32 = 6;
const POPULAR_CATEGORIES: u32 = 5;

/// Totals, featured and trending agents, and the categories with the most agents, in five statements.
///
/// # Errors
/// Those of the database.
pub fn marketplace_stats(connection: &mut AnyConnection) -> DbResult<MarketplaceStats> {
    let (total_agents, total_installs) = marketplace_totals(connection)?;
    Ok(MarketplaceStats {
        total_agents,
        total_installs,
        total_categories: categories::table
            .filter(categories::is_active)
            .count()
            .get_result(connection)?,
        featured_agents: featured_agents(connection)?,
        trending_agents: trending_agents(connection)?,
        popular_categories: popular_categories(connection)?,
    })
}

fn featured_agents(connection: &mut AnyConnection) -> DbResult<Vec<AgentSummary>> {
    use marketplace_agents as a;

    let featured = a::table
        .filter(a::is_active)
        .filter(a::is_featured)
        .order((a::install_count.desc(), a::rating_average.desc(), a::id.desc()))
        .select(AgentSummaryRow::as_select());
    summaries(FirstRows::of(featured, FEATURED).load(connection)?)
}

fn trending_agents(connection: &mut AnyConnection) -> DbResult<Vec<AgentSummary>> {
    use marketplace_agents as a;

    let trending = a::table
        .filter(a::is_active)
        .order((a::trending_score.desc(), a::id.desc()))
        .select(AgentSummaryRow::as_select());
    summaries(FirstRows::of(trending, TRENDING).load(connection)?)
}

fn summaries(rows: Vec<AgentSummaryRow>) -> DbResult<Vec<AgentSummary>> {
    rows.into_iter().map(|row| Ok(row.into_summary()?)).collect()
}

fn popular_categories(connection: &mut AnyConnection) -> DbResult<Vec<(CategoryName, i64)>> {
    let popular = categories::table
        .filter(categories::is_active)
        .filter(categories::agent_count.gt(0))
        .order((categories::agent_count.desc(), categories::name))
        .select((categories::name, categories::agent_count));
    let rows: Vec<(String, i64)> = FirstRows::of(popular, POPULAR_CATEGORIES).load(connection)?;
    Ok(rows
        .into_iter()
        .map(|(name, count)| (CategoryName::from_trusted(name), count))
        .collect())
}
