-- Ids are 16-byte BLOBs, moments are INTEGER microseconds since 1970-01-01T00:00:00Z, lists and objects are JSON TEXT.
-- Users are known by the `sub` of their tokens; a row is made when one first changes something.
CREATE TABLE users (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    email TEXT,
    display_name TEXT CONSTRAINT users_display_name_length CHECK (length(display_name) BETWEEN 1 AND 100),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
