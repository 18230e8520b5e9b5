ALTER TABLE marketplace_agents DROP COLUMN search_tier;
