DROP TRIGGER search_words_active ON marketplace_agents;

DELETE FROM search_words;
ALTER TABLE search_words DROP CONSTRAINT search_words_pkey, ADD PRIMARY KEY (word, shard);
ALTER TABLE search_words DROP COLUMN shared;

CREATE OR REPLACE FUNCTION search_words_agents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO search_words AS t (word, shard, agents)
    SELECT word, pg_backend_pid() % 16, CASE WHEN TG_OP = 'INSERT' THEN count(*) ELSE -count(*) END
    FROM changed, unnest(tsvector_to_array(search_vector)) AS word
    GROUP BY word ORDER BY word
    ON CONFLICT (word, shard) DO UPDATE SET agents = t.agents + excluded.agents;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION search_words_edit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO search_words AS t (word, shard, agents)
    SELECT word, pg_backend_pid() % 16, sum(change)
    FROM (
        SELECT unnest(tsvector_to_array(OLD.search_vector)) AS word, -1 AS change
        UNION ALL
        SELECT unnest(tsvector_to_array(NEW.search_vector)), 1
    ) AS words
    GROUP BY word HAVING sum(change) <> 0 ORDER BY word
    ON CONFLICT (word, shard) DO UPDATE SET agents = t.agents + excluded.agents;
    RETURN NULL;
END $$;

DROP FUNCTION aios_words_shared(tsvector);
DROP FUNCTION aios_shared(text, text);

INSERT INTO search_words (word, shard, agents)
SELECT word, 0, ndoc FROM ts_stat('SELECT search_vector FROM marketplace_agents');
