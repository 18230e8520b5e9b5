CREATE TABLE knowledge_entries (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    user_id BLOB NOT NULL CONSTRAINT knowledge_entries_user_id_fkey REFERENCES users (id),
    title TEXT NOT NULL,
    source TEXT NOT NULL,
    content_type TEXT NOT NULL,
    text_content TEXT NOT NULL,
    summary TEXT,
    tags TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(tags)),
    metadata TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(metadata)),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- A user's entries, newest first: of one type, or all.
CREATE INDEX idx_knowledge_user_type ON knowledge_entries (user_id, content_type, created_at DESC, id DESC);
CREATE INDEX idx_knowledge_user_recent ON knowledge_entries (user_id, created_at DESC, id DESC);

CREATE VIRTUAL TABLE knowledge_fts USING fts5 (
    title, tags, summary, text_content,
    content = 'knowledge_entries', content_rowid = 'seq',
    tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);
INSERT INTO knowledge_fts (knowledge_fts, rank) VALUES ('rank', 'bm25(10.0, 6.0, 3.0, 1.0)');

CREATE TRIGGER knowledge_fts_insert AFTER INSERT ON knowledge_entries BEGIN
    INSERT INTO knowledge_fts (rowid, title, tags, summary, text_content)
    VALUES (new.seq, new.title, new.tags, new.summary, new.text_content);
END;
CREATE TRIGGER knowledge_fts_delete AFTER DELETE ON knowledge_entries BEGIN
    INSERT INTO knowledge_fts (knowledge_fts, rowid, title, tags, summary, text_content)
    VALUES ('delete', old.seq, old.title, old.tags, old.summary, old.text_content);
END;
CREATE TRIGGER knowledge_fts_update AFTER UPDATE OF title, tags, summary, text_content ON knowledge_entries BEGIN
    INSERT INTO knowledge_fts (knowledge_fts, rowid, title, tags, summary, text_content)
    VALUES ('delete', old.seq, old.title, old.tags, old.summary, old.text_content);
    INSERT INTO knowledge_fts (rowid, title, tags, summary, text_content)
    VALUES (new.seq, new.title, new.tags, new.summary, new.text_content);
END;
