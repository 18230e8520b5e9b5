-- idx_knowledge_user_search does all that it did.
DROP INDEX CONCURRENTLY idx_knowledge_search;
