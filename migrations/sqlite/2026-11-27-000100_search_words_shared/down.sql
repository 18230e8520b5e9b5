DROP TABLE agents_fts_instances;
DROP TRIGGER search_words_edit;
DROP TRIGGER search_words_delete;
DROP TRIGGER search_words_insert;
DROP VIEW search_words_scratch;
DROP TABLE search_words;

CREATE TABLE search_words (
    word TEXT NOT NULL,
    -- Always 0, as in agent_totals.
    shard INTEGER NOT NULL,
    agents INTEGER NOT NULL,
    PRIMARY KEY (word, shard)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER search_words_insert AFTER INSERT ON marketplace_agents BEGIN
    INSERT INTO agents_fts_scratch (rowid, name, tags, capabilities, description)
    VALUES (1, new.name, new.tags, new.capabilities, new.description);
    INSERT INTO search_words (word, shard, agents) SELECT term, 0, 1 FROM agents_fts_scratch_words WHERE true
    ON CONFLICT DO UPDATE SET agents = agents + 1;
    INSERT INTO agents_fts_scratch (agents_fts_scratch) VALUES ('delete-all');
END;
CREATE TRIGGER search_words_delete AFTER DELETE ON marketplace_agents BEGIN
    INSERT INTO agents_fts_scratch (rowid, name, tags, capabilities, description)
    VALUES (1, old.name, old.tags, old.capabilities, old.description);
    UPDATE search_words SET agents = agents - 1 WHERE shard = 0 AND word IN (SELECT term FROM agents_fts_scratch_words);
    INSERT INTO agents_fts_scratch (agents_fts_scratch) VALUES ('delete-all');
END;
CREATE TRIGGER search_words_edit AFTER UPDATE OF name, tags, capabilities, description ON marketplace_agents
WHEN (old.name, old.tags, old.capabilities, old.description) <> (new.name, new.tags, new.capabilities, new.description) BEGIN
    INSERT INTO agents_fts_scratch (rowid, name, tags, capabilities, description)
    VALUES (1, old.name, old.tags, old.capabilities, old.description);
    UPDATE search_words SET agents = agents - 1 WHERE shard = 0 AND word IN (SELECT term FROM agents_fts_scratch_words);
    INSERT INTO agents_fts_scratch (agents_fts_scratch) VALUES ('delete-all');
    INSERT INTO agents_fts_scratch (rowid, name, tags, capabilities, description)
    VALUES (1, new.name, new.tags, new.capabilities, new.description);
    INSERT INTO search_words (word, shard, agents) SELECT term, 0, 1 FROM agents_fts_scratch_words WHERE true
    ON CONFLICT DO UPDATE SET agents = agents + 1;
    INSERT INTO agents_fts_scratch (agents_fts_scratch) VALUES ('delete-all');
END;
INSERT INTO search_words (word, shard, agents) SELECT term, 0, doc FROM agents_fts_words;
