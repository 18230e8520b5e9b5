DROP TRIGGER agent_totals_move;
DROP TRIGGER agent_totals_install;
DROP TRIGGER agent_totals_delete;
DROP TRIGGER agent_totals_insert;
DROP TABLE agent_totals;
