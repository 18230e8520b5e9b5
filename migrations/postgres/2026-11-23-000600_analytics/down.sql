DROP TABLE agent_analytics;
