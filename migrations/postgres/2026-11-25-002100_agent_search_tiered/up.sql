CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_agents_search_tiered ON marketplace_agents (install_count DESC, rating_average DESC, id DESC)
    WHERE is_active AND search_tier > 0;
