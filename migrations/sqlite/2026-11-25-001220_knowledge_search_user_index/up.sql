-- Nothing to do: SQLite's full-text index is asked for a user's entries by their numbers.
SELECT 1;
