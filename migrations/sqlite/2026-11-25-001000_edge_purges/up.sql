-- What is to be purged at the edge (a CDN, a node of Varnish), and when. One row a tag, however many writes have named it, so
-- that an edge that is away for long makes the table grow by no more than there are tags.
CREATE TABLE edge_purges (
    edge TEXT NOT NULL,
    tag TEXT NOT NULL,
    next_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    mark BLOB NOT NULL CHECK (length(mark) = 16),
    PRIMARY KEY (edge, tag),
    CONSTRAINT edge_purges_last_is_last CHECK (last_at >= next_at)
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_edge_purges_edge_next ON edge_purges (edge, next_at);
