-- How many active agents are rated how well, by tenths of a star: the total of a list of agents that are rated so or better. Kept
-- as agent_totals. Agents that nobody has rated stand at 0.
CREATE TABLE rating_totals (
    -- Tenths of a star, rounded down: 43 is from 4.3 up to 4.4.
    tenths INTEGER NOT NULL,
    -- Always 0, as in agent_totals.
    shard INTEGER NOT NULL,
    agents INTEGER NOT NULL,
    PRIMARY KEY (tenths, shard)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER rating_totals_insert AFTER INSERT ON marketplace_agents WHEN new.is_active BEGIN
    INSERT INTO rating_totals (tenths, shard, agents)
    VALUES (CASE WHEN new.rating_count = 0 THEN 0 ELSE new.rating_sum * 10 / new.rating_count END, 0, 1)
    ON CONFLICT DO UPDATE SET agents = agents + 1;
END;
CREATE TRIGGER rating_totals_delete AFTER DELETE ON marketplace_agents WHEN old.is_active BEGIN
    UPDATE rating_totals SET agents = agents - 1
    WHERE tenths = CASE WHEN old.rating_count = 0 THEN 0 ELSE old.rating_sum * 10 / old.rating_count END AND shard = 0;
END;
CREATE TRIGGER rating_totals_change AFTER UPDATE OF rating_sum, rating_count, is_active ON marketplace_agents
WHEN (old.rating_sum, old.rating_count, old.is_active) <> (new.rating_sum, new.rating_count, new.is_active) BEGIN
    UPDATE rating_totals SET agents = agents - 1
    WHERE tenths = CASE WHEN old.rating_count = 0 THEN 0 ELSE old.rating_sum * 10 / old.rating_count END AND shard = 0
        AND old.is_active;
    INSERT INTO rating_totals (tenths, shard, agents)
    SELECT CASE WHEN new.rating_count = 0 THEN 0 ELSE new.rating_sum * 10 / new.rating_count END, 0, 1 WHERE new.is_active
    ON CONFLICT DO UPDATE SET agents = agents + 1;
END;
