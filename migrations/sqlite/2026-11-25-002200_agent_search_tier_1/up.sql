-- Full text of the agents of tier 1 and above; triggers keep it in step. There is nothing to put into it yet: all agents are
-- of tier 0 until the service has looked at them.
CREATE VIRTUAL TABLE agents_fts_tier_1 USING fts5 (
    name, tags, capabilities, description,
    content = 'marketplace_agents', content_rowid = 'seq',
    tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);

CREATE TRIGGER agents_fts_tier_1_insert AFTER INSERT ON marketplace_agents WHEN new.search_tier >= 1 BEGIN
    INSERT INTO agents_fts_tier_1 (rowid, name, tags, capabilities, description)
    VALUES (new.seq, new.name, new.tags, new.capabilities, new.description);
END;
CREATE TRIGGER agents_fts_tier_1_delete AFTER DELETE ON marketplace_agents WHEN old.search_tier >= 1 BEGIN
    INSERT INTO agents_fts_tier_1 (agents_fts_tier_1, rowid, name, tags, capabilities, description)
    VALUES ('delete', old.seq, old.name, old.tags, old.capabilities, old.description);
END;
CREATE TRIGGER agents_fts_tier_1_update AFTER UPDATE OF name, tags, capabilities, description, search_tier
ON marketplace_agents WHEN old.search_tier >= 1 OR new.search_tier >= 1 BEGIN
    INSERT INTO agents_fts_tier_1 (agents_fts_tier_1, rowid, name, tags, capabilities, description)
    SELECT 'delete', old.seq, old.name, old.tags, old.capabilities, old.description WHERE old.search_tier >= 1;
    INSERT INTO agents_fts_tier_1 (rowid, name, tags, capabilities, description)
    SELECT new.seq, new.name, new.tags, new.capabilities, new.description WHERE new.search_tier >= 1;
END;
