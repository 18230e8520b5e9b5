CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_knowledge_search ON knowledge_entries USING gin (search_vector);
