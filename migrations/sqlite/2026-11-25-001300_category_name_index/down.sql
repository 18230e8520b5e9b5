DROP INDEX idx_agents_category_name;
