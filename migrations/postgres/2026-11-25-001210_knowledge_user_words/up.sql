-- So that one index can hold whose an entry is beside its words. The extension is trusted: the owner of the database may create it.
CREATE EXTENSION IF NOT EXISTS btree_gin;
