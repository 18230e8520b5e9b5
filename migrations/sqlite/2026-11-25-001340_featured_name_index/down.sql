DROP INDEX idx_agents_featured_name;
