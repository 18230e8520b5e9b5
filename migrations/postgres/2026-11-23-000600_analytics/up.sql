-- What happened to agents. Views come gathered: one row an agent and batch, `quantity` says how many.
CREATE TABLE agent_analytics (
    id uuid PRIMARY KEY,
    agent_id uuid NOT NULL CONSTRAINT agent_analytics_agent_id_fkey REFERENCES marketplace_agents (id),
    user_id uuid CONSTRAINT agent_analytics_user_id_fkey REFERENCES users (id),
    event_type text NOT NULL
        CONSTRAINT agent_analytics_event_type CHECK (event_type IN ('view', 'install', 'uninstall', 'run', 'rate', 'review')),
    event_data jsonb NOT NULL DEFAULT '{}',
    quantity bigint NOT NULL DEFAULT 1 CONSTRAINT agent_analytics_quantity_positive CHECK (quantity > 0),
    occurred_at timestamptz NOT NULL
);

-- An agent's activity of the last days, read from the index alone.
CREATE INDEX idx_analytics_agent_time ON agent_analytics (agent_id, occurred_at, event_type, quantity);
-- The installs and views of the last days over all agents, for trending.
CREATE INDEX idx_analytics_trending ON agent_analytics (occurred_at, agent_id, event_type, quantity)
    WHERE event_type IN ('install', 'view');
