//! Figures.

use serde::Serialize;
use utoipa::ToSchema;

use super::AgentSummary;
use super::agents::two_decimals;
use super::owned;

/// The marketplace at a glance.
#[derive(Serialize, ToSchema)]
pub(crate) struct MarketplaceStats {
    #[schema(example = 203)]
    total_agents: i64,
    #[schema(example = 4108)]
    total_installs: i64,
    #[schema(example = 6)]
    total_categories: i64,
    /// At most six, most popular first.
    #[schema(max_items = 6)]
    featured_agents: Vec<AgentSummary>,
    /// At most six, by installs and views of the last seven days.
    #[schema(max_items = 6)]
    trending_agents: Vec<AgentSummary>,
    /// At most five, those with the most agents first.
    #[schema(max_items = 5)]
    popular_categories: Vec<PopularCategory>,
}

/// A category and how many agents it holds.
#[derive(Serialize, ToSchema)]
struct PopularCategory {
    #[schema(example = "development")]
    name: String,
    #[schema(example = 48)]
    count: i64,
}

impl From<&aios_domain::MarketplaceStats> for MarketplaceStats {
    fn from(stats: &aios_domain::MarketplaceStats) -> Self {
        let popular = stats.popular_categories.iter();
        Self {
            total_agents: stats.total_agents,
            total_installs: stats.total_installs,
            total_categories: stats.total_categories,
            featured_agents: stats.featured_agents.iter().map(AgentSummary::from).collect(),
            trending_agents: stats.trending_agents.iter().map(AgentSummary::from).collect(),
            popular_categories: popular
                .map(|(name, count)| PopularCategory {
                    name: owned(name),
                    count: *count,
                })
                .collect(),
        }
    }
}

/// An agent's figures.
#[derive(Serialize, ToSchema)]
pub(crate) struct AgentStats {
    /// How often it was looked at, ever.
    #[schema(example = 5310)]
    total_views: i64,
    /// How often it was installed, ever.
    #[schema(example = 1398)]
    total_installs: i64,
    /// How many users have it installed now.
    #[schema(example = 1204)]
    active_installs: i64,
    /// To two decimals; 0 without a rating.
    #[schema(example = 4.62)]
    average_rating: f64,
    #[schema(example = 87)]
    total_reviews: i64,
    recent_activity: RecentActivity,
}

/// What happened in the last 30 days.
#[derive(Serialize, ToSchema)]
struct RecentActivity {
    #[schema(example = 410)]
    view: i64,
    #[schema(example = 38)]
    install: i64,
    #[schema(example = 5)]
    uninstall: i64,
    #[schema(example = 2210)]
    run: i64,
    #[schema(example = 4)]
    rate: i64,
    #[schema(example = 2)]
    review: i64,
}

impl From<aios_domain::AgentStats> for AgentStats {
    fn from(stats: aios_domain::AgentStats) -> Self {
        let recent = stats.recent_activity;
        Self {
            total_views: stats.total_views,
            total_installs: stats.total_installs,
            active_installs: stats.active_installs,
            average_rating: two_decimals(stats.average_rating),
            total_reviews: stats.total_reviews,
            recent_activity: RecentActivity {
                view: recent.view,
                install: recent.install,
                uninstall: recent.uninstall,
                run: recent.run,
                rate: recent.rate,
                review: recent.review,
            },
        }
    }
}
