DROP TABLE agent_tags;
DROP TABLE tags;
DROP TABLE marketplace_agents;
