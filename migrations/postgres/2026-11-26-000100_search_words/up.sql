-- The words of agents' texts, and in how many agents each stands: for mending a typo in a search. Kept by triggers in the
-- transaction of each change, in shards as agent_totals is.
CREATE TABLE search_words (
    -- As in agents' search_vector; compared byte by byte, so that the words with one beginning are one range.
    word text COLLATE "C" NOT NULL,
    shard smallint NOT NULL,
    agents bigint NOT NULL,
    PRIMARY KEY (word, shard)
) WITH (fillfactor = 70);

-- One statement's agents at once, their words in order, so that two transactions never wait for each other in a circle.
CREATE FUNCTION search_words_agents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO search_words AS t (word, shard, agents)
    SELECT word, pg_backend_pid() % 16, CASE WHEN TG_OP = 'INSERT' THEN count(*) ELSE -count(*) END
    FROM changed, unnest(tsvector_to_array(search_vector)) AS word
    GROUP BY word ORDER BY word
    ON CONFLICT (word, shard) DO UPDATE SET agents = t.agents + excluded.agents;
    RETURN NULL;
END $$;
CREATE TRIGGER search_words_insert AFTER INSERT ON marketplace_agents REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION search_words_agents();
CREATE TRIGGER search_words_delete AFTER DELETE ON marketplace_agents REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION search_words_agents();

-- A text is edited: only the words that come and go. By row, since agents change all the time and texts seldom.
CREATE FUNCTION search_words_edit() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER search_words_edit AFTER UPDATE OF name, tags, capabilities, description ON marketplace_agents
    FOR EACH ROW WHEN (OLD.search_vector <> NEW.search_vector) EXECUTE FUNCTION search_words_edit();
