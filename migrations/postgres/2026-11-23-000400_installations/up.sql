CREATE TABLE agent_installations (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT agent_installations_user_id_fkey REFERENCES users (id),
    agent_id uuid NOT NULL CONSTRAINT agent_installations_agent_id_fkey REFERENCES marketplace_agents (id),
    installed_version text NOT NULL,
    settings jsonb NOT NULL DEFAULT '{}',
    is_active boolean NOT NULL DEFAULT true,
    last_used timestamptz,
    usage_count bigint NOT NULL DEFAULT 0 CONSTRAINT agent_installations_usage_count_positive CHECK (usage_count >= 0),
    installed_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

-- A user has an agent installed at most once at a time; installations that ended stay as history.
CREATE UNIQUE INDEX idx_installations_user_agent ON agent_installations (user_id, agent_id) WHERE is_active;
-- "My agents", newest first.
CREATE INDEX idx_installations_user_recent ON agent_installations (user_id, installed_at DESC, id DESC) WHERE is_active;
-- How often an agent was installed, ever.
CREATE INDEX idx_installations_agent ON agent_installations (agent_id);
