-- Featured agents by age. They are one in a thousand: no other index finds a page of them without reading many.
CREATE INDEX idx_agents_featured_recent ON marketplace_agents (created_at DESC, id DESC) WHERE is_active AND is_featured;
