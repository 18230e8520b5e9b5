-- A category by name. The index by name alone would pass over the agents of all other categories.
CREATE INDEX idx_agents_category_name ON marketplace_agents (category, name_sort, id) WHERE is_active;
