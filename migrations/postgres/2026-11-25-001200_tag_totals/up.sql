-- How many active agents bear each tag: the total of a list by tag, and how lists by tags are best read. Kept as agent_totals.
CREATE TABLE tag_totals (
    tag_id uuid NOT NULL CONSTRAINT tag_totals_tag_id_fkey REFERENCES tags (id),
    shard smallint NOT NULL,
    agents bigint NOT NULL,
    PRIMARY KEY (tag_id, shard)
) WITH (fillfactor = 50);

-- One statement's rows at once, in the order of their tags. Tags that go with their agent are counted off by the agent's own
-- trigger below, since the agent is gone by now.
CREATE FUNCTION tag_totals_tagged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tag_totals AS t (tag_id, shard, agents)
    SELECT tag_id, pg_backend_pid() % 16, CASE WHEN TG_OP = 'INSERT' THEN count(*) ELSE -count(*) END
    FROM changed JOIN marketplace_agents ON marketplace_agents.id = changed.agent_id
    WHERE is_active GROUP BY tag_id ORDER BY tag_id
    ON CONFLICT (tag_id, shard) DO UPDATE SET agents = t.agents + excluded.agents;
    RETURN NULL;
END $$;
CREATE TRIGGER tag_totals_insert AFTER INSERT ON agent_tags REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION tag_totals_tagged();
CREATE TRIGGER tag_totals_delete AFTER DELETE ON agent_tags REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION tag_totals_tagged();

-- An agent comes back, is withdrawn, or is about to be deleted.
CREATE FUNCTION tag_totals_agent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tag_totals AS t (tag_id, shard, agents)
    SELECT tag_id, pg_backend_pid() % 16, CASE WHEN TG_OP = 'UPDATE' AND NEW.is_active THEN 1 ELSE -1 END
    FROM agent_tags WHERE agent_id = OLD.id ORDER BY tag_id
    ON CONFLICT (tag_id, shard) DO UPDATE SET agents = t.agents + excluded.agents;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD END;
END $$;
CREATE TRIGGER tag_totals_active AFTER UPDATE OF is_active ON marketplace_agents
    FOR EACH ROW WHEN (OLD.is_active <> NEW.is_active) EXECUTE FUNCTION tag_totals_agent();
CREATE TRIGGER tag_totals_gone BEFORE DELETE ON marketplace_agents
    FOR EACH ROW WHEN (OLD.is_active) EXECUTE FUNCTION tag_totals_agent();

-- Making the triggers has locked both tables against writers until this transaction ends, so nothing is missed between.
INSERT INTO tag_totals (tag_id, shard, agents)
SELECT tag_id, 0, count(*) FROM agent_tags JOIN marketplace_agents ON marketplace_agents.id = agent_id
WHERE is_active GROUP BY tag_id;
