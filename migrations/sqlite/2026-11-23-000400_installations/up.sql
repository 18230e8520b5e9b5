CREATE TABLE agent_installations (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL CONSTRAINT agent_installations_user_id_fkey REFERENCES users (id),
    agent_id BLOB NOT NULL CONSTRAINT agent_installations_agent_id_fkey REFERENCES marketplace_agents (id),
    installed_version TEXT NOT NULL,
    settings TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(settings)),
    is_active INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    last_used INTEGER,
    usage_count INTEGER NOT NULL DEFAULT 0 CONSTRAINT agent_installations_usage_count_positive CHECK (usage_count >= 0),
    installed_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A user has an agent installed at most once at a time; installations that ended stay as history.
CREATE UNIQUE INDEX idx_installations_user_agent ON agent_installations (user_id, agent_id) WHERE is_active;
-- "My agents", newest first.
CREATE INDEX idx_installations_user_recent ON agent_installations (user_id, installed_at DESC, id DESC) WHERE is_active;
-- How often an agent was installed, ever.
CREATE INDEX idx_installations_agent ON agent_installations (agent_id);
