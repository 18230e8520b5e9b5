-- Featured agents by rating.
CREATE INDEX idx_agents_featured_rating ON marketplace_agents (rating_average DESC, rating_count DESC, id DESC) WHERE is_active AND is_featured;
