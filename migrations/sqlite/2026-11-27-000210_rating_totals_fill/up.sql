-- The agents that there are. Nobody else writes meanwhile.
INSERT INTO rating_totals (tenths, shard, agents)
SELECT CASE WHEN rating_count = 0 THEN 0 ELSE rating_sum * 10 / rating_count END, 0, count(*)
FROM marketplace_agents WHERE is_active GROUP BY 1;
