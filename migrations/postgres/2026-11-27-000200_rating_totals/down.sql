DROP TRIGGER rating_totals_change ON marketplace_agents;
DROP TRIGGER rating_totals_row ON marketplace_agents;
DROP FUNCTION rating_totals_keep();
DROP FUNCTION aios_tenths(bigint, bigint);
DROP TABLE rating_totals;
