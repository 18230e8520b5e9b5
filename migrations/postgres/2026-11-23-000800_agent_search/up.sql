-- Trigrams find words with a typo. The extension is trusted: the owner of the database may create it.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

ALTER TABLE marketplace_agents ADD COLUMN search_vector tsvector NOT NULL GENERATED ALWAYS AS (
    setweight(to_tsvector('simple', aios_plain(name)), 'A')
    || setweight(to_tsvector('simple', aios_plain(aios_words(tags))), 'B')
    || setweight(to_tsvector('simple', aios_plain(aios_words(capabilities))), 'C')
    || setweight(to_tsvector('simple', aios_plain(description)), 'D')
) STORED;

CREATE INDEX idx_agents_search ON marketplace_agents USING gin (search_vector) WHERE is_active;
CREATE INDEX idx_agents_search_trigram ON marketplace_agents
    USING gin ((name_sort || ' ' || aios_words(tags) || ' ' || lower(aios_words(capabilities))) gin_trgm_ops) WHERE is_active;
