CREATE TABLE marketplace_agents (
    -- The row's number, by which the full-text index refers to it. VACUUM keeps it, as it would not keep an implicit rowid.
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    -- The name under which a public registry publishes it, for agents that were imported.
    registry_name TEXT CONSTRAINT marketplace_agents_registry_name_key UNIQUE,
    name TEXT NOT NULL,
    -- The name in lower case; compared byte by byte, so that order is the same on every database and locale.
    name_sort TEXT NOT NULL,
    description TEXT NOT NULL,
    category TEXT CONSTRAINT marketplace_agents_category_fkey REFERENCES categories (name),
    tags TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(tags)),
    version TEXT NOT NULL,
    icon_url TEXT,
    capabilities TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(capabilities)),
    pricing_model TEXT NOT NULL DEFAULT 'free',
    price_cents INTEGER NOT NULL DEFAULT 0,
    repository_url TEXT,
    agent_type TEXT NOT NULL,
    requirements TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(requirements)),
    configuration_schema TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(configuration_schema)),
    license TEXT,
    author_id BLOB NOT NULL CONSTRAINT marketplace_agents_author_id_fkey REFERENCES users (id),
    -- Counters, each kept in the transaction of the change that it counts (views: in batches).
    install_count INTEGER NOT NULL DEFAULT 0 CONSTRAINT marketplace_agents_install_count_positive CHECK (install_count >= 0),
    rating_sum INTEGER NOT NULL DEFAULT 0,
    rating_count INTEGER NOT NULL DEFAULT 0,
    rating_average REAL NOT NULL
        GENERATED ALWAYS AS (CASE WHEN rating_count = 0 THEN 0.0 ELSE CAST(rating_sum AS REAL) / rating_count END) STORED,
    view_count INTEGER NOT NULL DEFAULT 0,
    trending_score REAL NOT NULL DEFAULT 0,
    is_featured INTEGER NOT NULL DEFAULT 0 CHECK (is_featured IN (0, 1)),
    is_verified INTEGER NOT NULL DEFAULT 0 CHECK (is_verified IN (0, 1)),
    is_active INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    published_at INTEGER,
    CONSTRAINT marketplace_agents_name_length CHECK (length(name) BETWEEN 1 AND 100),
    CONSTRAINT marketplace_agents_pricing CHECK (
        pricing_model IN ('free', 'paid', 'freemium') AND price_cents >= 0
        AND (pricing_model <> 'free' OR price_cents = 0) AND (pricing_model <> 'paid' OR price_cents > 0)
    ),
    CONSTRAINT marketplace_agents_ratings CHECK (rating_count >= 0 AND rating_sum BETWEEN rating_count AND rating_count * 5)
) STRICT;

-- One index for each order in which active agents are listed, and for each order within a category.
CREATE INDEX idx_agents_popular ON marketplace_agents (install_count DESC, rating_average DESC, id DESC) WHERE is_active;
CREATE INDEX idx_agents_recent ON marketplace_agents (created_at DESC, id DESC) WHERE is_active;
CREATE INDEX idx_agents_rating ON marketplace_agents (rating_average DESC, rating_count DESC, id DESC) WHERE is_active;
CREATE INDEX idx_agents_name ON marketplace_agents (name_sort, id) WHERE is_active;
CREATE INDEX idx_agents_trending ON marketplace_agents (trending_score DESC, id DESC) WHERE is_active;
CREATE INDEX idx_agents_category_popular ON marketplace_agents (category, install_count DESC, rating_average DESC, id DESC) WHERE is_active;
CREATE INDEX idx_agents_category_recent ON marketplace_agents (category, created_at DESC, id DESC) WHERE is_active;
CREATE INDEX idx_agents_category_rating ON marketplace_agents (category, rating_average DESC, rating_count DESC, id DESC) WHERE is_active;
CREATE INDEX idx_agents_is_active_featured ON marketplace_agents (install_count DESC, rating_average DESC, id DESC) WHERE is_active AND is_featured;

CREATE TABLE tags (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name TEXT NOT NULL CONSTRAINT tags_name_key UNIQUE
) STRICT, WITHOUT ROWID;

-- The tags of marketplace_agents.tags again, one row each, for finding agents by tag.
CREATE TABLE agent_tags (
    agent_id BLOB NOT NULL CONSTRAINT agent_tags_agent_id_fkey REFERENCES marketplace_agents (id) ON DELETE CASCADE,
    tag_id BLOB NOT NULL CONSTRAINT agent_tags_tag_id_fkey REFERENCES tags (id),
    PRIMARY KEY (agent_id, tag_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_agent_tags_tag ON agent_tags (tag_id, agent_id);
