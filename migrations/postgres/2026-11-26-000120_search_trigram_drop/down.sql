CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_agents_search_trigram ON marketplace_agents
    USING gin ((name_sort || ' ' || aios_words(tags) || ' ' || lower(aios_words(capabilities))) gin_trgm_ops) WHERE is_active;
