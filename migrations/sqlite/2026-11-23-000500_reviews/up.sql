CREATE TABLE agent_reviews (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL CONSTRAINT agent_reviews_user_id_fkey REFERENCES users (id),
    agent_id BLOB NOT NULL CONSTRAINT agent_reviews_agent_id_fkey REFERENCES marketplace_agents (id),
    rating INTEGER NOT NULL CONSTRAINT agent_reviews_rating_range CHECK (rating BETWEEN 1 AND 5),
    title TEXT,
    review_text TEXT,
    helpful_count INTEGER NOT NULL DEFAULT 0 CONSTRAINT agent_reviews_helpful_count_positive CHECK (helpful_count >= 0),
    is_verified_purchase INTEGER NOT NULL DEFAULT 0 CHECK (is_verified_purchase IN (0, 1)),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- One review a user and agent.
CREATE UNIQUE INDEX idx_reviews_user_agent ON agent_reviews (user_id, agent_id);
-- An agent's reviews, newest first: all of them, or those of one rating.
CREATE INDEX idx_reviews_agent_recent ON agent_reviews (agent_id, created_at DESC, id DESC);
CREATE INDEX idx_reviews_agent_rating ON agent_reviews (agent_id, rating, created_at DESC, id DESC);
