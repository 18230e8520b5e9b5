-- idx_knowledge_user_search does all that it did.
DROP INDEX CONCURRENTLY IF EXISTS idx_knowledge_search;
