-- How many active agents there are of each kind, and how often they are installed, so that lists and figures are counted
-- without reading the agents. Kept by triggers in the transaction of each change, and so exact whoever writes.
CREATE TABLE agent_totals (
    -- Empty for agents without a category.
    category TEXT NOT NULL,
    pricing_model TEXT NOT NULL,
    is_verified INTEGER NOT NULL CHECK (is_verified IN (0, 1)),
    is_featured INTEGER NOT NULL CHECK (is_featured IN (0, 1)),
    -- Always 0: SQLite has one writer at a time. PostgreSQL's writers part the numbers among several rows.
    shard INTEGER NOT NULL,
    agents INTEGER NOT NULL,
    installs INTEGER NOT NULL,
    PRIMARY KEY (category, pricing_model, is_verified, is_featured, shard)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER agent_totals_insert AFTER INSERT ON marketplace_agents WHEN new.is_active BEGIN
    INSERT INTO agent_totals (category, pricing_model, is_verified, is_featured, shard, agents, installs)
    VALUES (coalesce(new.category, ''), new.pricing_model, new.is_verified, new.is_featured, 0, 1, new.install_count)
    ON CONFLICT DO UPDATE SET agents = agents + excluded.agents, installs = installs + excluded.installs;
END;
CREATE TRIGGER agent_totals_delete AFTER DELETE ON marketplace_agents WHEN old.is_active BEGIN
    INSERT INTO agent_totals (category, pricing_model, is_verified, is_featured, shard, agents, installs)
    VALUES (coalesce(old.category, ''), old.pricing_model, old.is_verified, old.is_featured, 0, -1, -old.install_count)
    ON CONFLICT DO UPDATE SET agents = agents + excluded.agents, installs = installs + excluded.installs;
END;
-- An agent that is installed stays of its kind: one row is touched.
CREATE TRIGGER agent_totals_install AFTER UPDATE OF install_count ON marketplace_agents
WHEN old.is_active AND new.is_active AND old.install_count <> new.install_count
    AND (coalesce(old.category, ''), old.pricing_model, old.is_verified, old.is_featured)
        = (coalesce(new.category, ''), new.pricing_model, new.is_verified, new.is_featured)
BEGIN
    UPDATE agent_totals SET installs = installs + new.install_count - old.install_count
    WHERE category = coalesce(new.category, '') AND pricing_model = new.pricing_model
        AND is_verified = new.is_verified AND is_featured = new.is_featured AND shard = 0;
END;
CREATE TRIGGER agent_totals_move AFTER UPDATE OF category, pricing_model, is_verified, is_featured, is_active ON marketplace_agents
WHEN (coalesce(old.category, ''), old.pricing_model, old.is_verified, old.is_featured, old.is_active)
    <> (coalesce(new.category, ''), new.pricing_model, new.is_verified, new.is_featured, new.is_active)
BEGIN
    INSERT INTO agent_totals (category, pricing_model, is_verified, is_featured, shard, agents, installs)
    SELECT coalesce(old.category, ''), old.pricing_model, old.is_verified, old.is_featured, 0, -1, -old.install_count
    WHERE old.is_active
    ON CONFLICT DO UPDATE SET agents = agents + excluded.agents, installs = installs + excluded.installs;
    INSERT INTO agent_totals (category, pricing_model, is_verified, is_featured, shard, agents, installs)
    SELECT coalesce(new.category, ''), new.pricing_model, new.is_verified, new.is_featured, 0, 1, new.install_count
    WHERE new.is_active
    ON CONFLICT DO UPDATE SET agents = agents + excluded.agents, installs = installs + excluded.installs;
END;

INSERT INTO agent_totals (category, pricing_model, is_verified, is_featured, shard, agents, installs)
SELECT coalesce(category, ''), pricing_model, is_verified, is_featured, 0, count(*), sum(install_count)
FROM marketplace_agents WHERE is_active GROUP BY 1, 2, 3, 4;
