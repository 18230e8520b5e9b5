DROP INDEX CONCURRENTLY IF EXISTS idx_agents_search_tier_1;
