DROP TRIGGER search_words_edit ON marketplace_agents;
DROP TRIGGER search_words_delete ON marketplace_agents;
DROP TRIGGER search_words_insert ON marketplace_agents;
DROP FUNCTION search_words_edit();
DROP FUNCTION search_words_agents();
DROP TABLE search_words;
