CREATE TABLE agent_reviews (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT agent_reviews_user_id_fkey REFERENCES users (id),
    agent_id uuid NOT NULL CONSTRAINT agent_reviews_agent_id_fkey REFERENCES marketplace_agents (id),
    rating smallint NOT NULL CONSTRAINT agent_reviews_rating_range CHECK (rating BETWEEN 1 AND 5),
    title text,
    review_text text,
    helpful_count bigint NOT NULL DEFAULT 0 CONSTRAINT agent_reviews_helpful_count_positive CHECK (helpful_count >= 0),
    is_verified_purchase boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

-- One review a user and agent.
CREATE UNIQUE INDEX idx_reviews_user_agent ON agent_reviews (user_id, agent_id);
-- An agent's reviews, newest first: all of them, or those of one rating.
CREATE INDEX idx_reviews_agent_recent ON agent_reviews (agent_id, created_at DESC, id DESC);
CREATE INDEX idx_reviews_agent_rating ON agent_reviews (agent_id, rating, created_at DESC, id DESC);
