-- How many active agents there are of each kind, and how often they are installed, so that lists and figures are counted
-- without reading the agents. Kept by triggers in the transaction of each change, and so exact whoever writes.
--
-- Each connection adds to the rows of one of 16 shards, or all who install an agent of one kind would wait for one another.
-- A number of one shard means nothing by itself, and may be negative: the sum over the shards is what there is.
CREATE TABLE agent_totals (
    -- Empty for agents without a category.
    category text NOT NULL,
    pricing_model text NOT NULL,
    is_verified boolean NOT NULL,
    is_featured boolean NOT NULL,
    shard smallint NOT NULL,
    agents bigint NOT NULL,
    installs bigint NOT NULL,
    PRIMARY KEY (category, pricing_model, is_verified, is_featured, shard)
) WITH (fillfactor = 50);

-- Rows are added to in the order of their keys, so that an agent that moves takes no two in another order than others do.
CREATE FUNCTION agent_totals_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO agent_totals AS t (category, pricing_model, is_verified, is_featured, shard, agents, installs)
    SELECT coalesce(category, ''), pricing_model, is_verified, is_featured, pg_backend_pid() % 16, sum(change), sum(change * install_count)
    FROM (
        SELECT OLD.category, OLD.pricing_model, OLD.is_verified, OLD.is_featured, OLD.install_count, -1 AS change
        WHERE TG_OP <> 'INSERT' AND OLD.is_active
        UNION ALL
        SELECT NEW.category, NEW.pricing_model, NEW.is_verified, NEW.is_featured, NEW.install_count, 1
        WHERE TG_OP <> 'DELETE' AND NEW.is_active
    ) AS changed
    GROUP BY 1, 2, 3, 4
    ORDER BY 1, 2, 3, 4
    ON CONFLICT (category, pricing_model, is_verified, is_featured, shard)
    DO UPDATE SET agents = t.agents + excluded.agents, installs = t.installs + excluded.installs;
    RETURN NULL;
END $$;

CREATE TRIGGER agent_totals_row AFTER INSERT OR DELETE ON marketplace_agents
    FOR EACH ROW EXECUTE FUNCTION agent_totals_keep();
CREATE TRIGGER agent_totals_change
    AFTER UPDATE OF category, pricing_model, is_verified, is_featured, is_active, install_count ON marketplace_agents
    FOR EACH ROW
    WHEN ((OLD.category, OLD.pricing_model, OLD.is_verified, OLD.is_featured, OLD.is_active, OLD.install_count)
          IS DISTINCT FROM (NEW.category, NEW.pricing_model, NEW.is_verified, NEW.is_featured, NEW.is_active, NEW.install_count))
    EXECUTE FUNCTION agent_totals_keep();

-- Making the triggers has locked the table against writers until this transaction ends, so nothing is missed between.
INSERT INTO agent_totals (category, pricing_model, is_verified, is_featured, shard, agents, installs)
SELECT coalesce(category, ''), pricing_model, is_verified, is_featured, 0, count(*), sum(install_count)
FROM marketplace_agents WHERE is_active GROUP BY 1, 2, 3, 4;
