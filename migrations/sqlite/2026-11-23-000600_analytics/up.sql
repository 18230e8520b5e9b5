-- What happened to agents. Views come gathered: one row an agent and batch, `quantity` says how many.
CREATE TABLE agent_analytics (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    agent_id BLOB NOT NULL CONSTRAINT agent_analytics_agent_id_fkey REFERENCES marketplace_agents (id),
    user_id BLOB CONSTRAINT agent_analytics_user_id_fkey REFERENCES users (id),
    event_type TEXT NOT NULL
        CONSTRAINT agent_analytics_event_type CHECK (event_type IN ('view', 'install', 'uninstall', 'run', 'rate', 'review')),
    event_data TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(event_data)),
    quantity INTEGER NOT NULL DEFAULT 1 CONSTRAINT agent_analytics_quantity_positive CHECK (quantity > 0),
    occurred_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- An agent's activity of the last days, read from the index alone.
CREATE INDEX idx_analytics_agent_time ON agent_analytics (agent_id, occurred_at, event_type, quantity);
-- The installs and views of the last days over all agents, for trending.
CREATE INDEX idx_analytics_trending ON agent_analytics (occurred_at, agent_id, event_type, quantity)
    WHERE event_type IN ('install', 'view');
