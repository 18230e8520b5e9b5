-- How many active agents are rated how well, by tenths of a star: the total of a list of agents that are rated so or better. Kept
-- as agent_totals. Agents that nobody has rated stand at 0.
CREATE TABLE rating_totals (
    -- Tenths of a star, rounded down: 43 is from 4.3 up to 4.4.
    tenths smallint NOT NULL,
    shard smallint NOT NULL,
    agents bigint NOT NULL,
    PRIMARY KEY (tenths, shard)
) WITH (fillfactor = 50);

CREATE FUNCTION aios_tenths(rating_sum bigint, rating_count bigint) RETURNS smallint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CAST(CASE WHEN rating_count = 0 THEN 0 ELSE rating_sum * 10 / rating_count END AS smallint)
$$;

CREATE FUNCTION rating_totals_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rating_totals AS t (tenths, shard, agents)
    SELECT tenths, pg_backend_pid() % 16, sum(change)
    FROM (
        SELECT aios_tenths(OLD.rating_sum, OLD.rating_count) AS tenths, -1 AS change WHERE TG_OP <> 'INSERT' AND OLD.is_active
        UNION ALL
        SELECT aios_tenths(NEW.rating_sum, NEW.rating_count), 1 WHERE TG_OP <> 'DELETE' AND NEW.is_active
    ) AS changed
    GROUP BY tenths HAVING sum(change) <> 0 ORDER BY tenths
    ON CONFLICT (tenths, shard) DO UPDATE SET agents = t.agents + excluded.agents;
    RETURN NULL;
END $$;
CREATE TRIGGER rating_totals_row AFTER INSERT OR DELETE ON marketplace_agents
    FOR EACH ROW EXECUTE FUNCTION rating_totals_keep();
CREATE TRIGGER rating_totals_change AFTER UPDATE OF rating_sum, rating_count, is_active ON marketplace_agents
    FOR EACH ROW
    WHEN ((OLD.rating_sum, OLD.rating_count, OLD.is_active) IS DISTINCT FROM (NEW.rating_sum, NEW.rating_count, NEW.is_active))
    EXECUTE FUNCTION rating_totals_keep();
