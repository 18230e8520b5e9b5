-- The words of the agents that there are: a minute for a million, and nobody waits meanwhile. It is exact all the same: one
-- statement sees one moment, and takes off what triggers had added by then; what they add later comes on top. Its rows are of
-- a shard that no trigger writes.
INSERT INTO search_words AS t (word, shared, shard, agents)
SELECT word, shared, -1, sum(agents)
FROM (
    SELECT word, shared, count(*) AS agents
    FROM marketplace_agents, aios_words_shared(search_vector)
    WHERE is_active GROUP BY word, shared
    UNION ALL
    SELECT word, shared, -agents FROM search_words
) AS words
GROUP BY word, shared HAVING sum(agents) <> 0
ON CONFLICT (word, shared, shard) DO UPDATE SET agents = t.agents + excluded.agents;
