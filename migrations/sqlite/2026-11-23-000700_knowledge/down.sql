DROP TABLE knowledge_fts;
DROP TABLE knowledge_entries;
