CREATE TABLE marketplace_agents (
    id uuid PRIMARY KEY,
    -- The name under which a public registry publishes it, for agents that were imported.
    registry_name text CONSTRAINT marketplace_agents_registry_name_key UNIQUE,
    name text NOT NULL,
    -- The name in lower case; compared byte by byte, so that order is the same on every database and locale.
    name_sort text COLLATE "C" NOT NULL,
    description text NOT NULL,
    category text CONSTRAINT marketplace_agents_category_fkey REFERENCES categories (name),
    tags text[] NOT NULL DEFAULT '{}',
    version text NOT NULL,
    icon_url text,
    capabilities text[] NOT NULL DEFAULT '{}',
    pricing_model text NOT NULL DEFAULT 'free',
    price_cents bigint NOT NULL DEFAULT 0,
    repository_url text,
    agent_type text NOT NULL,
    requirements jsonb NOT NULL DEFAULT '{}',
    configuration_schema jsonb NOT NULL DEFAULT '{}',
    license text,
    author_id uuid NOT NULL CONSTRAINT marketplace_agents_author_id_fkey REFERENCES users (id),
    -- Counters, each kept in the transaction of the change that it counts (views: in batches).
    install_count bigint NOT NULL DEFAULT 0 CONSTRAINT marketplace_agents_install_count_positive CHECK (install_count >= 0),
    rating_sum bigint NOT NULL DEFAULT 0,
    rating_count bigint NOT NULL DEFAULT 0,
    rating_average double precision NOT NULL
        GENERATED ALWAYS AS (CASE WHEN rating_count = 0 THEN 0 ELSE rating_sum::double precision / rating_count END) STORED,
    view_count bigint NOT NULL DEFAULT 0,
    trending_score double precision NOT NULL DEFAULT 0,
    is_featured boolean NOT NULL DEFAULT false,
    is_verified boolean NOT NULL DEFAULT false,
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    published_at timestamptz,
    CONSTRAINT marketplace_agents_name_length CHECK (char_length(name) BETWEEN 1 AND 100),
    CONSTRAINT marketplace_agents_pricing CHECK (
        pricing_model IN ('free', 'paid', 'freemium') AND price_cents >= 0
        AND (pricing_model <> 'free' OR price_cents = 0) AND (pricing_model <> 'paid' OR price_cents > 0)
    ),
    CONSTRAINT marketplace_agents_ratings CHECK (rating_count >= 0 AND rating_sum BETWEEN rating_count AND rating_count * 5)
) WITH (fillfactor = 90);

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
    id uuid PRIMARY KEY,
    name text NOT NULL CONSTRAINT tags_name_key UNIQUE
);

-- The tags of marketplace_agents.tags again, one row each, for finding agents by tag.
CREATE TABLE agent_tags (
    agent_id uuid NOT NULL CONSTRAINT agent_tags_agent_id_fkey REFERENCES marketplace_agents (id) ON DELETE CASCADE,
    tag_id uuid NOT NULL CONSTRAINT agent_tags_tag_id_fkey REFERENCES tags (id),
    PRIMARY KEY (agent_id, tag_id)
);
CREATE INDEX idx_agent_tags_tag ON agent_tags (tag_id, agent_id);
