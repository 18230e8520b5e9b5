-- The words of the agents that there are. Nobody else writes meanwhile, so they are exact.
INSERT INTO search_words (word, shared, shard, agents)
SELECT
    word,
    CASE
        WHEN word_before IS NULL OR substr(word, 1, 1) <> substr(word_before, 1, 1) THEN 0
        WHEN substr(word, 1, 2) <> substr(word_before, 1, 2) THEN 1
        ELSE (
            WITH RECURSIVE letters (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM letters WHERE number < 60)
            SELECT count(*) FROM letters
            WHERE number <= length(word) AND substr(word, 1, number) = substr(word_before, 1, number)
        )
    END AS shared,
    0,
    count(*)
FROM (
    SELECT term AS word, lag(term) OVER (PARTITION BY doc ORDER BY term) AS word_before
    FROM (SELECT DISTINCT doc, term FROM agents_fts_instances)
    WHERE doc IN (SELECT seq FROM marketplace_agents WHERE is_active)
)
GROUP BY word, shared;
