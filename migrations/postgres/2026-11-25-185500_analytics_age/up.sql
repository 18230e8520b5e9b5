-- The oldest events, for deleting those that no figure looks back to. (idx_analytics_trending knows two kinds alone.)
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_analytics_age ON agent_analytics (occurred_at);
