DROP TABLE knowledge_entries;
DROP FUNCTION aios_plain(text);
DROP FUNCTION aios_words(text[]);
