DROP TABLE agent_reviews;
