-- A list of words as one text. array_to_string is not IMMUTABLE in general, for elements of text it is.
CREATE FUNCTION aios_words(list text[]) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT array_to_string(list, ' ') $$;

-- Text with ASCII punctuation turned into spaces, so that the parser sees words where it would see hosts, files and paths.
CREATE FUNCTION aios_plain(body text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT translate(body, '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', '                                ') $$;

CREATE TABLE knowledge_entries (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT knowledge_entries_user_id_fkey REFERENCES users (id),
    title text NOT NULL,
    source text NOT NULL,
    content_type text NOT NULL,
    text_content text NOT NULL,
    summary text,
    tags text[] NOT NULL DEFAULT '{}',
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    -- The first 200,000 characters of the text: a tsvector has a limit of 1 MB.
    search_vector tsvector NOT NULL GENERATED ALWAYS AS (
        setweight(to_tsvector('simple', aios_plain(title)), 'A')
        || setweight(to_tsvector('simple', aios_plain(aios_words(tags))), 'B')
        || setweight(to_tsvector('simple', aios_plain(coalesce(summary, ''))), 'C')
        || setweight(to_tsvector('simple', aios_plain(left(text_content, 200000))), 'D')
    ) STORED
);

-- A user's entries, newest first: of one type, or all.
CREATE INDEX idx_knowledge_user_type ON knowledge_entries (user_id, content_type, created_at DESC, id DESC);
CREATE INDEX idx_knowledge_user_recent ON knowledge_entries (user_id, created_at DESC, id DESC);
CREATE INDEX idx_knowledge_search ON knowledge_entries USING gin (search_vector);
