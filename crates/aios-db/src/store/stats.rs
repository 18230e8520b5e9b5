//! The marketplace at a glance.

use aios_domain::{AgentSummary, CategoryName, MarketplaceStats};
use diesel::prelude::*;

use super::agents::AgentSummaryRow;
use super::totals::marketplace_totals;
use crate::profile::RunQueryDsl;
use crate::schema::{categories, marketplace_agents};
use crate::{AnyConnection, DbResult};

const FEATURED: i64 = 6;
const TRENDING: i64 = 6;
const POPULAR_CATEGORIES: i64 = 5;

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

    let rows = a::table
        .filter(a::is_active)
        .filter(a::is_featured)
        .order((a::install_count.desc(), a::rating_average.desc(), a::id.desc()))
        .limit(FEATURED)
        .select(AgentSummaryRow::as_select())
        .load(connection)?;
    summaries(rows)
}

fn trending_agents(connection: &mut AnyConnection) -> DbResult<Vec<AgentSummary>> {
    use marketplace_agents as a;

    let rows = a::table
        .filter(a::is_active)
        .order((a::trending_score.desc(), a::id.desc()))
        .limit(TRENDING)
        .select(AgentSummaryRow::as_select())
        .load(connection)?;
    summaries(rows)
}

fn summaries(rows: Vec<AgentSummaryRow>) -> DbResult<Vec<AgentSummary>> {
    rows.into_iter().map(|row| Ok(row.into_summary()?)).collect()
}

fn popular_categories(connection: &mut AnyConnection) -> DbResult<Vec<(CategoryName, i64)>> {
    let rows: Vec<(String, i64)> = categories::table
        .filter(categories::is_active)
        .filter(categories::agent_count.gt(0))
        .order((categories::agent_count.desc(), categories::name))
        .limit(POPULAR_CATEGORIES)
        .select((categories::name, categories::agent_count))
        .load(connection)?;
    Ok(rows
        .into_iter()
        .map(|(name, count)| (CategoryName::from_trusted(name), count))
        .collect())
}
