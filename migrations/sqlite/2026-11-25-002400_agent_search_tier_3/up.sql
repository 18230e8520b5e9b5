-- Full text of the agents of tier 3 and above; triggers keep it in step. There is nothing to put into it yet: all agents are
-- of tier 0 until the service has looked at them.
CREATE VIRTUAL TABLE agents_fts_tier_3 USING fts5 (
    name, tags, capabilities, description,
    content = 'marketplace_agents', content_rowid = 'seq',
    tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);

CREATE TRIGGER agents_fts_tier_3_insert AFTER INSERT ON marketplace_agents WHEN new.search_tier >= 3 BEGIN
    INSERT INTO agents_fts_tier_3 (rowid, name, tags, capabilities, description)
    VALUES (new.seq, new.name, new.tags, new.capabilities, new.description);
END;
CREATE TRIGGER agents_fts_tier_3_delete AFTER DELETE ON marketplace_agents WHEN old.search_tier >= 3 BEGIN
    INSERT INTO agents_fts_tier_3 (agents_fts_tier_3, rowid, name, tags, capabilities, description)
    VALUES ('delete', old.seq, old.name, old.tags, old.capabilities, old.description);
END;
CREATE TRIGGER agents_fts_tier_3_update AFTER UPDATE OF name, tags, capabilities, description, search_tier
ON marketplace_agents WHEN old.search_tier >= 3 OR new.search_tier >= 3 BEGIN
    INSERT INTO agents_fts_tier_3 (agents_fts_tier_3, rowid, name, tags, capabilities, description)
    SELECT 'delete', old.seq, old.name, old.tags, old.capabilities, old.description WHERE old.search_tier >= 3;
    INSERT INTO agents_fts_tier_3 (rowid, name, tags, capabilities, description)
    SELECT new.seq, new.name, new.tags, new.capabilities, new.description WHERE new.search_tier >= 3;
END;
