-- The agents that there are, and nobody waits meanwhile. It is exact all the same: one statement sees one moment, and takes off
-- what triggers had added by then. Its rows are of a shard that no trigger writes.
INSERT INTO rating_totals AS t (tenths, shard, agents)
SELECT tenths, -1, sum(agents)
FROM (
    SELECT aios_tenths(rating_sum, rating_count) AS tenths, count(*) AS agents
    FROM marketplace_agents WHERE is_active GROUP BY 1
    UNION ALL
    SELECT tenths, -agents FROM rating_totals
) AS ratings
GROUP BY tenths HAVING sum(agents) <> 0
ON CONFLICT (tenths, shard) DO UPDATE SET agents = t.agents + excluded.agents;
