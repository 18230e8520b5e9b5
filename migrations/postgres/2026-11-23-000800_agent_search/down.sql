DROP INDEX idx_agents_search_trigram;
DROP INDEX idx_agents_search;
ALTER TABLE marketplace_agents DROP COLUMN search_vector;
-- The extension stays: somebody else may use it by now.
