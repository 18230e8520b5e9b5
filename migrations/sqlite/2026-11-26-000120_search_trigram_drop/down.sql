-- Nothing to do: SQLite has no index of trigrams.
SELECT 1;
