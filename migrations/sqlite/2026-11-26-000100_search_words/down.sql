DROP TRIGGER search_words_edit;
DROP TRIGGER search_words_delete;
DROP TRIGGER search_words_insert;
DROP TABLE agents_fts_scratch_words;
DROP TABLE agents_fts_scratch;
DROP TABLE search_words;
