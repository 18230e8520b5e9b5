DROP INDEX CONCURRENTLY IF EXISTS idx_knowledge_user_search;
