-- What is to be purged at the edge (a CDN, a node of Varnish), and when. One row a tag, however many writes have named it, so
-- that an edge that is away for long makes the table grow by no more than there are tags.
CREATE TABLE edge_purges (
    edge text NOT NULL,
    tag text NOT NULL,
    next_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    mark uuid NOT NULL,
    PRIMARY KEY (edge, tag),
    CONSTRAINT edge_purges_last_is_last CHECK (last_at >= next_at)
);

CREATE INDEX idx_edge_purges_edge_next ON edge_purges (edge, next_at);
