DROP TRIGGER agents_fts_update;
DROP TRIGGER agents_fts_delete;
DROP TRIGGER agents_fts_insert;
DROP TABLE agents_fts_words;
DROP TABLE agents_fts;
