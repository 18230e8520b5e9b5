-- What trends among featured agents.
CREATE INDEX idx_agents_featured_trending ON marketplace_agents (trending_score DESC, id DESC) WHERE is_active AND is_featured;
