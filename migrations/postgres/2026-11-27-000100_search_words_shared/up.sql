-- Words also by how many letters they share with the word before them, so that the agents with a word of some beginning are
-- counted without being found.
--
-- Take the words of an agent in order. Those that begin with `dat` stand together, and the first of them is the one that shares
-- fewer than three letters with the word before it. So the agents that have any such word are as many as there are words that
-- begin with `dat` and share fewer than three letters. Withdrawn agents do not count.

-- How many letters two words share at their beginnings. The first letters mostly tell.
CREATE FUNCTION aios_shared(one text, other text) RETURNS smallint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CAST(CASE
        WHEN other IS NULL OR left(one, 1) <> left(other, 1) THEN 0
        WHEN left(one, 2) <> left(other, 2) THEN 1
        WHEN left(one, 3) <> left(other, 3) THEN 2
        ELSE (SELECT count(*) FROM generate_series(1, length(one)) AS letters WHERE left(one, letters) = left(other, letters))
    END AS smallint)
$$;

-- The words of a text, and how many letters each shares with the one before it.
CREATE FUNCTION aios_words_shared(vector tsvector) RETURNS TABLE (word text, shared smallint)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT word, aios_shared(word, word_before)
    FROM (
        SELECT word, lag(word) OVER (ORDER BY word COLLATE "C") AS word_before
        FROM unnest(tsvector_to_array(vector)) AS word
    ) AS words
$$;

-- An agent is withdrawn or comes back. This comes first: to make a trigger waits for whoever writes agents, and keeps others from
-- it until the words and their other triggers agree again.
CREATE TRIGGER search_words_active AFTER UPDATE OF is_active ON marketplace_agents
    FOR EACH ROW WHEN (OLD.is_active <> NEW.is_active AND OLD.search_vector = NEW.search_vector)
    EXECUTE FUNCTION search_words_edit();

ALTER TABLE search_words ADD COLUMN shared smallint NOT NULL DEFAULT 0;
-- lint: allow using-index: the words of a million agents are some ten thousand rows
ALTER TABLE search_words DROP CONSTRAINT search_words_pkey, ADD PRIMARY KEY (word, shared, shard);
-- lint: allow whole-table: some ten thousand rows; until the next migration has filled them anew, typos are not mended
DELETE FROM search_words;

-- One statement's agents at once, their words in order, so that two transactions never wait for each other in a circle.
CREATE OR REPLACE FUNCTION search_words_agents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO search_words AS t (word, shared, shard, agents)
    SELECT word, shared, pg_backend_pid() % 16, CASE WHEN TG_OP = 'INSERT' THEN count(*) ELSE -count(*) END
    FROM changed, aios_words_shared(search_vector)
    WHERE is_active GROUP BY word, shared ORDER BY word, shared
    ON CONFLICT (word, shared, shard) DO UPDATE SET agents = t.agents + excluded.agents;
    RETURN NULL;
END $$;

-- A text is edited, or the agent withdrawn: only the words that come and go.
CREATE OR REPLACE FUNCTION search_words_edit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO search_words AS t (word, shared, shard, agents)
    SELECT word, shared, pg_backend_pid() % 16, sum(change)
    FROM (
        SELECT word, shared, -1 AS change FROM aios_words_shared(OLD.search_vector) WHERE OLD.is_active
        UNION ALL
        SELECT word, shared, 1 FROM aios_words_shared(NEW.search_vector) WHERE NEW.is_active
    ) AS words
    GROUP BY word, shared HAVING sum(change) <> 0 ORDER BY word, shared
    ON CONFLICT (word, shared, shard) DO UPDATE SET agents = t.agents + excluded.agents;
    RETURN NULL;
END $$;
