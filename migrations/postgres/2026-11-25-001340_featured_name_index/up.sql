-- Featured agents by name.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_agents_featured_name ON marketplace_agents (name_sort, id) WHERE is_active AND is_featured;
