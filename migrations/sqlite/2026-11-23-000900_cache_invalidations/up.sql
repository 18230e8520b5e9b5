-- What a write made stale in the caches, kept in the write's own transaction until it has reached all of them. One row a
-- write. Ids grow with time, so the primary key gives the oldest first.
CREATE TABLE cache_invalidations (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tags TEXT NOT NULL CONSTRAINT cache_invalidations_tags_some CHECK (json_array_length(tags) > 0),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
