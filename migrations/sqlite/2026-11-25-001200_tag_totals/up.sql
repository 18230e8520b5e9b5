-- How many active agents bear each tag: the total of a list by tag, and how lists by tags are best read. Kept as agent_totals.
CREATE TABLE tag_totals (
    tag_id BLOB NOT NULL CONSTRAINT tag_totals_tag_id_fkey REFERENCES tags (id),
    -- Always 0, as in agent_totals.
    shard INTEGER NOT NULL,
    agents INTEGER NOT NULL,
    PRIMARY KEY (tag_id, shard)
) STRICT, WITHOUT ROWID;

-- Tags that go with their agent are counted off by the agent's own trigger below, since the agent is gone by now.
CREATE TRIGGER tag_totals_insert AFTER INSERT ON agent_tags
WHEN (SELECT is_active FROM marketplace_agents WHERE id = new.agent_id) BEGIN
    INSERT INTO tag_totals (tag_id, shard, agents) VALUES (new.tag_id, 0, 1)
    ON CONFLICT DO UPDATE SET agents = agents + excluded.agents;
END;
CREATE TRIGGER tag_totals_delete AFTER DELETE ON agent_tags
WHEN (SELECT is_active FROM marketplace_agents WHERE id = old.agent_id) BEGIN
    UPDATE tag_totals SET agents = agents - 1 WHERE tag_id = old.tag_id AND shard = 0;
END;
CREATE TRIGGER tag_totals_active AFTER UPDATE OF is_active ON marketplace_agents WHEN old.is_active <> new.is_active BEGIN
    INSERT INTO tag_totals (tag_id, shard, agents)
    SELECT tag_id, 0, CASE WHEN new.is_active THEN 1 ELSE -1 END FROM agent_tags WHERE agent_id = new.id
    ON CONFLICT DO UPDATE SET agents = agents + excluded.agents;
END;
CREATE TRIGGER tag_totals_gone BEFORE DELETE ON marketplace_agents WHEN old.is_active BEGIN
    UPDATE tag_totals SET agents = agents - 1
    WHERE shard = 0 AND tag_id IN (SELECT tag_id FROM agent_tags WHERE agent_id = old.id);
END;

INSERT INTO tag_totals (tag_id, shard, agents)
SELECT tag_id, 0, count(*) FROM agent_tags JOIN marketplace_agents ON marketplace_agents.id = agent_id
WHERE is_active GROUP BY tag_id;
