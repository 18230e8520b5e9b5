-- The words of the agents that there are. Nobody else writes meanwhile, so they are exact.
INSERT INTO search_words (word, shard, agents) SELECT term, 0, doc FROM agents_fts_words;
