DROP TABLE agent_installations;
