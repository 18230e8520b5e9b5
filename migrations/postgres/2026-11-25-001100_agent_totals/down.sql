DROP TRIGGER agent_totals_change ON marketplace_agents;
DROP TRIGGER agent_totals_row ON marketplace_agents;
DROP FUNCTION agent_totals_keep();
DROP TABLE agent_totals;
