-- What trends in a category. The index over all agents would pass over those of all other categories.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_agents_category_trending ON marketplace_agents (category, trending_score DESC, id DESC) WHERE is_active;
