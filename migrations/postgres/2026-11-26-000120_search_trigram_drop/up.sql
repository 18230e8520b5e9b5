-- Typos are mended by search_words. Comparing trigrams with a million texts took a second.
DROP INDEX CONCURRENTLY IF EXISTS idx_agents_search_trigram;
