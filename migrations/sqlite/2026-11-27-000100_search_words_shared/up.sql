-- Words also by how many letters they share with the word before them, so that the agents with a word of some beginning are
-- counted without being found.
--
-- Take the words of an agent in order. Those that begin with `dat` stand together, and the first of them is the one that shares
-- fewer than three letters with the word before it. So the agents that have any such word are as many as there are words that
-- begin with `dat` and share fewer than three letters. Withdrawn agents do not count.
DROP TRIGGER search_words_insert;
DROP TRIGGER search_words_delete;
DROP TRIGGER search_words_edit;
DROP TABLE search_words;

CREATE TABLE search_words (
    word TEXT NOT NULL,
    -- Always 0, as in agent_totals.
    shard INTEGER NOT NULL,
    agents INTEGER NOT NULL,
    -- At most 60: a search has no longer words.
    shared INTEGER NOT NULL,
    PRIMARY KEY (word, shared, shard)
) STRICT, WITHOUT ROWID;

-- The words of the text that is being taken apart, and how many letters each shares with the one before it.
CREATE VIEW search_words_scratch AS
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
    END AS shared
FROM (SELECT term AS word, lag(term) OVER (ORDER BY term) AS word_before FROM agents_fts_scratch_words);

CREATE TRIGGER search_words_insert AFTER INSERT ON marketplace_agents WHEN new.is_active BEGIN
    INSERT INTO agents_fts_scratch (rowid, name, tags, capabilities, description)
    VALUES (1, new.name, new.tags, new.capabilities, new.description);
    INSERT INTO search_words (word, shared, shard, agents) SELECT word, shared, 0, 1 FROM search_words_scratch WHERE true
    ON CONFLICT DO UPDATE SET agents = agents + excluded.agents;
    INSERT INTO agents_fts_scratch (agents_fts_scratch) VALUES ('delete-all');
END;
CREATE TRIGGER search_words_delete AFTER DELETE ON marketplace_agents WHEN old.is_active BEGIN
    INSERT INTO agents_fts_scratch (rowid, name, tags, capabilities, description)
    VALUES (1, old.name, old.tags, old.capabilities, old.description);
    INSERT INTO search_words (word, shared, shard, agents) SELECT word, shared, 0, -1 FROM search_words_scratch WHERE true
    ON CONFLICT DO UPDATE SET agents = agents + excluded.agents;
    INSERT INTO agents_fts_scratch (agents_fts_scratch) VALUES ('delete-all');
END;
-- A text is edited, or the agent is withdrawn or comes back.
CREATE TRIGGER search_words_edit AFTER UPDATE OF name, tags, capabilities, description, is_active ON marketplace_agents
WHEN (old.name, old.tags, old.capabilities, old.description, old.is_active)
     <> (new.name, new.tags, new.capabilities, new.description, new.is_active) BEGIN
    INSERT INTO agents_fts_scratch (rowid, name, tags, capabilities, description)
    SELECT 1, old.name, old.tags, old.capabilities, old.description WHERE old.is_active;
    INSERT INTO search_words (word, shared, shard, agents) SELECT word, shared, 0, -1 FROM search_words_scratch WHERE true
    ON CONFLICT DO UPDATE SET agents = agents + excluded.agents;
    INSERT INTO agents_fts_scratch (agents_fts_scratch) VALUES ('delete-all');
    INSERT INTO agents_fts_scratch (rowid, name, tags, capabilities, description)
    SELECT 1, new.name, new.tags, new.capabilities, new.description WHERE new.is_active;
    INSERT INTO search_words (word, shared, shard, agents) SELECT word, shared, 0, 1 FROM search_words_scratch WHERE true
    ON CONFLICT DO UPDATE SET agents = agents + excluded.agents;
    INSERT INTO agents_fts_scratch (agents_fts_scratch) VALUES ('delete-all');
END;

-- Which word stands in which agent's text, to count them anew.
CREATE VIRTUAL TABLE agents_fts_instances USING fts5vocab ('agents_fts', 'instance');
