DROP INDEX idx_agents_search_tiered;
