-- Full text over what marketplace_agents holds, without a copy of it; triggers keep it in step.
CREATE VIRTUAL TABLE agents_fts USING fts5 (
    name, tags, capabilities, description,
    content = 'marketplace_agents', content_rowid = 'seq',
    tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);
INSERT INTO agents_fts (agents_fts, rank) VALUES ('rank', 'bm25(10.0, 6.0, 4.0, 1.0)');
INSERT INTO agents_fts (agents_fts) VALUES ('rebuild');

-- The words in the index and in how many agents each stands, for mending a typo.
CREATE VIRTUAL TABLE agents_fts_words USING fts5vocab ('agents_fts', 'row');

CREATE TRIGGER agents_fts_insert AFTER INSERT ON marketplace_agents BEGIN
    INSERT INTO agents_fts (rowid, name, tags, capabilities, description)
    VALUES (new.seq, new.name, new.tags, new.capabilities, new.description);
END;
CREATE TRIGGER agents_fts_delete AFTER DELETE ON marketplace_agents BEGIN
    INSERT INTO agents_fts (agents_fts, rowid, name, tags, capabilities, description)
    VALUES ('delete', old.seq, old.name, old.tags, old.capabilities, old.description);
END;
CREATE TRIGGER agents_fts_update AFTER UPDATE OF name, tags, capabilities, description ON marketplace_agents BEGIN
    INSERT INTO agents_fts (agents_fts, rowid, name, tags, capabilities, description)
    VALUES ('delete', old.seq, old.name, old.tags, old.capabilities, old.description);
    INSERT INTO agents_fts (rowid, name, tags, capabilities, description)
    VALUES (new.seq, new.name, new.tags, new.capabilities, new.description);
END;
