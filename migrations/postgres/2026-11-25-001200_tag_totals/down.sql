DROP TRIGGER tag_totals_gone ON marketplace_agents;
DROP TRIGGER tag_totals_active ON marketplace_agents;
DROP TRIGGER tag_totals_delete ON agent_tags;
DROP TRIGGER tag_totals_insert ON agent_tags;
DROP FUNCTION tag_totals_agent();
DROP FUNCTION tag_totals_tagged();
DROP TABLE tag_totals;
