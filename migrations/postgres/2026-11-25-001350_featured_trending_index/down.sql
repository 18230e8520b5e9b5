DROP INDEX CONCURRENTLY IF EXISTS idx_agents_featured_trending;
