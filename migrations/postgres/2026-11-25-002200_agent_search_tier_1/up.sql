CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_agents_search_tier_1 ON marketplace_agents USING gin (search_vector)
    WHERE is_active AND search_tier >= 1;
