DROP INDEX CONCURRENTLY IF EXISTS idx_agents_search_tiered;
