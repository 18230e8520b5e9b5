DROP INDEX CONCURRENTLY IF EXISTS idx_agents_category_trending;
