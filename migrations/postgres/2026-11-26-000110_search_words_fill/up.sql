-- The words of the agents that there are: some seconds for a million, and nobody waits meanwhile. An agent that was written
-- after the triggers were made and before this began counts twice. That weighs a word a little more, and harms nobody.
INSERT INTO search_words AS t (word, shard, agents)
SELECT word, 0, ndoc FROM ts_stat('SELECT search_vector FROM marketplace_agents')
ON CONFLICT (word, shard) DO UPDATE SET agents = t.agents + excluded.agents;
