-- A user's entries with some words. By words alone the planner does not look: it takes the user's entries for quicker, and reads
-- each one's vector from where long values are stored away, 4,700 pages for 1,500 entries.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_knowledge_user_search ON knowledge_entries USING gin (user_id, search_vector);
